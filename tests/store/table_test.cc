#include "store/table.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "store/worker.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

class TableTest : public testing::Test {
 protected:
  ~TableTest() override { Clear(); }

  Key KeyOf(const std::string& text) { return worker_.hasher()(text); }

  void Insert(const std::string& text) {
    Entry* entry = Entry::MakeString(worker_.allocator(), text, "v", kNoDeadline).release();
    table_.Insert(worker_, KeyOf(text), entry);
  }
  bool Erase(const std::string& text) {
    const Table::Position at = table_.Locate(KeyOf(text));
    if (!at) return false;
    worker_.epoch().Retire(at.entry(), at.entry()->BlockBytes());
    table_.Erase(worker_, KeyOf(text).bucket_bits(), at);
    return true;
  }
  bool Finds(const std::string& text) {
    const Table::Found found = table_.Find(KeyOf(text), Protection::UnderLock());
    EXPECT_FALSE(found.torn);
    EXPECT_EQ(found.entry != nullptr, static_cast<bool>(table_.Locate(KeyOf(text))));
    if (found.entry != nullptr) {
      EXPECT_EQ(found.entry->key(), text);
    }
    return found.entry != nullptr;
  }
  // All keys, in scan order, each bucket once.
  std::vector<std::string> Scan() {
    std::vector<std::string> keys;
    for (uint64_t at = 0; at != Table::kScanEnd;) {
      const auto position = static_cast<uint32_t>(at);
      table_.VisitBucket(Table::BucketBitsAt(position),
                         [&](Table::Position where) { keys.emplace_back(where.entry()->key()); });
      const uint64_t next = table_.NextScanPosition(position);
      EXPECT_GT(next, at);
      at = next;
    }
    return keys;
  }
  void Clear() {
    for (const std::string& key : Scan()) Erase(key);
    EXPECT_EQ(table_.size(), 0u);
    EXPECT_EQ(table_.buckets(), 0u);
    while (worker_.Reclaim()) {
    }
    EXPECT_EQ(worker_.allocator().used(), 0);
  }
  // `count` keys whose hashes agree in the lowest `bits` bits: they share a bucket while the table
  // has at most 2^bits of them.
  std::vector<std::string> Namesakes(size_t count, int bits) {
    const uint32_t mask = (1u << bits) - 1;
    std::vector<std::string> keys;
    for (int i = 0; keys.size() < count; ++i) {
      std::string key = "n" + std::to_string(i);
      if ((KeyOf(key).bucket_bits() & mask) == 0) keys.push_back(std::move(key));
    }
    return keys;
  }

  Worker::Shared shared_{.epochs = {}, .reader_slots = {}, .hasher = Hasher(1), .shards = 1};
  Worker worker_{shared_, 0, 1};
  LayoutVersion layout_;
  size_t size_ = 0;
  Table table_{layout_, size_};
};

TEST_F(TableTest, HasNoBucketBeforeItsFirstKeyAndAfterItsLast) {
  EXPECT_EQ(table_.buckets(), 0u);
  EXPECT_FALSE(Finds("k"));
  EXPECT_TRUE(Scan().empty());
  Insert("k");
  EXPECT_EQ(table_.buckets(), 1u);
  EXPECT_TRUE(Finds("k"));
  EXPECT_TRUE(Erase("k"));
  EXPECT_EQ(table_.buckets(), 0u);
}

TEST_F(TableTest, GrowsAndShrinksOneBucketAtATime) {
  size_t buckets = 0;
  for (int i = 0; i < 20'000; ++i) {
    Insert("k" + std::to_string(i));
    ASSERT_LE(table_.buckets() - buckets, 1u);
    buckets = table_.buckets();
  }
  EXPECT_EQ(table_.size(), 20'000u);
  EXPECT_LT(buckets, 20'000u / 5);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(Erase("k" + std::to_string(i)));
    if (i < 19'999) {
      ASSERT_LE(buckets - table_.buckets(), 1u);
    }
    buckets = table_.buckets();
  }
}

TEST_F(TableTest, EveryKeyIsInOneBucketOfTheScan) {
  std::set<std::string> keys;
  for (int i = 0; i < 3000; ++i) {
    keys.insert("k" + std::to_string(i));
    Insert("k" + std::to_string(i));
    if (i % 100 != 0) continue;
    const std::vector<std::string> found = Scan();
    EXPECT_EQ(found.size(), keys.size()) << "a key was visited twice or not at all";
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()), keys);
  }
}

