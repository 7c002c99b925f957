// An in-process server without sockets or threads: requests go in as bytes, replies come out as
// bytes, through the parser, the dispatcher and the store that connections use.
//
//     Harness h({.map = store::MapKind::kSync, .resp = protocol::RespVersion::kResp3});
//     EXPECT_EQ(h.Run("SET k v PX 10"), "+OK\r\n");
//     h.Advance(11ms);
//     EXPECT_EQ(h.Run("GET k"), "_\r\n");
//
// Time stands still until Advance(). Everything runs on the calling thread: one worker, and an
// event loop that is run dry before Run() returns, so that a reply that comes by message is there
// too.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/reply_buffer.h"
#include "protocol/request_parser.h"
#include "server/call.h"
#include "server/client_handle.h"
#include "server/client_pause.h"
#include "server/client_registry.h"
#include "server/command_table.h"
#include "server/config.h"
#include "server/dispatch.h"
#include "server/event_loop.h"
#include "server/latency.h"
#include "server/monitor.h"
#include "server/server_info.h"
#include "server/slowlog.h"
#include "server/stats.h"
#include "server/suspension.h"
#include "server/watch.h"
#include "store/clock.h"
#include "store/keyspace.h"

namespace larder::test_support {

struct HarnessOptions {
  store::MapKind map = store::MapKind::kRcu;
  protocol::RespVersion resp = protocol::RespVersion::kResp2;
  int shards = 16;  // few, so that keys meet
  // Directives at start, {"requirepass", "secret"}; `databases` is one of them.
  std::vector<std::pair<std::string, std::string>> config;
};

class Harness final : public server::EventLoop,
                      public server::SuspensionHost,
                      public server::PushHost,
                      public server::ClientHost,
                      public server::ServerControl {
 public:
  // One client. Lives as long as the harness.
  class Session {
   public:
    // Sends bytes as they are, runs what is complete, returns the replies so far.
    std::string Send(std::string_view bytes);
    // One request as an inline command: "SET k v", with Redis' quotes and escapes.
    std::string Run(std::string_view line) { return Send(std::string(line) + "\r\n"); }
    // One request as a RESP array: binary safe.
    std::string Run(std::initializer_list<std::string_view> args);

    server::Client& client() { return client_; }
    // The server has closed the connection.
    bool closed() const { return closed_; }
    // The client does.
    void HangUp() { Close(); }

   private:
    friend class Harness;
    Session(Harness& harness, int64_t id);
    void RunRequests();
    void Close();

    Harness& harness_;
    server::Client client_;
    std::optional<protocol::RequestParser> parser_;
    std::string input_;
    protocol::ReplyBuffer output_;
    bool closed_ = false;
  };

  explicit Harness(const HarnessOptions& options = {});
  ~Harness() override;

  std::string Run(std::string_view line) { return first_.Run(line); }
  std::string Run(std::initializer_list<std::string_view> args) { return first_.Run(args); }
  std::string Send(std::string_view bytes) { return first_.Send(bytes); }
  server::Client& client() { return first_.client(); }
  Session& first() { return first_; }
  // One more client.
  Session& Connect();

  // Moves the clock; timers that fall due fire, and the keyspace gets the maintenance it asks for.
  // Replies that this brings about come with the session's next Send().
  void Advance(std::chrono::milliseconds by);

  store::UnixMs Now() { return clock_.Now(); }
  store::Keyspace& keyspace() { return keyspace_; }
  store::Worker& worker() { return worker_; }
  server::Config& config() { return config_; }
  server::Stats& stats() { return stats_; }
  const server::CommandTable& commands() const { return commands_; }
  server::ThreadContext& thread() { return thread_; }
  // What SHUTDOWN asked for: nothing yet, false, or true (NOW).
  std::optional<bool> shutdown() const { return shutdown_; }
  // Timers that have not fired yet.
  size_t timers() const { return timers_.size(); }

  // What commands see of the above.
  void Post(std::function<void()> function) override { posted_.push_back(std::move(function)); }
  void PostAfter(std::chrono::milliseconds delay, std::function<void()> function) override {
    AddTimer(delay, std::move(function));
  }
  std::unique_ptr<Timer> StartTimer(std::chrono::milliseconds delay,
                                    std::function<void()> function) override;
  void ResumeClient(int64_t client_id, uint64_t suspension,
                    server::Suspension::WriteReply write) override;
  void PushToClient(int64_t client_id, server::PushedBytes bytes,
                    std::shared_ptr<server::PushBacklog> backlog) override;
  server::EventLoop& loop() override { return *this; }
  void VisitClients(const std::function<void(server::Client&)>& visit) override;
  void Shutdown(bool now) override { shutdown_ = now; }

 private:
  // When a timer fires; of several at once those that were started first come first.
  using TimerKey = std::pair<store::UnixMs, uint64_t>;
  using Timers = std::map<TimerKey, std::function<void()>>;
  class OwnedTimer;

  TimerKey AddTimer(std::chrono::milliseconds delay, std::function<void()> function);
  void RunPosted();
  void RunMaintenance();

  store::ManualClock clock_;
  server::Config config_;
  server::CommandTable commands_;
  server::ClientRegistry clients_;
  server::Stats stats_;
  server::WatchTable watches_;
  store::Keyspace keyspace_;
  server::ClientPause pause_{keyspace_};
  server::Monitors monitors_;
  server::ServerInfo info_;
  server::SlowLog slow_log_;
  server::LatencyMonitor latency_;
  server::Services services_;
  store::Worker& worker_;
  server::ThreadContext thread_;
  server::Dispatcher dispatcher_;
  std::deque<std::function<void()>> posted_;
  Timers timers_;
  uint64_t timers_total_ = 0;
  std::vector<std::unique_ptr<Session>> sessions_;
  Session& first_;
  std::optional<bool> shutdown_;
};

// For the names of tests that run for every kind.
std::string MapName(store::MapKind kind);

}  // namespace larder::test_support
