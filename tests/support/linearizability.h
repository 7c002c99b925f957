// A linearizability checker for short concurrent histories over a small group of string keys, of
// which tests/support/sequential_model.h says what a single client would see.
//
// The keys together are ONE object: a history is accepted only if there is a single order of all
// its operations in which every reply is the one a sequential server would have given, every
// operation lies between its call and its return, and each client's operations keep their program
// order (a pipeline is executed in the order in which it was sent). So a half-seen MSET, or a
// RENAME during which both names or neither exist, is a violation, although each key by itself
// looks fine. A sweep (kSweep) is nobody's operation: from its call on, keys that are past their
// deadline at its time may go at any moment, one by one.
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

#include <string>
#include <vector>

#include "tests/support/sequential_model.h"

namespace larder::test_support {

struct Verdict {
  bool linearizable = false;
  std::string explanation;  // of a violation: the history, and how far the best attempt came
};

// REQUIRES: the operations of each client appear in `history` in program order (those of different
// clients may be mixed in any way), and their return times never decrease.
Verdict CheckLinearizable(const std::vector<Operation>& history, const ModelState& initial = {});
inline Verdict CheckLinearizable(const std::vector<Operation>& history, const KeyValues& initial) {
  return CheckLinearizable(history, ModelState(initial));
}

}  // namespace larder::test_support
