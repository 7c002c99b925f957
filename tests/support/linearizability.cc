#include "tests/support/linearizability.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <sstream>
#include <unordered_set>

namespace larder::test_support {
namespace {

// One search: owns the positions, the dead ends, and the furthest point reached.
class Search {
 public:
  Search(const std::vector<Operation>& history, const ModelState& initial) {
    for (const Operation& op : history) {
      if (op.kind == OpKind::kSweep) {
        sweeps_.push_back(&op);
        continue;
      }
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
  bool Run(const ModelState& state) {
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
    return SweepOneKey(state);
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

  // When the first operation that is left returned: what was called later cannot come next.
  int64_t FirstReturnNs() const {
    int64_t first_return_ns = Operation::kNeverReturned;
    for (size_t client = 0; client < programs_.size(); ++client) {
      if (const Operation* op = Next(client)) {
        first_return_ns = std::min(first_return_ns, op->return_ns);
      }
    }
    return first_return_ns;
  }

  // The clients whose next operation may come first. The one that returned first is tried first, as
  // it is the likeliest.
  std::vector<size_t> Candidates() const {
    const int64_t first_return_ns = FirstReturnNs();
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
  bool Place(size_t client, const ModelState& state) {
    const Operation& op = *Next(client);
    const bool replied = op.outcome.kind != Outcome::Kind::kUnknown;
    ModelState after = state;
    const Outcome expected = RunOnModel(op, &after);
    if (replied && expected != op.outcome) return false;
    ++positions_[client];
    if (replied) --replies_left_;
    if (Run(after)) return true;
    --positions_[client];
    if (replied) ++replies_left_;
    return false;
  }

  // Lets a key go whose time has come for a sweep, and goes on.
  bool SweepOneKey(const ModelState& state) {
    const int64_t first_return_ns = FirstReturnNs();
    Operation sweep;
    sweep.kind = OpKind::kSweep;
    for (const Operation* op : sweeps_) {
      if (op->call_ns <= first_return_ns) sweep.now_ms = std::max(sweep.now_ms, op->now_ms);
    }
    for (sweep.db = 0; sweep.db < ModelState::kDatabases; ++sweep.db) {
      for (const auto& [key, value] : state.databases[static_cast<size_t>(sweep.db)]) {
        if (value.deadline_ms == ModelState::kNoDeadline || value.deadline_ms >= sweep.now_ms)
          continue;
        ModelState after = state;
        sweep.args = {key};
        RunOnModel(sweep, &after);
        if (Run(after)) return true;
      }
    }
    return false;
  }

  // Unambiguous: positions are fixed in number, and every text is preceded by its length.
  std::string Fingerprint(const ModelState& state) const {
    std::string print;
    const auto add_number = [&print](uint64_t number) {
      print.append(reinterpret_cast<const char*>(&number), sizeof number);
    };
    for (const size_t position : positions_) add_number(position);
    const auto add_text = [&](const std::string& text) {
      add_number(text.size());
      print += text;
    };
    for (const auto& database : state.databases) {
      add_number(database.size());
      for (const auto& [key, value] : database) {
        add_text(key);
        add_text(value.text);
        add_number(static_cast<uint64_t>(value.deadline_ms));
      }
    }
    // What a client watches follows from its position; whether it has changed does not.
    for (const auto& [client, watch] : state.watches) add_number(watch.touched ? 1 : 0);
    return print;
  }

  std::vector<int> clients_;
  std::vector<const Operation*> sweeps_;
  std::vector<std::vector<const Operation*>> programs_;  // one a client, in program order
  std::vector<size_t> positions_;                        // how many of each program are placed
  size_t replies_left_ = 0;
  std::unordered_set<std::string> dead_ends_;  // points visited; none led to a full order

  std::vector<size_t> best_positions_;
  ModelState best_state_;
  size_t best_left_ = 0;
};

}  // namespace

Verdict CheckLinearizable(const std::vector<Operation>& history, const ModelState& initial) {
  Search search(history, initial);
  if (search.Run(initial)) return {.linearizable = true, .explanation = {}};
  return {.linearizable = false, .explanation = search.Explain()};
}

}  // namespace larder::test_support
