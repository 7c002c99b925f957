// The contract that every kind of map fulfils, at the level of the keyspace: with one shard, where
// all keys meet in one table, and with several.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include "store/map.h"
#include "store/string_value.h"
#include "tests/support/model.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreModel;
using test_support::StoreSession;
using test_support::StoreUnderTest;

class MapContractTest : public testing::TestWithParam<std::tuple<MapKind, int>> {
 protected:
  MapContractTest() : store_(std::get<0>(GetParam()), std::get<1>(GetParam())) {}

  // What is used once everything that can go has gone: entries and retired memory, but not the
  // databases themselves.
  int64_t UsedByContent() {
    store_.Settle();
    const MemoryFigures memory = store_.keyspace().Memory();
    return memory.used_bytes - memory.overhead_bytes;
  }

  StoreUnderTest store_;
  StoreSession session_ = store_.Session();
};

INSTANTIATE_TEST_SUITE_P(EveryMap, MapContractTest,
                         testing::Combine(testing::ValuesIn(test_support::AllMapKinds()),
                                          testing::Values(1, 16)),
                         [](const auto& made) {
                           return test_support::KindName(std::get<0>(made.param)) + "_" +
                                  std::to_string(std::get<1>(made.param)) + "_shards";
                         });

TEST_P(MapContractTest, AnEmptyMapHasNothing) {
  EXPECT_EQ(session_.Get("absent"), std::nullopt);
  EXPECT_FALSE(session_.Exists(""));
  EXPECT_FALSE(session_.Erase("absent"));
  EXPECT_EQ(session_.GetDel("absent"), std::nullopt);
  EXPECT_FALSE(session_.SetDeadline("absent", store_.now() + 1));
  EXPECT_FALSE(session_.Rename("absent", "other"));
  EXPECT_TRUE(session_.ScanAll(10).empty());
  EXPECT_EQ(store_.keyspace().Size(0), 0);
}

TEST_P(MapContractTest, AKeyHoldsWhatWasPutLast) {
  session_.Set("k", "first");
  EXPECT_EQ(session_.Get("k"), "first");
  session_.Set("k", "second");
  EXPECT_EQ(session_.Get("k"), "second");
  EXPECT_FALSE(session_.SetNx("k", "third"));
  EXPECT_EQ(store_.keyspace().Size(0), 1);
  EXPECT_TRUE(session_.Erase("k"));
  EXPECT_FALSE(session_.Erase("k"));
  EXPECT_EQ(session_.Get("k"), std::nullopt);
  EXPECT_TRUE(session_.SetNx("k", "fourth"));
  EXPECT_EQ(session_.GetDel("k"), "fourth");
  EXPECT_EQ(store_.keyspace().Size(0), 0);
}

TEST_P(MapContractTest, KeysAndValuesAreAnyBytesOfAnyLength) {
  std::map<std::string, std::string> content;
  const std::string binary("\0\r\n\xff\0", 5);
  const size_t sizes[] = {0, 1, 7, 8, 300, 4095, 4096, 4097, 65535, 65536, 100000};
  for (const size_t size : sizes) {
    const std::string key = size == 0 ? "" : binary.substr(0, size) + std::string(size, 'k');
    content[key] = std::string(size, 'v');
    content["v" + std::to_string(size)] = binary + std::string(size, '\0');
  }
  for (const size_t size : {LargeValue::kMappedBytes - 100, LargeValue::kMappedBytes + 12345}) {
    content["mapped" + std::to_string(size)] = std::string(size, 'm');
  }
  for (const bool with_deadline : {false, true}) {
    for (const auto& [key, value] : content) {
      session_.Set(key, value, with_deadline ? store_.now() + 1000 : kNoDeadline);
    }
    for (const auto& [key, value] : content) {
      EXPECT_TRUE(session_.Get(key) == value) << "value of " << value.size() << " bytes";
      EXPECT_TRUE(session_.SetDeadline(key, store_.now() + 5000));
      EXPECT_TRUE(session_.Get(key) == value) << "value of " << value.size() << " bytes";
    }
  }
  EXPECT_EQ(store_.keyspace().Size(0), static_cast<int64_t>(content.size()));
  for (const auto& [key, value] : content) EXPECT_TRUE(session_.GetDel(key) == value);
  EXPECT_EQ(store_.keyspace().Size(0), 0);
}

