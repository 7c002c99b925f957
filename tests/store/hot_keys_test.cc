#include "store/hot_keys.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace larder::store {
namespace {

class HotKeysTest : public testing::Test {
 protected:
  void Use(const std::string& key, int times = 1, int db = 0) {
    const KeyAt at{db, hasher_(key)};
    for (int i = 0; i < times; ++i) sketch_.Sample(std::span(&at, 1), random_);
  }
  HotKeySamples Samples(UnixMs now = kBegin) const {
    HotKeySamples samples;
    sketch_.Read(now, samples);
    return samples;
  }
  std::vector<HotKey> Hottest(size_t count = 10) const { return HottestOf(Samples(), count); }

  static constexpr UnixMs kBegin = 1'700'000'000'000;
  static constexpr int kSampled = HotKeySketch::kSampleEvery;
  Hasher hasher_{1};
  std::mt19937_64 random_{7};
  HotKeySketch sketch_;
};

TEST_F(HotKeysTest, OneKeyInKSampleEveryIsLookedAt) {
  Use("k", 1000 * kSampled);
  EXPECT_NEAR(Samples().total, 1000, 100);
  ASSERT_EQ(Hottest().size(), 1u);
  EXPECT_EQ(Hottest()[0].key, "k");
  EXPECT_EQ(Hottest()[0].error, 0);
}

// A batch is looked at as if its keys had come one by one.
TEST_F(HotKeysTest, ABatchIsSampledInAllItsPlaces) {
  std::vector<std::string> texts;
  for (int i = 0; i < 32; ++i) texts.push_back("k" + std::to_string(i));
  std::vector<KeyAt> batch;
  for (const std::string& text : texts) batch.push_back({0, hasher_(text)});
  for (int i = 0; i < 100 * kSampled; ++i) sketch_.Sample(batch, random_);
  EXPECT_NEAR(Samples().total, 3200, 200);
  const std::vector<HotKey> hottest = Hottest(100);
  EXPECT_EQ(hottest.size(), 32u);
  for (const HotKey& each : hottest) EXPECT_NEAR(each.count, 100, 50) << each.key;
}

// Property (Metwally and others, theorem 4): a key that makes up more than 1 / kCounters has a
// counter, and its true count lies between count - error and count.
TEST_F(HotKeysTest, FindsTheHeavyHittersAmongManyOthers) {
  std::uniform_int_distribution<int> percent(0, 99);
  for (int i = 0; i < 4000 * kSampled; ++i) {
    const int draw = percent(random_);
    if (draw < 10) {
      Use("hot-10");
    } else if (draw < 14) {
      Use("hot-4");
    } else {
      Use("cold-" + std::to_string(i));
    }
  }
  const HotKeySamples samples = Samples();
  const std::vector<HotKey> hottest = Hottest();
  ASSERT_GE(hottest.size(), 2u);
  EXPECT_EQ(hottest[0].key, "hot-10");
  EXPECT_EQ(hottest[1].key, "hot-4");
  EXPECT_NEAR(hottest[0].count / samples.total, 0.10, 0.02);
  EXPECT_NEAR(hottest[1].count / samples.total, 0.04, 0.02);
  EXPECT_LE(samples.keys.size(), HotKeySketch::kCounters);
  for (size_t i = 2; i < hottest.size(); ++i) EXPECT_NE(hottest[i].key.find("cold"), 0u);
}

TEST_F(HotKeysTest, KeysThatAreAllAlikeAreNotHot) {
  for (int i = 0; i < 4000 * kSampled; ++i) Use("key-" + std::to_string(i));
  EXPECT_TRUE(Hottest().empty());
}

TEST_F(HotKeysTest, TheSameNameInTwoDatabasesIsTwoKeys) {
  Use("k", 100 * kSampled, 0);
  Use("k", 200 * kSampled, 1);
  ASSERT_EQ(Hottest().size(), 2u);
  EXPECT_EQ(Hottest()[0].db, 1);
  EXPECT_EQ(Hottest()[1].db, 0);
  EXPECT_EQ(Hottest(1).size(), 1u);
}

TEST_F(HotKeysTest, WhatWasHotFades) {
  sketch_.Age(kBegin);
  Use("old", 10'000 * kSampled);
  for (int i = 1; i <= 8; ++i) {
    sketch_.Age(kBegin + i * HotKeySketch::kHalveMs);
    Use("new", 1000 * kSampled);
  }
  const std::vector<HotKey> hottest = Hottest();
  ASSERT_FALSE(hottest.empty());
  EXPECT_EQ(hottest[0].key, "new");
}

// Whatever the age, `total` samples came in `seconds`.
TEST_F(HotKeysTest, TheRateIsThatOfTheStream) {
  sketch_.Age(kBegin);
  for (int second = 1; second <= 60; ++second) {
    Use("k", 100 * kSampled);
    sketch_.Age(kBegin + second * 1000);
  }
  const HotKeySamples samples = Samples(kBegin + 60'000);
  EXPECT_NEAR(samples.total * kSampled / samples.seconds, 100 * kSampled, 14 * kSampled);
}

TEST_F(HotKeysTest, AVeryLongKeyIsLeftOut) {
  Use(std::string(HotKeySketch::kKeyBytesMax + 1, 'x'), 1000 * kSampled);
  EXPECT_TRUE(Samples().keys.empty());
  Use(std::string(HotKeySketch::kKeyBytesMax, 'x'), 1000 * kSampled);
  EXPECT_EQ(Samples().keys.size(), 1u);
}

TEST_F(HotKeysTest, SketchesOfSeveralThreadsAreAdded) {
  Use("shared", 1000 * kSampled);
  const HotKeySamples first = Samples();
  HotKeySamples both = first;
  sketch_.Read(kBegin, both);  // the same once more
  EXPECT_DOUBLE_EQ(both.total, 2 * first.total);
  const std::vector<HotKey> hottest = HottestOf(both, 10);
  ASSERT_EQ(hottest.size(), 1u);
  EXPECT_DOUBLE_EQ(hottest[0].count, both.total);
}

}  // namespace
}  // namespace larder::store
