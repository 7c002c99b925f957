// CLIENT PAUSE, UNPAUSE and UNBLOCK: holding clients back, and letting one go.
#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/client_pause.h"
#include "server/client_registry.h"
#include "server/command_table.h"
#include "server/commands/client.h"
#include "server/event_loop.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

// Looks at the end of the pause when it should have come, and again if it has been put off. One
// timer waits at most so long: what a clock counts has an end.
void EndPauseAfter(EventLoop& loop, Services& services, int64_t delay_ms) {
  constexpr int64_t kDelayMaxMs = 3'600'000;
  loop.PostAfter(std::chrono::milliseconds(std::min(delay_ms, kDelayMaxMs)), [&loop, &services] {
    const std::optional<int64_t> left_ms = services.pause.EndIfOver(services.clock.Now());
    if (left_ms) EndPauseAfter(loop, services, *left_ms);
  });
}

struct UnblockOptions {
  int64_t id = 0;
  bool with_error = false;
};

std::optional<UnblockOptions> ReadUnblockOptions(Call& call, ReplyWriter& reply) {
  UnblockOptions options;
  auto fail = [&](std::string_view text) {
    reply.Error(text);
    return std::nullopt;
  };
  if (call.args.size() > 4) {
    return fail(protocol::UnknownSubcommandOrArity("CLIENT", call.args[1]));
  }
  if (call.args.size() == 4) {
    options.with_error = EqualsIgnoreCase(call.args[3], "ERROR");
    if (!options.with_error && !EqualsIgnoreCase(call.args[3], "TIMEOUT")) {
      return fail(protocol::kUnblockReason);
    }
  }
  const std::optional<int64_t> id = protocol::ParseInt64(call.args[2]);
  if (!id) return fail(protocol::kNotAnInteger);
  options.id = *id;
  return options;
}

void Unblock(const Wait& wait, bool with_error) {
  if (with_error) {
    wait.suspension.Resume([](Client&, ReplyWriter& out) { out.Error(protocol::kUnblocked); });
  } else {
    wait.suspension.Resume(*wait.on_timeout);
  }
}

}  // namespace

void PauseClients(Call& call, ReplyWriter& reply) {
  if (call.args.size() > 4) {
    return reply.Error(protocol::UnknownSubcommandOrArity("CLIENT", call.args[1]));
  }
  auto kind = ClientPause::Kind::kEverything;
  if (call.args.size() == 4) {
    if (EqualsIgnoreCase(call.args[3], "WRITE")) {
      kind = ClientPause::Kind::kWrites;
    } else if (!EqualsIgnoreCase(call.args[3], "ALL")) {
      return reply.Error(protocol::kPauseMode);
    }
  }
  const std::optional<int64_t> timeout_ms = protocol::ParseInt64(call.args[2]);
  if (!timeout_ms) return reply.Error(protocol::kTimeoutNotAnInteger);
  if (*timeout_ms < 0) return reply.Error(protocol::kTimeoutNegative);
  reply.Ok();
  // The batch's clock may be some milliseconds old, and the pause is to last as long as was asked.
  const store::UnixMs now = call.services.clock.Now();
  // As in Redis, an end beyond the end of time is no pause: better than one that never ends.
  if (*timeout_ms > std::numeric_limits<int64_t>::max() - now) return;
  call.services.pause.Start(kind, now + *timeout_ms, now);
  EndPauseAfter(call.thread.loop, call.services, *timeout_ms);
}

void UnpauseClients(Call& call, ReplyWriter& reply) {
  call.services.pause.End();
  reply.Ok();
}

void UnblockClient(Call& call, ReplyWriter& reply) {
  const std::optional<UnblockOptions> options = ReadUnblockOptions(call, reply);
  if (!options) return;
  Suspension suspension = call.Suspend();
  call.services.clients.Gather<int64_t>(
      [options = *options](Client& client, int64_t& unblocked) {
        if (client.id != options.id || client.waits.empty()) return;
        unblocked = 1;
        for (const Wait& wait : std::exchange(client.waits, {})) Unblock(wait, options.with_error);
      },
      [suspension](std::vector<int64_t>&& parts) {
        const int64_t unblocked = std::accumulate(parts.begin(), parts.end(), int64_t{0});
        suspension.Resume([unblocked](Client&, ReplyWriter& out) { out.Integer(unblocked); });
      });
}

}  // namespace larder::server
