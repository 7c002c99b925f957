// Entries move out of sparse memory, which goes back to the system, and nobody notices.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "store/string_value.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::Scaled;
using test_support::StoreSession;
using test_support::StoreUnderTest;

constexpr int kKeys = 120'000;
constexpr int64_t kFar = 1'000'000;

class KeyspaceCompactionTest : public testing::TestWithParam<MapKind> {
 protected:
  // Sanitizer builds have no slabs unless they are asked for.
  struct Slabs {
    Slabs() { Allocator::UseSlabs(true); }
    ~Slabs() { Allocator::UseSlabs(false); }
  };

  static std::string KeyOf(int i) { return "key:" + std::to_string(i); }
  static std::string ValueOf(int i) {
    return "value of " + std::to_string(i) + std::string(i % 40, '.');
  }

  static size_t Mapped(StoreUnderTest& store, int workers = 1) {
    size_t bytes = 0;
    for (int i = 0; i < workers; ++i)
      bytes += store.worker(i).allocator().slabs().figures().mapped_bytes;
    return bytes;
  }
  static size_t Moved(StoreUnderTest& store) {
    return store.worker().allocator().slabs().figures().moved_cells;
  }
  // Up to two regions of each kind may be free before it is worth while to move anything.
  static constexpr size_t kSlack = 2 * kCellKinds * SlabRegion::kBytes;

  // Background work until nothing is being emptied any more.
  static void Settle(StoreUnderTest& store, int workers = 1) {
    for (int i = 0; i < 500; ++i) store.MaintainAll();
    for (int i = 0; i < workers; ++i)
      EXPECT_EQ(store.worker(i).allocator().slabs().figures().draining_bytes, 0u);
  }

  Slabs slabs_;
};

