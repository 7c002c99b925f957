#include "tests/support/linearizability.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <span>
#include <sstream>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace larder::test_support {
namespace {

constexpr size_t kValueCharsShown = 24;  // longer values are cut in explanations

std::optional<int64_t> ToInteger(const std::string& text) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

Outcome TextOrNil(const std::string& key, const KeyValues& state) {
  const auto found = state.find(key);
  return found == state.end() ? Outcome::Nil() : Outcome::Text(found->second);
}

Outcome RunIncr(const std::string& key, KeyValues* state) {
  const auto found = state->find(key);
  int64_t value = 0;
  if (found != state->end()) {
    const std::optional<int64_t> parsed = ToInteger(found->second);
    if (!parsed || *parsed == std::numeric_limits<int64_t>::max()) return Outcome::Error();
    value = *parsed;
  }
  (*state)[key] = std::to_string(value + 1);
  return Outcome::Integer(value + 1);
}

Outcome RunRename(const std::string& from, const std::string& to, KeyValues* state) {
  const auto found = state->find(from);
  if (found == state->end()) return Outcome::Error();
  if (from == to) return Outcome::Ok();
  std::string value = std::move(found->second);
  state->erase(found);
  (*state)[to] = std::move(value);
  return Outcome::Ok();
}

void PutPairs(const std::vector<std::string>& args, KeyValues* state) {
  for (size_t i = 0; i + 1 < args.size(); i += 2) (*state)[args[i]] = args[i + 1];
}

bool AnyKeyOfPairsExists(const std::vector<std::string>& args, const KeyValues& state) {
  for (size_t i = 0; i + 1 < args.size(); i += 2) {
    if (state.contains(args[i])) return true;
  }
  return false;
}

std::string Shortened(const std::string& value) {
  if (value.size() <= kValueCharsShown) return value;
  return value.substr(0, kValueCharsShown) + "..(" + std::to_string(value.size()) + " bytes)";
}

std::string ToString(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kUnknown:
      return "?";
    case Outcome::Kind::kOk:
      return "OK";
    case Outcome::Kind::kNil:
      return "nil";
    case Outcome::Kind::kInteger:
      return ":" + std::to_string(outcome.integer);
    case Outcome::Kind::kText:
      return '"' + Shortened(outcome.text) + '"';
    case Outcome::Kind::kError:
      return "error";
    case Outcome::Kind::kList:
      break;
  }
  std::string text = "[";
  for (const auto& value : outcome.list) {
    if (text.size() > 1) text += ", ";
    text += value ? '"' + Shortened(*value) + '"' : "nil";
  }
  return text + "]";
}

std::string ToString(const KeyValues& state) {
  std::string text = "{";
  for (const auto& [key, value] : state) {
    if (text.size() > 1) text += ", ";
    text += key + "=" + Shortened(value);
  }
  return text + "}";
}

// One search: owns the positions, the dead ends, and the furthest point reached.
class Search {
 public:
  Search(const std::vector<Operation>& history, const KeyValues& initial) {
    for (const Operation& op : history) {
      const size_t client = ClientIndex(op.client);
      assert(programs_[client].empty() || programs_[client].back()->return_ns <= op.return_ns);
      programs_[client].push_back(&op);
      if (op.outcome.kind != Outcome::Kind::kUnknown) ++replies_left_;
    }
    positions_.assign(programs_.size(), 0);
    best_positions_ = positions_;
    best_state_ = initial;
    best_left_ = replies_left_;
  }

  // True if the operations that are left can be ordered, starting from `state`.
  bool Run(const KeyValues& state) {
    if (replies_left_ == 0) return true;
    if (!dead_ends_.insert(Fingerprint(state)).second) return false;
    if (replies_left_ < best_left_) {
      best_left_ = replies_left_;
      best_positions_ = positions_;
      best_state_ = state;
    }
    for (const size_t client : Candidates()) {
      if (Place(client, state)) return true;
    }
    return false;
  }

  std::string Explain() const {
    std::ostringstream text;
    text << "no order of these operations explains their replies; the best attempt placed those "
            "marked *, reached "
         << ToString(best_state_) << " and could go no further:\n";
    for (size_t client = 0; client < programs_.size(); ++client) {
      for (size_t i = 0; i < programs_[client].size(); ++i) {
        text << (i < best_positions_[client] ? " * " : "   ")
             << test_support::ToString(*programs_[client][i]) << "\n";
      }
    }
    return text.str();
  }

 private:
  size_t ClientIndex(int client) {
    const auto found = std::find(clients_.begin(), clients_.end(), client);
    if (found != clients_.end()) return static_cast<size_t>(found - clients_.begin());
    clients_.push_back(client);
    programs_.emplace_back();
    return clients_.size() - 1;
  }

  const Operation* Next(size_t client) const {
    return positions_[client] < programs_[client].size() ? programs_[client][positions_[client]]
                                                         : nullptr;
  }

