#include "store/bitmap_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

constexpr uint64_t kFarBit = uint64_t{1} << 32;  // in a value of 512 MB

class BitmapValueTest : public testing::Test {
 protected:
  template <typename Function>
  auto Edit(Function&& function) {
    Keyspace& keyspace = store_.keyspace();
    return keyspace.Write(session_.worker(), 0, keyspace.Hash("k"), function);
  }
  bool SetBit(uint64_t offset, bool bit) {
    return Edit([&](KeyEditor& key) { return store::SetBit(key, offset, bit); });
  }
  void Run(std::vector<FieldStep>& steps) {
    Edit([&](KeyEditor& key) { RunFieldSteps(key, steps); });
  }
  // The first of `keys` is the destination.
  size_t Combine(BitOperation operation, const std::vector<std::string>& keys) {
    std::vector<KeyAt> at;
    for (const std::string& key : keys) at.push_back({.key = store_.keyspace().Hash(key)});
    return store_.keyspace().WriteAll(session_.worker(), at, [&](MultiEditor& multi) {
      return StoreCombination(multi, operation);
    });
  }
  std::string Value() { return session_.Get("k").value_or("(absent)"); }

  test_support::StoreUnderTest store_{MapKind::kRcu, 4};
  test_support::StoreSession session_ = store_.Session();
};

TEST_F(BitmapValueTest, SetsBitsLikeTheModelAcrossEverySize) {
  std::mt19937 random(1);
  std::string model;
  for (int64_t round = 0; round < test_support::Scaled(3000); ++round) {
    const uint64_t offset = random() % (8 * (round < 1000 ? 100 : 3 * LargeValue::kInlineBytesMax));
    const bool bit = random() % 2 != 0;
    model.resize(std::max<size_t>(model.size(), offset / 8 + 1));
    const char mask = static_cast<char>(0x80 >> offset % 8);
    ASSERT_EQ(SetBit(offset, bit), BitAt(model, offset));
    model[offset / 8] =
        static_cast<char>(bit ? model[offset / 8] | mask : model[offset / 8] & ~mask);
    if (round % 100 == 0) {
      ASSERT_TRUE(Value() == model) << round;
    }
  }
  EXPECT_TRUE(Value() == model);
}

TEST_F(BitmapValueTest, KeepsTheDeadlineAndTheDigitsOfACounter) {
  session_.Set("k", "5", store_.now() + 1000);
  ASSERT_TRUE(session_.Incr("k"));  // a word now, not text
  EXPECT_FALSE(SetBit(7, true));    // '6' -> '7'
  EXPECT_EQ(Value(), "7");
  EXPECT_EQ(session_.Deadline("k"), store_.now() + 1000);
}

TEST_F(BitmapValueTest, GrowsForABitThatIsNotSet) {
  EXPECT_FALSE(SetBit(20, false));
  EXPECT_EQ(Value(), std::string(3, '\0'));
}

// A frozen large value is shared with lock-free readers; the bit must not appear in their copy.
TEST_F(BitmapValueTest, CopiesAFrozenValueBeforeItWrites) {
  const std::string bytes(100'000, 'x');
  session_.Set("k", bytes);
  store_.keyspace().Read(session_.worker(), 0, store_.keyspace().Hash("k"),
                         [](const Entry* entry) { EXPECT_FALSE(entry->is_growable()); });
  EXPECT_FALSE(SetBit(0, true));
  store_.keyspace().Read(session_.worker(), 0, store_.keyspace().Hash("k"),
                         [](const Entry* entry) { EXPECT_TRUE(entry->is_growable()); });
  EXPECT_EQ(Value()[0], static_cast<char>('x' | 0x80));
  EXPECT_EQ(Value().substr(1), bytes.substr(1));
}

TEST_F(BitmapValueTest, WritesAHugeValueInPlace) {
  EXPECT_FALSE(SetBit(kFarBit - 1, true));
  const int64_t bytes = store_.keyspace().Totals().memory_bytes;
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_FALSE(SetBit(i * 4'000'037, true));
  std::vector<FieldStep> steps = {{.kind = FieldStep::Kind::kSet,
                                   .type = {.is_signed = false, .bits = 8},
                                   .offset = kFarBit / 2,
                                   .operand = 200}};
  Run(steps);
  EXPECT_TRUE(SetBit(kFarBit - 1, true));
  // 500 GB if copied.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(store_.keyspace().Totals().memory_bytes, bytes);
  session_.Erase("k");
  store_.Settle();
  EXPECT_EQ(store_.keyspace().Totals().memory_bytes, 0);
}

TEST_F(BitmapValueTest, RunsFieldStepsInOrder) {
  using Kind = FieldStep::Kind;
  const FieldType i8 = {.is_signed = true, .bits = 8};
  const FieldType u4 = {.is_signed = false, .bits = 4};
  std::vector<FieldStep> steps = {
      {.kind = Kind::kSet, .type = i8, .offset = 4, .operand = 100},
      {.kind = Kind::kIncrement, .type = i8, .offset = 4, .operand = 27},
      {.kind = Kind::kGet, .type = u4, .offset = 4},
      {.kind = Kind::kIncrement,
       .overflow = FieldOverflow::kFail,
       .type = i8,
       .offset = 4,
       .operand = 1},
      {.kind = Kind::kIncrement, .type = i8, .offset = 4, .operand = 1},
      {.kind = Kind::kSet,
       .overflow = FieldOverflow::kSaturate,
       .type = u4,
       .offset = 100,
       .operand = -1},
      {.kind = Kind::kGet, .type = u4, .offset = 100},
  };
  Run(steps);
  const std::optional<int64_t> expected[] = {0, 127, 7, std::nullopt, -128, 0, 15};
  for (size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i].result, expected[i]) << i;
  EXPECT_EQ(Value(), std::string("\x08\0\0\0\0\0\0\0\0\0\0\0\x0f", 13));
}

