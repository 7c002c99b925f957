#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "store/keyspace.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

std::string KeyOf(int i) { return "key:" + std::to_string(i); }

// All shards of a keyspace, as they are and not as they are to be.
bool AllAre(StoreUnderTest& store, MapKind kind) {
  for (int i = 0; i < store.keyspace().shards(); ++i) {
    if (store.keyspace().FiguresOfShard(i).kind != kind) return false;
  }
  return true;
}

TEST(KeyspaceMapsTest, AnOrderIsCarriedOutByMaintenanceAndLosesNothing) {
  constexpr int kKeys = 5000;
  for (const MapKind from : test_support::SharedMapKinds()) {
    for (const MapKind to : test_support::SharedMapKinds()) {
      StoreUnderTest store(from, 8);
      StoreSession session = store.Session();
      for (int i = 0; i < kKeys; ++i) session.Set(KeyOf(i), std::to_string(i));
      store.keyspace().OrderMaps(to);
      store.Settle();
      EXPECT_TRUE(AllAre(store, to)) << Name(from) << " to " << Name(to);
      EXPECT_EQ(store.keyspace().map_changes(), from == to ? 0u : 8u);
      for (int i = 0; i < kKeys; ++i) EXPECT_EQ(session.Get(KeyOf(i)), std::to_string(i));
      EXPECT_EQ(store.keyspace().Size(session.worker(), 0), kKeys);
    }
  }
}

TEST(KeyspaceMapsTest, AnOrderForOneShardLeavesTheOthers) {
  StoreUnderTest store(MapKind::kMutex, 8);
  store.keyspace().OrderMap(3, MapKind::kSync);
  store.Settle();
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(store.keyspace().FiguresOfShard(i).kind, i == 3 ? MapKind::kSync : MapKind::kMutex);
  }
}

TEST(KeyspaceMapsTest, ADatabaseMadeLaterHasTheKindsOfTheOthers) {
  StoreUnderTest store(MapKind::kMutex, 4);
  store.keyspace().OrderMap(2, MapKind::kRcu);
  StoreSession other = store.Session(0, 5);
  for (int i = 0; i < 100; ++i) other.Set(KeyOf(i), "v");  // makes database 5 before the change
  store.Settle();
  StoreSession later = store.Session(0, 6);
  for (int i = 0; i < 100; ++i) later.Set(KeyOf(i), "v");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(store.keyspace().FiguresOfShard(i).kind, i == 2 ? MapKind::kRcu : MapKind::kMutex);
  }
}

// Property: a value read is the last one written by the only writer of its key, or a later one,
// while the kind of every shard changes again and again.
TEST(KeyspaceMapsTest, ReadersAndWritersGoOnWhileKindsChange) {
  constexpr int kKeys = 200;
  const int64_t rounds = test_support::Scaled(test_support::kUnderSanitizer ? 100 : 1000);
  StoreUnderTest store(MapKind::kMutex, 4, 3);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    StoreSession session = store.Session(1);
    for (int64_t round = 1; round <= rounds; ++round) {
      for (int i = 0; i < kKeys; ++i) session.Set(KeyOf(i), std::to_string(round));
    }
    session.worker().Unpin();
    done.store(true);
  });
  std::thread reader([&] {
    StoreSession session = store.Session(2);
    std::vector<int64_t> seen(kKeys, 0);
    while (!done.load()) {
      for (int i = 0; i < kKeys; ++i) {
        const std::optional<std::string> value = session.Get(KeyOf(i));
        const int64_t round = value ? std::stoll(*value) : 0;
        EXPECT_GE(round, seen[static_cast<size_t>(i)]);
        seen[static_cast<size_t>(i)] = round;
      }
      session.worker().Unpin();
    }
  });
  const std::vector<MapKind> kinds = test_support::SharedMapKinds();
  for (size_t i = 0; !done.load(); ++i) {
    store.keyspace().OrderMaps(kinds[i % kinds.size()]);
    store.keyspace().Maintain(store.worker(0), std::chrono::microseconds(200));
  }
  writer.join();
  reader.join();
  EXPECT_GT(store.keyspace().map_changes(), 0u);
  StoreSession session = store.Session();
  for (int i = 0; i < kKeys; ++i) EXPECT_EQ(session.Get(KeyOf(i)), std::to_string(rounds));
}

