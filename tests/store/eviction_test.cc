// maxmemory on a keyspace: who goes, who stays, and when nobody can. In virtual time.
#include "store/eviction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

class EvictionTest : public testing::TestWithParam<MapKind> {
 protected:
  static constexpr size_t kValueBytes = 200;
  static constexpr size_t kRequestBytes = kValueBytes + 64;

  int64_t Used() { return store_.keyspace().Memory().used_bytes; }
  // So much more than now may be used.
  void Limit(EvictionKind kind, int64_t more, int samples = 5) {
    store_.keyspace().SetEviction(
        {.maxmemory = static_cast<uint64_t>(Used() + more), .kind = kind, .samples = samples});
    store_.Advance(0);
  }
  // What a client's SET does; false: refused.
  bool Set(const std::string& key, UnixMs deadline = kNoDeadline) {
    if (!store_.keyspace().MakeRoom(session_.worker(), kRequestBytes)) return false;
    session_.Set(key, std::string(kValueBytes, 'v'), deadline);
    return true;
  }
  void Fill(const std::string& prefix, int count, UnixMs deadline = kNoDeadline) {
    for (int i = 0; i < count; ++i)
      session_.Set(Name(prefix, i), std::string(kValueBytes, 'v'), deadline);
  }
  static std::string Name(const std::string& prefix, int i) { return prefix + std::to_string(i); }
  int Left(const std::string& prefix, int count) {
    session_.worker().set_touch(false);
    int left = 0;
    for (int i = 0; i < count; ++i) left += session_.Exists(Name(prefix, i)) ? 1 : 0;
    session_.worker().set_touch(true);
    session_.Unpin();
    return left;
  }
  uint64_t Evicted() { return store_.keyspace().Totals().counts.evicted; }

  StoreUnderTest store_{GetParam(), 16};
  StoreSession session_ = store_.Session();
};

