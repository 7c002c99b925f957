// Epoch-based reclamation: what a garbage collector does for Go's sync.Map.
//
// A reader pins itself to the global epoch before it follows pointers that writers may replace. A
// writer unlinks a block, then retires it; a retired block is freed two epochs later. The epoch
// moves on only when every pinned thread has seen the current one, so whoever could still hold the
// pointer has unpinned by then; store/epoch_domain.h has the proof. (K. Fraser, "Practical lock
// freedom", 2004, section 5.2.3; crossbeam-epoch is a well-known implementation.)
//
// Threads: each has its own EpochParticipant and is its only user; EpochDomain is shared. Progress:
// Pin and Unpin are wait-free; a thread that stays pinned delays the freeing of everybody's memory,
// so pins are short: never held over a lock wait, a sleep or a socket write. Cost: Pin one exchange
// (the full barrier of the store-then-load rule), again free while pinned; Retire a push; Collect
// O(threads + freed).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "store/allocator.h"
#include "store/epoch_domain.h"
#include "store/large_value.h"

namespace larder::store {

// Proof that what a table refers to stays alive while it is in scope: a pin, or the lock of the
// shard. Functions that read a table ask for one, so that unprotected reading does not compile.
class Protection {
 public:
  // REQUIRES: the caller holds the shard's lock, or is the only thread.
  static Protection UnderLock() { return {}; }

 private:
  friend class EpochParticipant;
  Protection() = default;
};

class EpochParticipant {
 public:
  EpochParticipant(EpochDomain& domain, Allocator& allocator);
  // Frees everything it still holds. REQUIRES: no thread is pinned.
  ~EpochParticipant();
  EpochParticipant(const EpochParticipant&) = delete;
  EpochParticipant& operator=(const EpochParticipant&) = delete;

  Protection Pin() {
    if (!pinned_) {
      pinned_ = true;
      domain_.Pin(slot_);
    }
    return {};
  }
  void Unpin() {
    if (!pinned_) return;
    pinned_ = false;
    EpochDomain::Unpin(slot_);
  }
  bool pinned() const { return pinned_; }

  // Hands over memory that no new reader can find; `bytes` is what was asked of the allocator. May
  // be called pinned.
  void Retire(void* block, size_t bytes);
  void RetireLarge(LargeValue* value);

  // Whether so much waits to be freed that it should not wait for the next timer. Mapped values do
  // not count: they are given back in steps.
  bool crowded() const {
    return sealed_.size() > kBagsCrowded || retired_value_bytes_ > kValueBytesCrowded;
  }

  // Frees what is old enough, a bounded amount a call. REQUIRES: not pinned. True if retired memory
  // remains.
  bool Collect();

 private:
  // A few hundred entries: they are still in the cache when they are reused.
  static constexpr size_t kBagsCrowded = 4;
  // A client that overwrites values of 1 MB makes as much garbage in a millisecond.
  static constexpr size_t kValueBytesCrowded = size_t{1} << 20;

  // A retired block; the lowest bits say whether it is a LargeValue, and whether a cell of a slab.
  using Retired = uintptr_t;
  struct Bag {
    uint64_t epoch;
    int64_t bytes;  // of the blocks, large values not included
    std::vector<Retired> blocks;
  };

  void Push(Retired block);
  void Seal();
  void FreeBag(Bag& bag);
  bool UnmapStep();

  EpochDomain& domain_;
  Allocator& allocator_;
  EpochDomain::Slot& slot_;
  bool pinned_ = false;
  std::vector<Retired> open_;  // retired since the last Seal()
  int64_t open_bytes_ = 0;
  std::deque<Bag> sealed_;          // oldest first
  size_t retired_value_bytes_ = 0;  // of the values in both that are not mapped
  std::vector<LargeValue*>
      unmapping_;  // mapped values that nobody can reach, being given back in steps
};

}  // namespace larder::store
