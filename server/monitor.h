// MONITOR: clients that are shown every command that the server runs, whichever thread runs it.
//
// A thread that runs commands collects their lines for the length of a batch and then publishes
// them; each monitoring client gets them by message on its own thread (client_handle.h). Lines of
// one thread come in the order in which it ran them; those of several threads come batch by batch,
// with times that may step back a little. All monitors see the same order.
//
// Threads: any. Cost while nobody monitors: one relaxed load a command.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/client_handle.h"
#include "server/command.h"
#include "store/mutex.h"

namespace larder::server {

struct Client;

class Monitors {
 public:
  Monitors() = default;
  Monitors(const Monitors&) = delete;
  Monitors& operator=(const Monitors&) = delete;

  bool any() const {
    // relaxed: a command on its way may be missed by a monitor that begins.
    return count_.load(std::memory_order_relaxed) != 0;
  }
  void Add(const ClientHandle& client) EXCLUDES(mu_);
  // To be called before the client goes.
  void Remove(int64_t client_id) EXCLUDES(mu_);
  // Sends complete lines to everyone. A monitor that has more than `backlog_max` bytes on their way
  // is closed (client_handle.h).
  void Publish(std::string lines, size_t backlog_max) EXCLUDES(mu_);

 private:
  std::atomic<size_t> count_{0};  // clients_.size()
  store::Mutex mu_;
  std::vector<ClientHandle> clients_ GUARDED_BY(mu_);
};

// Appends the line that monitors see of a command, unless it is one that they must not see: those
// of operators, which may carry secrets. Secret arguments of others are shown as "(redacted)".
void AppendMonitorLine(std::chrono::system_clock::time_point now, const Client& client,
                       const CommandSpec& spec, std::span<const std::string_view> args,
                       std::string* lines);

}  // namespace larder::server
