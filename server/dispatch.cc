#include "server/dispatch.h"

#include <spdlog/spdlog.h>

#include <cassert>
#include <chrono>
#include <string>
#include <utility>

#include "protocol/reply_errors.h"
#include "server/arg_reader.h"
#include "server/client_pause.h"
#include "server/client_wait.h"
#include "server/command_table.h"
#include "server/config.h"
#include "server/monitor.h"
#include "server/stats.h"
#include "store/keyspace.h"
#include "store/worker.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using protocol::RequestParser;

// How much of a reply is kept in one piece so that CountError can look at its first line.
constexpr size_t kErrorLineBytes = 512;

// A batch of ordinary requests.
constexpr size_t kReservedArgs = Dispatcher::kBatchMax * 4;
// More is for one request with very many arguments, and not kept.
constexpr size_t kKeptArgs = 4 * Dispatcher::kBatchArgsMax;

constexpr store::UnixMs kHttpWarningIntervalMs = 60'000;

// A reply that starts with '-' is an error. The mark is where the reply will start if it is short,
// as errors are; a long one may start elsewhere and leaves the zero.
const char* MarkReply(ReplyWriter& reply) {
  char* mark = reply.buffer().Reserve(kErrorLineBytes);
  *mark = 0;
  return mark;
}

// Those of the command, or for EXEC of all that it will run.
CommandFlags FlagsOfWhatRuns(const Client& client, const Command& command) {
  return command.has(kRunsQueue) && IsQueueing(client) ? client.transaction->flags()
                                                       : command.spec->flags;
}

}  // namespace

Dispatcher::Dispatcher(ThreadContext& thread)
    : thread_(thread), commands_(thread.services.commands), slow_watch_(thread.services) {
  thread.runner = this;
  args_.reserve(kReservedArgs);
}

Dispatcher::Result Dispatcher::RunBatch(Client& client, RequestParser& parser,
                                        std::string_view input, ReplyWriter& reply) {
  assert(client.suspension == 0);
  size_t parsed_bytes = 0;
  RequestParser::Status status = Parse(client, parser, input, &parsed_bytes);
  Prefetch(client);

  Result result{.stop = Stop::kBatchFull, .consumed = 0, .requests = 0, .reset_parser = false};
  size_t reply_bytes_max = reply.buffer().size() + kBatchReplyBytesMax;
  last_ticks_ = Ticks();
  bool go_on = true;
  while (go_on && result.requests < request_count_) {
    RunOne(client, requests_[result.requests++], reply);
    if (client.close_after_reply || client.killed) {
      result.stop = Stop::kClosing;
      go_on = false;
    } else if (client.suspension != 0) {
      result.stop = Stop::kSuspended;
      go_on = false;
      if (client.postponed) --result.requests;  // it is parsed again, and run, after the pause
    } else if (reply.buffer().size() > reply_bytes_max) {
      go_on = false;
    }
  }
  thread_.stats.commands_processed.Add(result.requests);
  thread_.worker.Unpin();
  SampleKeysOf(client, result.requests);
  thread_.worker.ReclaimIfCrowded();
  if (!monitor_lines_.empty()) [[unlikely]]
    PublishMonitorLines();
  if (result.requests > 0 && IsHttp(requests_[result.requests - 1])) WarnOfHttp(client);

  if (!go_on) {
    // Requests that were parsed and not run are parsed again: the bytes are still there.
    result.consumed = result.requests == 0 ? 0 : requests_[result.requests - 1].input_end;
    result.reset_parser = true;
  } else {
    result.consumed = parsed_bytes;
    if (status == RequestParser::Status::kNeedMore) {
      result.stop = Stop::kStarved;
    } else if (status == RequestParser::Status::kError) {
      // A client that switched replies off is not told this either: it only sees the close. (Redis
      // closes once the error is sent, so that such a connection stays open until the client ends
      // it.)
      if (client.reply_mode == ReplyMode::kOn) reply.Error("ERR " + std::string(parser.error()));
      thread_.stats.CountError("ERR");
      result.stop = Stop::kClosing;
    }
  }
  parser.ReleaseInlineStorage();
  ReleaseExcessArgs();
  return result;
}

void Dispatcher::ReleaseExcessArgs() {
  if (args_.capacity() <= kKeptArgs) [[likely]]
    return;
  std::vector<std::string_view>().swap(args_);
  args_.reserve(kReservedArgs);
}

