// SCAN's guarantee: a key that is there from the first call to the last is returned at least once,
// whatever happens to the table meanwhile; and no cursor, however made up, does harm.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

class KeyspaceScanTest : public testing::TestWithParam<MapKind> {};

INSTANTIATE_TEST_SUITE_P(EveryMap, KeyspaceScanTest, testing::ValuesIn(test_support::AllMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

std::string Staying(int i) { return "stays:" + std::to_string(i); }
std::string Coming(size_t i) { return "comes:" + std::to_string(i); }

void ExpectAllStaying(const std::set<std::string>& seen, int staying) {
  for (int i = 0; i < staying; ++i) ASSERT_TRUE(seen.contains(Staying(i))) << Staying(i);
}

// One thread that does a random piece of work between any two calls: the shapes of the table that
// a scan can meet, one after the other, each replayable from the seed.
TEST_P(KeyspaceScanTest, ReturnsWhatStaysWhateverIsDoneBetweenTwoCalls) {
  constexpr int kStaying = 100;
  const uint64_t first_seed = std::random_device{}();
  for (int64_t round = 0; round < test_support::Scaled(40); ++round) {
    const uint64_t seed = first_seed + static_cast<uint64_t>(round);
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    StoreUnderTest store(GetParam(), 1 << random() % 3, 1);
    StoreSession session = store.Session();
    for (int i = 0; i < kStaying; ++i) session.Set(Staying(i), "v");
    std::set<std::string> seen;
    uint64_t cursor = 0;
    int calls = 0;
    do {
      cursor = store.keyspace().Scan(session.worker(), 0, cursor, 1 + random() % 5,
                                     [&](const Entry& entry) { seen.emplace(entry.key()); });
      const size_t keys = random() % 600;
      switch (random() % 4) {
        case 0:
          for (size_t i = 0; i < keys; ++i) session.Set(Coming(i), "x");
          break;
        case 1:
          for (size_t i = 0; i < 600; ++i) session.Erase(Coming(i));
          break;
        case 2:
          for (size_t i = 0; i < keys; ++i) session.Get(Coming(i));  // misses, under sync
          store.MaintainAll();
          break;
        default:
          if (GetParam() != MapKind::kPlain) {
            store.keyspace().ChangeKindStep(session.worker(), 0,
                                            test_support::SharedMapKinds()[random() % 4]);
          }
      }
      ASSERT_LT(++calls, 100'000);
    } while (cursor != 0);
    ExpectAllStaying(seen, kStaying);
  }
}

// The same with threads: one scans, one makes the table breathe, one changes kinds and promotes.
TEST_P(KeyspaceScanTest, ReturnsWhatStaysWhileOthersWrite) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  constexpr int kStaying = 300;
  StoreUnderTest store(GetParam(), 2, 3);
  for (int i = 0; i < kStaying; ++i) store.Session(0).Set(Staying(i), "v");
  std::atomic<bool> done{false};
  std::thread writer([&] {
    StoreSession session = store.Session(1);
    while (!done.load()) {
      for (size_t i = 0; i < 2000; ++i) session.Set(Coming(i), "x");
      for (size_t i = 0; i < 2000; ++i) session.Erase(Coming(i));
      session.worker().Reclaim();
    }
  });
  std::thread changer([&] {
    const auto kinds = test_support::SharedMapKinds();
    for (size_t i = 0; !done.load(); ++i) {
      store.ChangeKind(store.worker(2), kinds[i % kinds.size()]);
      store.keyspace().Maintain(store.worker(2), std::chrono::milliseconds(1));
      for (size_t key = 0; key < 500; ++key) store.Session(2).Get(Coming(key));
      store.worker(2).Unpin();
    }
  });
  for (int64_t round = 0; round < test_support::Scaled(30) && !HasFailure(); ++round) {
    const auto keys = store.Session(0).ScanAll(static_cast<size_t>(1 + round % 20));
    ExpectAllStaying(std::set<std::string>(keys.begin(), keys.end()), kStaying);
    std::this_thread::yield();
  }
  done.store(true);
  writer.join();
  changer.join();
}

TEST_P(KeyspaceScanTest, NoCursorDoesHarmAndEveryOneEnds) {
  StoreUnderTest store(GetParam(), 4);
  StoreSession session = store.Session();
  for (int i = 0; i < 500; ++i) session.Set(Staying(i), "v");
  std::mt19937_64 random(1);
  std::vector<uint64_t> cursors = {1, 2, UINT64_MAX, UINT64_MAX - 1, uint64_t{1} << 63};
  for (int bit = 0; bit < 64; ++bit) cursors.push_back(uint64_t{1} << bit);
  for (int i = 0; i < 100; ++i) cursors.push_back(random() >> random() % 64);
  for (const uint64_t start : cursors) {
    uint64_t cursor = start;
    for (int calls = 0;; ++calls) {
      ASSERT_LT(calls, 10'000) << "from cursor " << start;
      cursor = store.keyspace().Scan(session.worker(), 0, cursor, 10, [](const Entry&) {});
      if (cursor == 0) break;
      ASSERT_LT(cursor, uint64_t{1} << 53);
    }
  }
}

TEST_P(KeyspaceScanTest, OneCallVisitsAboutAsManyKeysAsAskedFor) {
  StoreUnderTest store(GetParam(), 4);
  StoreSession session = store.Session();
  for (int i = 0; i < 5000; ++i) session.Set(Staying(i), "v");
  uint64_t cursor = 0;
  do {
    size_t visited = 0;
    cursor =
        store.keyspace().Scan(session.worker(), 0, cursor, 20, [&](const Entry&) { ++visited; });
    EXPECT_LT(visited, 100u);
    EXPECT_TRUE(cursor == 0 || visited >= 20u);
  } while (cursor != 0);
}

TEST_P(KeyspaceScanTest, DoesNotShowTheDead) {
  StoreUnderTest store(GetParam(), 4);
  StoreSession session = store.Session();
  session.Set("alive", "v", store.now() + 1000);
  session.Set("dead", "v", store.now() + 10);
  store.Advance(11);
  EXPECT_EQ(session.ScanAll(10), StoreSession::Keys{"alive"});
}

TEST_P(KeyspaceScanTest, ARandomKeyIsEveryKeyAtTimesAndNeverADeadOne) {
  StoreUnderTest store(GetParam(), 4);
  StoreSession session = store.Session();
  EXPECT_EQ(store.keyspace().RandomKey(session.worker(), 0), std::nullopt);
  std::set<std::string> alive;
  for (int i = 0; i < 20; ++i) {
    alive.insert(Staying(i));
    session.Set(Staying(i), "v");
    session.Set("dead:" + std::to_string(i), "v", store.now());
  }
  store.Advance(1);
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) seen.insert(*store.keyspace().RandomKey(session.worker(), 0));
  EXPECT_EQ(seen, alive);
}

}  // namespace
}  // namespace larder::store
