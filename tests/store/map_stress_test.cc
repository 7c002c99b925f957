// Threads against every kind of map, with values that prove themselves; run under ThreadSanitizer
// too.
//
// The properties, each checked by the thread that sees a value, at once:
//   - A value names its key and a version, and every byte of it follows from the two: nobody sees
//     a torn value or another key's.
//   - One thread writes a key, with growing versions: nobody sees a version older than one that the
//     writer had finished before the look began.
//   - A key that is always there is always found, whatever happens to its neighbours: growth,
//     shrinking, promotion, chains, a change of kind.
//   - What several keys are given together is seen together.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::Scaled;
using test_support::StoreSession;
using test_support::StoreUnderTest;

// The value of a version of a key: of any size from a few bytes to beyond the inline limit.
std::string ValueOf(const std::string& key, int64_t version) {
  const std::string name = key + "@" + std::to_string(version) + ";";
  const size_t sizes[] = {0, 40, 500, 4090, 5000};
  std::string value = name;
  while (value.size() < sizes[version % 5]) value += name;
  return value;
}

// The version that a value proves, or -1 if it proves none for this key.
int64_t VersionIn(const std::string& key, const std::string& value) {
  if (value.compare(0, key.size() + 1, key + "@") != 0) return -1;
  const int64_t version = std::atoll(value.c_str() + key.size() + 1);
  return value == ValueOf(key, version) ? version : -1;
}

class MapStressTest : public testing::TestWithParam<MapKind> {
 protected:
  // Runs body(i) on thread i, which owns worker i, until the last of the first `finite` bodies
  // returns; the others loop while running() is true.
  void Run(int threads, int finite, const std::function<void(int)>& body) {
    left_.store(finite);
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([this, i, finite, &body] {
        body(i);
        if (i < finite) left_.fetch_sub(1);
      });
    }
    for (std::thread& thread : all) thread.join();
  }
  bool running() const { return left_.load() != 0 && !HasFailure(); }

  // What a background thread does: moves all shards through the kinds, and cleans up.
  static void ChangeKinds(StoreUnderTest& store, Worker& worker, uint64_t random) {
    const auto kinds = test_support::SharedMapKinds();
    store.ChangeKind(worker, kinds[random % kinds.size()]);
    store.keyspace().Maintain(worker, std::chrono::milliseconds(1));
  }

 private:
  std::atomic<int> left_{0};
};

