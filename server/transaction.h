// A client's transaction: the commands it has queued since MULTI, the keys it watches since WATCH,
// and the replies of an EXEC that has to wait for some of them.
//
// Threads: the client's. Memory: one copy of the arguments; an ordinary transaction fits into the
// object itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/reply_buffer.h"
#include "protocol/resp_version.h"
#include "server/command.h"
#include "server/watch.h"

namespace larder::server {

struct Command;

class ClientTransaction {
 public:
  struct Queued {
    const Command* command;
    std::span<const std::string_view> args;
  };

  explicit ClientTransaction(WatchTable& watches);

  Watcher& watcher() { return watcher_; }
  const Watcher& watcher() const { return watcher_; }

  // Between MULTI and EXEC or DISCARD.
  bool queueing() const { return queueing_; }
  void BeginQueueing() { queueing_ = true; }
  void Queue(const Command& command, std::span<const std::string_view> args);
  // A command was refused instead of queued: EXEC will run none of them.
  void Abort() { aborted_ = queueing_; }
  bool aborted() const { return aborted_; }

  // What is queued, in order. Good until the next Queue().
  std::span<const Queued> commands() const { return commands_; }
  // Every flag that one of the queued commands has.
  CommandFlags flags() const { return flags_; }
  // Of the arguments: how many, and how long.
  size_t args() const { return args_; }
  size_t bytes() const { return bytes_; }
  size_t memory_bytes() const;

 private:
  // Of 5 commands with 15 arguments, with short values.
  static constexpr size_t kInLineBytes = 1024;
  static constexpr size_t kInLineCommands = 8;

  Watcher watcher_;
  bool queueing_ = false;
  bool aborted_ = false;
  CommandFlags flags_ = kNoFlags;
  size_t args_ = 0;
  size_t bytes_ = 0;
  std::array<std::byte, kInLineBytes> in_line_;
  std::pmr::monotonic_buffer_resource memory_{in_line_.data(), in_line_.size()};
  std::pmr::vector<Queued> commands_{&memory_};
};

// The replies of an EXEC from the first on that is not there yet: a command in it asks other
// threads (CLIENT LIST) or waits for time to pass. The transaction itself is over.
class PendingReplies {
 public:
  struct Place {
    protocol::ReplyBuffer& buffer;
    protocol::RespVersion version;  // of when the command ran
  };

  // The reply of the suspension `number` belongs here, behind what has been added so far.
  void Await(uint64_t number, protocol::RespVersion version);
  // Where replies behind the latest awaited one go. REQUIRES: Await() has been called.
  protocol::ReplyBuffer& following() { return parts_.back().following; }
  // Where an awaited reply goes; nothing if it is not awaited.
  std::optional<Place> Take(uint64_t number);
  bool complete() const;
  // All of them, in order; leaves nothing.
  void MoveTo(protocol::ReplyBuffer& out);

 private:
  struct Part {
    uint64_t suspension = 0;  // 0 once its reply is there
    protocol::RespVersion version = protocol::RespVersion::kResp2;
    protocol::ReplyBuffer reply;
    protocol::ReplyBuffer following;
  };

  std::deque<Part> parts_;
};

}  // namespace larder::server
