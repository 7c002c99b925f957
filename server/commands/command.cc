// COMMAND and its subcommands: what the server knows about its commands, as replies. Everything
// shown here is read from the command table. Also the HELP of every container.
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/command_syntax.h"
#include "server/command_table.h"
#include "server/commands/families.h"
#include "store/glob.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

struct FlagName {
  uint32_t flag;
  std::string_view name;
};

// Not a flag of a row: derived from its key specs.
constexpr uint32_t kMovableKeys = 1u << 31;

constexpr std::array kCommandFlagNames = {
    FlagName{kWrite, "write"},
    FlagName{kReadonly, "readonly"},
    FlagName{kDenyOom, "denyoom"},
    FlagName{kAdmin, "admin"},
    FlagName{kPubSub, "pubsub"},
    FlagName{kNoScript, "noscript"},
    FlagName{kBlocking, "blocking"},
    FlagName{kLoading, "loading"},
    FlagName{kStale, "stale"},
    FlagName{kSkipMonitor, "skip_monitor"},
    FlagName{kSkipSlowlog, "skip_slowlog"},
    FlagName{kFast, "fast"},
    FlagName{kNoAuth, "no_auth"},
    FlagName{kMayReplicate, "may_replicate"},
    FlagName{kNoMandatoryKeys, "no_mandatory_keys"},
    FlagName{kNoAsyncLoading, "no_async_loading"},
    FlagName{kNoMulti, "no_multi"},
    FlagName{kMovableKeys, "movablekeys"},
    FlagName{kAllowBusy, "allow_busy"},
};

constexpr std::array kKeyFlagNames = {
    FlagName{kKeyRo, "RO"},
    FlagName{kKeyRw, "RW"},
    FlagName{kKeyOw, "OW"},
    FlagName{kKeyRm, "RM"},
    FlagName{kKeyAccess, "access"},
    FlagName{kKeyUpdate, "update"},
    FlagName{kKeyInsert, "insert"},
    FlagName{kKeyDelete, "delete"},
    FlagName{kKeyNotKey, "not_key"},
    FlagName{kKeyIncomplete, "incomplete"},
    FlagName{kKeyVariableFlags, "variable_flags"},
};

constexpr std::array kAclNames = {
    FlagName{kAclKeyspace, "@keyspace"},
    FlagName{kAclRead, "@read"},
    FlagName{kAclWrite, "@write"},
    FlagName{kAclSet, "@set"},
    FlagName{kAclSortedSet, "@sortedset"},
    FlagName{kAclList, "@list"},
    FlagName{kAclHash, "@hash"},
    FlagName{kAclString, "@string"},
    FlagName{kAclBitmap, "@bitmap"},
    FlagName{kAclHyperLogLog, "@hyperloglog"},
    FlagName{kAclGeo, "@geo"},
    FlagName{kAclStream, "@stream"},
    FlagName{kAclPubSub, "@pubsub"},
    FlagName{kAclAdmin, "@admin"},
    FlagName{kAclFast, "@fast"},
    FlagName{kAclSlow, "@slow"},
    FlagName{kAclBlocking, "@blocking"},
    FlagName{kAclDangerous, "@dangerous"},
    FlagName{kAclConnection, "@connection"},
    FlagName{kAclTransaction, "@transaction"},
    FlagName{kAclScripting, "@scripting"},
};

// The set bits by name, as a set of status lines. Bits without a name are internal.
void WriteFlags(uint32_t flags, std::span<const FlagName> names, ReplyWriter& reply) {
  size_t count = 0;
  for (const FlagName& name : names) count += (flags & name.flag) != 0 ? 1 : 0;
  reply.Set(count);
  for (const FlagName& name : names) {
    if ((flags & name.flag) != 0) reply.SimpleString(name.name);
  }
}

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

// --- COMMAND INFO
// ---------------------------------------------------------------------------------

