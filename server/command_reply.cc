#include "server/command_reply.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/command_syntax.h"

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

}  // namespace

void WriteCommandInfo(const Command& command, std::span<const Command> subcommands,
                      ReplyWriter& reply) {
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
  if (subcommands.empty()) {
    reply.Set(0);  // a set when empty, an array when not: so does Redis
  } else {
    reply.Array(subcommands.size());
  }
  for (const Command& sub : subcommands) WriteCommandInfo(sub, {}, reply);
}

void WriteCommandDocs(const Command& command, std::span<const Command> subcommands,
                      ReplyWriter& reply) {
  const CommandSpec& spec = *command.spec;
  const auto arguments = ParseSyntax(spec.syntax, spec.keys.size());
  const bool has_arguments = arguments && !arguments->empty();
  const bool has_doc_flags = !spec.deprecated_since.empty() || (spec.flags & kSysCmd) != 0;

  reply.Bulk(command.full_name);
  reply.Map(size_t{3} + !spec.complexity.empty() + has_doc_flags + !spec.deprecated_since.empty() +
            !spec.replaced_by.empty() + !spec.history.empty() + has_arguments +
            !subcommands.empty());
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
  if (!subcommands.empty()) {
    reply.Bulk("subcommands");
    reply.Map(subcommands.size());
    for (const Command& sub : subcommands) WriteCommandDocs(sub, {}, reply);
  }
}

void WriteKeyFlags(KeyFlags flags, ReplyWriter& reply) { WriteFlags(flags, kKeyFlagNames, reply); }

AclCategory AclByName(std::string_view name) {
  for (const FlagName& known : kAclNames) {
    if (EqualsIgnoreCase(name, known.name.substr(1))) return static_cast<AclCategory>(known.flag);
  }
  return kAclNone;
}

}  // namespace larder::server