RequestParser::Status Dispatcher::Parse(Client& client, RequestParser& parser,
                                        std::string_view input, size_t* parsed_bytes) {
  const Config& config = thread_.services.config;
  bool authenticated = client.authenticated || !config.has_password();
  parser.set_limits({.bulk_bytes_max = static_cast<size_t>(config.proto_max_bulk_len()),
                     .authenticated = authenticated});
  // The request behind an AUTH is read under other limits: one at a time until then.
  size_t requests_max = authenticated ? kBatchMax : 1;

  args_.clear();
  request_count_ = 0;
  auto status = RequestParser::Status::kRequest;
  while (request_count_ < requests_max && args_.size() < kBatchArgsMax) {
    size_t first_arg = args_.size();
    status = parser.Next(input.substr(*parsed_bytes), &args_);
    *parsed_bytes += parser.consumed();
    if (status != RequestParser::Status::kRequest) break;
    requests_[request_count_++] = {.command = nullptr,
                                   .first_arg = static_cast<uint32_t>(first_arg),
                                   .arg_count = static_cast<uint32_t>(args_.size() - first_arg),
                                   .input_end = *parsed_bytes,
                                   .key_arg = 0,
                                   .key_index = 0};
  }
  return status;
}

void Dispatcher::Prefetch(const Client& client) {
  const store::Keyspace& keyspace = thread_.services.keyspace;
  key_count_ = 0;
  for (size_t i = 0; i < request_count_; ++i) {
    Request& request = requests_[i];
    Resolve(request, i == 0 ? nullptr : &requests_[i - 1]);
    if (request.key_arg == 0) continue;
    request.key_index = key_count_++;
    keys_[request.key_index] = {client.db, keyspace.Hash(ArgsOf(request)[request.key_arg])};
  }
  thread_.services.keyspace.Prefetch(thread_.worker, std::span(keys_).first(key_count_));
}

// The first key of each request that has run. Strangers are not to steer what is found.
void Dispatcher::SampleKeysOf(const Client& client, size_t requests) {
  if (!client.authenticated && thread_.services.config.has_password()) return;
  size_t keys = key_count_;
  if (requests < request_count_) [[unlikely]] {
    keys = static_cast<size_t>(
        std::count_if(requests_.begin(), requests_.begin() + static_cast<ptrdiff_t>(requests),
                      [](const Request& request) { return request.key_arg != 0; }));
  }
  thread_.worker.SampleKeys(std::span(keys_).first(keys));
}

void Dispatcher::Resolve(Request& request, const Request* previous) {
  // Pipelines repeat themselves: the command before is the likeliest, and cheap to compare with.
  if (previous != nullptr && previous->command != nullptr &&
      previous->command->container == nullptr && !previous->command->is_container() &&
      args_[previous->first_arg] == args_[request.first_arg]) {
    request.command = previous->command;
  } else {
    request.command = commands_.Resolve(ArgsOf(request));
  }
  if (request.command == nullptr || !request.command->AcceptsArgc(request.arg_count)) return;
  int first_key = request.command->first_key;
  if (first_key > 0 && static_cast<uint32_t>(first_key) < request.arg_count) {
    request.key_arg = static_cast<size_t>(first_key);
  }
}

void Dispatcher::RunOne(Client& client, const Request& request, ReplyWriter& reply) {
  if (client.reply_mode == ReplyMode::kOn) [[likely]] {
    Execute(client, request, reply);
  } else {
    RunMuted(client, request, reply);
  }
}

// CLIENT REPLY OFF and SKIP. The reply goes nowhere, unless the command was the one that switched
// replies on again.
void Dispatcher::RunMuted(Client& client, const Request& request, ReplyWriter& reply) {
  if (client.reply_mode == ReplyMode::kSkipNext) client.reply_mode = ReplyMode::kSkip;
  {
    ReplyWriter muted(muted_, client.resp);
    Execute(client, request, muted);
    reply.set_version(muted.version());
  }
  if (client.reply_mode == ReplyMode::kOn) {
    std::array<std::string_view, 1> pieces;
    while (muted_.Gather(pieces) != 0) {
      reply.Raw(pieces[0]);
      muted_.Consume(pieces[0].size());
    }
  } else if (client.reply_mode == ReplyMode::kSkip && client.postponed) {
    client.reply_mode = ReplyMode::kSkipNext;
  } else if (client.reply_mode == ReplyMode::kSkip && client.suspension == 0) {
    client.reply_mode = ReplyMode::kOn;
  }
  muted_.Clear();
}

