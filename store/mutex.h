// The locks of larder: the only two that code outside this file may use.
//
// Mutex: exclusive. Spins briefly, then parks on a futex (std::atomic::wait). 4 bytes of lock, and
// counters that only the holder writes; those of waiting are made when somebody has to wait for the
// first time. Lock/Unlock without a rival: one read-modify-write each.
//
// SharedMutex: a Mutex whose readers leave no trace on it. A reader announces the lock in the slot
// of its own thread (ReaderSlots), a writer holds the Mutex and then waits until no slot names it;
// so readers share no cache line, and a writer pays one look at every thread's slot. Idea:
// distributed reader indicators, as in BRAVO (Dice and Kogan, USENIX ATC 2019).
//
// Unlock is an exchange in both: a store of a critical section is visible to everyone before any
// later load of the same thread (the store-then-load rule for a client that writes one key and then
// reads another).
//
// Threads: any. Not recursive. Neither is fair; a parked waiter is woken at every contended unlock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "store/apart.h"
#include "store/thread_annotations.h"

namespace larder::store {

// How long the contended acquisitions of a lock waited: element i counts those of less than 2^i us
// that are in no element before; the last also what took longer.
inline constexpr size_t kWaitClasses = 16;
using WaitCounts = std::array<uint64_t, kWaitClasses>;

// What a lock has seen since it was made. `waited_ns` covers contended acquisitions only.
struct LockStats {
  uint64_t acquisitions = 0;
  uint64_t contended = 0;
  uint64_t waited_ns = 0;
  WaitCounts waits{};

  void Add(const LockStats& other);
  LockStats Since(const LockStats& earlier) const;
};

class CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  ~Mutex();
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ACQUIRE() {
    uint32_t expected = kFree;
    // acquire [mutex.hand_over]: pairs with the release in Unlock(); the holder sees all of its
    // predecessor's writes.
    if (!state_.compare_exchange_strong(
            expected, kHeld, std::memory_order_acquire,
            // relaxed: a failed attempt reads nothing that the lock guards.
            std::memory_order_relaxed)) {
      LockContended();
    }
    Bump(acquisitions_, 1);
  }

  void Unlock() RELEASE() {
    // acq_rel [mutex.hand_over]: pairs with the acquire in Lock(); an exchange, so that it is also
    // a full barrier.
    if (state_.exchange(kFree, std::memory_order_acq_rel) == kHeldWithSleepers) state_.notify_one();
  }

  // Tells clang that the lock is held where it cannot see it.
  void AssertHeld() const ASSERT_CAPABILITY(this) {}

  // Any thread; the figures may be from slightly different moments.
  LockStats stats() const;

 private:
  static constexpr uint32_t kFree = 0;
  static constexpr uint32_t kHeld = 1;
  static constexpr uint32_t kHeldWithSleepers = 2;

  // Only the holder writes a counter, so a load and a store do; relaxed: figures tied to no other
  // data.
  static void Bump(std::atomic<uint64_t>& counter, uint64_t by) {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  void LockContended();
  bool SpinForLock();
  void CountWait(uint64_t waited_ns);

  // A lock for which nobody ever waits, as most, is spared these.
  struct Waits {
    std::atomic<uint64_t> contended{0};
    std::atomic<uint64_t> waited_ns{0};
    std::array<std::atomic<uint64_t>, kWaitClasses> classes{};
  };

  std::atomic<uint32_t> state_{kFree};
  std::atomic<uint64_t> acquisitions_{0};
  std::atomic<Waits*> waits_{nullptr};  // owned; set once, by a holder
};

// Holds a Mutex for a scope.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class SharedMutex;

// One thread's announcement of the SharedMutex that it reads under; null when it reads under none.
struct alignas(kApart) ReaderSlot {
  std::atomic<const SharedMutex*> reading{nullptr};
};

// The slots of all threads that may read under a SharedMutex. Slots are handed out before traffic
// starts.
class ReaderSlots {
 public:
  static constexpr int kThreadsMax = 128;

  // REQUIRES: fewer than kThreadsMax slots taken.
  ReaderSlot& Take();
  int size() const {
    return size_.load(std::memory_order_acquire);
  }  // acquire [slots.take]: with Take()
  const ReaderSlot& operator[](int i) const { return slots_[static_cast<size_t>(i)]; }

 private:
  std::array<ReaderSlot, kThreadsMax> slots_;
  std::atomic<int> size_{0};
};

class CAPABILITY("shared mutex") SharedMutex {
 public:
  // The writers' Mutex. Holding it alone excludes other writers; readers are excluded by
  // HoldOffReaders() too.
  Mutex& writers() RETURN_CAPABILITY(writers_) { return writers_; }
  const Mutex& writers() const RETURN_CAPABILITY(writers_) { return writers_; }

  // After this no reader is inside and none enters until AdmitReaders().
  void HoldOffReaders(const ReaderSlots& slots) REQUIRES(writers_);
  void AdmitReaders() REQUIRES(writers_);

  // Tries to enter as a reader; false while a writer holds readers off: then read under writers()
  // instead. A thread reads under one SharedMutex at a time.
  bool TryEnter(ReaderSlot& own) const {
    // seq_cst [shared.enter]: this store and HoldOffReaders()' store of held_off_ are ordered
    // against the two loads that follow them: at least one side sees the other.
    own.reading.store(this, std::memory_order_seq_cst);
    if (!held_off_.load(std::memory_order_seq_cst)) [[likely]]
      return true;
    Leave(own);
    return false;
  }
  static void Leave(ReaderSlot& own) {
    // release [shared.leave]: pairs with the acquire in HoldOffReaders(); our reads are over before
    // the writer writes.
    own.reading.store(nullptr, std::memory_order_release);
  }

 private:
  Mutex writers_;
  std::atomic<bool> held_off_{false};
};

}  // namespace larder::store