TEST_P(MapContractTest, RenameMovesValuesOfEveryShape) {
  const std::string large(100000, 'x');
  session_.Set("inline", "small", store_.now() + 1000);
  session_.Set("large", large);
  ASSERT_TRUE(session_.Incr("integer", 41));
  for (const std::string key : {"inline", "large", "integer"}) {
    session_.Set(key + ".to", large);  // to be overwritten
    const auto value = session_.Get(key);
    const auto deadline = session_.Deadline(key);
    EXPECT_TRUE(session_.Rename(key, key + ".to"));
    EXPECT_FALSE(session_.Exists(key));
    EXPECT_TRUE(session_.Get(key + ".to") == value);
    EXPECT_EQ(session_.Deadline(key + ".to"), deadline);
  }
  EXPECT_EQ(*session_.Incr("integer.to"), 42);
  EXPECT_TRUE(session_.Rename("large.to", "large.to"));
  EXPECT_TRUE(session_.Get("large.to") == large);
  EXPECT_EQ(store_.keyspace().Size(0), 3);
}

TEST_P(MapContractTest, GrowsToManyKeysAndGivesAllMemoryBack) {
  constexpr int kKeys = test_support::kUnderSanitizer ? 30'000 : 100'000;
  session_.Set("first", "makes the database");
  session_.Erase("first");
  const int64_t before = UsedByContent();
  const auto key = [](int i) { return "key:" + std::to_string(i); };
  for (int i = 0; i < kKeys; ++i) session_.Set(key(i), std::to_string(i));
  EXPECT_EQ(store_.keyspace().Size(0), kKeys);
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(session_.Get(key(i)), std::to_string(i));
  for (int i = kKeys; i < 2 * kKeys; ++i) ASSERT_FALSE(session_.Exists(key(i)));
  // Odd ones first, so that it shrinks while it is in use.
  for (int i = 1; i < kKeys; i += 2) ASSERT_TRUE(session_.Erase(key(i)));
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(session_.Exists(key(i)), i % 2 == 0);
  for (int i = 0; i < kKeys; i += 2) ASSERT_TRUE(session_.Erase(key(i)));
  EXPECT_EQ(store_.keyspace().Size(0), 0);
  EXPECT_EQ(UsedByContent(), before);
  EXPECT_EQ(store_.keyspace().Totals().memory_bytes, before);
}

TEST_P(MapContractTest, ScanReturnsEveryKeyWhateverTheCount) {
  std::set<std::string> keys;
  for (int i = 0; i < 3000; ++i) {
    keys.insert("key:" + std::to_string(i));
    session_.Set("key:" + std::to_string(i), "v");
  }
  for (const size_t count : {size_t{1}, size_t{7}, size_t{1000}, SIZE_MAX}) {
    const auto found = session_.ScanAll(count);
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()), keys) << "COUNT " << count;
  }
}

// --- Random operations against the model

constexpr int kDatabases = 3;
constexpr int kModelKeys = 60;

class ModelRun {
 public:
  ModelRun(StoreUnderTest& store, uint64_t seed)
      : store_(store), session_(store.Session()), random_(seed) {
    model_.set_now(store_.now());
  }

  void Step() {
    db_ = static_cast<int>(Below(kDatabases));
    session_.Select(db_);
    key_ = AnyKey();
    switch (Below(18)) {
      case 0:
        return SetPlain();
      case 1:
        return SetVolatile();
      case 2:
        return SetLarge();
      case 3:
      case 4:
        EXPECT_EQ(session_.Erase(key_), model_.Erase(db_, key_));
        return;
      case 5:
        return Increment();
      case 6:
        return Expire(store_.now() + static_cast<int64_t>(Below(3000)));
      case 7:
        return Expire(kNoDeadline);
      case 8: {
        const std::string to = AnyKey();
        EXPECT_EQ(session_.Rename(key_, to), model_.Rename(db_, key_, to));
        return;
      }
      case 9:
        return GetDel();
      case 10:
        return MSet();
      case 11:
        return MGet();
      case 12:
        return TimePasses();
      case 13:
        return ChangeDatabases();
      case 14:
        return Append();
      default:
        return Look();
    }
  }

  // The whole content, once the sweep has caught up.
  void CompareContent() {
    store_.Advance(100);
    model_.set_now(store_.now());
    store_.Settle();
    for (int db = 0; db < kDatabases; ++db) {
      session_.Select(db);
      StoreModel::Items content;
      for (const std::string& key : session_.ScanAll(10)) {
        content[key] = {session_.Get(key).value_or("gone"), session_.Deadline(key).value_or(-2)};
      }
      EXPECT_EQ(content, model_.Live(db)) << "database " << db;
      // Whoever asks for a dead key removes it; the sweep may be one tick behind.
      for (int i = 0; i < kModelKeys; ++i) session_.Exists("k" + std::to_string(i));
      EXPECT_EQ(store_.keyspace().Size(db), static_cast<int64_t>(content.size()));
      const auto has_deadline = [](const auto& item) {
        return item.second.deadline != kNoDeadline;
      };
      EXPECT_EQ(store_.keyspace().FiguresOfDb(db, store_.now()).expires,
                std::count_if(content.begin(), content.end(), has_deadline));
    }
  }

 private:
  size_t Below(size_t bound) { return static_cast<size_t>(random_() % bound); }
  std::string AnyKey() { return "k" + std::to_string(Below(kModelKeys)); }
  std::string NewValue() { return "v" + std::to_string(++values_); }

