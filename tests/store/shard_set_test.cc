#include "store/shard_set.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

TEST(ShardSetTest, AKeyMayRepeatAndIsLockedOnce) {
  StoreUnderTest store(MapKind::kRcu, 4);
  StoreSession session = store.Session();
  session.MSet({{"k", "1"}, {"k", "2"}, {"k", "3"}});
  EXPECT_EQ(session.Get("k"), "3");
  EXPECT_EQ(session.CountExisting({"k", "k", "k"}), 3);
  EXPECT_EQ(session.Del({"k", "k"}), 1);
  EXPECT_EQ(store.keyspace().Totals().lock.contended, 0u);
}

TEST(ShardSetTest, NoKeysAtAllIsNoWork) {
  StoreUnderTest store(MapKind::kRcu, 4);
  StoreSession session = store.Session();
  session.MSet({});
  EXPECT_TRUE(session.MGet({}).empty());
}

TEST(ShardSetTest, ManyKeysOutgrowTheStack) {
  StoreUnderTest store(MapKind::kRcu, 64);
  StoreSession session = store.Session();
  StoreSession::Pairs pairs;
  StoreSession::Keys keys;
  for (int i = 0; i < 5000; ++i) {
    keys.push_back("k" + std::to_string(i));
    pairs.emplace_back(keys.back(), "v");
  }
  session.MSet(pairs);
  EXPECT_EQ(session.CountExisting(keys), 5000);
  EXPECT_EQ(session.Del(keys), 5000);
}

// Readers without a lock are let in again after a write of several keys: the word is even.
TEST(ShardSetTest, LeavesNoShardMarkedAsBeingWritten) {
  for (const MapKind kind : test_support::SharedMapKinds()) {
    StoreUnderTest store(kind, 1);
    StoreSession session = store.Session();
    session.MSet({{"a", "1"}, {"b", "2"}});
    session.MSetNx({{"a", "1"}, {"c", "2"}});
    session.Rename("a", "c");
    const uint64_t locks = store.keyspace().Totals().lock.acquisitions;
    for (int i = 0; i < 100; ++i) EXPECT_EQ(session.Get("c"), "1");
    session.Unpin();
    const uint64_t taken = store.keyspace().Totals().lock.acquisitions - locks;
    EXPECT_EQ(taken, kind == MapKind::kMutex ? 100u : 0u) << Name(kind);
  }
}

// Threads that lock random sets in random order of their keys must not wait for each other in a
// circle.
TEST(ShardSetTest, LocksInOneOrder) {
  StoreUnderTest store(MapKind::kMutex, 8, 4);
  const int64_t rounds = test_support::Scaled(5000);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      StoreSession session = store.Session(thread);
      std::mt19937_64 random(static_cast<uint64_t>(thread));
      for (int64_t n = 0; n < rounds; ++n) {
        StoreSession::Pairs pairs;
        for (size_t i = 2 + random() % 6; i > 0; --i) {
          pairs.emplace_back("k" + std::to_string(random() % 40), "v");
        }
        session.MSet(pairs);
        if (n % 64 == 0) session.worker().Reclaim();
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_LE(store.keyspace().Size(0), 40);
}

}  // namespace
}  // namespace larder::store