void WriteBeginSearch(const KeySpec& spec, ReplyWriter& reply) {
  reply.Bulk("begin_search");
  reply.Map(2);
  reply.Bulk("type");
  switch (spec.begin) {
    case KeySpec::Begin::kIndex:
      reply.Bulk("index");
      reply.Bulk("spec");
      reply.Map(1);
      reply.Bulk("index");
      reply.Integer(spec.index);
      break;
    case KeySpec::Begin::kKeyword:
      reply.Bulk("keyword");
      reply.Bulk("spec");
      reply.Map(2);
      reply.Bulk("keyword");
      reply.Bulk(spec.keyword);
      reply.Bulk("startfrom");
      reply.Integer(spec.index);
      break;
    case KeySpec::Begin::kUnknown:
      reply.Bulk("unknown");
      reply.Bulk("spec");
      reply.Map(0);
      break;
  }
}

void WriteFindKeys(const KeySpec& spec, ReplyWriter& reply) {
  reply.Bulk("find_keys");
  reply.Map(2);
  reply.Bulk("type");
  switch (spec.find) {
    case KeySpec::Find::kRange:
      reply.Bulk("range");
      reply.Bulk("spec");
      reply.Map(3);
      reply.Bulk("lastkey");
      reply.Integer(spec.last);
      reply.Bulk("keystep");
      reply.Integer(spec.step);
      reply.Bulk("limit");
      reply.Integer(spec.limit);
      break;
    case KeySpec::Find::kKeyNum:
      reply.Bulk("keynum");
      reply.Bulk("spec");
      reply.Map(3);
      reply.Bulk("keynumidx");
      reply.Integer(spec.keynum);
      reply.Bulk("firstkey");
      reply.Integer(spec.first);
      reply.Bulk("keystep");
      reply.Integer(spec.step);
      break;
    case KeySpec::Find::kUnknown:
      reply.Bulk("unknown");
      reply.Bulk("spec");
      reply.Map(0);
      break;
  }
}

void WriteKeySpecs(std::span<const KeySpec> specs, ReplyWriter& reply) {
  reply.Set(specs.size());
  for (const KeySpec& spec : specs) {
    reply.Map(spec.notes.empty() ? 3 : 4);
    if (!spec.notes.empty()) {
      reply.Bulk("notes");
      reply.Bulk(spec.notes);
    }
    reply.Bulk("flags");
    WriteFlags(spec.flags, kKeyFlagNames, reply);
    WriteBeginSearch(spec, reply);
    WriteFindKeys(spec, reply);
  }
}

