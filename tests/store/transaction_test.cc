// Several commands as one: what others can see of them, and that all operations work inside.
#include "store/transaction.h"

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

class TransactionTest : public testing::TestWithParam<MapKind> {
 protected:
  static constexpr int kShards = 16;

  std::vector<KeyAt> At(const std::vector<std::string>& keys, int db = 0) {
    std::vector<KeyAt> at;
    for (const std::string& key : keys) at.push_back({db, store_.keyspace().Hash(key)});
    return at;
  }
  // Runs `body` in a transaction of the first worker.
  template <typename Body>
  void Run(Transaction::Claim claim, Body&& body) {
    Transaction transaction(store_.keyspace(), session_.worker(), claim);
    body();
  }
  // Calls `look` from a second thread, again and again, while `write` runs here.
  template <typename Look, typename Write>
  void WhileWatched(Look&& look, Write&& write) {
    std::atomic<bool> done{false};
    std::thread watcher([&] {
      StoreSession session = store_.Session(1);
      while (!done.load()) look(session);
    });
    write();
    done.store(true);
    watcher.join();
  }

  StoreUnderTest store_{KeyspaceOptions{.databases = 4, .shards = kShards, .kind = GetParam()}, 2};
  StoreSession session_ = store_.Session();
};

INSTANTIATE_TEST_SUITE_P(EveryMap, TransactionTest, testing::ValuesIn(test_support::AllMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

TEST_P(TransactionTest, EveryOperationWorksInside) {
  const std::vector<std::string> names{"a", "b", "c"};
  std::vector<KeyAt> keys = At(names);
  Run({.keys = keys}, [&] {
    session_.Set("a", "1");
    EXPECT_EQ(session_.Get("a"), "1");
    EXPECT_EQ(*session_.Incr("a"), 2);
    session_.MSet({{"b", "x"}, {"c", "y"}});
    EXPECT_TRUE(session_.Rename("b", "c"));
    EXPECT_EQ(session_.CountExisting({"a", "b", "c"}), 2);
    session_.SetDeadline("c", store_.now() + 1000);
    EXPECT_EQ(session_.GetDel("c"), "x");
  });
  EXPECT_EQ(session_.Get("a"), "2");
  EXPECT_EQ(store_.keyspace().Size(0), 1);
}

TEST_P(TransactionTest, AClaimedDatabaseCanBeScanned) {
  for (int i = 0; i < 100; ++i) session_.Set("k" + std::to_string(i), "v");
  const int db = 0;
  Run({.keys = {}, .databases = std::span(&db, 1)}, [&] {
    EXPECT_EQ(session_.ScanAll(10).size(), 100u);
    EXPECT_TRUE(store_.keyspace().RandomKey(session_.worker(), 0));
    session_.Set("another", "v");
    EXPECT_EQ(session_.Get("another"), "v");
  });
  EXPECT_EQ(store_.keyspace().Size(0), 101);
}

TEST_P(TransactionTest, DatabasesCanBeFlushedAndSwappedInside) {
  StoreSession second = store_.Session(0, 1);
  session_.Set("a", "old");
  Run({.keys = {}, .all_databases = true}, [&] {
    store_.keyspace().FlushAll(session_.worker());
    EXPECT_EQ(session_.Get("a"), std::nullopt);
    second.Set("b", "new");
    session_.MSet({{"c", "new"}, {"d", "new"}});
    store_.keyspace().SwapDb(session_.worker(), 0, 1);
    EXPECT_EQ(session_.Get("b"), "new");
    EXPECT_EQ(second.Get("c"), "new");
    EXPECT_EQ(store_.Session(0, 3).Get("b"), std::nullopt);
  });
  store_.Settle();
  EXPECT_EQ(session_.Get("b"), "new");
  EXPECT_EQ(second.MGet({"c", "d"}), (std::vector<std::optional<std::string>>{"new", "new"}));
  EXPECT_EQ(store_.keyspace().Memory().retired_bytes, 0);
}

// Property: a value that lives only between two commands of a transaction is never seen.
TEST_P(TransactionTest, NobodySeesAHalf) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  session_.MSet({{"x", "0"}, {"y", "0"}});
  const auto look = [](StoreSession& other) {
    EXPECT_NE(other.Get("x"), "half");
    const std::string y = *other.Get("y");
    const std::string x = *other.Get("x");  // later, so as new or newer
    EXPECT_GE(std::stoll(x), std::stoll(y));
    const auto both = other.MGet({"x", "y"});
    EXPECT_EQ(both[0], both[1]);
  };
  WhileWatched(look, [&] {
    for (int64_t i = 1; i <= test_support::Scaled(5000); ++i) {
      std::vector<KeyAt> keys = At({"x", "y"});
      Run({.keys = keys}, [&] {
        session_.Set("x", "half");
        session_.Set("y", std::to_string(i));
        session_.Set("x", std::to_string(i));
      });
    }
  });
}

// Property: who moves the only key within a transaction is never seen with none, or two.
TEST_P(TransactionTest, NobodyCountsOrDrawsFromAHalf) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  session_.Set("0", "v");
  const auto look = [&](StoreSession& other) {
    EXPECT_EQ(store_.keyspace().Size(other.worker(), 0), 1);
    EXPECT_TRUE(store_.keyspace().RandomKey(other.worker(), 0));
  };
  WhileWatched(look, [&] {
    for (int64_t i = 0; i < test_support::Scaled(20000); ++i) {
      const std::string from = std::to_string(i % 40);
      const std::string to = std::to_string((i + 1) % 40);
      std::vector<KeyAt> keys = At({from, to});
      Run({.keys = keys}, [&] {
        session_.Erase(from);
        session_.Set(to, "v");
      });
    }
  });
}

