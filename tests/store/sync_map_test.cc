// What is particular to the sync kind: where keys live, when they are promoted, what becomes of the
// dead. Its contract as a map is tested with that of the others.
#include "store/sync_map.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

class SyncMapTest : public testing::Test {
 protected:
  ShardFigures Figures() { return store_.keyspace().FiguresOfShard(0); }
  static std::string KeyOf(int i) { return "k" + std::to_string(i); }
  void SetKeys(int count) {
    for (int i = 0; i < count; ++i) session_.Set(KeyOf(i), "v");
  }
  // Looks keys up until a promotion has moved them to the read table.
  void Promote() {
    const uint64_t before = Figures().promotions;
    for (int i = 0; Figures().promotions == before; ++i) {
      ASSERT_LT(i, 1'000'000);
      session_.Get(KeyOf(i % 100));
      if (i % 1000 == 0) store_.MaintainAll();
    }
  }

  StoreUnderTest store_{MapKind::kSync, 1};
  StoreSession session_ = store_.Session();
};

TEST_F(SyncMapTest, LooksIntoDirtyCauseAPromotion) {
  SetKeys(100);
  EXPECT_EQ(Figures().promotions, 0u);
  Promote();
  EXPECT_GT(Figures().misses, 0u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(session_.Get(KeyOf(i)), "v");
}

// Counters that are written and never read stayed in dirty for ever, looked for in two tables.
TEST_F(SyncMapTest, WritesThatFindTheirKeyInDirtyCauseAPromotion) {
  SetKeys(100);
  for (int i = 0; i < 1000; ++i) session_.Set(KeyOf(i % 100), "w");
  store_.MaintainAll();
  EXPECT_EQ(Figures().promotions, 1u);
  const uint64_t misses = Figures().misses;
  for (int i = 0; i < 10'000; ++i) session_.Set(KeyOf(i % 100), "x");
  EXPECT_EQ(Figures().misses, misses);
}

TEST_F(SyncMapTest, PromotedKeysCauseNoMisses) {
  SetKeys(100);
  Promote();
  const uint64_t misses = Figures().misses;
  for (int i = 0; i < 100'000; ++i) session_.Get(KeyOf(i % 100));
  EXPECT_EQ(Figures().misses, misses);
}

TEST_F(SyncMapTest, AKeyThatReturnsFindsItsGrave) {
  SetKeys(100);
  Promote();
  const uint64_t promotions = Figures().promotions;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(session_.Erase("k7"));
    EXPECT_FALSE(session_.Exists("k7"));
    session_.Set("k7", std::to_string(i));
    EXPECT_EQ(session_.Get("k7"), std::to_string(i));
  }
  EXPECT_EQ(Figures().expunged, 0u);
  EXPECT_EQ(Figures().promotions, promotions);
}

TEST_F(SyncMapTest, GravesAreBounded) {
  SetKeys(1000);
  Promote();
  for (int i = 0; i < 900; ++i) session_.Erase(KeyOf(i));
  EXPECT_GT(Figures().expunged, 600u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(session_.Exists(KeyOf(i)), i >= 900);
}

// A key that returns after the promotion has passed its grave is a new key: it must not take a slot
// that is another key's by now.
TEST_F(SyncMapTest, AnExpungedKeyReturnsAsANewOne) {
  SetKeys(1000);
  Promote();
  for (int i = 0; i < 1000; ++i) {
    session_.Erase(KeyOf(i));
    session_.Set("other" + std::to_string(i), "o");
    if (i % 3 == 0) session_.Set(KeyOf(i / 2), "again");
    if (i % 7 == 0) store_.MaintainAll();
  }
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(session_.Get("other" + std::to_string(i)), "o");
  EXPECT_GT(Figures().expunged, 0u);
}

// Regression: the second table and up to eight graves stayed for ever in every shard that had had a
// key.
TEST_F(SyncMapTest, AnEmptiedMapHoldsNothing) {
  SetKeys(100);
  Promote();
  for (int i = 0; i < 100; ++i) session_.Erase(KeyOf(i));
  store_.Settle();
  EXPECT_EQ(Figures().memory_bytes, 0);
  SetKeys(10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(session_.Get(KeyOf(i)), "v");
}

// Regression: a change of kind that was given up left the map closed to its second table.
TEST_F(SyncMapTest, AChangeOfKindThatIsGivenUpLeavesASyncMap) {
  SetKeys(5000);
  EXPECT_FALSE(store_.keyspace().ChangeKindStep(session_.worker(), 0, MapKind::kMutex));
  EXPECT_TRUE(store_.keyspace().ChangeKindStep(session_.worker(), 0, MapKind::kSync));
  store_.Settle();
  EXPECT_EQ(Figures().kind, MapKind::kSync);
  const uint64_t misses = Figures().misses;
  for (int i = 5000; i < 5100; ++i) session_.Set(KeyOf(i), "v");
  for (int i = 0; i < 5000; ++i) session_.Get(KeyOf(5000 + i % 100));
  EXPECT_GT(Figures().misses, misses) << "new keys go to dirty again";
  for (int i = 0; i < 5100; ++i) ASSERT_TRUE(session_.Exists(KeyOf(i)));
}

// Regression: a reader that had looked into dirty counted its miss in a map that a change of kind
// had taken away meanwhile (a crash). See MapStressTest for the race itself.
TEST_F(SyncMapTest, MissesAreCountedWhileTheKindChanges) {
  StoreUnderTest store(MapKind::kSync, 1, 2);
  std::atomic<bool> done{false};
  std::thread reader([&] {
    StoreSession session = store.Session(1);
    for (int i = 0; !done.load(); ++i) {
      session.Get("absent" + std::to_string(i % 100));
      if (i % 16 == 0) session.Unpin();
    }
    session.Unpin();
  });
  StoreSession session = store.Session(0);
  for (int64_t i = 0; i < test_support::Scaled(5000); ++i) {
    session.Set("k", "v");
    session.Set("l", "v");
    store.ChangeKind(session.worker(), MapKind::kRcu);
    store.ChangeKind(session.worker(), MapKind::kSync);
    session.Erase("k");
    if (i % 64 == 0) session.worker().Reclaim();
  }
  done.store(true);
  reader.join();
}

}  // namespace
}  // namespace larder::store