TEST_F(BitmapValueTest, GrowsForAStepThatFails) {
  std::vector<FieldStep> steps = {{.kind = FieldStep::Kind::kSet,
                                   .overflow = FieldOverflow::kFail,
                                   .type = {.is_signed = false, .bits = 8},
                                   .offset = 9,
                                   .operand = 256}};
  Run(steps);
  EXPECT_EQ(steps[0].result, std::nullopt);
  EXPECT_EQ(Value(), std::string(3, '\0'));
}

TEST_F(BitmapValueTest, CombinesValuesOfEverySize) {
  for (const size_t size : {size_t{1}, size_t{100}, LargeValue::kInlineBytesMax,
                            LargeValue::kInlineBytesMax + 1, size_t{9} << 20}) {
    session_.Set("a", std::string(size, '\x0f'));
    session_.Set("b", std::string(size, '\x3c'));
    session_.Set("k", "old", store_.now() + 1000);
    EXPECT_EQ(Combine(BitOperation::kAnd, {"k", "a", "b"}), size);
    EXPECT_TRUE(Value() == std::string(size, '\x0c'));
    EXPECT_EQ(session_.Deadline("k"), kNoDeadline);
    EXPECT_EQ(Combine(BitOperation::kXor, {"k", "k", "k"}), size);  // in terms of itself
    EXPECT_TRUE(Value() == std::string(size, '\0'));
    EXPECT_EQ(Combine(BitOperation::kNot, {"k", "k"}), size);
    EXPECT_TRUE(Value() == std::string(size, '\xff'));
    EXPECT_EQ(Combine(BitOperation::kOr, {"k", "a", "none", "b"}), size);
    EXPECT_TRUE(Value() == std::string(size, '\x3f'));
  }
  EXPECT_EQ(Combine(BitOperation::kOr, {"k", "none"}), 0u);
  EXPECT_FALSE(session_.Exists("k"));
}

// All steps are one change, for lock-free readers too.
TEST_F(BitmapValueTest, ReadersSeeAllStepsOrNone) {
  for (const size_t size : {size_t{16}, 2 * LargeValue::kInlineBytesMax}) {
    test_support::StoreUnderTest store(MapKind::kRcu, 1, 2);
    store.Session(0).Set("k", std::string(size, '\0'));
    std::atomic<bool> done{false};
    std::thread reader([&] {
      test_support::StoreSession session = store.Session(1);
      while (!done.load()) {
        const std::string value = session.Get("k").value_or("");
        ASSERT_EQ(value.front(), value.back());
        session.Unpin();
      }
    });
    const FieldType u8 = {.is_signed = false, .bits = 8};
    for (int64_t round = 0; round < test_support::Scaled(2000); ++round) {
      std::vector<FieldStep> steps = {
          {.kind = FieldStep::Kind::kIncrement, .type = u8, .offset = 0, .operand = 1},
          {.kind = FieldStep::Kind::kIncrement,
           .type = u8,
           .offset = (size - 1) * 8,
           .operand = 1}};
      store.keyspace().Write(store.worker(0), 0, store.keyspace().Hash("k"),
                             [&](KeyEditor& key) { RunFieldSteps(key, steps); });
      if (round % 50 == 0) store.worker(0).Reclaim();
    }
    done.store(true);
    reader.join();
  }
}

}  // namespace
}  // namespace larder::store