  // The clients whose next operation may come first: it was called before any operation that is
  // left returned. The one that returned first is tried first, as it is the likeliest.
  std::vector<size_t> Candidates() const {
    int64_t first_return_ns = Operation::kNeverReturned;
    for (size_t client = 0; client < programs_.size(); ++client) {
      if (const Operation* op = Next(client)) {
        first_return_ns = std::min(first_return_ns, op->return_ns);
      }
    }
    std::vector<size_t> candidates;
    for (size_t client = 0; client < programs_.size(); ++client) {
      const Operation* op = Next(client);
      if (op != nullptr && op->call_ns <= first_return_ns) candidates.push_back(client);
    }
    std::sort(candidates.begin(), candidates.end(),
              [this](size_t a, size_t b) { return Next(a)->return_ns < Next(b)->return_ns; });
    return candidates;
  }

  // Places the next operation of `client` and goes on; takes it back if that leads nowhere.
  bool Place(size_t client, const KeyValues& state) {
    const Operation& op = *Next(client);
    const bool replied = op.outcome.kind != Outcome::Kind::kUnknown;
    KeyValues after = state;
    const Outcome expected = RunOnModel(op, &after);
    if (replied && expected != op.outcome) return false;
    ++positions_[client];
    if (replied) --replies_left_;
    if (Run(after)) return true;
    --positions_[client];
    if (replied) ++replies_left_;
    return false;
  }

  // Unambiguous: positions are fixed in number, and every text is preceded by its length.
  std::string Fingerprint(const KeyValues& state) const {
    std::string print;
    const auto add_number = [&print](uint64_t number) {
      print.append(reinterpret_cast<const char*>(&number), sizeof number);
    };
    for (const size_t position : positions_) add_number(position);
    for (const auto& [key, value] : state) {
      add_number(key.size());
      print += key;
      add_number(value.size());
      print += value;
    }
    return print;
  }

  std::vector<int> clients_;
  std::vector<std::vector<const Operation*>> programs_;  // one a client, in program order
  std::vector<size_t> positions_;                        // how many of each program are placed
  size_t replies_left_ = 0;
  std::unordered_set<std::string> dead_ends_;  // points visited; none led to a full order

  std::vector<size_t> best_positions_;
  KeyValues best_state_;
  size_t best_left_ = 0;
};

}  // namespace

Outcome RunOnModel(const Operation& op, KeyValues* state) {
  const std::vector<std::string>& args = op.args;
  switch (op.kind) {
    case OpKind::kGet:
      return TextOrNil(args[0], *state);
    case OpKind::kSet:
      (*state)[args[0]] = args[1];
      return Outcome::Ok();
    case OpKind::kSetNx:
      return state->emplace(args[0], args[1]).second ? Outcome::Ok() : Outcome::Nil();
    case OpKind::kGetDel: {
      Outcome outcome = TextOrNil(args[0], *state);
      state->erase(args[0]);
      return outcome;
    }
    case OpKind::kDel: {
      int64_t erased = 0;
      for (const std::string& key : args) erased += static_cast<int64_t>(state->erase(key));
      return Outcome::Integer(erased);
    }
    case OpKind::kIncr:
      return RunIncr(args[0], state);
    case OpKind::kMSet:
      PutPairs(args, state);
      return Outcome::Ok();
    case OpKind::kMSetNx:
      if (AnyKeyOfPairsExists(args, *state)) return Outcome::Integer(0);
      PutPairs(args, state);
      return Outcome::Integer(1);
    case OpKind::kMGet: {
      std::vector<std::optional<std::string>> values;
      for (const std::string& key : args) {
        const auto found = state->find(key);
        values.push_back(found == state->end() ? std::nullopt : std::optional(found->second));
      }
      return Outcome::List(std::move(values));
    }
    case OpKind::kRename:
      return RunRename(args[0], args[1], state);
    case OpKind::kExists:
      return Outcome::Integer(std::count_if(
          args.begin(), args.end(), [state](const auto& key) { return state->contains(key); }));
  }
  return Outcome::Unknown();
}

Verdict CheckLinearizable(const std::vector<Operation>& history, const KeyValues& initial) {
  Search search(history, initial);
  if (search.Run(initial)) return {.linearizable = true, .explanation = {}};
  return {.linearizable = false, .explanation = search.Explain()};
}

std::string ToString(const Operation& op) {
  static constexpr std::array<std::string_view, 11> kNames = {"GET",  "SET",    "SET_NX", "GETDEL",
                                                              "DEL",  "INCR",   "MSET",   "MSETNX",
                                                              "MGET", "RENAME", "EXISTS"};
  std::string text = "client " + std::to_string(op.client) + " [" + std::to_string(op.call_ns) +
                     " .. " +
                     (op.return_ns == Operation::kNeverReturned ? std::string("never")
                                                                : std::to_string(op.return_ns)) +
                     "] ";
  text += kNames[static_cast<size_t>(op.kind)];
  for (const std::string& arg : op.args) text += " " + Shortened(arg);
  return text + " -> " + ToString(op.outcome);
}

}  // namespace larder::test_support