bool Dispatcher::Resume(Client& client, uint64_t number, const Suspension::WriteReply& write,
                        ReplyWriter& reply) {
  std::unique_ptr<PendingReplies> pending;
  if (client.pending_replies != nullptr) {
    const auto place = client.pending_replies->Take(number);
    if (!place) return false;
    ReplyWriter in_place(place->buffer, place->version);
    write(client, in_place);
    if (!client.pending_replies->complete()) return false;
    pending = std::move(client.pending_replies);
  } else if (client.suspension != number) {
    return false;
  }
  EndWait(thread_.services, client);
  const bool muted = client.reply_mode != ReplyMode::kOn;
  ReplyWriter to(muted ? muted_ : reply.buffer(), client.resp);
  if (pending != nullptr) {
    pending->MoveTo(to.buffer());
  } else {
    write(client, to);
  }
  if (client.reply_mode == ReplyMode::kSkip) client.reply_mode = ReplyMode::kOn;
  muted_.Clear();
  return true;
}

void Dispatcher::Execute(Client& client, const Request& request, ReplyWriter& reply) {
  if (IsHttp(request)) [[unlikely]] {
    client.close_after_reply = true;
    return;
  }
  if (const auto reason = Refusal(client, request)) [[unlikely]]
    return Refuse(client, request, *reason, reply);
  client.last_command = request.command;
  if (MustWait(client, *request.command)) [[unlikely]]
    return Postpone(client);
  if (client.transaction != nullptr && QueueInTransaction(client, request, reply)) [[unlikely]]
    return;
  Run(*request.command, client, ArgsOf(request), request.key_arg, keys_[request.key_index].key,
      reply);
}

bool Dispatcher::QueueInTransaction(Client& client, const Request& request, ReplyWriter& reply) {
  if (!IsQueueing(client) || request.command->has(kNeverQueued)) return false;
  client.transaction->Queue(*request.command, ArgsOf(request));
  reply.SimpleString("QUEUED");
  last_ticks_ = Ticks();
  return true;
}

void Dispatcher::Run(const Command& command, Client& client, std::span<const std::string_view> args,
                     size_t first_key_index, const store::Key& first_key, ReplyWriter& reply) {
  const char* mark = MarkReply(reply);
  const uint64_t started = last_ticks_;
  Call call(thread_, command, client, args, first_key_index, first_key);
  thread_.worker.set_touch(!command.has(kNoTouch) && (!client.no_touch || command.has(kTouches)));
  command.spec->handler(call, reply);
  if (thread_.services.monitors.any()) [[unlikely]] {
    AppendMonitorLine(std::chrono::system_clock::now(), client, *command.spec, call.args,
                      &monitor_lines_);
  }

  CommandCounters& counters = thread_.stats.command(command.index);
  if (*mark == '-') [[unlikely]] {
    counters.failed.Add(1);
    CountError(mark);
  }
  uint64_t now = Ticks();  // the end of this command is the start of the next one
  uint64_t ticks = now > started ? now - started : 0;
  counters.calls.Add(1);
  counters.ticks.Add(ticks);
  if (thread_.services.config.latency_tracking()) thread_.stats.AddLatency(command.index, ticks);
  if (slow_watch_.IsSlow(ticks)) [[unlikely]]
    ReportSlow(client, command, args, ticks);
  last_ticks_ = now;
}

// For the end of a CLIENT PAUSE.
bool Dispatcher::MustWait(const Client& client, const Command& command) const {
  return thread_.services.pause.Holds(FlagsOfWhatRuns(client, command)) && !client.monitor;
}

void Dispatcher::Postpone(Client& client) {
  client.postponed = true;
  thread_.services.pause.Hold(Block(thread_, client));
}

void Dispatcher::PublishMonitorLines() {
  const OutputLimit limit = thread_.services.config.output_limit(ClientClass::kNormal);
  thread_.services.monitors.Publish(std::exchange(monitor_lines_, {}),
                                    static_cast<size_t>(limit.hard_bytes));
}

// Only what has run to its end: a suspended client waits, which is no work.
void Dispatcher::ReportSlow(const Client& client, const Command& command,
                            std::span<const std::string_view> args, uint64_t ticks) {
  if (client.suspension != 0) return;
  const double microseconds = thread_.services.stats.TicksToMicroseconds(ticks);
  ReportSlowCommand(thread_.services, client, command, args, static_cast<int64_t>(microseconds));
}