INSTANTIATE_TEST_SUITE_P(EveryMap, KeyspaceCompactionTest,
                         testing::ValuesIn(test_support::AllMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

TEST_P(KeyspaceCompactionTest, RandomDeletesGiveTheMemoryBack) {
  StoreUnderTest store(GetParam(), 16);
  StoreSession session = store.Session();
  std::mt19937_64 random(1);
  for (int i = 0; i < kKeys; ++i) session.Set(KeyOf(i), ValueOf(i));
  const size_t peak = Mapped(store);
  std::vector<int> kept;
  for (int i = 0; i < kKeys; ++i) {
    if (random() % 20 == 0) {
      kept.push_back(i);
    } else {
      session.Erase(KeyOf(i));
    }
    if (i % 1000 == 0) store.MaintainAll();
  }
  Settle(store);
  EXPECT_GT(Moved(store), 0u);
  EXPECT_LE(Mapped(store), peak / 10 + kSlack);
  store.keyspace().AskForCompaction();
  Settle(store);
  EXPECT_LE(Mapped(store), peak / 10 + kSlack / 2);
  EXPECT_EQ(store.keyspace().Size(0), static_cast<int64_t>(kept.size()));
  for (const int i : kept) ASSERT_EQ(session.Get(KeyOf(i)), ValueOf(i));
  session.Unpin();
  const MemoryFigures memory = store.keyspace().Memory();
  EXPECT_EQ(store.keyspace().Totals().memory_bytes, memory.used_bytes - memory.overhead_bytes);
}

// Every shape of entry, in several databases.
TEST_P(KeyspaceCompactionTest, WhatMovesStaysWhatItIs) {
  StoreUnderTest store(GetParam(), 16);
  StoreSession first = store.Session(0, 0);
  StoreSession other = store.Session(0, 3);
  const std::string large(10'000, 'l');
  for (int i = 0; i < kKeys; ++i) {
    StoreSession& session = i % 2 == 0 ? first : other;
    const UnixMs deadline = i % 3 == 0 ? store.now() + kFar + i : kNoDeadline;
    if (i % 20 == 7) {
      session.Set(KeyOf(i), large, deadline);
    } else if (i % 20 == 8) {
      session.Set(KeyOf(i), std::to_string(i), deadline);
      ASSERT_EQ(session.Incr(KeyOf(i)).value(), i + 1);
    } else if (i % 20 == 9) {
      session.Set(KeyOf(i), large, deadline);
      store.keyspace().Write(session.worker(), i % 2 == 0 ? 0 : 3, store.keyspace().Hash(KeyOf(i)),
                             [&](KeyEditor& key) { return Append(key, "+", 1 << 20).value(); });
    } else {
      session.Set(KeyOf(i), ValueOf(i), deadline);
    }
    if (i % 20 >= 7 && i % 20 <= 10 && i % 60 >= 20) session.Erase(KeyOf(i));
    if (i % 1000 == 0) store.MaintainAll();
  }
  for (int i = 0; i < kKeys; ++i) {
    if (i % 20 < 7 || i % 20 > 10) (i % 2 == 0 ? first : other).Erase(KeyOf(i));
  }
  const size_t moved_before = Moved(store);
  Settle(store);
  EXPECT_GE(Moved(store), moved_before + kKeys / 60);
  for (int i = 0; i < kKeys; ++i) {
    StoreSession& session = i % 2 == 0 ? first : other;
    if (i % 60 >= 20 || i % 20 < 7 || i % 20 > 10) continue;
    const std::string expected = i % 20 == 7   ? large
                                 : i % 20 == 8 ? std::to_string(i + 1)
                                 : i % 20 == 9 ? large + "+"
                                               : ValueOf(i);
    ASSERT_EQ(session.Get(KeyOf(i)), expected) << i;
    ASSERT_EQ(session.Deadline(KeyOf(i)), i % 3 == 0 ? store.now() + kFar + i : kNoDeadline);
  }
  first.Unpin();
  const MemoryFigures memory = store.keyspace().Memory();
  EXPECT_EQ(store.keyspace().Totals().memory_bytes, memory.used_bytes - memory.overhead_bytes);
  store.Advance(kFar + kKeys + 1000);
  for (int i = 0; i < 1000; ++i) store.MaintainAll();
  for (const int db : {0, 3}) EXPECT_EQ(store.keyspace().FiguresOfDb(db, store.now()).expires, 0);
}

// One worker made the entries, another deletes them: their maker moves what is left.
TEST_P(KeyspaceCompactionTest, TheMakerMovesWhatOthersLeave) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "one thread only";
  StoreUnderTest store(GetParam(), 16, 2);
  StoreSession maker = store.Session(0);
  StoreSession breaker = store.Session(1);
  for (int i = 0; i < kKeys; ++i) maker.Set(KeyOf(i), ValueOf(i));
  const size_t peak = Mapped(store, 2);
  for (int i = 0; i < kKeys; ++i) {
    if (i % 20 != 3) breaker.Erase(KeyOf(i));
    if (i % 1000 == 0) store.MaintainAll();
  }
  Settle(store, 2);
  store.keyspace().AskForCompaction();
  Settle(store, 2);
  EXPECT_LE(Mapped(store, 2), peak / 10 + kSlack);
  for (int i = 3; i < kKeys; i += 20) ASSERT_EQ(breaker.Get(KeyOf(i)), ValueOf(i));
  breaker.Unpin();
}

// A database that is flushed while its entries are being moved.
TEST_P(KeyspaceCompactionTest, AFlushMayComeInBetween) {
  StoreUnderTest store(GetParam(), 16);
  StoreSession session = store.Session();
  for (int i = 0; i < kKeys; ++i) session.Set(KeyOf(i), ValueOf(i));
  for (int i = 0; i < kKeys; ++i) {
    if (i % 10 != 0) session.Erase(KeyOf(i));
  }
  for (int i = 0; i < 20; ++i)
    store.keyspace().Maintain(session.worker(), std::chrono::microseconds(0));
  store.keyspace().FlushDb(session.worker(), 0);
  session.Set("new", "life");
  Settle(store);
  EXPECT_EQ(session.Get("new"), "life");
  session.Unpin();
  EXPECT_LE(Mapped(store), kSlack);
  EXPECT_EQ(store.keyspace().Memory().retired_bytes, 0);
}

// A thread of the test below. It writes keys of its own, whose values prove themselves, checks all
// threads' keys, and fills and empties memory around them, so that all entries move again and
// again.
class BusyThread {
 public:
  static constexpr int kThreads = 3;
  static constexpr int kOwn = 200;
  // The newest version of each key that is finished; 0: none.
  using Finished = std::array<std::array<std::atomic<int>, kOwn>, kThreads>;

  BusyThread(StoreUnderTest& store, int thread, Finished& finished)
      : store_(store),
        thread_(thread),
        finished_(finished),
        session_(store.Session(thread)),
        random_(static_cast<uint64_t>(thread)) {}

  void FillAndEmpty() {
    constexpr int kFiller = 20'000;
    for (int n = 0; n < 2 * kFiller && !testing::Test::HasFatalFailure(); ++n) {
      const std::string filler = "f" + std::to_string(thread_) + ":" + std::to_string(n % kFiller);
      if (n < kFiller) {
        session_.Set(filler, std::string(300, 'f'));
      } else {
        session_.Erase(filler);
      }
      if (n % 16 == 0) WriteOwn();
      CheckAny();
      if (n % 2000 == 0) store_.keyspace().AskForCompaction();
      if (n % 500 == 0) Maintain();
    }
  }
  void Maintain() { store_.keyspace().Maintain(session_.worker(), std::chrono::microseconds(200)); }
  void CheckAny() {
    const int thread = static_cast<int>(random_() % kThreads);
    const int i = static_cast<int>(random_() % kOwn);
    const int at_least = finished_[static_cast<size_t>(thread)][static_cast<size_t>(i)].load();
    if (at_least == 0) return;
    const auto seen = session_.Get(Name(thread, i));
    ASSERT_TRUE(seen.has_value()) << Name(thread, i);
    const int version = std::atoi(seen->c_str() + seen->find('=') + 1);
    ASSERT_EQ(*seen, Value(thread, i, version));
    ASSERT_GE(version, at_least);
  }

 private:
  static std::string Name(int thread, int i) { return "own:" + std::to_string(thread * 1000 + i); }
  static std::string Value(int thread, int i, int version) {
    return Name(thread, i) + "=" + std::to_string(version);
  }
  void WriteOwn() {
    const int i = static_cast<int>(random_() % kOwn);
    ++version_;
    session_.Set(Name(thread_, i), Value(thread_, i, version_),
                 version_ % 3 == 0 ? store_.now() + kFar : kNoDeadline);
    finished_[static_cast<size_t>(thread_)][static_cast<size_t>(i)].store(version_);
  }

  StoreUnderTest& store_;
  const int thread_;
  Finished& finished_;
  StoreSession session_;
  std::mt19937_64 random_;
  int version_ = 0;
};

TEST_P(KeyspaceCompactionTest, ReadersAndWritersDoNotNotice) {
  if (GetParam() == MapKind::kPlain) GTEST_SKIP() << "one thread only";
  StoreUnderTest store(GetParam(), 4, BusyThread::kThreads);
  BusyThread::Finished finished{};
  std::atomic<int> working{BusyThread::kThreads};
  const auto run = [&](int thread) {
    BusyThread busy(store, thread, finished);
    for (int64_t round = 0; round < Scaled(2); ++round) busy.FillAndEmpty();
    working.fetch_sub(1);
    while (working.load() != 0 && !testing::Test::HasFatalFailure()) {
      busy.Maintain();
      for (int i = 0; i < 50; ++i) busy.CheckAny();
    }
    store.worker(thread).Unpin();
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < BusyThread::kThreads; ++thread) threads.emplace_back(run, thread);
  for (std::thread& thread : threads) thread.join();
  for (int thread = 0; thread < BusyThread::kThreads; ++thread)
    EXPECT_GT(store.worker(thread).allocator().slabs().figures().moved_cells, 0u);
}

}  // namespace
}  // namespace larder::store
