#include "server/command_table.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "server/arg_reader.h"
#include "server/command_syntax.h"

namespace larder::server {
namespace {

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

// 'A'..'Z' to lower case in each of the eight bytes, every other byte unchanged. Adding to the low
// seven bits carries into the top bit exactly from 'A' on, or from behind 'Z' on.
uint64_t LowerBytes(uint64_t word) {
  constexpr uint64_t kEach = 0x0101010101010101;
  uint64_t low_bits = word & (kEach * 0x7f);
  uint64_t from_a = low_bits + kEach * (0x80 - 'A');
  uint64_t behind_z = low_bits + kEach * (0x80 - 'Z' - 1);
  uint64_t is_upper = (from_a ^ behind_z) & ~word & (kEach * 0x80);
  return word | (is_upper >> 2);
}

uint64_t Load8(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t Load4(const char* bytes) {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// Categories that follow from flags.
AclCategory AclOfFlags(CommandFlags flags, AclCategory row_acl) {
  AclCategory acl = (flags & kFast) != 0 ? kAclFast : kAclSlow;
  if ((flags & kWrite) != 0) acl = acl | kAclWrite;
  // Scripts that only read are no part of @read: they may run for ever.
  if ((flags & kReadonly) != 0 && (row_acl & kAclScripting) == 0) acl = acl | kAclRead;
  if ((flags & kAdmin) != 0) acl = acl | kAclAdmin | kAclDangerous;
  if ((flags & kPubSub) != 0) acl = acl | kAclPubSub;
  if ((flags & kBlocking) != 0) acl = acl | kAclBlocking;
  return acl;
}

// Whether the row has a handler exactly where CommandSpec::handler says so.
bool HandlerFits(const CommandSpec& spec) {
  bool is_container = !spec.subcommands.empty();
  bool needs_handler =
      !is_container || spec.arity == -1 || (spec.flags & kUnlistedSubcommands) != 0;
  return needs_handler == (spec.handler != nullptr);
}

bool IsFixed(const KeySpec& spec) {
  return spec.begin == KeySpec::Begin::kIndex && spec.find == KeySpec::Find::kRange;
}

bool IsKey(const KeySpec& spec) { return (spec.flags & kKeyNotKey) == 0; }

// The key specs as one first/last/step, which is what older clients read. Several specs are merged
// if they are neighbours with step 1 (RENAME: 1, 2, 1); what does not fit is left out.
void SetFirstLastStep(Command* command) {
  const std::span<const KeySpec> specs = command->spec->keys;
  command->first_key = command->last_key = command->key_step = 0;
  bool merged_any = false;
  for (const KeySpec& spec : specs) {
    if (!IsFixed(spec)) continue;
    int last = spec.last >= 0 ? spec.index + spec.last : spec.last;
    if (!merged_any) {
      command->first_key = spec.index;
      command->last_key = last;
      command->key_step = spec.step;
      merged_any = true;
      continue;
    }
    if (command->last_key != spec.index - 1 || command->key_step != 1 || spec.step != 1) return;
    command->last_key = last;
  }
}

// Where the keys of one spec are in a request of `argc` arguments.
struct KeyRange {
  int first;
  int last;  // inclusive
  int step;
};

// Where the search for keys begins: 0 if the keyword, an option, is not there and so has no keys;
// nothing if only find_keys can tell.
std::optional<int> FindBegin(const KeySpec& spec, std::span<const std::string_view> args) {
  const int argc = static_cast<int>(args.size());
  if (spec.begin == KeySpec::Begin::kIndex) return spec.index;
  if (spec.begin == KeySpec::Begin::kUnknown) return std::nullopt;
  const bool forward = spec.index > 0;
  // A keyword in the last place has no key behind it.
  for (int i = forward ? spec.index : argc + spec.index; i > 0 && i < argc; i += forward ? 1 : -1) {
    if (i < argc - 1 && EqualsIgnoreCase(args[static_cast<size_t>(i)], spec.keyword)) return i + 1;
  }
  return 0;
}

std::optional<KeyRange> FindRange(const KeySpec& spec, int begin,
                                  std::span<const std::string_view> args) {
  const int argc = static_cast<int>(args.size());
  if (spec.find == KeySpec::Find::kRange) {
    int last = spec.last >= 0    ? begin + spec.last
               : spec.limit <= 1 ? argc + spec.last
                                 : begin + (argc - begin) / spec.limit + spec.last;
    return KeyRange{begin, last, spec.step};
  }
  const int count_at = begin + spec.keynum;
  if (spec.find == KeySpec::Find::kUnknown || count_at >= argc) return std::nullopt;
  std::optional<int64_t> count = protocol::ParseInt64(args[static_cast<size_t>(count_at)]);
  if (!count || *count < 0 || *count > argc) return std::nullopt;
  int first = begin + spec.first;
  return KeyRange{first, first + (static_cast<int>(*count) - 1) * spec.step, spec.step};
}

void AppendLines(std::string_view text, std::vector<std::string>* lines) {
  for (size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    lines->emplace_back(text.substr(0, end));
  }
  lines->emplace_back(text);
}

std::string Usage(const CommandSpec& spec) {
  std::string usage(spec.name);
  if (auto arguments = ParseSyntax(spec.syntax, spec.keys.size()); arguments) {
    if (!arguments->empty()) usage.append(" ").append(FormatSyntax(*arguments));
  }
  return usage;
}

void AppendMarkdownRow(const Command& command, std::string* text) {
  text->append("| `");
  if (command.container != nullptr) text->append(command.container->spec->name).append(" ");
  std::string usage = Usage(*command.spec);
  for (char c : usage) {
    if (c == '|') text->push_back('\\');  // a bar would end the cell, even between backticks
    text->push_back(c);
  }
  text->append("` | ").append(command.spec->summary).append(" |\n");
}

}  // namespace

CommandTable::CommandTable(std::span<const CommandFamily> families,
                           std::span<const CommandRename> renames) {
  const std::vector<Entry> entries = MakeEntries(families, renames);
  size_t count = entries.size();
  for (const Entry& entry : entries) count += entry.spec->subcommands.size();
  commands_.reserve(count);  // Command::container points into it
  slots_.resize(std::bit_ceil(4 * (count + 1)));
  slot_mask_ = slots_.size() - 1;

  for (const Entry& entry : entries) AddCommand(*entry.spec, nullptr, *entry.family);
  top_level_count_ = commands_.size();
  for (size_t i = 0; i < top_level_count_; ++i) {
    commands_[i].sub_begin = static_cast<uint32_t>(commands_.size());
    for (const CommandSpec& spec : commands_[i].spec->subcommands) {
      AddCommand(spec, &commands_[i], *entries[i].family);
    }
  }
  for (size_t i = 0; i < commands_.size(); ++i) {
    Insert(i < top_level_count_ ? entries[i].name : commands_[i].spec->name, commands_[i]);
  }
}

std::vector<CommandTable::Entry> CommandTable::MakeEntries(std::span<const CommandFamily> families,
                                                           std::span<const CommandRename> renames) {
  std::vector<Entry> entries;
  for (const CommandFamily& family : families) {
    for (const CommandSpec& spec : family.rows) {
      entries.push_back({std::string(spec.name), &spec, &family});
    }
  }
  auto find = [&](std::string_view name) {
    return std::find_if(entries.begin(), entries.end(),
                        [&](const Entry& entry) { return ToLower(entry.name) == ToLower(name); });
  };
  for (const auto& [from, to] : renames) {
    auto fail = [&from = from](const std::string& reason) {
      throw std::runtime_error(
          std::string("rename-command ").append(from).append(": ").append(reason));
    };
    const auto entry = find(from);
    if (entry == entries.end()) fail("No such command in rename-command");
    if (to.empty()) {
      entries.erase(entry);
    } else if (const auto other = find(to); other != entries.end() && other != entry) {
      fail("Target command name already exists");
    } else {
      entry->name = to;
    }
  }
  return entries;
}

void CommandTable::AddCommand(const CommandSpec& spec, const Command* container,
                              const CommandFamily& family) {
  if (!HandlerFits(spec)) std::abort();
  Command command{};
  command.spec = &spec;
  command.container = container;
  command.group = family.group;
  command.full_name = container != nullptr ? container->full_name + "|" : "";
  command.full_name += ToLower(spec.name);
  command.index = static_cast<uint32_t>(commands_.size());
  command.acl = AclOfFlags(spec.flags, spec.acl) | spec.acl;
  if (!command.is_container()) command.acl = command.acl | family.acl;
  command.has_keys = std::any_of(spec.keys.begin(), spec.keys.end(), IsKey);
  command.movable_keys = !std::all_of(spec.keys.begin(), spec.keys.end(), IsFixed);
  SetFirstLastStep(&command);
  commands_.push_back(std::move(command));
}

CommandTable::Name CommandTable::MakeName(std::string_view text, uint32_t container_tag) {
  const size_t size = text.size();
  const char* bytes = text.data();
  assert(size <= kNameBytesMax);
  Name name;
  name.tag = container_tag | static_cast<uint32_t>(size);
  // Whole words that overlap where the size is no multiple of eight: with the size in the tag they
  // still tell any two names apart, and nothing is copied byte by byte.
  if (size >= 8) {
    name.words[0] = LowerBytes(Load8(bytes));
    name.words[1] = LowerBytes(Load8(bytes + size - 8));
    if (size > 16) name.words[2] = LowerBytes(Load8(bytes + 8));
  } else if (size >= 4) {
    name.words[0] = LowerBytes(Load4(bytes) | Load4(bytes + size - 4) << 32);
  } else if (size > 0) {
    uint64_t word = static_cast<unsigned char>(bytes[0]);
    word |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[size / 2])) << 8;
    word |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[size - 1])) << 16;
    name.words[0] = LowerBytes(word);
  }
  return name;
}

