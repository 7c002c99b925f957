// CLIENT: what a client wants to be known as and how it wants to be treated, and the rows of all
// subcommands; those about other clients are in files of their own (client.h).
#include "server/commands/client.h"

#include <string>
#include <string_view>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/client_name.h"
#include "server/command_table.h"
#include "server/commands/families.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

void ClientId(Call& call, ReplyWriter& reply) { reply.Integer(call.client.id); }

void ClientInfo(Call& call, ReplyWriter& reply) {
  reply.Verbatim("txt", DescribeClient(call.client, call.now()) + "\n");
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

// Reads ON or OFF into a switch of the client.
void SetSwitch(Call& call, bool* on, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  if (args.Take("ON")) {
    *on = true;
  } else if (args.Take("OFF")) {
    *on = false;
  } else {
    return reply.Error(protocol::kSyntax);
  }
  reply.Ok();
}

void ClientNoEvict(Call& call, ReplyWriter& reply) {
  SetSwitch(call, &call.client.no_evict, reply);
}

void ClientNoTouch(Call& call, ReplyWriter& reply) {
  SetSwitch(call, &call.client.no_touch, reply);
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

constexpr Change kPauseHistory[] = {
    {"6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option."}};

constexpr CommandSpec kSubcommands[] = {
    {.name = "CACHING",
     .arity = 3,
     .flags = kUser,
     .syntax = "(YES | NO)=mode",
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Instruct the server about tracking or not keys in the next request",
     .help = "CACHING (YES|NO)\n"
             "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
     .handler = ClientCaching},
    {.name = "GETREDIR",
     .arity = 2,
     .flags = kUser,
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Get tracking notifications redirection client ID if any",
     .help = "GETREDIR\n"
             "    Return the client ID we are redirecting to when tracking is enabled.",
     .handler = ClientGetRedir},
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
     .handler = KillClients},
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
     .handler = ListClients},
    {.name = "UNPAUSE",
     .arity = 2,
     .flags = kOperator,
     .since = "6.2.0",
     .complexity = "O(N) Where N is the number of paused clients",
     .summary = "Resume processing of clients that were paused",
     .help = "UNPAUSE\n"
             "    Stop the current client pause, resuming traffic.",
     .handler = UnpauseClients},
    {.name = "PAUSE",
     .arity = -3,
     .flags = kOperator,
     .syntax = "timeout:integer [WRITE | ALL]=mode@6.2.0",
     .since = "2.9.50",
     .complexity = "O(1)",
     .summary = "Stop processing commands from clients for some time",
     .history = kPauseHistory,
     .help = "PAUSE <timeout> [WRITE|ALL]\n"
             "    Suspend all, or just write, clients for <timeout> milliseconds.",
     .handler = PauseClients},
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
    {.name = "UNBLOCK",
     .arity = -3,
     .flags = kOperator,
     .syntax = "client-id [TIMEOUT | ERROR]",
     .since = "5.0.0",
     .complexity = "O(log N) where N is the number of client connections",
     .summary = "Unblock a client blocked in a blocking command from a different connection",
     .help = "UNBLOCK <clientid> [TIMEOUT|ERROR]\n"
             "    Unblock the specified blocked client.",
     .handler = UnblockClient},
    {.name = "TRACKING",
     .arity = -3,
     .flags = kUser,
     .syntax = "(ON | OFF)=status [REDIRECT client-id] [PREFIX prefix] ... [BCAST] [OPTIN] "
               "[OPTOUT] [NOLOOP]",
     .since = "6.0.0",
     .complexity = "O(1). Some options may introduce additional complexity.",
     .summary = "Enable or disable server assisted client side caching support",
     .help = "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]\n"
             "         [OPTIN] [OPTOUT] [NOLOOP]\n"
             "    Control server assisted client side caching.",
     .handler = ClientTracking},
    {.name = "TRACKINGINFO",
     .arity = 2,
     .flags = kUser,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary =
         "Return information about server assisted client side caching for the current connection",
     .help = "TRACKINGINFO\n"
             "    Report tracking status for the current connection.",
     .handler = ClientTrackingInfo},
    {.name = "NO-EVICT",
     .arity = 3,
     .flags = kOperator,
     .syntax = "(ON | OFF)=enabled",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Set client eviction mode for the current connection",
     .help = "NO-EVICT (ON|OFF)\n"
             "    Protect current client connection from eviction.",
     .handler = ClientNoEvict},
    {.name = "NO-TOUCH",
     .arity = 3,
     .flags = kUser,
     .syntax = "(ON | OFF)=enabled",
     .since = "7.2.0",
     .complexity = "O(1)",
     .summary = "Controls whether commands sent by the client will alter the LRU/LFU of the keys "
                "they access",
     .help = "NO-TOUCH (ON|OFF)\n"
             "    Will not touch LRU/LFU stats when this mode is on.",
     .handler = ClientNoTouch},
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