TEST_F(TableTest, LongChainsWorkAndAreCounted) {
  const std::vector<std::string> keys = Namesakes(300, 10);
  for (const std::string& key : keys) Insert(key);
  EXPECT_LE(table_.buckets(), 1024u);
  for (const std::string& key : keys) EXPECT_TRUE(Finds(key));
  EXPECT_FALSE(Finds("absent"));
  const std::string absent = Namesakes(301, 10).back();
  EXPECT_FALSE(Finds(absent));
  EXPECT_GT(table_.long_chains(), 0u);
  // From the middle outwards, so that holes appear in every bucket of the chain.
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSERT_TRUE(Erase(keys[(150 + (i % 2 == 0 ? i / 2 : 299 - i / 2)) % 300]));
    if (i % 10 == 0) {
      EXPECT_EQ(Scan().size(), keys.size() - i - 1);
    }
  }
}

// Prefetched once, looked up for ever after: whatever the table has done meanwhile, a short cut may
// cost a step but never lead astray.
TEST_F(TableTest, ShortCutsHoldOnlyWhileTheyAreRight) {
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i) texts.push_back("k" + std::to_string(i));
  std::vector<Key> keys;
  for (const std::string& text : texts) keys.push_back(KeyOf(text));
  const auto prefetch = [&](size_t i) {
    table_.PrefetchBucket(keys[i], Protection::UnderLock());
    table_.PrefetchEntry(keys[i], 0, Protection::UnderLock());
  };
  const auto expect_first = [&](size_t there) {
    for (size_t i = 0; i < keys.size(); ++i) {
      const bool found = table_.Find(keys[i], Protection::UnderLock()).entry != nullptr;
      ASSERT_EQ(found, i < there) << i << " of " << there;
      ASSERT_EQ(static_cast<bool>(table_.Locate(keys[i])), i < there) << i << " of " << there;
    }
  };
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < texts.size(); ++i) {
      prefetch(i);
      Insert(texts[i]);
      if (i % 16 == 0) expect_first(i + 1);
      while (worker_.Reclaim()) {  // AddressSanitizer sees a short cut into a freed segment
      }
    }
    for (size_t i = texts.size(); i-- > 0;) {
      prefetch(i);
      Erase(texts[i]);
      if (i % 16 == 0) expect_first(i);
      while (worker_.Reclaim()) {
      }
    }
  }
}

TEST_F(TableTest, RandomOperationsMatchASet) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<std::string> universe = Namesakes(60, 6);  // chains
  for (int i = 0; i < 400; ++i) universe.push_back("k" + std::to_string(i));
  std::set<std::string> model;
  for (int step = 0; step < 60'000; ++step) {
    // Long swings between full and empty.
    const bool growing = step / 3000 % 2 == 0;
    const std::string& key = universe[random() % universe.size()];
    if (random() % 4 == (growing ? 0u : 1u) || (!growing && random() % 2 == 0)) {
      ASSERT_EQ(Erase(key), model.erase(key) != 0);
    } else if (model.insert(key).second) {
      Insert(key);
    }
    ASSERT_EQ(Finds(key), model.contains(key));
    ASSERT_EQ(table_.size(), model.size());
    if (step % 1000 == 0) {
      const auto found = Scan();
      ASSERT_EQ(std::set<std::string>(found.begin(), found.end()), model);
      ASSERT_EQ(found.size(), model.size());
      worker_.Reclaim();
    }
  }
}

TEST_F(TableTest, MovingAnEntryBumpsTheLayoutWordAndNothingElseDoes) {
  Insert("a");
  uint64_t word = layout_.Load();
  Insert("b");
  Erase("b");
  EXPECT_TRUE(layout_.Unchanged(word));
  while (table_.buckets() == 1) Insert("k" + std::to_string(table_.size()));
  EXPECT_FALSE(layout_.Unchanged(word));
  word = layout_.Load();
  while (table_.buckets() > 1) Erase(Scan().front());
  EXPECT_FALSE(layout_.Unchanged(word));
  word = layout_.Load();
  Clear();
  EXPECT_FALSE(layout_.Unchanged(word)) << "the buckets are gone";
  EXPECT_FALSE(LayoutVersion::MultiKeyWriteIn(layout_.Load()));
}

}  // namespace
}  // namespace larder::store
