// The command table: finds a command by name and holds every fact derived from the rows.
//
// Built once at start from the families (commands/families.h) and immutable from then on: any
// thread may use it without a lock, and a Command& stays valid as long as the table. Find() is on
// the path of every request: a few loads, one multiplication, usually one probe; no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/command.h"

namespace larder::server {

// A row with what was derived from it.
struct Command {
  const CommandSpec* spec;
  const Command* container;  // null for a command of the top level
  std::string_view group;    // of COMMAND DOCS
  std::string full_name;     // lower case: "get", "config|get"
  uint32_t
      index;  // dense: table.commands()[index] is this one; the subscript of per-thread statistics
  uint32_t
      sub_begin;  // subcommands are commands()[sub_begin, sub_begin + spec->subcommands.size())
  AclCategory acl;
  bool has_keys;      // some arguments may be keys
  bool movable_keys;  // some key is not at a fixed position
  // The keys as far as first/last/step can say it, all 0 if they cannot; last < 0 counts from the
  // end of argv.
  int first_key;
  int last_key;
  int key_step;

  bool is_container() const { return !spec->subcommands.empty(); }
  bool has(CommandFlags flag) const { return (spec->flags & flag) != 0; }
  // Whether a request of `argc` arguments (the name counts) fits the arity.
  bool AcceptsArgc(size_t argc) const {
    return spec->arity >= 0 ? argc == static_cast<size_t>(spec->arity)
                            : argc >= static_cast<size_t>(-spec->arity);
  }
};

class CommandTable {
 public:
  // REQUIRES: names are unique over all families and the rows outlive the table. A name that occurs
  // twice aborts. Throws std::runtime_error if a rename, one after the other, is impossible. Full
  // names, which statistics and error texts show, stay those of the rows.
  explicit CommandTable(std::span<const CommandFamily> families,
                        std::span<const CommandRename> renames = {});
  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;

  // The command of the top level with this name, in upper, lower or mixed case; null if there is
  // none.
  const Command* Find(std::string_view name) const;
  // The subcommand `name` (any case) of `container`; null if there is none.
  const Command* FindSub(const Command& container, std::string_view name) const;
  // By full name: "get", "CONFIG|GET".
  const Command* FindFullName(std::string_view full_name) const;
  // What a request runs: the command args[0], or its subcommand args[1] if it is a container and
  // args[1] is there. Null if either is unknown: LookupError() says which. The arity is left to the
  // caller (Command::AcceptsArgc). Where subcommands are unlisted (DEBUG), the container itself
  // stands in for one that is unknown or would not accept the number of arguments.
  const Command* Resolve(std::span<const std::string_view> args) const;

  // Every command and subcommand. Commands of the top level come first, in the order of the
  // families.
  std::span<const Command> commands() const { return commands_; }
  std::span<const Command> top_level() const { return commands().first(top_level_count_); }
  std::span<const Command> subcommands(const Command& container) const {
    return commands().subspan(container.sub_begin, container.spec->subcommands.size());
  }

  // The error for a request that Resolve() did not find: unknown command or unknown subcommand.
  std::string LookupError(std::span<const std::string_view> args) const;

 private:
  // A name of at most 24 bytes in lower case, as words, so that two names compare in four steps.
  // `tag` holds the length and, for a subcommand, its container.
  struct Name {
    uint64_t words[3] = {0, 0, 0};
    uint32_t tag = 0;
    bool operator==(const Name&) const = default;
  };
  struct Slot {
    Name name;
    const Command* command = nullptr;  // null: the slot is empty
  };
  static constexpr size_t kNameBytesMax = 24;

  // REQUIRES: text.size() <= kNameBytesMax.
  static Name MakeName(std::string_view text, uint32_t container_tag);
  size_t FirstSlot(const Name& name) const;
  static uint32_t ContainerTag(const Command& container) { return (container.index + 1) << 8; }

  struct Entry {  // of the top level, before it is a Command
    std::string name;
    const CommandSpec* spec;
    const CommandFamily* family;
  };

  static std::vector<Entry> MakeEntries(std::span<const CommandFamily> families,
                                        std::span<const CommandRename> renames);
  void AddCommand(const CommandSpec& spec, const Command* container, const CommandFamily& family);
  void Insert(std::string_view text, const Command& command);
  const Command* Lookup(std::string_view text, uint32_t container_tag) const;

  std::vector<Command> commands_;
  size_t top_level_count_ = 0;
  // Open addressing, linear probing; a power of two, at least four slots a command, so that most
  // look-ups end at the first slot.
  std::vector<Slot> slots_;
  size_t slot_mask_ = 0;  // slots_.size() - 1
  // Names longer than kNameBytesMax, in lower case: those of a `rename-command` that hides one.
  std::map<std::string, const Command*> long_names_;
};

// Appends the keys of a request that fits the command's arity, in the order of the key specs. False
// if the arguments contradict the specs (a number of keys that is none, or more keys than
// arguments); *keys is then unspecified.
bool FindKeys(const Command& command, std::span<const std::string_view> args,
              std::vector<KeyRef>* keys);

// The lines of "<container> HELP".
std::vector<std::string> HelpLines(const CommandTable& table, const Command& container);

// The list of commands for README.md, one table a group (`larder --print-commands`).
std::string CommandsAsMarkdown(const CommandTable& table);

}  // namespace larder::server
