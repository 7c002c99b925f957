// What the threads of epoch-based reclamation share: the epoch, and for each thread a slot that
// says to which epoch it is pinned. store/epoch.h has the rest, which each thread does by itself.
//
// Why a block that is sealed in epoch e may be freed in epoch e + 2. A reader that still holds it
// loaded its pointer before the store that unlinked it could be seen. Both sides have a barrier,
// the reader between its pin and that load, the writer between that store and reading e; so the
// reader's pin can be seen since before e was read, and is to e at most. Whoever looks at the slots
// in epoch e + 1 therefore finds this pin, and leaves the epoch as it is. In epoch e one may have
// looked too early, or found a pin to e: e + 1 is as far as it gets before the reader unpins.
//
// The atomic is a parameter for tests/store/epoch_schedule_test.cc, which tries the threads' steps
// in every order.
//
// Threads: any; a slot's functions the thread that took it. Cost: Pin one exchange (the full
// barrier of the store-then-load rule), Unpin a store, Seal an exchange, TryAdvance O(threads).
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "store/apart.h"

namespace larder::store {

template <template <typename> class Atomic>
class BasicEpochDomain {
 public:
  static constexpr int kThreadsMax = 128;

  // Only its thread writes it.
  struct alignas(kApart) Slot {
    Atomic<uint64_t> pinned{0};  // to this epoch; 0: not pinned
  };

  // For good: slots are not given back.
  Slot& TakeSlot() {
    // acq_rel [epoch.slots]: pairs with the acquire in TryAdvance().
    const int taken = slots_taken_.fetch_add(1, std::memory_order_acq_rel);
    assert(taken < kThreadsMax);
    return slots_[static_cast<size_t>(taken)];
  }

  uint64_t current() const {
    return global_.load(std::memory_order_seq_cst);
  }  // seq_cst [epoch.advance]

  // REQUIRES: not pinned.
  void Pin(Slot& slot) {
    assert(slot.pinned.load(std::memory_order_relaxed) == 0);  // relaxed: only we write it
    // seq_cst [epoch.pin]: ordered before every load that follows; TryAdvance() sees it or we see
    // what it published.
    slot.pinned.exchange(current(), std::memory_order_seq_cst);
  }
  static void Unpin(Slot& slot) {
    // release [epoch.unpin]: pairs with the load in TryAdvance(); our last look happened before the
    // block is freed.
    slot.pinned.store(0, std::memory_order_release);
  }

  // The epoch in which all that this thread has unlinked so far is sealed.
  uint64_t Seal(Slot& slot) {
    // The epoch must be read after the unlinking stores have reached every thread: the exchange of
    // our own slot (with the value it has) is the barrier between them. relaxed: only we write the
    // slot. seq_cst [epoch.pin]: a reader that pins later sees the block unlinked.
    slot.pinned.exchange(slot.pinned.load(std::memory_order_relaxed), std::memory_order_seq_cst);
    return current();
  }
  static bool MayFree(uint64_t sealed, uint64_t epoch) { return sealed + 2 <= epoch; }

  // Moves the epoch on if every pinned thread has seen the current one.
  void TryAdvance() {
    uint64_t epoch = current();
    const int slots = slots_taken_.load(std::memory_order_acquire);  // acquire [epoch.slots]
    for (int i = 0; i < slots; ++i) {
      // seq_cst [epoch.pin], acquire [epoch.unpin].
      const uint64_t pinned = slots_[static_cast<size_t>(i)].pinned.load(std::memory_order_seq_cst);
      if (pinned != 0 && pinned != epoch) return;
    }
    // seq_cst [epoch.advance]: a failure means that another thread has moved it on.
    global_.compare_exchange_strong(epoch, epoch + 1, std::memory_order_seq_cst);
  }

 private:
  Atomic<uint64_t> global_{1};
  Atomic<int> slots_taken_{0};
  std::array<Slot, kThreadsMax> slots_;
};

using EpochDomain = BasicEpochDomain<std::atomic>;

}  // namespace larder::store
