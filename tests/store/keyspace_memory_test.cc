// What the keyspace says that it uses: nothing that it does not, and nothing that it cannot give
// back.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "store/string_value.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

constexpr int kMillion = test_support::kUnderSanitizer ? 30'000 : 1'000'000;

class KeyspaceMemoryTest : public testing::TestWithParam<MapKind> {
 protected:
  int64_t Used() { return store_.keyspace().Memory().used_bytes; }
  int64_t ShardsTogether() { return store_.keyspace().Totals().memory_bytes; }

  StoreUnderTest store_{GetParam(), 256, 1};
  StoreSession session_ = store_.Session();
};

INSTANTIATE_TEST_SUITE_P(EveryMap, KeyspaceMemoryTest,
                         testing::ValuesIn(test_support::AllMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

TEST_P(KeyspaceMemoryTest, TheShardsSharesAddUpToTheWhole) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 30'000; ++i) {
    const std::string key = "k" + std::to_string(random() % 2000);
    const std::string other = "k" + std::to_string(random() % 2000);
    switch (random() % 6) {
      case 0:
        session_.Set(key, std::string(random() % 6000, 'v'));
        break;
      case 1:
        session_.Set(key, "v", store_.now() + static_cast<int64_t>(random() % 1000));
        break;
      case 2:
        session_.Erase(key);
        break;
      case 3:
        session_.SetDeadline(key, store_.now() + static_cast<int64_t>(random() % 1000));
        break;
      case 4:
        session_.Rename(key, other);
        break;
      default:
        store_.keyspace().Write(session_.worker(), 0, store_.keyspace().Hash(key),
                                [&](KeyEditor& editor) {
                                  return store::Append(editor, std::string(300, 'a'), 1 << 20);
                                });
    }
    if (i % 1000 == 0) {
      store_.Advance(100);
      store_.MaintainAll();
    }
  }
  const MemoryFigures memory = store_.keyspace().Memory();
  EXPECT_EQ(ShardsTogether(), memory.used_bytes - memory.overhead_bytes);
}

TEST_P(KeyspaceMemoryTest, ChangingKindsKeepsTheSharesRight) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain does not change";
  for (const MapKind kind : test_support::SharedMapKinds()) {
    for (int i = 0; i < 5000; ++i) session_.Set("k" + std::to_string(i), "v");
    store_.ChangeKind(session_.worker(), kind);
    const MemoryFigures memory = store_.keyspace().Memory();
    EXPECT_EQ(ShardsTogether(), memory.used_bytes - memory.overhead_bytes) << Name(kind);
    for (int i = 0; i < 5000; ++i) session_.Erase("k" + std::to_string(i));
  }
  store_.ChangeKind(session_.worker(), MapKind::kRcu);
  store_.Settle();
  EXPECT_EQ(ShardsTogether(), 0);
}

TEST_P(KeyspaceMemoryTest, AMillionExpiresOnOneKeyCostNothing) {
  session_.Set("k", "v", store_.now() + 1000);
  session_.SetDeadline("k", store_.now() + 2000);
  store_.Settle();
  const int64_t before = Used();
  std::mt19937_64 random(1);
  for (int i = 0; i < kMillion; ++i) {
    session_.SetDeadline("k", store_.now() + 1000 + static_cast<int64_t>(random() % 1'000'000));
    if (i % 1000 == 0) {
      store_.Advance(1);
      store_.MaintainAll();
      session_.SetDeadline("k", kNoDeadline);
    }
  }
  store_.Settle();
  EXPECT_LE(Used(), before + 2048);  // a few records of earlier deadlines, about to be dropped
  session_.Erase("k");
}

TEST_P(KeyspaceMemoryTest, DeletedKeysLeaveNoDeadlinesBehind) {
  const int64_t before = Used();
  for (int i = 0; i < 3000; ++i)
    session_.Set("k" + std::to_string(i), "v", store_.now() + 1'000'000);
  for (int i = 0; i < 3000; ++i) session_.Erase("k" + std::to_string(i));
  store_.Settle();
  EXPECT_EQ(Used(), before);
}

TEST_P(KeyspaceMemoryTest, AMillionShortLivesOfOneKeyCostNothing) {
  session_.Set("k", "v", store_.now() + 1000);
  session_.Erase("k");
  store_.Settle();
  const int64_t before = Used();
  for (int i = 0; i < kMillion; ++i) {
    session_.Set("k", "v", store_.now() + 1000 + i % 100);
    session_.Erase("k");
    if (i % 1000 == 0) store_.MaintainAll();
  }
  store_.Settle();
  EXPECT_LE(Used(), before + 2048);
}

