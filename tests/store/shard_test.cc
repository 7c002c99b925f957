// The change hook and the counters of a shard, seen through the keyspace.
#include "store/shard.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "store/string_value.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

// Keeps what it is told; calls for one shard come under its lock, so one keyspace with one shard
// may be used by several threads.
class Recorder final : public ChangeListener {
 public:
  using Seen = std::tuple<int, std::string, Change>;

  Recorder() { set_interested(true); }
  void OnChange(int db, const Key& key, Change change) override {
    seen_.emplace_back(db, key.bytes, change);
  }
  void OnFlush(int db) override { bulk_.push_back(db); }
  void OnSwap(int a, int b, const HasKey&) override { bulk_.insert(bulk_.end(), {a, b}); }

  std::vector<Seen> Take() { return std::exchange(seen_, {}); }
  std::vector<int> TakeBulk() { return std::exchange(bulk_, {}); }

 private:
  std::vector<Seen> seen_;
  std::vector<int> bulk_;
};

class ShardTest : public testing::TestWithParam<MapKind> {
 protected:
  using Changes = std::vector<Recorder::Seen>;

  Recorder recorder_;
  StoreUnderTest store_{
      KeyspaceOptions{.databases = 4, .shards = 1, .kind = GetParam(), .listener = &recorder_}, 2};
  StoreSession session_ = store_.Session();
};

