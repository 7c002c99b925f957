// The registry row of one command, and what a row is made of.
//
// A command is one row and one function in one file of server/commands/. The row is constant data:
// it is read from every I/O thread without a lock and is never written. Whatever can be derived
// from a row (ACL categories, arity errors, COMMAND's replies, HELP, the Markdown list) is derived
// in command_table.h and not typed here a second time.
//
// A file of commands ends like this:
//
//   constexpr CommandSpec kRows[] = {
//       {.name = "STRLEN",
//        .arity = 2,
//        .flags = kReadonly | kFast,
//        .keys = kFirstKey<kKeyRo>,
//        .syntax = "key",
//        .since = "2.2.0",
//        .complexity = "O(1)",
//        .summary = "Get the length of ...",
//        .handler = StrLen},
//   };
//   static_assert(Valid(kRows));
//
//   CommandFamily StringCommands() {
//     return {.group = "string", .acl = kAclString, .rows = kRows};
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::protocol {
class ReplyWriter;
}

namespace larder::server {

class Call;

// Runs one command: reads the arguments of `call`, writes exactly one reply (arity has been checked
// already).
using Handler = void (*)(Call& call, protocol::ReplyWriter& reply);

// What the dispatcher must know before it runs a command. Those with a quoted name appear under it
// in COMMAND INFO.
enum CommandFlags : uint32_t {
  kNoFlags = 0,
  kWrite = 1u << 0,     // "write": may change the keyspace
  kReadonly = 1u << 1,  // "readonly": reads keys and changes none
  // "denyoom": may use more memory; refused above maxmemory when nothing can be evicted.
  kDenyOom = 1u << 2,
  kAdmin = 1u << 3,  // "admin": for the operator; implies @admin and @dangerous
  // "pubsub": works on channels; allowed in RESP2's subscriber mode where the row says so.
  kPubSub = 1u << 4,
  kNoScript = 1u << 5,       // "noscript": refused from a script
  kBlocking = 1u << 6,       // "blocking": may suspend its client
  kLoading = 1u << 7,        // "loading": allowed while a data set is being loaded
  kStale = 1u << 8,          // "stale": allowed on a replica whose data are out of date
  kSkipMonitor = 1u << 9,    // "skip_monitor": not shown by MONITOR
  kSkipSlowlog = 1u << 10,   // "skip_slowlog": never logged as slow (it may carry a password)
  kFast = 1u << 11,          // "fast": O(1) or O(log n); implies @fast, its absence @slow
  kNoAuth = 1u << 12,        // "no_auth": allowed before the client has authenticated
  kMayReplicate = 1u << 13,  // "may_replicate": no write, yet may reach replicas (PUBLISH)
  // "no_mandatory_keys": has key specs, but a call without a key is fine.
  kNoMandatoryKeys = 1u << 14,
  kNeedsEnabling = 1u << 15,   // not shown: needs an enable-*-command setting (DEBUG)
  kNoAsyncLoading = 1u << 16,  // "no_async_loading": refused during an asynchronous load
  kNoMulti = 1u << 17,         // "no_multi": refused inside MULTI
  kAllowBusy = 1u << 18,       // "allow_busy": allowed while a script runs too long
  kSysCmd = 1u << 19,          // not a flag of COMMAND INFO: doc_flags "syscmd" in COMMAND DOCS
  // Container whose subcommands are dispatched from rows but not announced: COMMAND shows one
  // command without subcommands, and a request for an unknown subcommand, or one with a wrong
  // number of arguments, runs the container's own handler, UnlistedSubcommandError (DEBUG).
  kUnlistedSubcommands = 1u << 20,
  // What transactions must know; none of it is a flag of COMMAND INFO.
  kNeverQueued = 1u << 21,    // runs at once within MULTI, as EXEC does
  kSelects = 1u << 22,        // its first argument is the database of what follows (SELECT)
  kRunsQueue = 1u << 23,      // EXEC: to refuse it ends the transaction
  kManyDatabases = 1u << 24,  // changes what databases are as a whole (FLUSHALL, SWAPDB)
  // Not shown: asks about keys without using them, so that it is no access for the LRU and LFU
  // policies (TTL, EXISTS, OBJECT).
  kNoTouch = 1u << 25,
  kTouches = 1u << 26,  // counts as a use of its keys even under CLIENT NO-TOUCH (TOUCH)
};
constexpr CommandFlags operator|(CommandFlags a, CommandFlags b) {
  return static_cast<CommandFlags>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}

// ACL categories, one bit each, in the order in which COMMAND INFO names them. A row writes one
// only when neither its flags nor its family's group imply it.
enum AclCategory : uint32_t {
  kAclNone = 0,
  kAclKeyspace = 1u << 0,
  kAclRead = 1u << 1,   // kReadonly without kAclScripting
  kAclWrite = 1u << 2,  // kWrite
  kAclSet = 1u << 3,
  kAclSortedSet = 1u << 4,
  kAclList = 1u << 5,
  kAclHash = 1u << 6,
  kAclString = 1u << 7,
  kAclBitmap = 1u << 8,
  kAclHyperLogLog = 1u << 9,
  kAclGeo = 1u << 10,
  kAclStream = 1u << 11,
  kAclPubSub = 1u << 12,     // kPubSub
  kAclAdmin = 1u << 13,      // kAdmin
  kAclFast = 1u << 14,       // kFast
  kAclSlow = 1u << 15,       // no kFast
  kAclBlocking = 1u << 16,   // kBlocking
  kAclDangerous = 1u << 17,  // kAdmin, or written in the row (FLUSHALL, KEYS)
  kAclConnection = 1u << 18,
  kAclTransaction = 1u << 19,
  kAclScripting = 1u << 20,
};
constexpr AclCategory operator|(AclCategory a, AclCategory b) {
  return static_cast<AclCategory>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}

// What a command does with the keys of one KeySpec. The first four say how it touches the key as a
// whole and exactly one of them is set; the next four what happens to the user's data in it.
enum KeyFlags : uint16_t {
  kKeyNone = 0,
  kKeyRo = 1u << 0,             // reads the value, changes nothing
  kKeyRw = 1u << 1,             // changes the value or its metadata, depending on what is there
  kKeyOw = 1u << 2,             // overwrites the value without looking at it
  kKeyRm = 1u << 3,             // deletes the key
  kKeyAccess = 1u << 4,         // the value is returned, copied or decides the reply
  kKeyUpdate = 1u << 5,         // the value is updated
  kKeyInsert = 1u << 6,         // data are added, none replaced
  kKeyDelete = 1u << 7,         // content is deleted
  kKeyNotKey = 1u << 8,         // looks like a key but is none (a cluster channel)
  kKeyIncomplete = 1u << 9,     // may miss keys; find_keys knows them all
  kKeyVariableFlags = 1u << 10  // the flags depend on the arguments; find_keys knows them
};
constexpr KeyFlags operator|(KeyFlags a, KeyFlags b) {
  return static_cast<KeyFlags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

// Where keys are among the arguments: where to begin, then how to go on from there. Positions count
// the command's name as 0. A KeySpec with only `flags` is the common one: argument 1 and nothing
// else.
struct KeySpec {
  enum class Begin : uint8_t {
    kIndex,    // at argument `index`
    kKeyword,  // behind the argument `keyword`, searched from `index` on (negative: from the end,
               // backwards)
    kUnknown,  // only find_keys can tell
  };
  enum class Find : uint8_t {
    kRange,  // every `step`-th argument up to `last` (relative to the first; negative: counted from
             // the end of argv); limit > 1 and last == -1: only the first 1/limit of what remains
    kKeyNum,   // argument `keynum` (relative to the beginning) says how many; the first is `first`
               // behind the beginning
    kUnknown,  // only find_keys can tell
  };
  KeyFlags flags = kKeyRo;
  std::string_view notes = {};  // remark shown by COMMAND INFO
  Begin begin = Begin::kIndex;
  int index = 1;
  std::string_view keyword = {};
  Find find = Find::kRange;
  int last = 0;
  int step = 1;
  int limit = 0;
  int keynum = 0;
  int first = 0;
};

// The usual key specs: `.keys = kFirstKey<kKeyRo | kKeyAccess>`.
template <KeyFlags kFlags>
inline constexpr KeySpec kFirstKey[] = {{.flags = kFlags}};  // GET key
template <KeyFlags kFlags>
inline constexpr KeySpec kAllKeys[] = {{.flags = kFlags, .last = -1}};  // DEL key [key ...]
template <KeyFlags kFlags>
inline constexpr KeySpec kKeyPairs[] = {
    {.flags = kFlags, .last = -1, .step = 2}};  // MSET key value [key value ...]

// One key found among the arguments of a request.
struct KeyRef {
  size_t index;  // position in argv
  KeyFlags flags;
};

// Finds the keys of a request where key specs cannot (SORT) or where the flags depend on the
// arguments (SET ... GET). Appends to *keys; false if the arguments are malformed. args[0] is the
// command's name; arity holds.
using KeyFinder = bool (*)(std::span<const std::string_view> args, std::vector<KeyRef>* keys);

// A key that a request touches, where it may be in another database than the client's: which
// arguments name the two; a `db_index` of 0 says that the database is the client's.
struct KeyPlace {
  size_t index;
  size_t db_index;
};

// Appends where all keys of a request are. What is wrong with the arguments is the handler's to
// find: it touches nothing then. args[0] is the command's name; arity holds.
using KeyPlaceFinder = void (*)(std::span<const std::string_view> args,
                                std::vector<KeyPlace>* places);

// Whether args[i] is a secret, which no log may show. args[0] is the command's name; i > 0.
using SecretTest = bool (*)(std::span<const std::string_view> args, size_t i);

// One line of a command's history in COMMAND DOCS.
struct Change {
  std::string_view since;
  std::string_view what;
};

// One command or one subcommand.
struct CommandSpec {
  // Upper case. A subcommand bears its own name only ("GET"); its full name ("config|get") is
  // derived.
  std::string_view name;
  // Number of arguments with the name (and the container's name); negative: at least that many.
  int arity = 0;
  CommandFlags flags = kNoFlags;
  // Categories beside those of the flags and of the family. A container takes none from its family.
  AclCategory acl = kAclNone;
  std::span<const KeySpec> keys = {};
  // Overrides `keys` for finding the keys of a request; `keys` is still what COMMAND INFO shows.
  KeyFinder find_keys = nullptr;
  // Null: all keys are in the client's database (COPY and MOVE have one elsewhere).
  KeyPlaceFinder find_places = nullptr;
  // Null: no argument is one.
  SecretTest is_secret = nullptr;
  // The arguments, for people and for COMMAND DOCS; the grammar is in command_syntax.h.
  std::string_view syntax = {};
  std::string_view since = {};
  std::string_view complexity = {};
  std::string_view summary = {};  // no full stop
  std::span<const Change> history = {};
  std::span<const std::string_view> tips = {};  // for client libraries: "nondeterministic_output"
  std::string_view deprecated_since = {};
  std::string_view replaced_by = {};
  // Overrides this subcommand's lines in its container's HELP, which are otherwise made of name,
  // syntax and summary: the usage, then text indented by four blanks, divided by '\n'. In a
  // container, what HELP says of the call without a subcommand.
  std::string_view help = {};
  // A container lists its subcommands here, HELP last.
  std::span<const CommandSpec> subcommands = {};
  // Null in a container, unless it can be called without a subcommand (arity -1: COMMAND) or has
  // kUnlistedSubcommands.
  Handler handler = nullptr;
};

// args[i] as a log may show it: "(redacted)" in place of a secret.
inline std::string_view WithoutSecret(const CommandSpec& spec,
                                      std::span<const std::string_view> args, size_t i) {
  const bool secret = i > 0 && spec.is_secret != nullptr && spec.is_secret(args, i);
  return secret ? "(redacted)" : args[i];
}

// The commands of one file.
struct CommandFamily {
  std::string_view group;  // "string": the group in COMMAND DOCS
  AclCategory acl;         // what every row of the family belongs to; kAclNone if they differ
  std::span<const CommandSpec> rows;
};

// `rename-command`: a command of the top level gets another name. Empty: it is gone.
struct CommandRename {
  std::string from;
  std::string to;
};

// Answers "<container> HELP" out of the container's rows (server/commands/command.cc).
void ContainerHelp(Call& call, protocol::ReplyWriter& reply);

// The handler of a container with kUnlistedSubcommands: "unknown subcommand or wrong number of
// arguments" (server/commands/command.cc).
void UnlistedSubcommandError(Call& call, protocol::ReplyWriter& reply);

// The HELP row that each container has.
constexpr CommandSpec HelpRow(std::string_view since) {
  return {.name = "HELP",
          .arity = 2,
          .flags = kLoading | kStale,
          .since = since,
          .complexity = "O(1)",
          .summary = "Show helpful text about the different subcommands",
          .help = "HELP\n    Prints this help.",
          .handler = ContainerHelp};
}

constexpr bool ValidKeySpec(const KeySpec& spec) {
  unsigned ways = spec.flags & (kKeyRo | kKeyRw | kKeyOw | kKeyRm);
  bool one_way = ways != 0 && (ways & (ways - 1)) == 0;
  bool keyword_matches = (spec.begin == KeySpec::Begin::kKeyword) == !spec.keyword.empty();
  return (one_way || (spec.flags & kKeyNotKey) != 0) && keyword_matches && spec.index != 0 &&
         spec.step > 0;
}

constexpr bool ValidName(std::string_view name) {
  if (name.empty()) return false;
  for (char c : name) {
    if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) {
      return false;
    }
  }
  return true;
}

constexpr bool ValidRow(const CommandSpec& row, bool is_sub) {
  bool is_container = !row.subcommands.empty();
  if (!ValidName(row.name) || row.arity == 0 || row.since.empty() || row.summary.empty()) {
    return false;
  }
  if (is_sub && (is_container || (row.arity < 0 ? -row.arity : row.arity) < 2)) return false;
  if (is_container && !row.keys.empty()) return false;
  if ((row.flags & kWrite) != 0 && (row.flags & kReadonly) != 0) return false;
  if ((row.find_keys != nullptr || row.find_places != nullptr) && row.keys.empty()) return false;
  for (const KeySpec& spec : row.keys) {
    if (!ValidKeySpec(spec)) return false;
    // kKeyRw is allowed: PFCOUNT is read-only and caches its result in the value.
    if ((row.flags & kReadonly) != 0 && (spec.flags & (kKeyOw | kKeyRm)) != 0) {
      return false;
    }
  }
  for (const CommandSpec& sub : row.subcommands) {
    if (!ValidRow(sub, true)) return false;
  }
  return true;
}

// True if the rows keep the rules written above their fields and no name occurs twice. Every file
// of commands has static_assert(Valid(kRows)). Not checked here: handlers, since g++ 12 with
// -fsanitize=undefined takes no function's address but a static one's for a constant (CommandTable
// aborts on a wrong one); syntax strings (tests/server/commands/families_test.cc).
consteval bool Valid(std::span<const CommandSpec> rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!ValidRow(rows[i], false)) return false;
    for (size_t j = 0; j < i; ++j) {
      if (rows[i].name == rows[j].name) return false;
    }
  }
  return true;
}

}  // namespace larder::server