// Keys that all die at once, as a cache's do: the memory is back half a second later.
TEST_P(KeyspaceMemoryTest, AMassExpiryGivesTheMemoryBack) {
  constexpr int kKeys = test_support::kUnderSanitizer ? 50'000 : 200'000;
  session_.Set("k", "v");
  session_.Erase("k");
  store_.Settle();
  const int64_t empty = Used();
  for (int i = 0; i < kKeys; ++i) {
    session_.Set("key:" + std::to_string(i), "value of some bytes", store_.now() + 60'000 + i % 7);
    if (i % 1000 == 0) store_.MaintainAll();
    if (i % 16 == 0) session_.Get("key:" + std::to_string(i / 2));
  }
  EXPECT_GT(Used(), empty + kKeys * 30);
  for (int64_t ms = 0; ms <= 60'500; ms += ms < 60'000 ? 4000 : 40) {
    store_.Advance(ms < 60'000 ? 4000 : 40);
    for (int i = 0; i < 100; ++i) store_.MaintainAll();
  }
  EXPECT_EQ(store_.keyspace().Size(0), 0);
  EXPECT_LE(Used(), empty + empty / 4);
  EXPECT_EQ(store_.keyspace().Memory().retired_bytes, 0);
  const ShardFigures totals = store_.keyspace().Totals();
  EXPECT_EQ(totals.counts.expired, static_cast<uint64_t>(kKeys));
  if (GetParam() == MapKind::kSync) {
    EXPECT_GT(totals.promotions, 0u);
    EXPECT_GT(totals.misses, 0u);
    EXPECT_GT(totals.expunged, 0u);
  }
}

TEST_P(KeyspaceMemoryTest, AFlushedDatabaseIsRetiredAtOnceAndFreedInSteps) {
  session_.Set("k", "v");
  session_.Erase("k");
  store_.Settle();
  const int64_t empty = Used();
  for (int i = 0; i < 20'000; ++i) {
    session_.Set("key:" + std::to_string(i), "value", i % 2 == 0 ? store_.now() + 5000 : -1);
  }
  const int64_t content = Used() - empty;
  store_.Settle();
  store_.keyspace().FlushDb(session_.worker(), 0);
  EXPECT_EQ(store_.keyspace().Size(0), 0);
  EXPECT_LE(Used(), empty);
  EXPECT_GE(store_.keyspace().Memory().retired_bytes, content * 9 / 10);
  EXPECT_TRUE(store_.keyspace().Maintain(session_.worker(), std::chrono::microseconds(0)).more_now);
  session_.Set("new", "life");
  store_.Settle();
  EXPECT_EQ(store_.keyspace().Memory().retired_bytes, 0);
  EXPECT_EQ(session_.Get("new"), "life");
  EXPECT_EQ(store_.keyspace().Size(0), 1);
}

// An emptied database is used again: flushing for ever costs no more than flushing once.
TEST_P(KeyspaceMemoryTest, DatabasesAreUsedAgain) {
  for (int i = 0; i < 20; ++i) {
    session_.Set("k", "v");
    store_.keyspace().FlushAll(session_.worker());
    store_.Settle();
  }
  const int64_t before = store_.keyspace().Memory().overhead_bytes;
  for (int i = 0; i < 50; ++i) {
    session_.Set("k", "v");
    store_.keyspace().FlushAll(session_.worker());
    store_.Settle();
  }
  EXPECT_EQ(store_.keyspace().Memory().overhead_bytes, before);
}

// The same without any background work in between: one pipeline of SET and FLUSHALL.
TEST_P(KeyspaceMemoryTest, APipelineOfFlushesDoesNotPileUpDatabases) {
  for (int i = 0; i < 1000; ++i) {
    session_.Set("k", "v");
    store_.keyspace().FlushAll(session_.worker());
  }
  StoreUnderTest fresh(GetParam(), 256, 1);
  fresh.Session().Set("k", "v");
  EXPECT_LE(store_.keyspace().Memory().overhead_bytes,
            20 * fresh.keyspace().Memory().overhead_bytes);
}

}  // namespace
}  // namespace larder::store
