#include "server/dispatch.h"

#include <spdlog/spdlog.h>

#include <cassert>
#include <string>

#include "protocol/reply_errors.h"
#include "server/arg_reader.h"
#include "server/command_table.h"
#include "server/config.h"
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

}  // namespace

Dispatcher::Dispatcher(ThreadContext& thread)
    : thread_(thread), commands_(thread.services.commands), slow_watch_(thread.services) {
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
    } else if (reply.buffer().size() > reply_bytes_max) {
      go_on = false;
    }
  }
  thread_.stats.commands_processed.Add(result.requests);
  thread_.worker.Unpin();
  thread_.worker.ReclaimIfCrowded();
  if (result.requests > 0 && IsHttp(requests_[result.requests - 1])) WarnOfHttp(client);

  if (!go_on) {
    // Requests that were parsed and not run are parsed again: the bytes are still there.
    result.consumed = requests_[result.requests - 1].input_end;
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
  } else if (client.reply_mode == ReplyMode::kSkip && client.suspension == 0) {
    client.reply_mode = ReplyMode::kOn;
  }
  muted_.Clear();
}

void Dispatcher::Resume(Client& client, const Suspension::WriteReply& write, ReplyWriter& reply) {
  client.suspension = 0;
  client.blocked = false;
  if (client.reply_mode == ReplyMode::kOn) {
    write(client, reply);
    return;
  }
  ReplyWriter muted(muted_, client.resp);
  write(client, muted);
  if (client.reply_mode == ReplyMode::kSkip) client.reply_mode = ReplyMode::kOn;
  muted_.Clear();
}

void Dispatcher::Execute(Client& client, const Request& request, ReplyWriter& reply) {
  // A reply that starts with '-' is an error. The mark is where the reply will start if it is
  // short, as errors are; a long one may start elsewhere and leaves the zero.
  char* mark = reply.buffer().Reserve(kErrorLineBytes);
  *mark = 0;
  if (IsHttp(request)) [[unlikely]] {
    client.close_after_reply = true;
    return;
  }
  if (Refuse(client, request, reply)) {
    CountError(mark);
    if (request.command != nullptr) thread_.stats.command(request.command->index).rejected.Add(1);
    last_ticks_ = Ticks();
    return;
  }
  const Command& command = *request.command;
  client.last_command = &command;
  Call call(thread_, command, client, ArgsOf(request), request.key_arg,
            keys_[request.key_index].key);
  command.spec->handler(call, reply);

  CommandCounters& counters = thread_.stats.command(command.index);
  if (*mark == '-') [[unlikely]] {
    counters.failed.Add(1);
    CountError(mark);
  }
  uint64_t now = Ticks();  // the end of this command is the start of the next one
  uint64_t ticks = now > last_ticks_ ? now - last_ticks_ : 0;
  counters.calls.Add(1);
  counters.ticks.Add(ticks);
  if (thread_.services.config.latency_tracking()) thread_.stats.AddLatency(command.index, ticks);
  if (slow_watch_.IsSlow(ticks)) [[unlikely]]
    ReportSlow(client, request, ticks);
  last_ticks_ = now;
}

// Only what has run to its end: a suspended client waits, which is no work.
void Dispatcher::ReportSlow(const Client& client, const Request& request, uint64_t ticks) {
  if (client.suspension != 0) return;
  const double microseconds = thread_.services.stats.TicksToMicroseconds(ticks);
  ReportSlowCommand(thread_.services, client, *request.command, ArgsOf(request),
                    static_cast<int64_t>(microseconds));
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

// Replies with the reason and returns true if the request must not run.
bool Dispatcher::Refuse(const Client& client, const Request& request, ReplyWriter& reply) {
  auto args = ArgsOf(request);
  const Command* command = request.command;
  if (command == nullptr) {
    const Command* container = commands_.Find(args[0]);
    if (container != nullptr && container->has(kNeedsEnabling) && !MayDebug(client)) {
      reply.Error(protocol::kDebugNotAllowed);
    } else {
      reply.Error(commands_.LookupError(args));
    }
    return true;
  }
  if (!command->AcceptsArgc(args.size())) {
    reply.Error(protocol::WrongArgumentCount(command->full_name));
    return true;
  }
  if (command->has(kNeedsEnabling) && !MayDebug(client)) {
    reply.Error(protocol::kDebugNotAllowed);
    return true;
  }
  if (!client.authenticated && !command->has(kNoAuth) && thread_.services.config.has_password()) {
    reply.Error(protocol::kNoAuth);
    return true;
  }
  return false;
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
