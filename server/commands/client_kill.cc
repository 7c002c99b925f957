// CLIENT KILL: closes the clients that match, on all I/O threads. The asking client is suspended
// meanwhile (client_registry.h).
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/client_registry.h"
#include "server/command_table.h"
#include "server/commands/client.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

struct KillFilter {
  bool old_form = false;  // CLIENT KILL <ip:port>: one client, OK or an error
  bool skip_me = true;
  bool nobody = false;  // a type that no client of larder is of
  std::optional<int64_t> id;
  std::optional<std::string> address;
  std::optional<std::string> local_address;
  std::optional<std::string> user;

  bool Matches(const Client& client) const {
    return !nobody && (!id || *id == client.id) && (!address || *address == client.address) &&
           (!local_address || *local_address == client.local_address) &&
           (!user || *user == client.user);
  }
};

// Reads one option and its value. Replies with an error and returns false if it is wrong.
bool ReadKillOption(ArgReader& args, KillFilter* filter, ReplyWriter& reply) {
  auto fail = [&](std::string_view text) {
    reply.Error(text);
    return false;
  };
  if (args.Take("ID", 1)) {
    std::optional<int64_t> id = protocol::ParseInt64(args.Next());
    if (!id || *id <= 0) return fail(protocol::kClientIdNotPositive);
    filter->id = *id;
  } else if (args.Take("TYPE", 1)) {
    std::string_view name = args.Next();
    std::optional<ClientType> type = ParseClientType(name);
    if (!type) return fail(protocol::UnknownClientType(name));
    filter->nobody = *type != ClientType::kNormal;
  } else if (args.Take("ADDR", 1)) {
    filter->address = args.Next();
  } else if (args.Take("LADDR", 1)) {
    filter->local_address = args.Next();
  } else if (args.Take("USER", 1)) {
    filter->user = args.Next();
    if (*filter->user != "default") return fail(protocol::NoSuchUser(*filter->user));
  } else if (args.Take("SKIPME", 1)) {
    std::string_view answer = args.Next();
    filter->skip_me = EqualsIgnoreCase(answer, "yes");
    if (!filter->skip_me && !EqualsIgnoreCase(answer, "no")) return fail(protocol::kSyntax);
  } else {
    return fail(protocol::kSyntax);
  }
  return true;
}

}  // namespace

void KillClients(Call& call, ReplyWriter& reply) {
  KillFilter filter;
  if (call.args.size() == 3) {
    filter.old_form = true;
    filter.skip_me = false;
    filter.address = call.args[2];
  } else {
    ArgReader args(call.args, 2);
    while (!args.done()) {
      if (!ReadKillOption(args, &filter, reply)) return;
    }
  }
  Suspension suspension = call.Suspend();
  bool old_form = filter.old_form;
  call.services.clients.Gather<int64_t>(
      [filter = std::move(filter), me = call.client.id](Client& client, int64_t& killed) {
        if (!filter.Matches(client)) return;
        if (client.id != me) {
          client.killed = true;
        } else if (filter.skip_me) {
          return;
        } else {
          client.close_after_reply = true;  // it shall still get this command's reply
        }
        ++killed;
      },
      [suspension, old_form](std::vector<int64_t>&& parts) {
        int64_t killed = 0;
        for (int64_t part : parts) killed += part;
        suspension.Resume([old_form, killed](Client&, ReplyWriter& out) {
          if (!old_form) return out.Integer(killed);
          if (killed == 0) return out.Error(protocol::kNoSuchClient);
          out.Ok();
        });
      });
}

}  // namespace larder::server
