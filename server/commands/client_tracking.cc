// CLIENT TRACKING and what belongs to it, for a server that never tracks what its clients read: it
// is off, and cannot be switched on. Client libraries ask before they rely on it.
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/command_table.h"
#include "server/commands/client.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

// Reads the options behind ON or OFF. None matters here, but a wrong one is an error.
bool CheckTrackingOptions(ArgReader& args, int64_t own_id, ReplyWriter& reply) {
  auto fail = [&](std::string_view text) {
    reply.Error(text);
    return false;
  };
  bool redirected = false;
  while (!args.done()) {
    if (args.Take("BCAST") || args.Take("OPTIN") || args.Take("OPTOUT") || args.Take("NOLOOP")) {
      continue;
    }
    if (args.Take("PREFIX", 1)) {
      args.Next();
    } else if (args.Take("REDIRECT", 1)) {
      if (redirected) return fail(protocol::kTrackingRedirectTwice);
      redirected = true;
      const std::optional<int64_t> id = protocol::ParseInt64(args.Next());
      if (!id) return fail(protocol::kNotAnInteger);
      if (*id != own_id) return fail(protocol::kTrackingRedirectMissing);
    } else {
      return fail(protocol::kSyntax);
    }
  }
  return true;
}

}  // namespace

void ClientTracking(Call& call, ReplyWriter& reply) {
  ArgReader options(call.args, 3);
  if (!CheckTrackingOptions(options, call.client.id, reply)) return;
  if (EqualsIgnoreCase(call.args[2], "ON")) return reply.Error(protocol::kTrackingUnsupported);
  if (!EqualsIgnoreCase(call.args[2], "OFF")) return reply.Error(protocol::kSyntax);
  reply.Ok();
}

void ClientTrackingInfo(Call&, ReplyWriter& reply) {
  reply.Map(3);
  reply.Bulk("flags");
  reply.Set(1);
  reply.Bulk("off");
  reply.Bulk("redirect");
  reply.Integer(-1);
  reply.Bulk("prefixes");
  reply.Array(0);
}

void ClientGetRedir(Call&, ReplyWriter& reply) { reply.Integer(-1); }

void ClientCaching(Call&, ReplyWriter& reply) { reply.Error(protocol::kNotTracking); }

}  // namespace larder::server
