// WAIT: larder has no replicas, so nobody ever acknowledges a write.
#include <chrono>
#include <cstdint>
#include <string_view>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "store/worker.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

constexpr std::chrono::milliseconds kLongestTimer = std::chrono::hours(24 * 365 * 100);

void Wait(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 1);
  const int64_t replicas = args.NextInt64();
  const int64_t timeout_ms = args.NextInt64(protocol::kTimeoutNotAnInteger);
  if (timeout_ms < 0) args.Fail(protocol::kTimeoutNegative);
  if (auto error = args.error()) return reply.Error(*error);

  const bool nothing_to_wait_for = replicas <= 0;
  if (nothing_to_wait_for || call.worker.in_transaction()) return reply.Integer(0);
  const std::chrono::milliseconds timeout(timeout_ms);
  const auto answer = [](Client&, ReplyWriter& out) { out.Integer(0); };
  if (timeout_ms == 0 || timeout > kLongestTimer) return call.SuspendForEver(answer);
  call.SuspendFor(timeout, answer);
}

constexpr std::string_view kWaitTips[] = {"request_policy:all_shards", "response_policy:agg_min"};

constexpr CommandSpec kRows[] = {
    {.name = "WAIT",
     .arity = 3,
     .flags = kNoScript,
     .syntax = "numreplicas:integer timeout:integer",
     .since = "3.0.0",
     .complexity = "O(1)",
     .summary =
         "Wait for the synchronous replication of all the write commands sent in the context "
         "of the current connection",
     .tips = kWaitTips,
     .handler = Wait},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily GenericWaitCommands() {
  return {.group = "generic", .acl = kAclConnection, .rows = kRows};
}

}  // namespace larder::server