// The same for a transaction that keeps everybody else out.
TEST_P(TransactionTest, NobodyCountsOrDrawsFromAFlushInside) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  session_.Set("x", "v");
  const auto look = [&](StoreSession& other) {
    EXPECT_EQ(store_.keyspace().Size(other.worker(), 0), 1);
    EXPECT_TRUE(store_.keyspace().RandomKey(other.worker(), 0));
  };
  WhileWatched(look, [&] {
    for (int64_t i = 0; i < test_support::Scaled(2000); ++i) {
      Run({.keys = {}, .all_databases = true}, [&] {
        store_.keyspace().FlushDb(session_.worker(), 0);
        session_.Set("y", "half");
        session_.Set("x", "v");
        session_.Erase("y");
      });
      store_.keyspace().Maintain(session_.worker(), std::chrono::microseconds(500));
    }
  });
}

// Property: who flushes and fills again within a transaction is never seen with an empty database.
TEST_P(TransactionTest, NobodySeesTheFlushInside) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  session_.Set("x", "0");
  const auto look = [](StoreSession& other) {
    EXPECT_TRUE(other.Exists("x"));
    EXPECT_EQ(other.CountExisting({"x", "y"}), 1);
    other.Set("z", "somebody else's");
  };
  WhileWatched(look, [&] {
    for (int64_t i = 1; i <= test_support::Scaled(500); ++i) {
      Run({.keys = {}, .all_databases = true}, [&] {
        store_.keyspace().FlushAll(session_.worker());
        session_.Set("y", "half");
        session_.Set("x", std::to_string(i));
        session_.Erase("y");
      });
      store_.keyspace().Maintain(session_.worker(), std::chrono::microseconds(500));
    }
  });
}

// Property: who makes databases within a transaction, with all others locked, and who asks for
// figures of all databases or empties flushed ones do not wait for each other in a circle.
TEST_P(TransactionTest, ADatabaseMadeInsideMeetsWhoLooksAtAllOfThem) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  const auto look = [&](StoreSession& other) {
    store_.keyspace().Totals();
    store_.keyspace().Memory();
    store_.keyspace().Maintain(other.worker(), std::chrono::microseconds(500));
  };
  WhileWatched(look, [&] {
    for (int64_t i = 0; i < test_support::Scaled(500); ++i) {
      Run({.keys = {}, .all_databases = true}, [&] {
        store_.keyspace().FlushAll(session_.worker());
        for (int db = 0; db < 4; ++db) store_.Session(0, db).Set("x", "1");
      });
    }
  });
  for (int db = 0; db < 4; ++db) EXPECT_EQ(store_.Session(0, db).Get("x"), "1");
}

// Property: transactions over the same keys in any order do not wait for each other in a circle,
// nor lose an addition, whatever is flushed in another database meanwhile.
TEST_P(TransactionTest, TransactionsMeet) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  const int64_t rounds = test_support::Scaled(3000);
  const auto add = [&](int worker, std::vector<std::string> order) {
    StoreSession session = store_.Session(worker);
    for (int64_t i = 0; i < rounds; ++i) {
      std::vector<KeyAt> keys = At(order);
      if (i % 64 == 0) store_.keyspace().FlushDb(session.worker(), 1);
      Transaction transaction(store_.keyspace(), session.worker(), {.keys = keys});
      for (const std::string& key : order) ASSERT_TRUE(session.Incr(key));
    }
  };
  std::thread other([&] { add(1, {"c", "b", "a"}); });
  add(0, {"a", "b", "c"});
  other.join();
  for (const char* key : {"a", "b", "c"}) EXPECT_EQ(session_.Get(key), std::to_string(2 * rounds));
}

}  // namespace
}  // namespace larder::store
