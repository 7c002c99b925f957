// The one argument of every command handler (besides the reply writer): what was asked, by whom,
// and everything the answer may need.
//
// A Call lives on the stack of the I/O thread that runs the command, for that command only. `args`
// are views into the receive buffer: they are valid until the handler returns, so a handler that
// suspends its client copies what it needs later. Handlers run on the client's I/O thread, without
// any lock held, and must not wait: a handler that cannot answer at once suspends its client.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "protocol/reply_writer.h"
#include "server/client.h"
#include "server/client_handle.h"
#include "server/command_table.h"
#include "server/suspension.h"
#include "store/clock.h"
#include "store/hash.h"
#include "store/result.h"

namespace larder::store {
class Keyspace;
class Worker;
}  // namespace larder::store

namespace larder::server {

class ClientPause;
class ClientRegistry;
class Config;
class EventLoop;
class LatencyMonitor;
class Monitors;
class ServerControl;
class SlowLog;
struct ServerInfo;
class Stats;
class ThreadStats;
class WatchTable;

// What all threads share. Built by the server (or the harness) before the first command; each
// service says itself who may call what from where.
struct Services {
  Config& config;
  const CommandTable& commands;
  ClientRegistry& clients;
  ClientPause& pause;
  Monitors& monitors;
  Stats& stats;
  store::Keyspace& keyspace;
  WatchTable& watches;
  store::Clock& clock;
  const ServerInfo& info;
  SlowLog& slow_log;
  LatencyMonitor& latency;
  ServerControl& control;
};

// Runs a command for another one that has queued it (EXEC). The I/O thread's dispatcher.
class CommandRunner {
 public:
  // `first_key` as in Call's constructor. The command fits its arity and may run.
  virtual void Run(const Command& command, Client& client, std::span<const std::string_view> args,
                   size_t first_key_index, const store::Key& first_key,
                   protocol::ReplyWriter& reply) = 0;

 protected:
  ~CommandRunner() = default;
};

// What a call needs of the I/O thread it runs on.
struct ThreadContext {
  Services& services;
  store::Worker& worker;
  ThreadStats& stats;
  EventLoop& loop;
  SuspensionHost& host;
  PushHost& pushes;
  CommandRunner* runner = nullptr;  // set by the dispatcher
};

class Call {
 public:
  // `first_key` is the hashed key that the batch's prefetch computed for args[first_key_index]; an
  // index of 0 says that there is none. It outlives the call.
  Call(ThreadContext& thread_context, const Command& to_run, Client& caller,
       std::span<const std::string_view> arguments, size_t first_key_index,
       const store::Key& first_key);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const std::span<const std::string_view> args;  // args[0] is the command's name as it was typed
  const Command& command;                        // the subcommand, where there is one
  const CommandSpec& spec;                       // its row
  Client& client;
  Services& services;
  store::Worker& worker;
  ThreadContext& thread;

  store::Keyspace& keyspace() const { return services.keyspace; }
  // The batch's clock: the same for every command that one read brought in.
  store::UnixMs now() const;
  int db() const { return client.db; }

  // The hashed key args[i]. The first key's hash is there already.
  store::Key KeyAt(size_t i) const {
    return i == first_key_index_ && i != 0 ? first_key_ : HashArgument(i);
  }

  // Holds back the client's next commands until Resume(), which is to come in a moment: a client
  // that hangs up meanwhile is still waited for. Call it at most once, write no reply.
  Suspension Suspend();
  // Blocks the client (client.h): Suspend(), and Resume(write) once `delay` has passed, or when
  // CLIENT UNBLOCK says so.
  void SuspendFor(std::chrono::milliseconds delay, Suspension::WriteReply write);
  // Blocks the client until it hangs up or is killed, or CLIENT UNBLOCK says so.
  void SuspendForEver(Suspension::WriteReply write);

  // For whoever has something to tell the client later.
  ClientHandle handle() const { return ClientHandle(thread.pushes, client.id); }

  // For commands that add more than the size of their arguments, before they lock anything: makes
  // sure that `bytes` more stay within maxmemory (store/keyspace.h). Writes the error if not.
  bool MakeRoom(protocol::ReplyWriter& reply, size_t bytes) const;

  // The one place where a store failure becomes the text of a reply.
  void ReplyError(protocol::ReplyWriter& reply, store::StoreError error) const;

 private:
  store::Key HashArgument(size_t i) const;

  const size_t first_key_index_;
  const store::Key& first_key_;
};

// What handlers may ask of the server as a whole.
class ServerControl {
 public:
  virtual ~ServerControl() = default;

  // Any thread. Stops accepting, gives pending replies a bounded time to leave (none with `now`),
  // then ends Run() with 0.
  virtual void Shutdown(bool now) = 0;
};

}  // namespace larder::server
