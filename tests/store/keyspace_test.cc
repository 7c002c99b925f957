// Databases as a whole: flushing, swapping, figures. What single keys and several keys do is tested
// in map_contract_test.cc and map_stress_test.cc, the background work in keyspace_expiry_test.cc
// and keyspace_memory_test.cc, SCAN in keyspace_scan_test.cc.
#include "store/keyspace.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

class KeyspaceTest : public testing::TestWithParam<MapKind> {
 protected:
  StoreUnderTest store_{KeyspaceOptions{.databases = 4, .shards = 8, .kind = GetParam()}, 3};
  StoreSession session_ = store_.Session();
};

INSTANTIATE_TEST_SUITE_P(EveryMap, KeyspaceTest, testing::ValuesIn(test_support::AllMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

TEST_P(KeyspaceTest, DatabasesAreApart) {
  session_.Set("k", "zero");
  store_.Session(0, 1).Set("k", "one");
  EXPECT_EQ(session_.Get("k"), "zero");
  EXPECT_EQ(store_.Session(0, 1).Get("k"), "one");
  EXPECT_FALSE(store_.Session(0, 2).Exists("k"));
  EXPECT_EQ(store_.keyspace().Size(0), 1);
  EXPECT_EQ(store_.keyspace().Size(3), 0);
}

TEST_P(KeyspaceTest, AnUnusedDatabaseCostsNothing) {
  const int64_t before = store_.keyspace().Memory().used_bytes;
  EXPECT_FALSE(session_.Exists("k"));
  EXPECT_TRUE(session_.ScanAll(10).empty());
  EXPECT_EQ(store_.keyspace().Memory().used_bytes, before);
}

TEST_P(KeyspaceTest, KeysOfSeveralDatabasesAreWrittenTogether) {
  Keyspace& keyspace = store_.keyspace();
  session_.Set("k", "v");
  KeyAt keys[] = {{0, keyspace.Hash("k")}, {2, keyspace.Hash("k")}};
  keyspace.WriteAll(session_.worker(), keys, [](MultiEditor& multi) {  // MOVE
    IntegerText text;
    multi[1].PutString(multi[0].entry()->value(text));
    multi[0].Erase();
  });
  EXPECT_FALSE(session_.Exists("k"));
  EXPECT_EQ(store_.Session(0, 2).Get("k"), "v");
}

TEST_P(KeyspaceTest, FlushedKeysAreGoneAtOnceAndTheirNamesFree) {
  for (int i = 0; i < 1000; ++i) session_.Set("k" + std::to_string(i), "old");
  store_.Session(0, 1).Set("k0", "stays");
  store_.keyspace().FlushDb(session_.worker(), 0);
  EXPECT_EQ(store_.keyspace().Size(0), 0);
  EXPECT_FALSE(session_.Exists("k0"));
  session_.Set("k0", "new");
  store_.Settle();
  EXPECT_EQ(session_.Get("k0"), "new");
  EXPECT_EQ(store_.keyspace().Size(0), 1);
  EXPECT_EQ(store_.Session(0, 1).Get("k0"), "stays");
}

TEST_P(KeyspaceTest, FiguresOfADatabaseFollowItsKeys) {
  session_.Set("a", "v");
  session_.Set("b", "v", store_.now() + 1000);
  session_.Set("c", "v", store_.now() + 3000);
  const DatabaseFigures figures = store_.keyspace().FiguresOfDb(0, store_.now());
  EXPECT_EQ(figures.keys, 3);
  EXPECT_EQ(figures.expires, 2);
  EXPECT_EQ(figures.average_ttl_ms, 2000);
  session_.Rename("b", "a");
  session_.SetDeadline("c", kNoDeadline);
  EXPECT_EQ(store_.keyspace().FiguresOfDb(0, store_.now()).average_ttl_ms, 1000);
  session_.Erase("a");
  EXPECT_EQ(store_.keyspace().FiguresOfDb(0, store_.now()).expires, 0);
  EXPECT_EQ(store_.keyspace().FiguresOfDb(3, store_.now()).keys, 0);
}

// Property: one thread writes a growing number to x, then the same to y, then flushes everything;
// whoever reads y and then x sees x at least as new, or one of them gone by a flush.
TEST_P(KeyspaceTest, ReadersSeeFlushesInTheOrderOfWrites) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  const int64_t rounds = test_support::Scaled(3000);
  std::atomic<bool> done{false};
  std::thread reader([&] {
    StoreSession session = store_.Session(1);
    while (!done.load()) {
      const auto y = session.Get("y");
      const auto x = session.Get("x");
      if (x && y) {
        ASSERT_GE(std::stoll(*x), std::stoll(*y));
      }
      session.Unpin();
    }
  });
  for (int64_t n = 1; n <= rounds; ++n) {
    session_.Set("x", std::to_string(n));
    session_.Set("y", std::to_string(n));
    store_.keyspace().FlushAll(session_.worker());
    ASSERT_FALSE(session_.Exists("x"));
    store_.keyspace().Maintain(session_.worker(), std::chrono::milliseconds(1));
  }
  done.store(true);
  reader.join();
}

// Property: a key that is in database 0 or 1 under a name of its own, while the two are swapped all
// the time, is in exactly one of them at one moment; and what a writer adds to a number is in one
// of them afterwards, never lost.
TEST_P(KeyspaceTest, NoWriteIsLostInASwap) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  const int64_t rounds = test_support::Scaled(3000);
  session_.Set("a", "v");
  std::atomic<bool> done{false};
  std::thread swapper([&] {
    while (!done.load()) {
      store_.keyspace().SwapDb(store_.worker(1), 0, 1);
      std::this_thread::yield();
    }
  });
  KeyAt both[] = {{0, store_.keyspace().Hash("a")}, {1, store_.keyspace().Hash("a")}};
  for (int64_t n = 0; n < rounds; ++n) {
    ASSERT_TRUE(session_.Incr("n"));
    const int seen = store_.keyspace().ReadAll(session_.worker(), both, [](MultiReader& multi) {
      return (multi[0] != nullptr ? 1 : 0) + (multi[1] != nullptr ? 1 : 0);
    });
    ASSERT_EQ(seen, 1);
  }
  done.store(true);
  swapper.join();
  int64_t sum = 0;
  for (const int db : {0, 1}) sum += std::stoll(store_.Session(0, db).Get("n").value_or("0"));
  EXPECT_EQ(sum, rounds);
}

}  // namespace
}  // namespace larder::store