// The first line of an HTTP request with a body, or a header that all have: a web page may make its
// visitor's browser send one here, with commands in the body. As Redis, hang up without a word.
bool Dispatcher::IsHttp(const Request& request) const {
  if (request.command != nullptr) [[likely]]
    return false;
  std::string_view name = ArgsOf(request)[0];
  return EqualsIgnoreCase(name, "post") || EqualsIgnoreCase(name, "host:");
}

void Dispatcher::WarnOfHttp(const Client& client) {
  store::UnixMs now = thread_.worker.now();
  if (now < next_http_warning_) return;
  next_http_warning_ = now + kHttpWarningIntervalMs;
  spdlog::warn(
      "Closing client {} ({}): it sends HTTP, perhaps a web page's attempt to run commands",
      client.id, client.address);
}

// Why a request must not run; nothing if it may.
std::optional<std::string> Dispatcher::Refusal(const Client& client, const Request& request) {
  auto args = ArgsOf(request);
  const Command* command = request.command;
  if (command == nullptr) {
    const Command* container = commands_.Find(args[0]);
    if (container != nullptr && container->has(kNeedsEnabling) && !MayDebug(client)) {
      return std::string(protocol::kDebugNotAllowed);
    }
    return commands_.LookupError(args);
  }
  if (!command->AcceptsArgc(args.size())) return protocol::WrongArgumentCount(command->full_name);
  if (command->has(kNeedsEnabling) && !MayDebug(client)) {
    return std::string(protocol::kDebugNotAllowed);
  }
  if (!client.authenticated && !command->has(kNoAuth) && thread_.services.config.has_password()) {
    return std::string(protocol::kNoAuth);
  }
  if (client.monitor && (command->spec->flags & (kWrite | kReadonly | kMayReplicate)) != 0) {
    return std::string(protocol::kMonitorTouchesKeys);
  }
  if (command->has(kNoMulti) && IsQueueing(client)) {
    return std::string(protocol::kNotInTransaction);
  }
  if (thread_.services.keyspace.has_memory_limit() && !MakeRoom(client, request)) [[unlikely]]
    return std::string(protocol::kOutOfMemory);
  return std::nullopt;
}

void Dispatcher::Refuse(Client& client, const Request& request, const std::string& reason,
                        ReplyWriter& reply) {
  const char* mark = MarkReply(reply);
  const Command* command = request.command;
  if (command != nullptr && command->has(kRunsQueue)) {
    client.transaction.reset();
    reply.Error(protocol::ExecAbortedBecause(reason));
  } else {
    if (client.transaction != nullptr) client.transaction->Abort();
    reply.Error(reason);
  }
  CountError(mark);
  if (command != nullptr) thread_.stats.command(command->index).rejected.Add(1);
  last_ticks_ = Ticks();
}

// Every command helps to get below maxmemory; one that may add to it needs the room. What it adds
// is about its arguments and, for each, a share of an entry and a bucket and the heap's rounding.
bool Dispatcher::MakeRoom(const Client& client, const Request& request) {
  constexpr size_t kBytesAnArgument = 16;
  constexpr size_t kRoundingShare = 8;
  const bool grows = (FlagsOfWhatRuns(client, *request.command) & kDenyOom) != 0;
  size_t bytes = 0;
  if (grows) {
    for (std::string_view arg : ArgsOf(request)) bytes += arg.size() + kBytesAnArgument;
    if (request.command->has(kRunsQueue))
      bytes += client.transaction->bytes() + client.transaction->args() * kBytesAnArgument;
    bytes += bytes / kRoundingShare;
  }
  return thread_.services.keyspace.MakeRoom(thread_.worker, bytes) || !grows;
}

bool Dispatcher::MayDebug(const Client& client) const {
  DebugCommand allowed = thread_.services.config.enable_debug_command();
  return allowed == DebugCommand::kYes || (allowed == DebugCommand::kLocal && client.is_local);
}

void Dispatcher::CountError(const char* error_line) {
  if (*error_line != '-') return;
  std::string_view code(error_line + 1, kErrorLineBytes - 1);
  thread_.stats.CountError(code.substr(0, code.find_first_of(" \r")));
}

}  // namespace larder::server
