// CLIENT: what clients are connected, and what one wants to be known as.
//
// LIST and KILL concern clients of all I/O threads: the asking client is suspended while each
// thread looks through its own (client_registry.h).
#include <spdlog/fmt/fmt.h>
#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/client_name.h"
#include "server/client_registry.h"
#include "server/command_table.h"
#include "server/commands/families.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

// The line of CLIENT LIST and CLIENT INFO. Fields of features that larder does not have carry the
// value that Redis shows for a client that does not use them.
std::string Describe(const Client& client, store::UnixMs now) {
  std::string line;
  fmt::format_to(
      std::back_inserter(line),
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags=N db={} sub=0 psub=0 ssub=0 "
      "multi=-1 qbuf={} qbuf-free={} argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll={} omem={} "
      "tot-mem={} events={} cmd={} user={} redir=-1 resp={} lib-name={} lib-ver={}",
      client.id, client.address, client.local_address, client.fd, client.name,
      std::max<int64_t>(0, now - client.created_at) / 1000,
      std::max<int64_t>(0, now - client.last_interaction) / 1000, client.db, client.query_bytes,
      client.query_free_bytes, client.output_chunks, client.output_bytes, client.memory_bytes,
      client.output_bytes == 0 ? "r" : "rw",
      client.last_command == nullptr ? "NULL" : std::string_view(client.last_command->full_name),
      client.user, client.resp == protocol::RespVersion::kResp3 ? 3 : 2, client.lib_name,
      client.lib_ver);
  return line;
}

void ClientId(Call& call, ReplyWriter& reply) { reply.Integer(call.client.id); }

void ClientInfo(Call& call, ReplyWriter& reply) {
  reply.Verbatim("txt", Describe(call.client, call.now()) + "\n");
}

void ClientGetName(Call& call, ReplyWriter& reply) {
  if (call.client.name.empty()) return reply.Null();
  reply.Bulk(call.client.name);
}

void ClientSetName(Call& call, ReplyWriter& reply) {
  if (!IsValidClientName(call.args[2])) return reply.Error(protocol::kBadClientName);
  call.client.name = call.args[2];
  reply.Ok();
}

void ClientSetInfo(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  std::string* field = nullptr;
  if (args.Take("LIB-NAME")) {
    field = &call.client.lib_name;
  } else if (args.Take("LIB-VER")) {
    field = &call.client.lib_ver;
  } else {
    return reply.Error(protocol::ClientSetInfoUnknown(call.args[2]));
  }
  if (!IsValidClientName(call.args[3])) {
    return reply.Error(protocol::ClientSetInfoBadValue(call.args[2]));
  }
  *field = call.args[3];
  reply.Ok();
}

void ClientReply(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  ReplyMode& mode = call.client.reply_mode;
  if (args.Take("ON")) {
    mode = ReplyMode::kOn;
    reply.Ok();
  } else if (args.Take("OFF")) {
    mode = ReplyMode::kOff;
  } else if (args.Take("SKIP")) {
    if (mode != ReplyMode::kOff) mode = ReplyMode::kSkipNext;
  } else {
    reply.Error(protocol::kSyntax);
  }
}

// The classes of clients that TYPE names. All of larder's are normal so far.
enum class ClientType : uint8_t { kNormal, kReplica, kPubSub, kMaster };

std::optional<ClientType> ParseClientType(std::string_view name) {
  if (EqualsIgnoreCase(name, "normal")) return ClientType::kNormal;
  if (EqualsIgnoreCase(name, "replica") || EqualsIgnoreCase(name, "slave")) {
    return ClientType::kReplica;
  }
  if (EqualsIgnoreCase(name, "pubsub")) return ClientType::kPubSub;
  if (EqualsIgnoreCase(name, "master")) return ClientType::kMaster;
  return std::nullopt;
}

struct ListedClient {
  int64_t id;
  std::string line;
};
using Lines = std::vector<ListedClient>;

// In the order that was asked for, or by id, which is the order in which they came.
std::string JoinLines(std::vector<Lines>&& parts, const std::vector<int64_t>& wanted) {
  Lines all;
  for (Lines& part : parts) std::move(part.begin(), part.end(), std::back_inserter(all));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  std::string text;
  auto append = [&](const ListedClient& client) { text.append(client.line).append("\n"); };
  if (wanted.empty()) {
    for (const ListedClient& client : all) append(client);
    return text;
  }
  for (int64_t id : wanted) {
    auto it = std::lower_bound(all.begin(), all.end(), id,
                               [](const ListedClient& a, int64_t b) { return a.id < b; });
    if (it != all.end() && it->id == id) append(*it);
  }
  return text;
}

void ClientList(Call& call, ReplyWriter& reply) {
  std::vector<int64_t> wanted;
  ArgReader args(call.args, 2);
  if (call.args.size() == 4 && args.Take("TYPE")) {
    std::string_view name = args.Next();
    std::optional<ClientType> type = ParseClientType(name);
    if (!type) return reply.Error(protocol::UnknownClientType(name));
    if (*type != ClientType::kNormal) return reply.Verbatim("txt", "");
  } else if (call.args.size() > 3 && args.Take("ID")) {
    while (!args.done()) wanted.push_back(args.NextInt64(protocol::kInvalidClientId));
  } else if (!args.done()) {
    args.Fail(protocol::kSyntax);
  }
  if (auto error = args.error()) return reply.Error(*error);

  Suspension suspension = call.Suspend();
  call.services.clients.Gather<Lines>(
      [now = call.now(), wanted](Client& client, Lines& lines) {
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), client.id) == wanted.end()) {
          return;
        }
        lines.push_back({client.id, Describe(client, now)});
      },
      [suspension, wanted](std::vector<Lines>&& parts) {
        suspension.Resume([text = JoinLines(std::move(parts), wanted)](Client&, ReplyWriter& out) {
          out.Verbatim("txt", text);
        });
      });
}

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
    filter->nobody = filter->nobody || *type != ClientType::kNormal;
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