class AutomaticMapsTest : public testing::Test {
 protected:
  // Seconds of load in virtual time.
  void Read(int seconds) { Load(seconds, 500, 0); }
  void Write(int seconds) { Load(seconds, 0, 500); }
  void Load(int seconds, int reads, int writes) {
    for (int second = 0; second < seconds; ++second) {
      for (int i = 0; i < reads; ++i) session_.Get(KeyOf(i));
      for (int i = 0; i < writes; ++i) session_.Set(KeyOf(i), "v");
      store_.Advance(1000);
      store_.Settle();
    }
  }

  StoreUnderTest store_{
      KeyspaceOptions{.shards = 2, .kind = MapKind::kMutex, .chooses_maps = true}};
  StoreSession session_ = store_.Session();
};

TEST_F(AutomaticMapsTest, ShardsFollowTheirLoad) {
  Write(20);
  EXPECT_TRUE(AllAre(store_, MapKind::kMutex));
  EXPECT_FALSE(store_.keyspace().has_map_moves());
  Read(10);
  EXPECT_TRUE(AllAre(store_, MapKind::kRcu));
  EXPECT_EQ(store_.keyspace().TakeMapMoves().size(), 2u);
  Write(20);
  EXPECT_TRUE(AllAre(store_, MapKind::kMutex));
  EXPECT_EQ(store_.keyspace().map_changes(), 4u);
}

TEST_F(AutomaticMapsTest, OnlyTheShardWithTheReadersMoves) {
  Write(1);
  const Key key = store_.keyspace().Hash("key:0");
  const auto busy = static_cast<int>(key.shard(1));
  for (int second = 0; second < 5; ++second) {
    for (int i = 0; i < 500; ++i) session_.Get("key:0");
    store_.Advance(1000);
    store_.Settle();
  }
  EXPECT_EQ(store_.keyspace().FiguresOfShard(busy).kind, MapKind::kRcu);
  EXPECT_EQ(store_.keyspace().FiguresOfShard(1 - busy).kind, MapKind::kMutex);
}

TEST_F(AutomaticMapsTest, EvidenceIsOfTheLastTenSeconds) {
  Write(30);
  Read(5);
  MapEvidence sum;
  for (const MapEvidence& each : store_.keyspace().RecentEvidence()) sum.Add(each);
  EXPECT_NEAR(sum.read_share(), 0.5, 0.06);
  sum = {};
  for (const MapEvidence& each : store_.keyspace().Evidence()) sum.Add(each);
  EXPECT_EQ(sum.reads, 5u * 500);
  EXPECT_EQ(sum.stores, 30u * 500);
}

TEST(KeyspaceMapsTest, ReadsOfSeveralKeysCountAsLocked) {
  StoreUnderTest store(MapKind::kRcu, 1);
  StoreSession session = store.Session();
  session.MSet({{"a", "1"}, {"b", "2"}});
  session.Get("a");
  session.MGet({"a", "b"});
  const MapEvidence evidence = store.keyspace().Evidence().front();
  EXPECT_EQ(evidence.reads, 3u);
  EXPECT_EQ(evidence.locked_reads, 2u);
}

// Every key of a command counts, and each once.
TEST(KeyspaceMapsTest, TheKeysOfACommandWithSeveralAreSampledToo) {
  StoreUnderTest store(MapKind::kRcu, 4);
  StoreSession session = store.Session();
  for (int i = 0; i < 100 * int{HotKeySketch::kSampleEvery}; ++i)
    session.MGet({"first", "second", "third"});
  double second = 0;
  const HotKeySamples samples = store.keyspace().SampledKeys();
  for (const HotKey& each : samples.keys) second += each.key == "second" ? each.count : 0;
  EXPECT_NEAR(samples.total, 200, 60);  // the first is the dispatcher's to show
  EXPECT_NEAR(second, 100, 50);
}

}  // namespace
}  // namespace larder::store
