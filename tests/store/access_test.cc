#include "store/access.h"

#include <gtest/gtest.h>

namespace larder::store {
namespace {

constexpr UnixMs kNow = 1'700'000'000'000;

TEST(AccessTest, IdleTimeIsExactToATick) {
  const uint32_t word = AccessTick(kNow);
  EXPECT_EQ(IdleMs(word, kNow), 0);
  EXPECT_EQ(IdleMs(word, kNow + 16), 16);
  EXPECT_EQ(IdleMs(word, kNow + 10'000), 10'000);
  EXPECT_EQ(IdleMs(word, kNow + 3'600'000), 3'600'000);
}

TEST(AccessTest, IdleTimeSurvivesTheWrapOfTheClock) {
  const UnixMs wrap = (UnixMs{1} << 32 << kAccessTickBits) * 50;
  EXPECT_EQ(IdleMs(AccessTick(wrap - 16), wrap + 16), 32);
}

TEST(AccessTest, AnAccessByAClockAheadOfOursIsAnAccessOfNow) {
  EXPECT_EQ(IdleMs(AccessTick(kNow + 1000), kNow), 0);
}

TEST(AccessTest, AFreshKeyHasTheInitialCount) {
  EXPECT_EQ(LfuCounter(LfuWord(kLfuInitial, kNow), kNow, {}), kLfuInitial);
}

TEST(AccessTest, TheCounterDecaysByOneAPeriodAndNotBelowZero) {
  const uint32_t word = LfuWord(10, kNow);
  EXPECT_EQ(LfuCounter(word, kNow + 60'000 * 3, {.decay_minutes = 1}), 7);
  EXPECT_EQ(LfuCounter(word, kNow + 60'000 * 3, {.decay_minutes = 2}), 9);
  EXPECT_EQ(LfuCounter(word, kNow + 60'000 * 300, {.decay_minutes = 1}), 0);
  EXPECT_EQ(LfuCounter(word, kNow + 60'000 * 300, {.decay_minutes = 0}), 10);
}

TEST(AccessTest, MinutesWrapAround) {
  const UnixMs wrap = UnixMs{60'000} * 65'536 * 500;
  EXPECT_EQ(LfuAgeMinutes(LfuWord(5, wrap - 60'000), wrap + 60'000), 2u);
}

TEST(AccessTest, TheCounterRisesWithTheChanceThatTheFactorGives) {
  const auto share = [](uint8_t counter, uint32_t factor) {
    constexpr int kSteps = 1 << 16;
    int rises = 0;
    for (uint64_t i = 0; i < kSteps; ++i)
      rises += LfuRises(counter, i << 48, {.log_factor = factor}) ? 1 : 0;
    return static_cast<double>(rises) / kSteps;
  };
  EXPECT_EQ(share(0, 10), 1.0);
  EXPECT_EQ(share(kLfuInitial, 10), 1.0);
  EXPECT_NEAR(share(kLfuInitial + 1, 10), 1.0 / 11, 0.001);
  EXPECT_NEAR(share(kLfuInitial + 10, 10), 1.0 / 101, 0.001);
  EXPECT_EQ(share(200, 0), 1.0);
  EXPECT_EQ(share(255, 0), 0.0);
  EXPECT_LT(share(254, INT32_MAX), 0.0001);
}

TEST(AccessTest, AnAccessDecaysBeforeItCounts) {
  const uint32_t word = LfuWord(10, kNow);
  const uint32_t touched = LfuTouched(word, kNow + 60'000 * 4, UINT64_MAX, {});
  EXPECT_EQ(touched & 0xFF, 6u);
  EXPECT_EQ(LfuAgeMinutes(touched, kNow + 60'000 * 4), 0u);
  EXPECT_EQ(LfuTouched(word, kNow, 0, {}) & 0xFF, 11u);
}

}  // namespace
}  // namespace larder::store
