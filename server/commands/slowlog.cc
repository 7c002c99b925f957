// SLOWLOG: which commands took long.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/config.h"
#include "server/slowlog.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

void ReplyEntry(const SlowLogEntry& entry, ReplyWriter& reply) {
  reply.Array(6);
  reply.Integer(entry.id);
  reply.Integer(entry.unix_seconds);
  reply.Integer(entry.microseconds);
  reply.Array(entry.args.size());
  for (const std::string& arg : entry.args) reply.Bulk(arg);
  reply.Bulk(entry.address);
  reply.Bulk(entry.client_name);
}

// The log itself learns of a lower limit with its next entry.
size_t LengthMax(const Call& call) {
  return static_cast<size_t>(call.services.config.slowlog_max_len());
}

void SlowLogGet(Call& call, ReplyWriter& reply) {
  constexpr int64_t kCountDefault = 10;
  if (call.args.size() > 3) {
    return reply.Error(protocol::UnknownSubcommandOrArity("SLOWLOG", call.args[1]));
  }
  int64_t count = kCountDefault;
  if (call.args.size() == 3) {
    ArgReader args(call.args, 2);
    count = args.NextInt64In(-1, INT64_MAX, protocol::kSlowLogCount);
    if (auto error = args.error()) return reply.Error(*error);
  }
  const size_t count_max = LengthMax(call);
  const std::vector<SlowLogEntry> entries = call.services.slow_log.Newest(
      count < 0 ? count_max : std::min(count_max, static_cast<size_t>(count)));
  reply.Array(entries.size());
  for (const SlowLogEntry& entry : entries) ReplyEntry(entry, reply);
}

void SlowLogLen(Call& call, ReplyWriter& reply) {
  reply.Integer(static_cast<int64_t>(std::min(call.services.slow_log.size(), LengthMax(call))));
}

void SlowLogReset(Call& call, ReplyWriter& reply) {
  call.services.slow_log.Reset();
  reply.Ok();
}

constexpr std::string_view kGetTips[] = {"request_policy:all_nodes", "nondeterministic_output"};
constexpr std::string_view kLenTips[] = {"request_policy:all_nodes", "response_policy:agg_sum",
                                         "nondeterministic_output"};
constexpr std::string_view kResetTips[] = {"request_policy:all_nodes",
                                           "response_policy:all_succeeded"};
constexpr Change kGetHistory[] = {
    {"4.0.0", "Added client IP address, port and name to the reply."}};

constexpr CommandFlags kOperator = kAdmin | kLoading | kStale;

constexpr CommandSpec kSubcommands[] = {
    {.name = "GET",
     .arity = -2,
     .flags = kOperator,
     .syntax = "[count]",
     .since = "2.2.12",
     .complexity = "O(N) where N is the number of entries returned",
     .summary = "Get the slow log's entries",
     .history = kGetHistory,
     .tips = kGetTips,
     .help = "GET [<count>]\n"
             "    Return the newest <count> entries (default: 10; -1: all). Each has an id, when\n"
             "    it was made, microseconds, the arguments, and the client's address and name.",
     .handler = SlowLogGet},
    {.name = "LEN",
     .arity = 2,
     .flags = kOperator,
     .since = "2.2.12",
     .complexity = "O(1)",
     .summary = "Get the slow log's length",
     .tips = kLenTips,
     .handler = SlowLogLen},
    {.name = "RESET",
     .arity = 2,
     .flags = kOperator,
     .since = "2.2.12",
     .complexity = "O(N) where N is the number of entries in the slowlog",
     .summary = "Clear all entries from the slow log",
     .tips = kResetTips,
     .handler = SlowLogReset},
    HelpRow("6.2.0"),
};

constexpr CommandSpec kRows[] = {
    {.name = "SLOWLOG",
     .arity = -2,
     .since = "2.2.12",
     .complexity = "Depends on subcommand.",
     .summary = "A container for slow log commands",
     .subcommands = kSubcommands},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily SlowLogCommands() { return {.group = "server", .acl = kAclNone, .rows = kRows}; }

}  // namespace larder::server