size_t CommandTable::FirstSlot(const Name& name) const {
  // Multiplication spreads to the left only: the well-mixed bits are on top.
  uint64_t mixed = name.words[0] ^ std::rotl(name.words[1], 23) ^ std::rotl(name.words[2], 41) ^
                   (static_cast<uint64_t>(name.tag) << 24);
  return static_cast<size_t>((mixed * 0x9e3779b97f4a7c15) >> 32) & slot_mask_;
}

void CommandTable::Insert(std::string_view text, const Command& command) {
  if (text.size() > kNameBytesMax && command.container == nullptr) {
    long_names_.emplace(ToLower(text), &command);
    return;
  }
  uint32_t container_tag = command.container != nullptr ? ContainerTag(*command.container) : 0;
  Name name = MakeName(text, container_tag);
  size_t i = FirstSlot(name);
  for (; slots_[i].command != nullptr; i = (i + 1) & slot_mask_) {
    if (slots_[i].name == name) std::abort();  // two rows with one name
  }
  slots_[i] = {name, &command};
}

const Command* CommandTable::Lookup(std::string_view text, uint32_t container_tag) const {
  if (text.size() > kNameBytesMax) {
    if (long_names_.empty() || container_tag != 0) return nullptr;
    const auto found = long_names_.find(ToLower(text));
    return found == long_names_.end() ? nullptr : found->second;
  }
  Name name = MakeName(text, container_tag);
  for (size_t i = FirstSlot(name);; i = (i + 1) & slot_mask_) {
    const Slot& slot = slots_[i];
    if (slot.name == name || slot.command == nullptr) return slot.command;
  }
}