INSTANTIATE_TEST_SUITE_P(EveryMap, ShardTest, testing::ValuesIn(test_support::AllMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

TEST_P(ShardTest, EveryChangeIsReportedOnceAndInOrder) {
  session_.Set("k", "v");
  session_.Set("k", "w");
  session_.SetDeadline("k", store_.now() + 1000);
  session_.SetDeadline("k", store_.now() + 10);
  ASSERT_TRUE(session_.Incr("n"));
  ASSERT_TRUE(session_.Incr("n"));
  EXPECT_EQ(recorder_.Take(), (Changes{{0, "k", Change::kWritten},
                                       {0, "k", Change::kWritten},
                                       {0, "k", Change::kDeadline},
                                       {0, "k", Change::kDeadline},
                                       {0, "n", Change::kWritten},
                                       {0, "n", Change::kWritten}}));
  session_.Rename("n", "m");
  session_.Erase("m");
  session_.Erase("m");
  EXPECT_EQ(
      recorder_.Take(),
      (Changes{{0, "n", Change::kErased}, {0, "m", Change::kWritten}, {0, "m", Change::kErased}}));
  store_.Advance(11);
  EXPECT_FALSE(session_.Exists("k"));
  EXPECT_EQ(recorder_.Take(), (Changes{{0, "k", Change::kExpired}}));
}

TEST_P(ShardTest, ReadsAndWhatChangesNothingAreNotReported) {
  session_.Set("k", "v");
  recorder_.Take();
  session_.Get("k");
  session_.MGet({"k", "absent"});
  session_.SetNx("k", "other");
  session_.GetDel("absent");
  session_.Rename("absent", "k");
  session_.Rename("k", "k");
  session_.ScanAll(10);
  EXPECT_FALSE(session_.Incr("k").has_value());
  EXPECT_EQ(recorder_.Take(), Changes{});
}

TEST_P(ShardTest, WritesInPlaceAreReportedOnceEach) {
  const auto append = [&](size_t bytes) {
    store_.keyspace().Write(session_.worker(), 0, store_.keyspace().Hash("k"), [&](KeyEditor& key) {
      return store::Append(key, std::string(bytes, 'a'), 1 << 20);
    });
    EXPECT_EQ(recorder_.Take(), (Changes{{0, "k", Change::kWritten}})) << bytes;
  };
  append(10);
  append(5000);     // becomes growable
  append(1);        // in place
  append(100'000);  // into another block
  EXPECT_EQ(store_.keyspace().Totals().counts.stores, 4u);
}

TEST_P(ShardTest, TheSweepReportsWhatItRemoves) {
  session_.Set("k", "v", store_.now() + 10);
  session_.Set("l", "v", store_.now() + 1000);
  recorder_.Take();
  store_.Advance(100);
  store_.Settle();
  EXPECT_EQ(recorder_.Take(), (Changes{{0, "k", Change::kExpired}}));
}

TEST_P(ShardTest, ChangesNameTheDatabaseAsItIsNumberedNow) {
  session_.Set("zero", "v");
  StoreSession other = store_.Session(0, 1);
  other.Set("one", "v");
  recorder_.Take();
  store_.keyspace().SwapDb(session_.worker(), 0, 1);
  EXPECT_EQ(recorder_.TakeBulk(), (std::vector<int>{0, 1}));
  session_.Erase("one");
  other.Erase("zero");
  EXPECT_EQ(recorder_.Take(), (Changes{{0, "one", Change::kErased}, {1, "zero", Change::kErased}}));
  // With a database that was never used.
  session_.Set("k", "v");
  recorder_.Take();
  store_.keyspace().SwapDb(session_.worker(), 0, 3);
  EXPECT_FALSE(session_.Exists("k"));
  StoreSession third = store_.Session(0, 3);
  EXPECT_TRUE(third.Erase("k"));
  EXPECT_EQ(recorder_.Take(), (Changes{{3, "k", Change::kErased}}));
}

// Of the databases that have had keys.
TEST_P(ShardTest, AFlushIsOneBulkChange) {
  for (int i = 0; i < 100; ++i) session_.Set("k" + std::to_string(i), "v");
  recorder_.Take();
  store_.keyspace().FlushDb(session_.worker(), 0);
  EXPECT_EQ(recorder_.TakeBulk(), std::vector<int>{0});
  store_.Settle();
  EXPECT_EQ(recorder_.Take(), Changes{});
  store_.Session(0, 1).Set("k", "v");
  store_.Session(0, 3).Set("k", "v");
  recorder_.Take();
  store_.keyspace().FlushAll(session_.worker());
  EXPECT_EQ(recorder_.TakeBulk(), (std::vector<int>{1, 3}));
  // The emptied database serves again, under another number.
  StoreSession other = store_.Session(0, 2);
  other.Set("k", "v");
  EXPECT_EQ(recorder_.Take(), (Changes{{2, "k", Change::kWritten}}));
}

// Property: the last report about the key and its last state agree, because both are made under
// its lock. The recorder has no lock of its own: the sanitizer sees a call outside.
TEST_P(ShardTest, ReportsComeUnderTheLock) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "plain is for one thread";
  const int64_t rounds = test_support::Scaled(5000);
  const auto toggle = [&](int thread) {
    StoreSession session = store_.Session(thread);
    for (int64_t i = 0; i < rounds; ++i) {
      if (!session.SetNx("k", "v")) session.Erase("k");
    }
  };
  std::thread other(toggle, 1);
  toggle(0);
  other.join();
  bool exists = false;
  for (const auto& [db, key, change] : recorder_.Take()) {
    ASSERT_EQ(exists, change == Change::kErased) << "a change was lost, doubled or reordered";
    exists = change == Change::kWritten;
  }
  EXPECT_EQ(session_.Exists("k"), exists);
}

TEST_P(ShardTest, CountsWhatItDid) {
  session_.Set("k", "v");
  session_.Set("k", "w");
  session_.Get("k");
  session_.Get("absent");
  session_.Erase("k");
  session_.Set("dies", "v", store_.now());
  store_.Advance(1);
  session_.Exists("dies");
  const ShardFigures figures = store_.keyspace().FiguresOfShard(0);
  EXPECT_EQ(figures.kind, GetParam());
  EXPECT_EQ(figures.keys, 0u);
  EXPECT_EQ(figures.counts.stores, 3u);
  EXPECT_EQ(figures.counts.deletes, 1u);
  EXPECT_EQ(figures.counts.expired, 1u);
  EXPECT_EQ(figures.reads.loads, 3u);
  EXPECT_EQ(figures.reads.hits, 1u);
}

}  // namespace
}  // namespace larder::store