void ClientKill(Call& call, ReplyWriter& reply) {
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

constexpr CommandFlags kUser = kNoScript | kLoading | kStale;
constexpr CommandFlags kOperator = kUser | kAdmin;

constexpr std::string_view kVaries[] = {"nondeterministic_output"};
constexpr Change kKillHistory[] = {
    {"2.8.12", "Added new filter format."},
    {"2.8.12", "`ID` option."},
    {"3.2.0", "Added `master` type in for `TYPE` option."},
    {"5.0.0",
     "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward "
     "compatibility."},
    {"6.2.0", "`LADDR` option."},
};
constexpr Change kListHistory[] = {
    {"2.8.12", "Added unique client `id` field."},
    {"5.0.0", "Added optional `TYPE` filter."},
    {"6.0.0", "Added `user` field."},
    {"6.2.0",
     "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter."},
    {"7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."},
    {"7.0.3", "Added `ssub` field."},
};

constexpr CommandSpec kSubcommands[] = {
    {.name = "GETNAME",
     .arity = 2,
     .flags = kUser,
     .since = "2.6.9",
     .complexity = "O(1)",
     .summary = "Get the current connection name",
     .help = "GETNAME\n"
             "    Return the name of the current connection.",
     .handler = ClientGetName},
    {.name = "ID",
     .arity = 2,
     .flags = kUser,
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Returns the client ID for the current connection",
     .help = "ID\n"
             "    Return the ID of the current connection.",
     .handler = ClientId},
    {.name = "INFO",
     .arity = 2,
     .flags = kUser,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns information about the current client connection.",
     .tips = kVaries,
     .help = "INFO\n"
             "    Return information about the current client connection.",
     .handler = ClientInfo},
    {.name = "KILL",
     .arity = -3,
     .flags = kOperator,
     .syntax = "(ip:port~2.8.12 | ([ID client-id]@2.8.12 | [TYPE (NORMAL | MASTER@3.2.0 | SLAVE "
               "| REPLICA@5.0.0 | PUBSUB)=normal_master_slave_pubsub]@2.8.12 | [USER username] | "
               "[ADDR ip:port] | [LADDR ip:port]@6.2.0 | [SKIPME yes/no])=new-format ...)=filter",
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of client connections",
     .summary = "Kill the connection of a client",
     .history = kKillHistory,
     .help = "KILL <ip:port>\n"
             "    Kill connection made from <ip:port>.\n"
             "KILL <option> <value> [<option> <value> [...]]\n"
             "    Kill connections. Options are:\n"
             "    * ADDR (<ip:port>|<unixsocket>:0)\n"
             "      Kill connections made from the specified address\n"
             "    * LADDR (<ip:port>|<unixsocket>:0)\n"
             "      Kill connections made to specified local address\n"
             "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)\n"
             "      Kill connections by type.\n"
             "    * USER <username>\n"
             "      Kill connections authenticated by <username>.\n"
             "    * SKIPME (YES|NO)\n"
             "      Skip killing current connection (default: yes).",
     .handler = ClientKill},
    {.name = "LIST",
     .arity = -2,
     .flags = kOperator,
     .syntax = "[TYPE (NORMAL | MASTER | REPLICA | PUBSUB)]@5.0.0 [ID (client-id ...)=id]@6.2.0",
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of client connections",
     .summary = "Get the list of client connections",
     .history = kListHistory,
     .tips = kVaries,
     .help = "LIST [options ...]\n"
             "    Return information about client connections. Options:\n"
             "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)\n"
             "      Return clients of specified type.",
     .handler = ClientList},
    {.name = "REPLY",
     .arity = 3,
     .flags = kUser,
     .syntax = "(ON | OFF | SKIP)",
     .since = "3.2.0",
     .complexity = "O(1)",
     .summary = "Instruct the server whether to reply to commands",
     .help = "REPLY (ON|OFF|SKIP)\n"
             "    Control the replies sent to the current connection.",
     .handler = ClientReply},
    {.name = "SETNAME",
     .arity = 3,
     .flags = kUser,
     .syntax = "connection-name",
     .since = "2.6.9",
     .complexity = "O(1)",
     .summary = "Set the current connection name",
     .help = "SETNAME <name>\n"
             "    Assign the name <name> to the current connection.",
     .handler = ClientSetName},
    {.name = "SETINFO",
     .arity = 4,
     .flags = kUser,
     .syntax = "(LIB-NAME libname | LIB-VER libver)=attr",
     .since = "7.2.0",
     .complexity = "O(1)",
     .summary = "Set client or connection specific info",
     .help = "SETINFO <option> <value>\n"
             "    Set client meta attr. Options are:\n"
             "    * LIB-NAME: the client lib name.\n"
             "    * LIB-VER: the client lib version.",
     .handler = ClientSetInfo},
    HelpRow("5.0.0"),
};

constexpr CommandSpec kRows[] = {
    {.name = "CLIENT",
     .arity = -2,
     .since = "2.4.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for client connection commands",
     .subcommands = kSubcommands},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily ClientCommands() {
  return {.group = "connection", .acl = kAclConnection, .rows = kRows};
}

}  // namespace larder::server
