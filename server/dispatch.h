// The one pipeline that every request goes through, whatever carried it here: parse a batch,
// prefetch, then for each request look up, check, run, count.
//
//     input bytes -> parse up to kBatchMax requests (views, no copies)
//                 -> look up each command, hash each first key, prefetch its bucket
//                 -> prefetch each entry
//                 -> run them in order; replies go to one writer
//
// The two prefetch passes are what makes a pipeline fast: by the time a request runs, the bucket
// and the entry that it needs have been on their way from memory for as long as the others took.
//
// One Dispatcher a thread, used by that thread alone, for all of its clients in turn. It keeps no
// state between batches but memory for reuse. Nothing is allocated for a request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_buffer.h"
#include "protocol/reply_writer.h"
#include "protocol/request_parser.h"
#include "server/call.h"
#include "server/client.h"
#include "server/slow_command.h"
#include "store/shard_set.h"

namespace larder::server {

class Dispatcher final : public CommandRunner {
 public:
  // Enough misses in flight to hide memory latency; few enough that a pin between them is short.
  static constexpr size_t kBatchMax = 32;
  // A batch stops early where its arguments or replies grow beyond these.
  static constexpr size_t kBatchArgsMax = 4096;
  static constexpr size_t kBatchReplyBytesMax = 1024 * 1024;

  enum class Stop : uint8_t {
    kStarved,    // what is left of the input is no complete request
    kBatchFull,  // the input may hold more requests: call again
    kSuspended,  // client.suspension is set; the rest of the input waits for Resume
    kClosing,    // client.close_after_reply or .killed is set, or a protocol error was replied to:
                 // send the replies, drop the rest of the input, close
  };
  struct Result {
    Stop stop;
    // How many bytes of the input are done with.
    size_t consumed;
    // Requests run.
    size_t requests;
    // The parser has seen bytes that were not consumed: make a new one before the next batch.
    bool reset_parser;
  };

  explicit Dispatcher(ThreadContext& thread);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Runs the first requests of `input`. `parser` is the client's own, and `input` what it says.
  // REQUIRES: the client is not suspended; thread.worker's clock was set after `input` arrived.
  Result RunBatch(Client& client, protocol::RequestParser& parser, std::string_view input,
                  protocol::ReplyWriter& reply);

  // Ends the client's suspension `number` with the reply that `write` writes. False if the client
  // is not in that suspension, or has to wait for others still: then nothing goes on.
  bool Resume(Client& client, uint64_t number, const Suspension::WriteReply& write,
              protocol::ReplyWriter& reply);

  void Run(const Command& command, Client& client, std::span<const std::string_view> args,
           size_t first_key_index, const store::Key& first_key,
           protocol::ReplyWriter& reply) override;

 private:
  struct Request {
    const Command* command;  // null if there is no such command
    uint32_t first_arg;      // in args_
    uint32_t arg_count;
    size_t input_end;  // where in the input it ends
    size_t key_arg;    // index of its first key among its arguments; 0 if there is none
    size_t key_index;  // in keys_, if it has one
  };

  std::span<const std::string_view> ArgsOf(const Request& request) const {
    return std::span(args_).subspan(request.first_arg, request.arg_count);
  }
  protocol::RequestParser::Status Parse(Client& client, protocol::RequestParser& parser,
                                        std::string_view input, size_t* parsed_bytes);
  void ReleaseExcessArgs();
  void Resolve(Request& request, const Request* previous);
  void Prefetch(const Client& client);
  void SampleKeysOf(const Client& client, size_t requests);
  void RunOne(Client& client, const Request& request, protocol::ReplyWriter& reply);
  void RunMuted(Client& client, const Request& request, protocol::ReplyWriter& reply);
  void Execute(Client& client, const Request& request, protocol::ReplyWriter& reply);
  std::optional<std::string> Refusal(const Client& client, const Request& request);
  void Refuse(Client& client, const Request& request, const std::string& reason,
              protocol::ReplyWriter& reply);
  bool QueueInTransaction(Client& client, const Request& request, protocol::ReplyWriter& reply);
  bool MustWait(const Client& client, const Command& command) const;
  void Postpone(Client& client);
  void PublishMonitorLines();
  bool MakeRoom(const Client& client, const Request& request);
  bool MayDebug(const Client& client) const;
  bool IsHttp(const Request& request) const;
  void WarnOfHttp(const Client& client);
  void ReportSlow(const Client& client, const Command& command,
                  std::span<const std::string_view> args, uint64_t ticks);
  void CountError(const char* error_line);

  ThreadContext& thread_;
  const CommandTable& commands_;
  std::vector<std::string_view> args_;  // of all requests of the batch
  std::array<Request, kBatchMax> requests_;
  size_t request_count_ = 0;
  std::array<store::KeyAt, kBatchMax> keys_;  // the first key of each request that has one
  size_t key_count_ = 0;
  uint64_t last_ticks_ = 0;  // when the previous request of the batch ended
  SlowWatch slow_watch_;
  store::UnixMs next_http_warning_ = 0;
  std::string monitor_lines_;    // of the batch, for MONITOR
  protocol::ReplyBuffer muted_;  // replies that the client does not want
};

}  // namespace larder::server