INSTANTIATE_TEST_SUITE_P(EveryMap, MapStressTest, testing::ValuesIn(test_support::SharedMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

// Two writers own keys of their own, which come, change and go; readers look at all of them and at
// fixed ones.
class WritersAndReaders {
 public:
  static constexpr int kWriters = 2;
  static constexpr int kReaders = 2;

  WritersAndReaders(StoreUnderTest& store, std::function<bool()> running)
      : store_(store), running_(std::move(running)) {
    for (size_t i = 0; i < kFixed; ++i) store_.Session(0).Set(Fixed(i), ValueOf(Fixed(i), 1));
  }

  void Write(int writer) {
    const int64_t rounds = Scaled(12'000);
    StoreSession session = store_.Session(writer);
    std::mt19937_64 random(static_cast<uint64_t>(writer) + 1);
    for (int64_t version = 1; version <= rounds && running_(); ++version) {
      // Mostly a few keys, and now and then all of them, so that the table grows and shrinks.
      const size_t i = random() % (version / 512 % 2 == 0 ? kKeysEach : 4);
      auto& published = finished_[static_cast<size_t>(writer)][i];
      const std::string key = Owned(static_cast<size_t>(writer), i);
      if (random() % 3 == 0) {
        published.store(0);
        session.Erase(key);
      } else {
        session.Set(key, ValueOf(key, version));
        published.store(version);
        ASSERT_EQ(session.Get(key), ValueOf(key, version)) << "a fresh key";
      }
      if (version % 64 == 0) {
        session.Unpin();
        session.worker().Reclaim();
      }
    }
    session.Unpin();
  }

  void Read(int thread) {
    StoreSession session = store_.Session(thread);
    std::mt19937_64 random(static_cast<uint64_t>(thread) + 1);
    for (int64_t n = 0; running_(); ++n) {
      const size_t writer = random() % kWriters;
      const size_t i = random() % kKeysEach;
      const std::string key = Owned(writer, i);
      const int64_t at_least = finished_[writer][i].load();
      if (const auto value = session.Get(key)) {
        const int64_t version = VersionIn(key, *value);
        ASSERT_GE(version, std::max<int64_t>(at_least, 1)) << key << " = " << value->substr(0, 80);
      }
      const std::string always = Fixed(random() % kFixed);
      ASSERT_EQ(session.Get(always), ValueOf(always, 1)) << always;
      if (n % 32 == 0) session.Unpin();
    }
    session.Unpin();
  }

 private:
  static constexpr size_t kKeysEach = 48;
  static constexpr size_t kFixed = 64;

  static std::string Owned(size_t writer, size_t i) {
    return "w" + std::to_string(writer) + ":" + std::to_string(i);
  }
  static std::string Fixed(size_t i) { return "fixed:" + std::to_string(i); }

  StoreUnderTest& store_;
  const std::function<bool()> running_;
  // The newest version of each key whose write is finished; 0: none yet, or deleted since.
  std::array<std::array<std::atomic<int64_t>, kKeysEach>, kWriters> finished_{};
};

TEST_P(MapStressTest, ReadersSeeWholeValuesThatNeverGoBack) {
  for (const int shards : {1, 4}) {
    StoreUnderTest store(GetParam(), shards, 4);
    WritersAndReaders all(store, [this] { return running(); });
    Run(4, WritersAndReaders::kWriters, [&](int thread) {
      thread < WritersAndReaders::kWriters ? all.Write(thread) : all.Read(thread);
    });
  }
}

TEST_P(MapStressTest, ReadersSeeWholeValuesWhileTheKindChanges) {
  StoreUnderTest store(GetParam(), 2, 5);
  WritersAndReaders all(store, [this] { return running(); });
  std::mt19937_64 kinds(7);
  Run(5, WritersAndReaders::kWriters, [&](int thread) {
    if (thread < WritersAndReaders::kWriters) return all.Write(thread);
    if (thread < WritersAndReaders::kWriters + WritersAndReaders::kReaders) return all.Read(thread);
    while (running()) ChangeKinds(store, store.worker(thread), kinds());
  });
}

// A table that breathes: thousands of keys come and go in bulk, which splits, merges and chains
// buckets (and promotes, under sync), around keys that stay.
TEST_P(MapStressTest, KeysThatStayAreFoundWhileTheTableBreathes) {
  constexpr int kStaying = 200;
  constexpr int kBreaths = 3000;
  StoreUnderTest store(GetParam(), 1, 3);
  const auto staying = [](uint64_t i) { return "stays:" + std::to_string(i % kStaying); };
  for (uint64_t i = 0; i < kStaying; ++i) store.Session(0).Set(staying(i), ValueOf(staying(i), 1));
  const int64_t rounds = Scaled(4);
  Run(3, 1, [&](int thread) {
    StoreSession session = store.Session(thread);
    if (thread == 0) {
      for (int64_t round = 0; round < rounds && running(); ++round) {
        for (int i = 0; i < kBreaths; ++i) session.Set("comes:" + std::to_string(i), "x");
        for (int i = 0; i < kBreaths; ++i) session.Erase("comes:" + std::to_string(i));
        store.keyspace().Maintain(session.worker(), std::chrono::milliseconds(1));
      }
      return;
    }
    for (uint64_t i = 0; running(); ++i) {
      ASSERT_EQ(session.Get(staying(i)), ValueOf(staying(i), 1));
      ASSERT_FALSE(session.Exists("never:" + std::to_string(i % 1000)));
      if (i % 32 == 0) session.Unpin();
    }
    session.Unpin();
  });
}

// A key that only ever is deleted and set again by one thread, beside neighbours: once it was seen
// with a new version, it is not absent again before the next deletion.
TEST_P(MapStressTest, AKeySetAgainDoesNotFlicker) {
  StoreUnderTest store(GetParam(), 1, 4);
  for (int i = 0; i < 3; ++i) store.Session(0).Set("neighbour:" + std::to_string(i), "n");
  std::atomic<int64_t> deleting{0};  // the version that is being, or has been, deleted
  const int64_t rounds = Scaled(40'000);
  Run(4, 1, [&](int thread) {
    StoreSession session = store.Session(thread);
    if (thread == 0) {
      for (int64_t version = 1; version <= rounds && running(); ++version) {
        session.Set("k", std::to_string(version));
        deleting.store(version);
        session.Erase("k");
        if (version % 64 == 0) session.worker().Reclaim();
      }
      return;
    }
    for (int64_t n = 0; running(); ++n) {
      const auto seen = session.Get("k");
      if (seen.has_value() && !session.Exists("k")) {
        ASSERT_GE(deleting.load(), std::atoll(seen->c_str())) << "absent before it was deleted";
      }
      if (n % 16 == 0) session.Unpin();
    }
    session.Unpin();
  });
}

// Tokens move between accounts in one write of all of them: their sum is always the same.
TEST_P(MapStressTest, ManyKeysAreWrittenAndReadAtOneMoment) {
  constexpr int kAccounts = 6;
  constexpr int kTokens = 600;
  StoreUnderTest store(GetParam(), 4, 5);
  StoreSession::Keys accounts;
  for (int i = 0; i < kAccounts; ++i) {
    accounts.push_back("account:" + std::to_string(i));
    store.Session(0).Set(accounts.back(), std::to_string(kTokens / kAccounts));
  }
  std::vector<KeyAt> hashed;
  for (const auto& account : accounts) hashed.push_back({0, store.keyspace().Hash(account)});
  std::mt19937_64 kinds(7);
  const int64_t rounds = Scaled(6000);
  Run(5, 2, [&](int thread) {
    std::vector<KeyAt> keys = hashed;
    StoreSession session = store.Session(thread);
    std::mt19937_64 random(static_cast<uint64_t>(thread));
    if (thread < 2) {
      for (int64_t n = 0; n < rounds && running(); ++n) {
        store.keyspace().WriteAll(session.worker(), keys, [&](MultiEditor& multi) {
          const size_t from = random() % kAccounts;
          const size_t to = (from + 1 + random() % (kAccounts - 1)) % kAccounts;
          IntegerText text;
          const int64_t has = std::atoll(std::string(multi[from].entry()->value(text)).c_str());
          const int64_t gets = std::atoll(std::string(multi[to].entry()->value(text)).c_str());
          const auto moved = static_cast<int64_t>(random() % static_cast<uint64_t>(has + 1));
          multi[from].PutString(std::to_string(has - moved));
          multi[to].PutString(std::to_string(gets + moved));
        });
        if (n % 64 == 0) session.worker().Reclaim();
      }
    } else if (thread < 4) {
      while (running()) {
        int64_t sum = 0;
        for (const auto& value : session.MGet(accounts)) sum += std::atoll(value->c_str());
        ASSERT_EQ(sum, kTokens);
        ASSERT_EQ(session.CountExisting(accounts), kAccounts);
      }
    } else {
      while (running()) ChangeKinds(store, session.worker(), kinds());
    }
  });
}

// x and y get the same number in one write. Whoever has seen a number in one of them, with a read
// of a single key, finds at least that number in the other afterwards.
TEST_P(MapStressTest, SingleReadsOfKeysWrittenTogetherNeverGoBack) {
  StoreUnderTest store(GetParam(), 4, 4);
  const StoreSession::Keys keys = {"x", "y", "z", "u"};
  store.Session(0).MSet({{"x", "0"}, {"y", "0"}, {"z", "0"}, {"u", "0"}});
  std::mt19937_64 kinds(7);
  const int64_t rounds = Scaled(20'000);
  Run(4, 1, [&](int thread) {
    StoreSession session = store.Session(thread);
    std::mt19937_64 random(static_cast<uint64_t>(thread));
    if (thread == 0) {
      for (int64_t n = 1; n <= rounds && running(); ++n) {
        const std::string number = std::to_string(n);
        session.MSet({{"x", number}, {"y", number}, {"z", number}, {"u", number}});
        if (n % 64 == 0) session.worker().Reclaim();
      }
    } else if (thread < 3) {
      int64_t newest = 0;
      for (int64_t n = 0; running(); ++n) {
        if (n % 8 == 0) session.Prefetch(keys);  // one pin for the run of reads
        const std::string& key = keys[random() % keys.size()];
        const int64_t number = std::atoll(session.Get(key)->c_str());
        ASSERT_GE(number, newest) << key;
        newest = number;
        if (n % 8 == 7) session.Unpin();
      }
      session.Unpin();
    } else {
      while (running()) {
        ChangeKinds(store, session.worker(), kinds());
        std::this_thread::yield();
      }
    }
  });
}

}  // namespace
}  // namespace larder::store
