// A linearizability checker for short concurrent histories over a small group of string keys.
//
// The keys together are ONE object: a history is accepted only if there is a single order of all
// its operations in which every reply is the one a sequential server would have given, every
// operation lies between its call and its return, and each client's operations keep their program
// order (a pipeline is executed in the order in which it was sent). So a half-seen MSET, or a
// RENAME during which both names or neither exist, is a violation, although each key by itself
// looks fine.
//
// Algorithm: J. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (1993): try every
// operation that may come first, run it on the model, go on with the rest, undo on failure; with
// the memory of dead ends of G. Lowe, "Testing for linearizability" (2017). Program order makes the
// set of operations already placed one position a client, so a dead end is (positions, model
// state).
//
// Cost: a recorded round of 4 clients x 8 operations takes well under a millisecond; 3 ms if all 32
// overlap and every order has to be refuted. It grows with the product of the programs' lengths.
//
// Thread-safe: every call works on its own data. Knows nothing of sockets, RESP or the store.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace larder::test_support {

enum class OpKind : uint8_t {
  kGet,     // GET key
  kSet,     // SET key value
  kSetNx,   // SET key value NX
  kGetDel,  // GETDEL key
  kDel,     // DEL key...
  kIncr,    // INCR key
  kMSet,    // MSET key value...
  kMSetNx,  // MSETNX key value...
  kMGet,    // MGET key...
  kRename,  // RENAME key newkey
  kExists,  // EXISTS key...
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
    kError,
  };
  Kind kind = Kind::kUnknown;
  int64_t integer = 0;
  std::string text;
  std::vector<std::optional<std::string>> list;

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
  std::vector<std::string> args;       // as in the command, its name left out
  int64_t call_ns = 0;                 // taken before the request was handed over
  int64_t return_ns = kNeverReturned;  // taken after the reply had come
  Outcome outcome;
};

using KeyValues = std::map<std::string, std::string>;

// The sequential server: runs one operation on `state` and returns the reply it must give.
Outcome RunOnModel(const Operation& op, KeyValues* state);

struct Verdict {
  bool linearizable = false;
  std::string explanation;  // of a violation: the history, and how far the best attempt came
};

// REQUIRES: the operations of each client appear in `history` in program order (those of different
// clients may be mixed in any way), and their return times never decrease.
Verdict CheckLinearizable(const std::vector<Operation>& history, const KeyValues& initial = {});

std::string ToString(const Operation& op);

}  // namespace larder::test_support
