// COMMAND and its subcommands: what the server knows about its commands, as replies. Everything
// shown here is read from the command table. Also the HELP of every container.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/command_reply.h"
#include "server/command_table.h"
#include "server/commands/families.h"
#include "store/glob.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

std::span<const Command> ListedSubcommands(const CommandTable& table, const Command& command) {
  if (command.has(kUnlistedSubcommands)) return {};
  return table.subcommands(command);
}

bool IsListed(const Command& command) {
  return command.container == nullptr || !command.container->has(kUnlistedSubcommands);
}

const Command* FindListed(const CommandTable& table, std::string_view full_name) {
  const Command* command = table.FindFullName(full_name);
  return command != nullptr && IsListed(*command) ? command : nullptr;
}

void WriteInfo(const CommandTable& table, const Command& command, ReplyWriter& reply) {
  WriteCommandInfo(command, ListedSubcommands(table, command), reply);
}

void CommandAll(Call& call, ReplyWriter& reply) {
  const CommandTable& table = call.services.commands;
  reply.Array(table.top_level().size());
  for (const Command& command : table.top_level()) WriteInfo(table, command, reply);
}

void CommandInfo(Call& call, ReplyWriter& reply) {
  if (call.args.size() == 2) return CommandAll(call, reply);
  const CommandTable& table = call.services.commands;
  reply.Array(call.args.size() - 2);
  for (std::string_view name : call.args.subspan(2)) {
    if (const Command* command = FindListed(table, name); command != nullptr) {
      WriteInfo(table, *command, reply);
    } else {
      reply.Null();
    }
  }
}

void CommandCount(Call& call, ReplyWriter& reply) {
  reply.Integer(static_cast<int64_t>(call.services.commands.top_level().size()));
}

void CommandDocs(Call& call, ReplyWriter& reply) {
  const CommandTable& table = call.services.commands;
  std::vector<const Command*> shown;
  if (call.args.size() == 2) {
    for (const Command& command : table.top_level()) shown.push_back(&command);
  }
  for (std::string_view name : call.args.subspan(2)) {  // unknown names are left out
    if (const Command* command = FindListed(table, name)) shown.push_back(command);
  }
  reply.Map(shown.size());
  for (const Command* command : shown) {
    WriteCommandDocs(*command, ListedSubcommands(table, *command), reply);
  };
}

void CommandList(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  std::optional<std::string_view> pattern;
  std::optional<AclCategory> category;
  bool in_module = false;
  if (!args.done()) {
    if (!args.Take("FILTERBY")) args.Fail(protocol::kSyntax);
    if (args.Take("MODULE")) {
      in_module = !args.Next().empty();
    } else if (args.Take("ACLCAT")) {
      category = AclByName(args.Next());
    } else if (args.Take("PATTERN")) {
      pattern = args.Next();
    } else {
      args.Fail(protocol::kSyntax);
    }
    if (!args.done()) args.Fail(protocol::kSyntax);
  }
  if (auto error = args.error()) return reply.Error(*error);

  std::vector<std::string_view> names;
  for (const Command& command : call.services.commands.commands()) {
    if (!IsListed(command) || in_module) continue;  // there are no modules
    if (category && (command.acl & *category) == 0) continue;
    if (pattern && !store::GlobMatch(*pattern, command.full_name, true)) continue;
    names.push_back(command.full_name);
  }
  reply.Array(names.size());
  for (std::string_view name : names) reply.Bulk(name);
}

// The keys of the request that begins at args[2]; writes the error and returns nothing if it has
// none.
std::optional<std::vector<KeyRef>> KeysOfRequest(Call& call, ReplyWriter& reply) {
  std::span<const std::string_view> request = call.args.subspan(2);
  const Command* command = call.services.commands.Resolve(request);
  std::vector<KeyRef> keys;
  if (command == nullptr) {
    reply.Error(protocol::kInvalidCommandSpecified);
  } else if (!command->has_keys) {
    reply.Error(protocol::kNoKeyArguments);
  } else if (!command->AcceptsArgc(request.size())) {
    reply.Error(protocol::kInvalidArgumentCount);
  } else {
    if (!FindKeys(*command, request, &keys)) keys.clear();
    if (!keys.empty() || command->has(kNoMandatoryKeys)) return keys;
    reply.Error(protocol::kInvalidArguments);
  }
  return std::nullopt;
}