const Command* CommandTable::Find(std::string_view name) const { return Lookup(name, 0); }

const Command* CommandTable::FindSub(const Command& container, std::string_view name) const {
  return Lookup(name, ContainerTag(container));
}

const Command* CommandTable::FindFullName(std::string_view full_name) const {
  size_t bar = full_name.find('|');
  const Command* command = Find(full_name.substr(0, bar));
  if (command == nullptr || bar == full_name.npos) return command;
  return FindSub(*command, full_name.substr(bar + 1));
}

const Command* CommandTable::Resolve(std::span<const std::string_view> args) const {
  assert(!args.empty());
  const Command* command = Find(args[0]);
  if (command == nullptr || !command->is_container() || args.size() == 1) return command;
  const Command* sub = FindSub(*command, args[1]);
  if (command->has(kUnlistedSubcommands)) {
    return sub != nullptr && sub->AcceptsArgc(args.size()) ? sub : command;
  }
  return sub;
}

std::string CommandTable::LookupError(std::span<const std::string_view> args) const {
  const Command* command = Find(args[0]);
  if (command == nullptr) return protocol::UnknownCommand(args);
  assert(args.size() > 1);
  return protocol::UnknownSubcommand(command->spec->name, args[1]);
}

bool FindKeys(const Command& command, std::span<const std::string_view> args,
              std::vector<KeyRef>* keys) {
  assert(command.AcceptsArgc(args.size()));
  if (command.spec->find_keys != nullptr) return command.spec->find_keys(args, keys);
  const int argc = static_cast<int>(args.size());
  for (const KeySpec& spec : command.spec->keys) {
    if (!IsKey(spec)) continue;
    std::optional<int> begin = FindBegin(spec, args);
    if (!begin) return false;
    if (*begin == 0) continue;
    std::optional<KeyRange> range = FindRange(spec, *begin, args);
    if (!range) return false;
    for (int i = range->first; i <= range->last; i += range->step) {
      if (i >= argc) return false;
      keys->push_back({static_cast<size_t>(i), spec.flags});
    }
  }
  return true;
}

std::vector<std::string> HelpLines(const CommandTable& table, const Command& container) {
  std::vector<std::string> lines;
  lines.push_back(std::string(container.spec->name) +
                  " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  if (!container.spec->help.empty()) AppendLines(container.spec->help, &lines);
  for (const Command& sub : table.subcommands(container)) {
    if (!sub.spec->help.empty()) {
      AppendLines(sub.spec->help, &lines);
    } else {
      lines.push_back(Usage(*sub.spec));
      lines.push_back("    " + std::string(sub.spec->summary) + ".");
    }
  }
  return lines;
}

std::string CommandsAsMarkdown(const CommandTable& table) {
  std::vector<std::string_view> groups;
  for (const Command& command : table.top_level()) {
    if (std::find(groups.begin(), groups.end(), command.group) == groups.end()) {
      groups.push_back(command.group);
    }
  }
  std::string text;
  for (std::string_view group : groups) {
    if (!text.empty()) text += '\n';
    text.append("### ").append(group).append("\n\n| command | |\n|---|---|\n");
    for (const Command& command : table.top_level()) {
      if (command.group != group) continue;
      if (command.spec->handler != nullptr && !command.has(kUnlistedSubcommands)) {
        AppendMarkdownRow(command, &text);
      }
      for (const Command& sub : table.subcommands(command)) AppendMarkdownRow(sub, &text);
    }
  }
  return text;
}

}  // namespace larder::server
