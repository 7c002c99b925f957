// A shard's version word: how a lock-free reader learns that what it saw may not have been one
// moment, and anyone that a short cut (store/hash.h) leads nowhere any more.
//
// Three kinds of change need it, and share one word:
//   - An entry moves to another bucket. The mover publishes it in the new place, bumps the word,
//     then clears the old place. A reader that found nothing loads the word again: unchanged means
//     that no entry slipped past it.
//   - The head of a chain becomes another's, or is retired: a short cut to it ends. The word is
//     bumped before the head is retired.
//   - A command writes more than one key. The word is odd meanwhile, in every shard concerned: all
//     go odd before the first store and even after the last. A reader that sees an odd or changed
//     word takes the lock.
//
// The reader's loads in between are acquire and the writer's stores release, so the second load of
// the word can be relaxed and no fence is needed: whoever saw a store that follows a bump has that
// bump in its past.
//
// The atomic is a parameter for tests/store/layout_version_test.cc, which tries the steps of
// readers and writers in every order.
//
// Threads: writers hold the shard's lock; readers any.
#pragma once

#include <atomic>
#include <cstdint>

namespace larder::store {

template <template <typename> class Atomic>
class BasicLayoutVersion {
 public:
  uint64_t Load() const { return word_.load(std::memory_order_acquire); }  // acquire [layout.bump]
  // Whether the word is still `seen`; to be asked after acquire loads of what it covers.
  bool Unchanged(uint64_t seen) const {
    return word_.load(std::memory_order_relaxed) == seen;  // relaxed: see above
  }
  // The same, but for a write of several keys that has begun.
  bool SameStructure(uint64_t seen) const {
    return (word_.load(std::memory_order_relaxed) | 1) == (seen | 1);  // relaxed: see above
  }
  static bool MultiKeyWriteIn(uint64_t word) { return (word & 1) != 0; }

  // Between publishing an entry in its new place and clearing the old one; before a head is
  // retired.
  void EntryMoved() { Add(2); }
  // Around the stores of a command that writes several keys.
  void BeginMultiKeyWrite() { Add(1); }
  void EndMultiKeyWrite() { Add(1); }

 private:
  void Add(uint64_t by) {
    // release [layout.bump]: what was published before is visible to who sees the new word. Load
    // and store: only the holder of the lock writes.
    word_.store(word_.load(std::memory_order_relaxed) + by, std::memory_order_release);
  }

  Atomic<uint64_t> word_{0};
};

using LayoutVersion = BasicLayoutVersion<std::atomic>;

}  // namespace larder::store
