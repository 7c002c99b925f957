#include "store/mutex.h"

#include <cassert>
#include <chrono>
#include <thread>

namespace larder::store {
namespace {

// About 2 us on the machine it was measured on: longer than any critical section of one command,
// shorter than a futex sleep and wake-up (5 us and more).
constexpr int kSpins = 100;

inline void CpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

bool Mutex::SpinForLock() {
  for (int i = 0; i < kSpins; ++i) {
    CpuRelax();
    uint32_t expected = kFree;
    // acquire [mutex.hand_over]; relaxed look first, so that spinning does not take the line from
    // the holder.
    if (state_.load(std::memory_order_relaxed) == kFree &&
        state_.compare_exchange_weak(expected, kHeld, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void Mutex::LockContended() {
  const auto start = std::chrono::steady_clock::now();
  if (!SpinForLock()) {
    // acquire [mutex.hand_over]. Whoever waits leaves the state at "with sleepers", so that the
    // next unlock wakes.
    while (state_.exchange(kHeldWithSleepers, std::memory_order_acquire) != kFree) {
      state_.wait(kHeldWithSleepers,
                  std::memory_order_relaxed);  // relaxed: the exchange above decides
    }
  }
  const auto waited = std::chrono::steady_clock::now() - start;
  Bump(contended_, 1);
  Bump(waited_ns_, static_cast<uint64_t>(std::chrono::nanoseconds(waited).count()));
}

LockStats Mutex::stats() const {
  // relaxed: figures for people, tied to no other data.
  return {acquisitions_.load(std::memory_order_relaxed), contended_.load(std::memory_order_relaxed),
          waited_ns_.load(std::memory_order_relaxed)};
}

ReaderSlot& ReaderSlots::Take() {
  // acq_rel [slots.take]: pairs with the acquire in size(); a scan that counts a slot sees it.
  const int taken = size_.fetch_add(1, std::memory_order_acq_rel);
  assert(taken < kThreadsMax);
  return slots_[static_cast<size_t>(taken)];
}

void SharedMutex::HoldOffReaders(const ReaderSlots& slots) {
  // seq_cst [shared.enter]: see TryEnter().
  held_off_.store(true, std::memory_order_seq_cst);
  for (int i = 0; i < slots.size(); ++i) {
    // seq_cst [shared.enter], and acquire [shared.leave]: the reader's last load happened before
    // our first store.
    for (int spins = 0; slots[i].reading.load(std::memory_order_seq_cst) == this; ++spins) {
      if (spins < kSpins) {
        CpuRelax();
      } else {
        std::this_thread::yield();  // the reader was descheduled inside its few nanoseconds
      }
    }
  }
}

void SharedMutex::AdmitReaders() {
  // release [shared.enter]: a reader that sees false sees all that was written under the lock.
  held_off_.store(false, std::memory_order_release);
}

}  // namespace larder::store
