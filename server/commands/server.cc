// Commands of the server group that are no containers of their own file: INFO, DBSIZE, FLUSHDB,
// FLUSHALL, SWAPDB, MONITOR, SHUTDOWN.
#include <spdlog/spdlog.h>
#include <optional>
#include <string_view>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/info.h"
#include "server/monitor.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

void Info(Call& call, ReplyWriter& reply) {
  reply.Verbatim("txt", InfoText(call.services, call.now(), call.args.subspan(1)));
}

void DbSize(Call& call, ReplyWriter& reply) {
  reply.Integer(call.keyspace().Size(call.worker, call.db()));
}

// FLUSHDB and FLUSHALL take [ASYNC | SYNC]. Both are the same here: the keys are gone at once, and
// their memory is freed in steps behind the reply.
bool FlushOptionsAreValid(const Call& call) {
  return call.args.size() == 1 ||
         (call.args.size() == 2 &&
          (EqualsIgnoreCase(call.args[1], "SYNC") || EqualsIgnoreCase(call.args[1], "ASYNC")));
}

void FlushDb(Call& call, ReplyWriter& reply) {
  if (!FlushOptionsAreValid(call)) return reply.Error(protocol::kSyntax);
  call.keyspace().FlushDb(call.worker, call.db());
  reply.Ok();
}

void FlushAll(Call& call, ReplyWriter& reply) {
  if (!FlushOptionsAreValid(call)) return reply.Error(protocol::kSyntax);
  call.keyspace().FlushAll(call.worker);
  reply.Ok();
}

// A database number as an int, the way Redis reads it: out of range of an int is no number at all.
std::optional<int> ParseDb(std::string_view text) {
  std::optional<int64_t> number = protocol::ParseInt64(text);
  if (!number || *number != static_cast<int32_t>(*number)) return std::nullopt;
  return static_cast<int>(*number);
}

void SwapDb(Call& call, ReplyWriter& reply) {
  std::optional<int> a = ParseDb(call.args[1]);
  if (!a) return reply.Error(protocol::kInvalidFirstDb);
  std::optional<int> b = ParseDb(call.args[2]);
  if (!b) return reply.Error(protocol::kInvalidSecondDb);
  int databases = call.keyspace().databases();
  if (*a < 0 || *b < 0 || *a >= databases || *b >= databases) {
    return reply.Error(protocol::kDbIndexOutOfRange);
  }
  call.keyspace().SwapDb(call.worker, *a, *b);
  reply.Ok();
}

// A client that monitors already gets no reply: what it reads are lines.
void Monitor(Call& call, ReplyWriter& reply) {
  if (call.worker.in_transaction()) return reply.Error(protocol::kMonitorInTransaction);
  if (call.client.monitor) return;
  call.client.monitor = true;
  call.services.monitors.Add(call.handle());
  reply.Ok();
}

// Without ABORT it does not reply when it succeeds: the client sees the connection end.
void Shutdown(Call& call, ReplyWriter& reply) {
  bool save = false, no_save = false, now = false, force = false, abort = false;
  ArgReader args(call.args, 1);
  while (!args.done()) {
    if (args.Take("NOSAVE")) {
      no_save = true;
    } else if (args.Take("SAVE")) {
      save = true;
    } else if (args.Take("NOW")) {
      now = true;
    } else if (args.Take("FORCE")) {
      force = true;
    } else if (args.Take("ABORT")) {
      abort = true;
    } else {
      args.Fail(protocol::kSyntax);
    }
  }
  if ((abort && call.args.size() > 2) || (save && no_save)) args.Fail(protocol::kSyntax);
  if (auto error = args.error()) return reply.Error(*error);
  // A shutdown that is under way has closed its clients: none of them can abort it.
  if (abort) return reply.Error(protocol::kNoShutdownInProgress);
  if (save && !force) {
    spdlog::warn("SHUTDOWN SAVE refused: larder keeps no copy of the data on disk");
    return reply.Error(protocol::kShutdownFailed);
  }
  call.client.close_after_reply = true;
  call.services.control.Shutdown(now);
}

constexpr std::string_view kInfoTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special"};
constexpr std::string_view kSumTips[] = {"request_policy:all_shards", "response_policy:agg_sum"};
constexpr std::string_view kAllTips[] = {"request_policy:all_shards",
                                         "response_policy:all_succeeded"};
constexpr Change kInfoHistory[] = {
    {"7.0.0", "Added support for taking multiple section arguments."}};
constexpr Change kFlushHistory[] = {
    {"4.0.0", "Added the `ASYNC` flushing mode modifier."},
    {"6.2.0", "Added the `SYNC` flushing mode modifier."},
};
constexpr Change kShutdownHistory[] = {
    {"7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers."}};

constexpr CommandSpec kRows[] = {
    {.name = "INFO",
     .arity = -1,
     .flags = kLoading | kStale,
     .acl = kAclDangerous,
     .syntax = "[section ...]",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Get information and statistics about the server",
     .history = kInfoHistory,
     .tips = kInfoTips,
     .handler = Info},
    {.name = "DBSIZE",
     .arity = 1,
     .flags = kReadonly | kFast,
     .acl = kAclKeyspace,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Return the number of keys in the selected database",
     .tips = kSumTips,
     .handler = DbSize},
    {.name = "FLUSHDB",
     .arity = -1,
     .flags = kWrite | kManyDatabases,
     .acl = kAclKeyspace | kAclDangerous,
     .syntax = "[ASYNC@4.0.0 | SYNC@6.2.0]=async",
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys in the selected database",
     .summary = "Remove all keys from the current database",
     .history = kFlushHistory,
     .tips = kAllTips,
     .handler = FlushDb},
    {.name = "FLUSHALL",
     .arity = -1,
     .flags = kWrite | kManyDatabases,
     .acl = kAclKeyspace | kAclDangerous,
     .syntax = "[ASYNC@4.0.0 | SYNC@6.2.0]=async",
     .since = "1.0.0",
     .complexity = "O(N) where N is the total number of keys in all databases",
     .summary = "Remove all keys from all databases",
     .history = kFlushHistory,
     .tips = kAllTips,
     .handler = FlushAll},
    {.name = "SWAPDB",
     .arity = 3,
     .flags = kWrite | kFast | kManyDatabases,
     .acl = kAclKeyspace | kAclDangerous,
     .syntax = "index1:integer index2:integer",
     .since = "4.0.0",
     .complexity =
         "O(N) where N is the count of clients watching or blocking on keys from both databases.",
     .summary = "Swaps two Redis databases",
     .handler = SwapDb},
    {.name = "MONITOR",
     .arity = 1,
     .flags = kAdmin | kNoScript | kLoading | kStale,
     .since = "1.0.0",
     .summary = "Listen for all requests received by the server in real time",
     .handler = Monitor},
    {.name = "SHUTDOWN",
     .arity = -1,
     .flags = kAdmin | kNoScript | kLoading | kStale | kNoMulti | kAllowBusy,
     .syntax = "[NOSAVE | SAVE] [NOW]@7.0.0 [FORCE]@7.0.0 [ABORT]@7.0.0",
     .since = "1.0.0",
     .complexity = "O(N) when saving, where N is the total number of keys in all databases when "
                   "saving data, otherwise O(1)",
     .summary = "Synchronously save the dataset to disk and then shut down the server",
     .history = kShutdownHistory,
     .handler = Shutdown},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily ServerCommands() { return {.group = "server", .acl = kAclNone, .rows = kRows}; }

}  // namespace larder::server
