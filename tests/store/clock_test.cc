#include "store/clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace larder::store {
namespace {

UnixMs WallClock() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TEST(SystemClockTest, ShowsTheWallClock) {
  SystemClock clock;
  const UnixMs before = WallClock();
  const UnixMs now = clock.Now();
  // One millisecond for rounding; a busy machine may stop this thread between two reads.
  EXPECT_GE(now, before - 1);
  EXPECT_LE(now, WallClock() + 1);
}

// Each thread looks at one clock and publishes the latest time seen; no reading may be before what
// was published when it began.
TEST(SystemClockTest, NeverRunsBackwardsAcrossThreads) {
  SystemClock clock;
  std::atomic<UnixMs> latest{0};
  std::atomic<int> backwards{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&clock, &latest, &backwards] {
      const UnixMs end = clock.Now() + 250;  // beyond two looks at the wall clock
      for (UnixMs now = 0; now < end;) {
        UnixMs known = latest.load(std::memory_order_acquire);
        now = clock.Now();
        if (now < known) backwards.fetch_add(1, std::memory_order_relaxed);
        while (known < now &&
               !latest.compare_exchange_weak(known, now, std::memory_order_acq_rel)) {
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(backwards.load(), 0);
}

TEST(ManualClockTest, MovesOnlyWhenTold) {
  ManualClock clock(1000);
  EXPECT_EQ(clock.Now(), 1000);
  EXPECT_EQ(clock.Now(), 1000);
  clock.Advance(0);
  clock.Advance(25);
  EXPECT_EQ(clock.Now(), 1025);
  clock.Set(5000);
  EXPECT_EQ(clock.Now(), 5000);
}

}  // namespace
}  // namespace larder::store
