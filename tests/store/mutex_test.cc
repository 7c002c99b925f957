#include "store/mutex.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

// Runs body(i) on `count` threads at once.
template <typename Body>
void OnThreads(int count, Body body) {
  std::latch start(count);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&start, &body, i] {
      start.arrive_and_wait();
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Property: additions under the lock are never lost, though the sum is a plain integer. With more
// threads than cores the holder is descheduled now and then, so waiters spin out and park.
TEST(MutexTest, ExcludesWithMoreThreadsThanCores) {
  constexpr int kThreads = 8;
  const int64_t rounds = test_support::Scaled(20'000);
  Mutex mutex;
  int64_t sum = 0;
  OnThreads(kThreads, [&](int) {
    for (int64_t i = 0; i < rounds; ++i) {
      MutexLock lock(mutex);
      ++sum;
      if (i % 1000 == 0) std::this_thread::yield();  // makes others wait for long
    }
  });
  EXPECT_EQ(sum, kThreads * rounds);
  const LockStats stats = mutex.stats();
  EXPECT_EQ(stats.acquisitions, static_cast<uint64_t>(kThreads * rounds));
  EXPECT_LE(stats.contended, stats.acquisitions);
}

TEST(MutexTest, CountsWhatWaitedAndForHowLong) {
  Mutex mutex;
  { MutexLock lock(mutex); }
  EXPECT_EQ(mutex.stats().acquisitions, 1u);
  EXPECT_EQ(mutex.stats().contended, 0u);
  EXPECT_EQ(mutex.stats().waited_ns, 0u);

  std::atomic<bool> trying{false};
  std::thread waiter;
  {
    MutexLock lock(mutex);
    waiter = std::thread([&] {
      trying.store(true);
      MutexLock inner(mutex);
    });
    // Long enough for the waiter to give up spinning, however the threads are scheduled.
    while (!trying.load()) std::this_thread::yield();
    for (int i = 0; i < 2000; ++i) std::this_thread::yield();
  }
  waiter.join();
  EXPECT_EQ(mutex.stats().acquisitions, 3u);
  EXPECT_LE(mutex.stats().contended, 1u);  // 0 if the waiter never got to run meanwhile
  EXPECT_EQ(mutex.stats().waited_ns > 0, mutex.stats().contended == 1);
}

// Property: every contended acquisition is in one class, and the classes bound the time waited.
TEST(MutexTest, WaitsAreClassedByTheirLength) {
  Mutex mutex;
  OnThreads(8, [&](int) {
    for (int64_t i = 0; i < test_support::Scaled(2000); ++i) {
      MutexLock lock(mutex);
      if (i % 100 == 0) std::this_thread::yield();
    }
  });
  const LockStats stats = mutex.stats();
  uint64_t classed = 0;
  uint64_t least_us = 0;
  for (size_t i = 0; i < kWaitClasses; ++i) {
    classed += stats.waits[i];
    if (i > 0) least_us += stats.waits[i] << (i - 1);
  }
  EXPECT_EQ(classed, stats.contended);
  EXPECT_LE(least_us, stats.waited_ns / 1000);

  const LockStats none = stats.Since(stats);
  EXPECT_EQ(none.acquisitions, 0u);
  EXPECT_EQ(none.waits, WaitCounts{});
  LockStats twice = stats;
  twice.Add(stats);
  EXPECT_EQ(twice.Since(stats).waits, stats.waits);
}

// Property: of a chain of parked threads each is woken, without anybody spinning for it.
TEST(MutexTest, WakesEveryParkedThread) {
  constexpr int kThreads = 16;
  for (int64_t round = 0; round < test_support::Scaled(20); ++round) {
    Mutex mutex;
    int inside = 0;
    std::vector<std::thread> threads;
    {
      MutexLock lock(mutex);
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
          MutexLock inner(mutex);
          ++inside;
        });
      }
      for (int i = 0; i < 100; ++i) std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    MutexLock lock(mutex);
    EXPECT_EQ(inside, kThreads);
  }
}

class SharedMutexTest : public testing::Test {
 protected:
  ReaderSlots slots_;
  SharedMutex mutex_;
};

TEST_F(SharedMutexTest, ReadersShare) {
  ReaderSlot& first = slots_.Take();
  ReaderSlot& second = slots_.Take();
  EXPECT_TRUE(mutex_.TryEnter(first));
  EXPECT_TRUE(mutex_.TryEnter(second));
  SharedMutex::Leave(first);
  SharedMutex::Leave(second);
}

TEST_F(SharedMutexTest, ReadersAreTurnedAwayWhileHeldOff) {
  ReaderSlot& slot = slots_.Take();
  {
    MutexLock lock(mutex_.writers());
    EXPECT_TRUE(mutex_.TryEnter(slot)) << "the writers' lock alone excludes writers only";
    SharedMutex::Leave(slot);
    mutex_.HoldOffReaders(slots_);
    EXPECT_FALSE(mutex_.TryEnter(slot));
    EXPECT_EQ(slot.reading.load(), nullptr) << "who was turned away is not announced";
    mutex_.AdmitReaders();
  }
  EXPECT_TRUE(mutex_.TryEnter(slot));
  SharedMutex::Leave(slot);
}

TEST_F(SharedMutexTest, AReaderOfAnotherLockIsNotWaitedFor) {
  SharedMutex other;
  ReaderSlot& slot = slots_.Take();
  ASSERT_TRUE(other.TryEnter(slot));
  {
    MutexLock lock(mutex_.writers());
    mutex_.HoldOffReaders(slots_);  // would hang
    mutex_.AdmitReaders();
  }
  SharedMutex::Leave(slot);
}

// Property: a reader sees both halves of a pair equal; they are plain integers, so the sanitizer
// sees any reader that is inside together with a writer.
TEST_F(SharedMutexTest, NoReaderIsInsideWithAWriter) {
  constexpr int kReaders = 3;
  constexpr int kWriters = 2;
  const int64_t rounds = test_support::Scaled(20'000);
  int64_t left = 0;
  int64_t right = 0;
  std::atomic<int> writers_left{kWriters};
  std::vector<ReaderSlot*> own;
  for (int i = 0; i < kReaders; ++i) own.push_back(&slots_.Take());
  OnThreads(kReaders + kWriters, [&](int i) {
    if (i < kReaders) {
      while (writers_left.load() != 0) {
        ReaderSlot& slot = *own[static_cast<size_t>(i)];
        if (!mutex_.TryEnter(slot)) {
          MutexLock lock(mutex_.writers());
          EXPECT_EQ(left, right);
          continue;
        }
        EXPECT_EQ(left, right);
        SharedMutex::Leave(slot);
      }
      return;
    }
    for (int64_t n = 0; n < rounds; ++n) {
      MutexLock lock(mutex_.writers());
      mutex_.HoldOffReaders(slots_);
      ++left;
      ++right;
      mutex_.AdmitReaders();
      if (n % 64 == 0) std::this_thread::yield();
    }
    writers_left.fetch_sub(1);
  });
  EXPECT_EQ(left, kWriters * rounds);
  EXPECT_EQ(right, kWriters * rounds);
}

}  // namespace
}  // namespace larder::store