void WriteInfo(const CommandTable& table, const Command& command, ReplyWriter& reply) {
  const CommandSpec& spec = *command.spec;
  reply.Array(10);
  reply.Bulk(command.full_name);
  reply.Integer(spec.arity);
  WriteFlags(spec.flags | (command.movable_keys ? kMovableKeys : 0), kCommandFlagNames, reply);
  reply.Integer(command.first_key);
  reply.Integer(command.last_key);
  reply.Integer(command.key_step);
  WriteFlags(command.acl, kAclNames, reply);
  reply.Set(spec.tips.size());
  for (std::string_view tip : spec.tips) reply.Bulk(tip);
  WriteKeySpecs(spec.keys, reply);
  std::span<const Command> subs = ListedSubcommands(table, command);
  if (subs.empty()) {
    reply.Set(0);  // a set when empty, an array when not: so does Redis
  } else {
    reply.Array(subs.size());
  }
  for (const Command& sub : subs) WriteInfo(table, sub, reply);
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

// --- COMMAND DOCS
// ---------------------------------------------------------------------------------

void WriteText(std::string_view field, std::string_view text, ReplyWriter& reply) {
  if (text.empty()) return;
  reply.Bulk(field);
  reply.Bulk(text);
}

void WriteArguments(const std::vector<SyntaxArgument>& arguments, ReplyWriter& reply) {
  reply.Array(arguments.size());
  for (const SyntaxArgument& argument : arguments) {
    size_t flags = size_t{argument.optional} + argument.multiple + argument.multiple_token;
    reply.Map(size_t{2} + (argument.key_spec_index >= 0) + argument.token.has_value() +
              !argument.since.empty() + !argument.deprecated_since.empty() + (flags > 0) +
              !argument.arguments.empty());
    WriteText("name", argument.name, reply);
    WriteText("type", Name(argument.type), reply);
    if (argument.key_spec_index >= 0) {
      reply.Bulk("key_spec_index");
      reply.Integer(argument.key_spec_index);
    }
    if (argument.token) {
      reply.Bulk("token");
      reply.Bulk(*argument.token);
    }
    WriteText("since", argument.since, reply);
    WriteText("deprecated_since", argument.deprecated_since, reply);
    if (flags > 0) {
      reply.Bulk("flags");
      reply.Set(flags);
      if (argument.optional) reply.SimpleString("optional");
      if (argument.multiple) reply.SimpleString("multiple");
      if (argument.multiple_token) reply.SimpleString("multiple_token");
    }
    if (!argument.arguments.empty()) {
      reply.Bulk("arguments");
      WriteArguments(argument.arguments, reply);
    }
  }
}

void WriteDocFlags(const CommandSpec& spec, ReplyWriter& reply) {
  const bool is_deprecated = !spec.deprecated_since.empty();
  const bool is_syscmd = (spec.flags & kSysCmd) != 0;
  if (!is_deprecated && !is_syscmd) return;
  reply.Bulk("doc_flags");
  reply.Set(size_t{is_deprecated} + is_syscmd);
  if (is_deprecated) reply.SimpleString("deprecated");
  if (is_syscmd) reply.SimpleString("syscmd");
}

// The name, then the map of what is known.
void WriteDocs(const CommandTable& table, const Command& command, ReplyWriter& reply) {
  const CommandSpec& spec = *command.spec;
  const auto arguments = ParseSyntax(spec.syntax, spec.keys.size());
  const bool has_arguments = arguments && !arguments->empty();
  std::span<const Command> subs = ListedSubcommands(table, command);
  const bool has_doc_flags = !spec.deprecated_since.empty() || (spec.flags & kSysCmd) != 0;

  reply.Bulk(command.full_name);
  reply.Map(size_t{3} + !spec.complexity.empty() + has_doc_flags + !spec.deprecated_since.empty() +
            !spec.replaced_by.empty() + !spec.history.empty() + has_arguments + !subs.empty());
  WriteText("summary", spec.summary, reply);
  WriteText("since", spec.since, reply);
  WriteText("group", command.group, reply);
  WriteText("complexity", spec.complexity, reply);
  WriteDocFlags(spec, reply);
  WriteText("deprecated_since", spec.deprecated_since, reply);
  WriteText("replaced_by", spec.replaced_by, reply);
  if (!spec.history.empty()) {
    reply.Bulk("history");
    reply.Set(spec.history.size());
    for (const Change& change : spec.history) {
      reply.Array(2);
      reply.Bulk(change.since);
      reply.Bulk(change.what);
    }
  }
  if (has_arguments) {
    reply.Bulk("arguments");
    WriteArguments(*arguments, reply);
  }
  if (!subs.empty()) {
    reply.Bulk("subcommands");
    reply.Map(subs.size());
    for (const Command& sub : subs) WriteDocs(table, sub, reply);
  }
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
  for (const Command* command : shown) WriteDocs(table, *command, reply);
}

// --- COMMAND LIST, GETKEYS, HELP
// ------------------------------------------------------------------

AclCategory AclByName(std::string_view name) {
  for (const FlagName& known : kAclNames) {
    if (EqualsIgnoreCase(name, known.name.substr(1))) return static_cast<AclCategory>(known.flag);
  }
  return kAclNone;
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
  } else if (command->spec->keys.empty()) {
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
    WriteFlags(key.flags, kKeyFlagNames, reply);
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
