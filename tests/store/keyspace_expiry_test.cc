// Keys that die, in virtual time: when, how, and what they give back.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

class KeyspaceExpiryTest : public testing::TestWithParam<MapKind> {
 protected:
  // A second of the server's life: every thread looks after its shards every 40 ms.
  void Live(int64_t ms) {
    for (; ms > 0; ms -= 40) {
      store_.Advance(std::min<int64_t>(ms, 40));
      store_.MaintainAll();
    }
  }

  StoreUnderTest store_{GetParam(), 64};
  StoreSession session_ = store_.Session();
};

INSTANTIATE_TEST_SUITE_P(EveryMap, KeyspaceExpiryTest,
                         testing::ValuesIn(test_support::AllMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

TEST_P(KeyspaceExpiryTest, AKeyLivesThroughItsLastMillisecondAndNoLonger) {
  session_.Set("k", "v", store_.now() + 10);
  store_.Advance(10);
  EXPECT_TRUE(session_.Exists("k"));
  store_.Advance(1);
  EXPECT_EQ(store_.keyspace().Size(0), 1) << "nobody has looked yet";
  EXPECT_FALSE(session_.Exists("k"));
  EXPECT_EQ(store_.keyspace().Size(0), 0) << "who finds it dead removes it";
  EXPECT_EQ(store_.keyspace().Totals().counts.expired, 1u);
}

TEST_P(KeyspaceExpiryTest, EveryCommandTreatsADeadKeyAsAbsent) {
  const auto die = [&](const std::string& key) {
    session_.Set(key, "v", store_.now());
    store_.Advance(1);
  };
  die("k");
  EXPECT_EQ(session_.Get("k"), std::nullopt);
  die("k");
  EXPECT_EQ(session_.GetDel("k"), std::nullopt);
  die("k");
  EXPECT_FALSE(session_.Erase("k"));
  die("k");
  EXPECT_TRUE(session_.SetNx("k", "new"));
  EXPECT_EQ(session_.Deadline("k"), kNoDeadline);
  die("k");
  EXPECT_FALSE(session_.SetDeadline("k", kNoDeadline));
  die("k");
  EXPECT_EQ(*session_.Incr("k"), 1);
  die("k");
  EXPECT_FALSE(session_.Rename("k", "to"));
  die("k");
  EXPECT_TRUE(session_.MSetNx({{"k", "v"}, {"other", "v"}}));
  die("k");
  EXPECT_EQ(session_.MGet({"k", "other"})[0], std::nullopt);
  die("k");
  EXPECT_EQ(session_.CountExisting({"k", "k"}), 0);
}

// A probe beside many keys with far deadlines: each is gone within 100 ms of its own.
TEST_P(KeyspaceExpiryTest, ASweptKeyGoesWithin100MsOfItsDeadline) {
  constexpr int kFar = 20'000;
  constexpr int kProbes = 300;
  for (int i = 0; i < kFar; ++i) {
    session_.Set("far:" + std::to_string(i), "v", store_.now() + 86'400'000 + i);
  }
  const UnixMs start = store_.now();
  for (int i = 0; i < kProbes; ++i) {
    session_.Set("probe:" + std::to_string(i), "v", start + 1000 + 17 * i);
  }
  for (int64_t elapsed = 0; elapsed < 1000 + 17 * kProbes + 200; elapsed += 40) {
    Live(40);
    const auto overdue_by = [&](int64_t ms) {
      const int64_t due = (store_.now() - ms - start - 1000 + 16) / 17;
      return std::clamp<int64_t>(due, 0, kProbes);
    };
    const int64_t held = store_.keyspace().Size(0) - kFar;
    ASSERT_LE(held, kProbes - overdue_by(100)) << "at " << elapsed;
    ASSERT_GE(held, kProbes - overdue_by(0)) << "at " << elapsed;
  }
  EXPECT_EQ(store_.keyspace().Size(0), kFar);
}

TEST_P(KeyspaceExpiryTest, ALaterDeadlineAndPersistKeepAKey) {
  session_.Set("later", "v", store_.now() + 100);
  session_.Set("persistent", "v", store_.now() + 100);
  session_.Set("replaced", "v", store_.now() + 100);
  EXPECT_TRUE(session_.SetDeadline("later", store_.now() + 10'000));
  EXPECT_TRUE(session_.SetDeadline("persistent", kNoDeadline));
  session_.Set("replaced", "w");
  Live(1000);
  EXPECT_EQ(store_.keyspace().Size(0), 3);
  Live(10'000);
  EXPECT_EQ(store_.keyspace().Size(0), 2);
  EXPECT_FALSE(session_.Exists("later"));
}

TEST_P(KeyspaceExpiryTest, WithoutActiveExpiryKeysGoOnlyWhenAskedFor) {
  store_.keyspace().set_active_expiry(false);
  session_.Set("a", "v", store_.now() + 10);
  session_.Set("b", "v", store_.now() + 10);
  Live(1000);
  EXPECT_EQ(store_.keyspace().Size(0), 2);
  EXPECT_FALSE(session_.Exists("a"));
  EXPECT_EQ(store_.keyspace().Size(0), 1);
  store_.keyspace().set_active_expiry(true);
  Live(100);
  EXPECT_EQ(store_.keyspace().Size(0), 0);
}

TEST_P(KeyspaceExpiryTest, MaintainAsksToBeCalledAgainInTime) {
  session_.Set("k", "v", store_.now() + 5000);
  for (int calls = 0; store_.keyspace().Size(0) != 0; ++calls) {
    ASSERT_LT(calls, 1000);
    const auto result =
        store_.keyspace().Maintain(session_.worker(), std::chrono::milliseconds(100));
    ASSERT_GE(result.next_at, store_.now());
    ASSERT_LE(result.next_at, store_.now() + 40);
    if (!result.more_now) store_.Advance(std::max<int64_t>(result.next_at - store_.now(), 1));
  }
  EXPECT_LE(store_.now() - (1'700'000'000'000 + 5000), 100);
}

// Another thread's overdue shards are swept too.
TEST(KeyspaceExpiryTakeOverTest, AThreadThatIsAwayIsStoodInFor) {
  StoreUnderTest store({.shards = 64, .kind = MapKind::kRcu, .threads = 2}, 2);
  StoreSession session = store.Session(0);
  for (int i = 0; i < 200; ++i) session.Set("k" + std::to_string(i), "v", store.now() + 100);
  for (int64_t elapsed = 0; elapsed <= 200; elapsed += 40) {
    store.Advance(40);
    store.keyspace().Maintain(store.worker(0), std::chrono::seconds(1));  // worker 1 never comes
  }
  EXPECT_EQ(store.keyspace().Size(0), 0);
}

// Property: time moves on while readers look; whoever has found the key dead never finds it alive
// again, even with a clock that is a batch behind another thread's.
TEST_P(KeyspaceExpiryTest, ADeadKeyStaysDead) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  StoreUnderTest store(GetParam(), 1, 3);
  for (int64_t round = 0; round < test_support::Scaled(test_support::kUnderSanitizer ? 40 : 150);
       ++round) {
    for (int i = 0; i < 3; ++i) store.worker(i).set_now(store.now());
    store.Session(0).Set("neighbour", "v");
    store.Session(0).Set("k", "v", store.now() + 3);
    std::atomic<bool> dead{false};
    const auto look = [&](int thread) {
      StoreSession session = store.Session(thread);
      for (bool last = false; !last; session.Unpin()) {
        // A reader that starts after the key was reported dead uses the clock that it had.
        if (!dead.load()) session.worker().set_now(store.now());
        const bool was_dead = dead.load();
        last = was_dead;
        const bool alive = session.Exists("k");
        ASSERT_FALSE(alive && was_dead);
        if (!alive) dead.store(true);
      }
    };
    std::thread first(look, 1);
    std::thread second(look, 2);
    for (int i = 0; i < 6; ++i) {
      store.clock().Advance(1);
      std::this_thread::yield();
    }
    first.join();
    second.join();
  }
}

}  // namespace
}  // namespace larder::store