INSTANTIATE_TEST_SUITE_P(EveryMap, EvictionTest, testing::ValuesIn(test_support::AllMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

TEST_P(EvictionTest, WithoutALimitNothingGoes) {
  Fill("k", 1000);
  EXPECT_TRUE(store_.keyspace().MakeRoom(session_.worker(), SIZE_MAX));
  EXPECT_EQ(Left("k", 1000), 1000);
  EXPECT_EQ(Evicted(), 0u);
}

TEST_P(EvictionTest, EveryPolicyKeepsTheLimit) {
  for (const EvictionKind kind :
       {EvictionKind::kVolatileLru, EvictionKind::kVolatileLfu, EvictionKind::kVolatileRandom,
        EvictionKind::kVolatileTtl, EvictionKind::kAllKeysLru, EvictionKind::kAllKeysLfu,
        EvictionKind::kAllKeysRandom}) {
    SCOPED_TRACE(static_cast<int>(kind));
    store_.keyspace().FlushAll(session_.worker());
    store_.Settle();
    Limit(kind, 100'000);
    const int64_t limit = Used() + 100'000;
    const uint64_t evicted = Evicted();
    for (int i = 0; i < 3000; ++i) {
      ASSERT_TRUE(Set(Name("k", i), store_.now() + 1'000'000 + i));
      ASSERT_LE(Used(), limit + 1000);  // a level of a wheel, a segment of a table
    }
    EXPECT_GE(Used(), limit - 10'000);
    EXPECT_EQ(Evicted() - evicted + static_cast<uint64_t>(store_.keyspace().Size(0)), 3000u);
  }
}

TEST_P(EvictionTest, NoEvictionRefuses) {
  Fill("k", 100);
  Limit(EvictionKind::kNoEviction, 1000);
  int set = 0;
  while (set < 100 && Set(Name("new", set))) ++set;
  EXPECT_GT(set, 0);
  EXPECT_LT(set, 10);
  EXPECT_EQ(Left("k", 100), 100);
  EXPECT_TRUE(store_.keyspace().MakeRoom(session_.worker(), 0)) << "what needs nothing goes on";
}

TEST_P(EvictionTest, LruKeepsWhatWasUsed) {
  Fill("cold", 500);
  store_.Advance(1000);
  Fill("warm", 500);
  store_.Advance(1000);
  for (int i = 0; i < 500; ++i) session_.Get(Name("cold", i));
  store_.Advance(1000);  // "cold" are the recent ones now
  Limit(EvictionKind::kAllKeysLru, 0, 10);
  for (int i = 0; i < 250; ++i) ASSERT_TRUE(Set(Name("new", i)));
  EXPECT_GE(Left("cold", 500), 490);
  EXPECT_LE(Left("warm", 500), 270);
}

TEST_P(EvictionTest, LfuKeepsWhatIsUsedOften) {
  Limit(EvictionKind::kAllKeysLfu, 1'000'000);
  Fill("often", 200);
  Fill("once", 800);
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 200; ++i) session_.Get(Name("often", i));
  }
  session_.Unpin();
  Limit(EvictionKind::kAllKeysLfu, 0);
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(Set(Name("new", i)));
  EXPECT_GE(Left("often", 200), 198);
}

TEST_P(EvictionTest, AReplacedValueKeepsItsCount) {
  Limit(EvictionKind::kAllKeysLfu, 1'000'000);
  session_.Set("k", "v");
  for (int i = 0; i < 1000; ++i) session_.Get("k");
  const auto count = [&] {
    session_.worker().set_touch(false);
    const uint32_t word =
        store_.keyspace().Read(session_.worker(), 0, store_.keyspace().Hash("k"),
                               [](const Entry* entry) { return entry->access(); });
    session_.worker().set_touch(true);
    return word & 0xFF;
  };
  const uint32_t before = count();
  EXPECT_GT(before, kLfuInitial + 1u);
  session_.Set("k", "w");
  EXPECT_GE(count(), before);
}

TEST_P(EvictionTest, VolatilePoliciesSpareOthers) {
  Fill("kept", 300);
  Fill("volatile", 300, store_.now() + 1'000'000);
  Limit(EvictionKind::kVolatileLru, 0);
  int set = 0;
  while (set < 1000 && Set(Name("new", set))) ++set;
  EXPECT_EQ(Left("kept", 300), 300);
  EXPECT_EQ(Left("volatile", 300), 0);
  EXPECT_GE(set, 290);  // and the wheels' memory is to be had too
  EXPECT_LT(set, 450);
}

TEST_P(EvictionTest, NothingVolatileNothingToEvict) {
  Fill("k", 300);
  Limit(EvictionKind::kVolatileRandom, 0);
  EXPECT_FALSE(Set("new"));
  EXPECT_EQ(Left("k", 300), 300);
}

// One key in a thousand: the wheel finds them.
TEST_P(EvictionTest, AFewVolatileKeysAmongManyAreFound) {
  Fill("k", 20'000);
  Fill("volatile", 20, store_.now() + 1'000'000);
  Limit(EvictionKind::kVolatileLru, 0);
  int set = 0;
  while (set < 100 && Set(Name("new", set))) ++set;
  EXPECT_EQ(Left("volatile", 20), 0);
  EXPECT_GE(set, 15);
  EXPECT_LT(set, 80);
}

TEST_P(EvictionTest, TtlTakesTheNearestDeadline) {
  for (int i = 0; i < 1000; ++i) {
    session_.Set(Name("k", i), std::string(kValueBytes, 'v'), store_.now() + 10'000'000 + i * 1000);
  }
  Limit(EvictionKind::kVolatileTtl, 0, 10);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(Set(Name("new", i)));
  int near = 0, far = 0;
  for (int i = 0; i < 1000; ++i) (i < 300 ? near : far) += session_.Exists(Name("k", i)) ? 1 : 0;
  EXPECT_LE(near, 60);
  EXPECT_GE(far, 640);
}

TEST_P(EvictionTest, ExpiredKeysGoFirst) {
  store_.keyspace().set_active_expiry(false);
  Fill("dead", 300, store_.now() + 10);
  Fill("k", 300);
  store_.Advance(100);
  Limit(EvictionKind::kAllKeysRandom, 0, 20);
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(Set(Name("new", i)));
  EXPECT_GE(store_.keyspace().Totals().counts.expired, 140u);
  EXPECT_GE(Left("k", 300), 290);
}

TEST_P(EvictionTest, AllDatabasesGiveTheirShare) {
  Fill("k", 1000);
  session_.Select(1);
  Fill("k", 1000);
  session_.Select(2);
  Limit(EvictionKind::kAllKeysRandom, 0);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(Set(Name("new", i)));
  EXPECT_NEAR(static_cast<double>(store_.keyspace().Size(0)), store_.keyspace().Size(1), 200);
  EXPECT_GT(store_.keyspace().Size(2), 300);
}

TEST_P(EvictionTest, WhatCannotFitIsRefusedAndNothingEvicted) {
  Fill("k", 300);
  Limit(EvictionKind::kAllKeysLru, 0);
  EXPECT_FALSE(store_.keyspace().MakeRoom(session_.worker(), static_cast<size_t>(Used())));
  EXPECT_FALSE(store_.keyspace().MakeRoom(session_.worker(), SIZE_MAX));
  EXPECT_EQ(Left("k", 300), 300);
  EXPECT_EQ(Evicted(), 0u);
}

TEST_P(EvictionTest, ALoweredLimitIsReachedByMaintenance) {
  Fill("k", 2000);
  Limit(EvictionKind::kAllKeysLru, -200'000);
  const int64_t limit = Used() - 200'000;
  EXPECT_EQ(store_.keyspace().Evictions(store_.now()).exceeded_now_ms, 0);
  store_.MaintainAll();
  EXPECT_LE(Used(), limit);
  EXPECT_GT(Evicted(), 500u);
}

TEST_P(EvictionTest, TimeAboveTheLimitIsCounted) {
  Fill("k", 100);
  Limit(EvictionKind::kNoEviction, -1000);
  store_.MaintainAll();
  store_.Advance(70);
  EXPECT_EQ(store_.keyspace().Evictions(store_.now()).exceeded_now_ms, 70);
  EXPECT_EQ(store_.keyspace().Evictions(store_.now()).exceeded_ms, 0);
  for (int i = 0; i < 50; ++i) session_.Erase(Name("k", i));
  store_.MaintainAll();
  EXPECT_EQ(store_.keyspace().Evictions(store_.now()).exceeded_now_ms, 0);
  EXPECT_EQ(store_.keyspace().Evictions(store_.now()).exceeded_ms, 70);
}

// Property: under a small limit threads write, read and flush; each value proves its key, and
// used_memory stays near the limit whatever goes on.
class EvictionStressTest : public testing::TestWithParam<MapKind> {};

INSTANTIATE_TEST_SUITE_P(EveryMap, EvictionStressTest,
                         testing::ValuesIn(test_support::SharedMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

std::string ProvingValue(const std::string& key, size_t size) {
  std::string value = key + ";";
  while (value.size() < size) value += key + ";";
  return value;
}

TEST_P(EvictionStressTest, ThreadsKeepTheLimitAndTheirValues) {
  constexpr int kThreads = 3;
  constexpr int64_t kLimit = 2'000'000;
  StoreUnderTest store({.shards = 16, .kind = GetParam(), .threads = kThreads}, kThreads);
  std::atomic<int64_t> most{0};
  const auto run = [&](int thread) {
    StoreSession session = store.Session(thread);
    Worker& worker = session.worker();
    const int64_t rounds = test_support::Scaled(test_support::kUnderSanitizer ? 1000 : 5000);
    for (int64_t i = 0; i < rounds; ++i) {
      const std::string key = "key:" + std::to_string(worker.Random() % 20'000);
      const size_t size = worker.Random() % 16 == 0 ? 6000 : worker.Random() % 400;
      if (i % 3 == 0) {
        const auto value = session.Get(key);
        if (value) {
          ASSERT_EQ(*value, ProvingValue(key, value->size()));
        }
      } else if (store.keyspace().MakeRoom(worker, size + key.size() * 2 + 200)) {
        const UnixMs deadline = i % 2 == 0 ? kNoDeadline : store.now() + 1'000'000;
        session.Set(key, ProvingValue(key, size), deadline);
      }
      if (i % 32 == 0) {
        session.Unpin();
        worker.ReclaimIfCrowded();
        most.store(std::max(most.load(), store.keyspace().Memory().used_bytes));
      }
      if (thread == 0 && i % 500 == 0) {
        constexpr EvictionKind kKinds[] = {EvictionKind::kAllKeysLru, EvictionKind::kVolatileLfu,
                                           EvictionKind::kVolatileTtl, EvictionKind::kAllKeysLfu,
                                           EvictionKind::kAllKeysRandom};
        store.keyspace().SetEviction({.maxmemory = kLimit, .kind = kKinds[i / 500 % 5]});
        worker.set_now(store.now());
      }
      if (thread == 1 && i % 2000 == 1999) store.keyspace().SwapDb(worker, 0, 1);
      if (thread == 2 && i % 3000 == 2999) store.keyspace().FlushDb(worker, 1);
    }
    session.Unpin();
  };
  store.keyspace().SetEviction({.maxmemory = kLimit, .kind = EvictionKind::kAllKeysLru});
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(run, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), kLimit + kLimit / 20);
  store.Settle();
  EXPECT_LE(store.keyspace().Memory().used_bytes, kLimit);
}

}  // namespace
}  // namespace larder::store