void CommandGetKeys(Call& call, ReplyWriter& reply) {
  auto keys = KeysOfRequest(call, reply);
  if (!keys) return;
  reply.Array(keys->size());
  for (const KeyRef& key : *keys) reply.Bulk(call.args[2 + key.index]);
}

void CommandGetKeysAndFlags(Call& call, ReplyWriter& reply) {
  auto keys = KeysOfRequest(call, reply);
  if (!keys) return;
  reply.Array(keys->size());
  for (const KeyRef& key : *keys) {
    reply.Array(2);
    reply.Bulk(call.args[2 + key.index]);
    WriteKeyFlags(key.flags, reply);
  }
}

constexpr std::string_view kAnyOrder[] = {"nondeterministic_output_order"};
constexpr Change kCommandInfoHistory[] = {
    {"7.0.0", "Allowed to be called with no argument to get info on all commands."},
};

constexpr CommandSpec kSubcommands[] = {
    {.name = "COUNT",
     .arity = 2,
     .flags = kLoading | kStale,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Get total number of Redis commands",
     .help = "COUNT\n"
             "    Return the total number of commands in this Redis server.",
     .handler = CommandCount},
    {.name = "LIST",
     .arity = -2,
     .flags = kLoading | kStale,
     .syntax = "[FILTERBY (MODULE module-name | ACLCAT category | PATTERN pattern)=filterby]",
     .since = "7.0.0",
     .complexity = "O(N) where N is the total number of Redis commands",
     .summary = "Get an array of Redis command names",
     .tips = kAnyOrder,
     .help = "LIST\n"
             "    Return a list of all commands in this Redis server.",
     .handler = CommandList},
    {.name = "INFO",
     .arity = -2,
     .flags = kLoading | kStale,
     .syntax = "[command-name ...]",
     .since = "2.8.13",
     .complexity = "O(N) where N is the number of commands to look up",
     .summary = "Get array of specific Redis command details, or all when no argument is given.",
     .history = kCommandInfoHistory,
     .tips = kAnyOrder,
     .help = "INFO [<command-name> ...]\n"
             "    Return details about multiple Redis commands.\n"
             "    If no command names are given, documentation details for all\n"
             "    commands are returned.",
     .handler = CommandInfo},
    {.name = "DOCS",
     .arity = -2,
     .flags = kLoading | kStale,
     .syntax = "[command-name ...]",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of commands to look up",
     .summary = "Get array of specific Redis command documentation",
     .tips = kAnyOrder,
     .help = "DOCS [<command-name> ...]\n"
             "    Return documentation details about multiple Redis commands.\n"
             "    If no command names are given, documentation details for all\n"
             "    commands are returned.",
     .handler = CommandDocs},
    {.name = "GETKEYS",
     .arity = -4,
     .flags = kLoading | kStale,
     .since = "2.8.13",
     .complexity = "O(N) where N is the number of arguments to the command",
     .summary = "Extract keys given a full Redis command",
     .help = "GETKEYS <full-command>\n"
             "    Return the keys from a full Redis command.",
     .handler = CommandGetKeys},
    {.name = "GETKEYSANDFLAGS",
     .arity = -4,
     .flags = kLoading | kStale,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of arguments to the command",
     .summary = "Extract keys and access flags given a full Redis command",
     .help = "GETKEYSANDFLAGS <full-command>\n"
             "    Return the keys and the access flags from a full Redis command.",
     .handler = CommandGetKeysAndFlags},
    HelpRow("5.0.0"),
};

constexpr CommandSpec kRows[] = {
    {.name = "COMMAND",
     .arity = -1,
     .flags = kLoading | kStale,
     .acl = kAclConnection,
     .since = "2.8.13",
     .complexity = "O(N) where N is the total number of Redis commands",
     .summary = "Get array of Redis command details",
     .tips = kAnyOrder,
     .help = "(no subcommand)\n"
             "    Return details about all Redis commands.",
     .subcommands = kSubcommands,
     .handler = CommandAll},
};
static_assert(Valid(kRows));

}  // namespace

void ContainerHelp(Call& call, ReplyWriter& reply) {
  const std::vector<std::string> lines = HelpLines(call.services.commands, *call.command.container);
  reply.Array(lines.size());
  for (const std::string& line : lines) reply.SimpleString(line);
}

void UnlistedSubcommandError(Call& call, ReplyWriter& reply) {
  reply.Error(protocol::UnknownSubcommandOrArity(call.spec.name, call.args[1]));
}

CommandFamily CommandCommands() {
  return {.group = "server", .acl = kAclConnection, .rows = kRows};
}

}  // namespace larder::server
