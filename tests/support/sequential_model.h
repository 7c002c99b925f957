// A server without concurrency: what each command of the concurrency tests must answer, and what it
// leaves behind. The checker (tests/support/linearizability.h) runs histories on it.
//
// Two databases of strings with deadlines; clients that watch. Time is what an operation says it
// is: a key dies when somebody looks at it who finds it past its deadline, or by kSweep.
//
// Thread-safe: every call works on its own data. Knows nothing of sockets, RESP or the store.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace larder::test_support {

enum class OpKind : uint8_t {
  kGet,         // GET key
  kSet,         // SET key value
  kSetNx,       // SET key value NX
  kSetXxGet,    // SET key value XX GET
  kGetDel,      // GETDEL key
  kDel,         // DEL key...
  kIncr,        // INCR key
  kMSet,        // MSET key value...
  kMSetNx,      // MSETNX key value...
  kMGet,        // MGET key...
  kRename,      // RENAME key newkey
  kCopy,        // COPY key newkey
  kExists,      // EXISTS key...
  kExpireAt,    // PEXPIREAT key deadline
  kExpireTime,  // PEXPIRETIME key
  kPersist,     // PERSIST key
  kFlushDb,     // FLUSHDB
  kFlushAll,    // FLUSHALL
  kSwapDb,      // SWAPDB 0 1
  kWatch,       // WATCH key...
  kUnwatch,     // UNWATCH
  kExec,        // MULTI, what is queued, EXEC
  kSweep,       // removes the key, if one is named and its time has come; nobody asked for it
};

// What a client was told. Errors carry no text: that the text is right is for other tests.
struct Outcome {
  enum class Kind : uint8_t {
    kUnknown,  // no reply came: the operation may have taken effect at any time since, or never
    kOk,
    kNil,
    kInteger,
    kText,
    kList,
    kReplies,  // EXEC's
    kError,
  };
  Kind kind = Kind::kUnknown;
  int64_t integer = 0;
  std::string text;
  std::vector<std::optional<std::string>> list;
  std::vector<Outcome> replies;

  static Outcome Unknown() { return {}; }
  static Outcome Ok() { return Of(Kind::kOk); }
  static Outcome Nil() { return Of(Kind::kNil); }
  static Outcome Error() { return Of(Kind::kError); }
  static Outcome Integer(int64_t value) {
    Outcome outcome = Of(Kind::kInteger);
    outcome.integer = value;
    return outcome;
  }
  static Outcome Text(std::string value) {
    Outcome outcome = Of(Kind::kText);
    outcome.text = std::move(value);
    return outcome;
  }
  static Outcome List(std::vector<std::optional<std::string>> values) {
    Outcome outcome = Of(Kind::kList);
    outcome.list = std::move(values);
    return outcome;
  }
  static Outcome Replies(std::vector<Outcome> outcomes) {
    Outcome outcome = Of(Kind::kReplies);
    outcome.replies = std::move(outcomes);
    return outcome;
  }
  static Outcome Of(Kind kind) {
    Outcome outcome;
    outcome.kind = kind;
    return outcome;
  }

  bool operator==(const Outcome&) const = default;
};

struct Operation {
  static constexpr int64_t kNeverReturned = std::numeric_limits<int64_t>::max();

  int client = 0;
  OpKind kind = OpKind::kGet;
  std::vector<std::string> args = {};  // as in the command, its name left out
  int64_t call_ns = 0;                 // taken before the request was handed over
  int64_t return_ns = kNeverReturned;  // taken after the reply had come
  Outcome outcome = {};
  int db = 0;
  int64_t now_ms = 0;                  // the time that the server took for the present
  std::vector<Operation> queued = {};  // of kExec; of these, time and outcomes say nothing
};

// A database, or a part of one, without deadlines.
using KeyValues = std::map<std::string, std::string>;

struct ModelState {
  static constexpr int64_t kNoDeadline = -1;
  static constexpr int kDatabases = 2;

  struct Value {
    std::string text;
    int64_t deadline_ms = kNoDeadline;
    bool operator==(const Value&) const = default;
  };
  struct Watch {
    std::set<std::pair<int, std::string>> keys;  // database and name
    bool touched = false;
  };

  ModelState() = default;
  explicit ModelState(const KeyValues& database_0);

  std::array<std::map<std::string, Value>, kDatabases> databases;
  std::map<int, Watch> watches;  // of each client that watches
};

// Runs one operation on `state` and returns the reply it must give.
Outcome RunOnModel(const Operation& op, ModelState* state);

// The words of the command; of kExec, EXEC alone.
std::vector<std::string> WordsOf(const Operation& op);

// For explanations: long values are cut.
std::string ToString(const Operation& op);
std::string ToString(const ModelState& state);

}  // namespace larder::test_support