  void Put(const std::string& value, UnixMs deadline) {
    session_.Set(key_, value, deadline);
    model_.Set(db_, key_, value, deadline);
  }
  void SetPlain() { Put(NewValue(), kNoDeadline); }
  void SetVolatile() { Put(NewValue(), store_.now() + static_cast<int64_t>(Below(2000))); }
  void SetLarge() {
    Put(NewValue() + std::string(4090 + Below(12), 'x'), Below(2) == 0 ? store_.now() : -1);
  }
  void Increment() {
    const StoreModel::Item* item = model_.Find(db_, key_);
    int64_t old = 0;
    const bool is_integer = item == nullptr || ParseCanonicalInteger(item->value, &old);
    const auto result = session_.Incr(key_, 7);
    ASSERT_EQ(result.has_value(), is_integer);
    if (!is_integer) return;
    EXPECT_EQ(*result, old + 7);
    model_.Set(db_, key_, std::to_string(old + 7), item == nullptr ? kNoDeadline : item->deadline);
  }
  void Expire(UnixMs deadline) {
    StoreModel::Item* item = model_.Find(db_, key_);
    EXPECT_EQ(session_.SetDeadline(key_, deadline), item != nullptr);
    if (item != nullptr) item->deadline = deadline;
  }
  void GetDel() {
    const StoreModel::Item* item = model_.Find(db_, key_);
    EXPECT_EQ(session_.GetDel(key_), item == nullptr ? std::nullopt : std::optional(item->value));
    model_.Erase(db_, key_);
  }
  void MSet() {
    StoreSession::Pairs pairs;
    for (size_t i = 1 + Below(5); i > 0; --i) pairs.emplace_back(AnyKey(), NewValue());
    session_.MSet(pairs);
    for (const auto& [key, value] : pairs) model_.Set(db_, key, value, kNoDeadline);
  }
  void MGet() {
    StoreSession::Keys keys;
    for (size_t i = 1 + Below(5); i > 0; --i) keys.push_back(AnyKey());
    const auto values = session_.MGet(keys);
    for (size_t i = 0; i < keys.size(); ++i) {
      const StoreModel::Item* item = model_.Find(db_, keys[i]);
      EXPECT_EQ(values[i], item == nullptr ? std::nullopt : std::optional(item->value));
    }
  }
  void TimePasses() {
    store_.Advance(static_cast<int64_t>(Below(200)));
    model_.set_now(store_.now());
    if (Below(2) == 0) store_.MaintainAll();
  }
  void ChangeDatabases() {
    const int other = static_cast<int>(Below(kDatabases));
    if (Below(4) == 0) {
      store_.keyspace().FlushDb(session_.worker(), db_);
      model_.Flush(db_);
    } else {
      store_.keyspace().SwapDb(session_.worker(), db_, other);
      model_.Swap(db_, other);
    }
  }
  void Append() {
    const StoreModel::Item* item = model_.Find(db_, key_);
    const std::string suffix(Below(3000), 'a');
    const std::string value = (item == nullptr ? "" : item->value) + suffix;
    const UnixMs deadline = item == nullptr ? kNoDeadline : item->deadline;
    const size_t size = store_.keyspace().Write(
        session_.worker(), db_, store_.keyspace().Hash(key_),
        [&](KeyEditor& editor) { return *store::Append(editor, suffix, size_t{1} << 29); });
    EXPECT_EQ(size, value.size());
    model_.Set(db_, key_, value, deadline);
  }
  void Look() {
    const StoreModel::Item* item = model_.Find(db_, key_);
    EXPECT_EQ(session_.Get(key_), item == nullptr ? std::nullopt : std::optional(item->value));
    EXPECT_EQ(session_.Deadline(key_),
              item == nullptr ? std::nullopt : std::optional(item->deadline));
  }

  StoreUnderTest& store_;
  StoreSession session_;
  std::mt19937_64 random_;
  StoreModel model_{kDatabases};
  int64_t values_ = 0;
  int db_ = 0;
  std::string key_;
};

TEST_P(MapContractTest, RandomOperationsDoWhatTheModelDoes) {
  const uint64_t first_seed = std::random_device{}();
  const auto [kind, shards] = GetParam();
  for (int64_t round = 0; round < test_support::Scaled(6); ++round) {
    const uint64_t seed = first_seed + static_cast<uint64_t>(round);
    SCOPED_TRACE("seed " + std::to_string(seed));
    StoreUnderTest store(KeyspaceOptions{.databases = kDatabases, .shards = shards, .kind = kind});
    ModelRun run(store, seed);
    for (int step = 0; step < 4000 && !testing::Test::HasFailure(); ++step) {
      run.Step();
      if (step % 500 == 499) run.CompareContent();
    }
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace larder::store
