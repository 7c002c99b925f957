#include "store/string_value.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <string>
#include <thread>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

constexpr size_t kBytesMax = size_t{512} << 20;

class StringValueTest : public testing::Test {
 protected:
  template <typename Function>
  auto Edit(Function&& function) {
    Keyspace& keyspace = store_.keyspace();
    return keyspace.Write(session_.worker(), 0, keyspace.Hash("k"), function);
  }
  Result<size_t> Append(std::string_view suffix, size_t bytes_max = kBytesMax) {
    return Edit([&](KeyEditor& key) { return store::Append(key, suffix, bytes_max); });
  }
  Result<size_t> SetRange(size_t offset, std::string_view bytes, size_t bytes_max = kBytesMax) {
    return Edit([&](KeyEditor& key) { return store::SetRange(key, offset, bytes, bytes_max); });
  }
  std::string Value() { return session_.Get("k").value_or("(absent)"); }

  test_support::StoreUnderTest store_{MapKind::kRcu, 1};
  test_support::StoreSession session_ = store_.Session();
};

TEST(ParseCanonicalIntegerTest, TakesTheOnePrintedFormOnly) {
  int64_t value = 0;
  for (const int64_t good :
       {int64_t{0}, int64_t{7}, int64_t{-7}, int64_t{1000}, std::numeric_limits<int64_t>::max(),
        std::numeric_limits<int64_t>::min()}) {
    EXPECT_TRUE(ParseCanonicalInteger(std::to_string(good), &value)) << good;
    EXPECT_EQ(value, good);
  }
  for (const char* bad : {"", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1.0", "0x1", "1e3",
                          "9223372036854775808", "-9223372036854775809", "a"}) {
    EXPECT_FALSE(ParseCanonicalInteger(bad, &value)) << bad;
  }
  EXPECT_FALSE(ParseCanonicalInteger(std::string_view("1\0", 2), &value));
}

TEST_F(StringValueTest, AnAbsentKeyCountsFromZero) {
  EXPECT_EQ(*session_.Incr("k"), 1);
  EXPECT_EQ(*session_.Incr("k", 41), 42);
  EXPECT_EQ(*session_.Incr("k", -43), -1);
  EXPECT_EQ(Value(), "-1");
}

TEST_F(StringValueTest, CountsOnFromTextAndKeepsTheDeadline) {
  session_.Set("k", "99", store_.now() + 1000);
  EXPECT_EQ(*session_.Incr("k"), 100);
  EXPECT_EQ(*session_.Incr("k"), 101);
  EXPECT_EQ(session_.Deadline("k"), store_.now() + 1000);
}

TEST_F(StringValueTest, RefusesWhatIsNoIntegerOrWouldOverflow) {
  session_.Set("k", "abc");
  EXPECT_EQ(session_.Incr("k").error(), StoreError::kNotAnInteger);
  EXPECT_EQ(Value(), "abc");
  session_.Set("k", std::string(10'000, '1'));
  EXPECT_EQ(session_.Incr("k").error(), StoreError::kNotAnInteger);
  session_.Set("k", std::to_string(std::numeric_limits<int64_t>::max()));
  EXPECT_EQ(session_.Incr("k").error(), StoreError::kOverflow);
  EXPECT_EQ(*session_.Incr("k", 0), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(session_.Incr("k").error(), StoreError::kOverflow);
  EXPECT_EQ(session_.Incr("k", std::numeric_limits<int64_t>::min()).value(), -1);
  EXPECT_EQ(session_.Incr("k", std::numeric_limits<int64_t>::min()).error(), StoreError::kOverflow);
}

TEST_F(StringValueTest, AppendsToEveryShapeOfValue) {
  EXPECT_EQ(*Append("ab"), 2u);
  EXPECT_EQ(*Append("cd"), 4u);
  EXPECT_EQ(Value(), "abcd");
  session_.Erase("k");
  ASSERT_TRUE(session_.Incr("k", 12));
  EXPECT_EQ(*Append("3"), 3u);
  EXPECT_EQ(*session_.Incr("k"), 124);
  session_.Set("k", std::string(5000, 'x'), store_.now() + 1000);  // large, not growable
  EXPECT_EQ(*Append("tail"), 5004u);
  EXPECT_EQ(Value(), std::string(5000, 'x') + "tail");
  EXPECT_EQ(session_.Deadline("k"), store_.now() + 1000);
  EXPECT_TRUE(session_.SetDeadline("k", kNoDeadline));
  EXPECT_EQ(*Append("!"), 5005u);
  EXPECT_EQ(Value(), std::string(5000, 'x') + "tail!");
}

TEST_F(StringValueTest, GrowsByteByByteAcrossEveryLimit) {
  std::string expected;
  for (size_t i = 0; i < 3 * LargeValue::kInlineBytesMax; ++i) {
    const char byte = static_cast<char>('a' + i % 26);
    expected += byte;
    ASSERT_EQ(*Append(std::string_view(&byte, 1)), expected.size());
    if (i % 1000 == 0 || expected.size() == LargeValue::kInlineBytesMax + 1) {
      ASSERT_EQ(Value(), expected);
    }
  }
  EXPECT_EQ(Value(), expected);
}

TEST_F(StringValueTest, GrowsIntoMappedMemoryAndBack) {
  const std::string piece(size_t{3} << 20, 'p');
  for (size_t n = 1; n <= 5; ++n) EXPECT_EQ(*Append(piece), n * piece.size());
  EXPECT_EQ(Value().size(), 5 * piece.size());
  EXPECT_TRUE(session_.Rename("k", "other"));
  EXPECT_TRUE(session_.Rename("other", "k"));
  EXPECT_EQ(*Append("!"), 5 * piece.size() + 1);
  EXPECT_EQ(Value().back(), '!');
  session_.Set("k", "small");
  EXPECT_EQ(Value(), "small");
  session_.Erase("k");
  store_.Settle();
  EXPECT_EQ(store_.keyspace().Totals().memory_bytes, 0);
}

// Pages move then, bytes do not: what is counted has to follow.
TEST_F(StringValueTest, GrowsOnInMappedMemory) {
  const MemoryFigures before = store_.keyspace().Memory();
  const std::string chunk(3 << 20, 'c');
  std::string expected;
  for (int i = 0; i < 8; ++i) {
    expected += chunk;
    ASSERT_EQ(*Append(chunk), expected.size());
  }
  ASSERT_EQ(*SetRange(expected.size() + (2 << 20), "end"), expected.size() + (2 << 20) + 3);
  expected += std::string(2 << 20, '\0') + "end";
  EXPECT_TRUE(Value() == expected);
  const MemoryFigures grown = store_.keyspace().Memory();
  EXPECT_EQ(store_.keyspace().Totals().memory_bytes, grown.used_bytes - grown.overhead_bytes);
  EXPECT_EQ(grown.retired_bytes, before.retired_bytes) << "no copy was left behind";
  session_.Erase("k");
  store_.Settle();
  EXPECT_EQ(store_.keyspace().Memory().retired_bytes, 0);
  EXPECT_EQ(store_.keyspace().Totals().memory_bytes, 0);
}

// What lies between is not written, so it had better be zero.
TEST_F(StringValueTest, PadsMappedMemoryWithZeros) {
  constexpr size_t kFar = size_t{20} << 20;
  ASSERT_EQ(*Append("start"), 5u);
  ASSERT_EQ(*SetRange(kFar, "middle"), kFar + 6);
  ASSERT_EQ(*SetRange(2 * kFar, "end"), 2 * kFar + 3);
  const std::string zeros(kFar, '\0');
  EXPECT_TRUE(Value() == "start" + zeros.substr(5) + "middle" + zeros.substr(6) + "end");
}

TEST_F(StringValueTest, OverwritesARangeAndPadsWithZeros) {
  EXPECT_EQ(*SetRange(3, "ab"), 5u);
  EXPECT_EQ(Value(), std::string("\0\0\0ab", 5));
  EXPECT_EQ(*SetRange(0, "xyz"), 5u);
  EXPECT_EQ(Value(), "xyzab");
  EXPECT_EQ(*SetRange(6000, "end"), 6003u);
  EXPECT_EQ(Value(), "xyzab" + std::string(5995, '\0') + "end");
  EXPECT_EQ(*SetRange(8000, "end"), 8003u);  // in place: the padding was spare room before
  EXPECT_EQ(Value(), "xyzab" + std::string(5995, '\0') + "end" + std::string(1997, '\0') + "end");
  EXPECT_EQ(*SetRange(4, "B"), 8003u);
  EXPECT_EQ(Value().substr(0, 5), "xyzaB");
}

TEST_F(StringValueTest, EmptyBytesChangeNothing) {
  EXPECT_EQ(*SetRange(100, ""), 0u);
  EXPECT_FALSE(session_.Exists("k"));
  session_.Set("k", "v");
  EXPECT_EQ(*SetRange(100, ""), 1u);
  EXPECT_EQ(*Append(""), 1u);
  session_.Erase("k");
  EXPECT_EQ(*Append(""), 0u);
}

TEST_F(StringValueTest, KeepsToTheBoundWithoutOverflow) {
  constexpr size_t kBound = 10;
  EXPECT_EQ(*Append("0123456789", kBound), 10u);
  EXPECT_EQ(Append("x", kBound).error(), StoreError::kStringTooLong);
  EXPECT_EQ(SetRange(10, "x", kBound).error(), StoreError::kStringTooLong);
  EXPECT_EQ(SetRange(SIZE_MAX, "x", kBound).error(), StoreError::kStringTooLong);
  EXPECT_EQ(SetRange(SIZE_MAX - 1, "xyz", kBound).error(), StoreError::kStringTooLong);
  EXPECT_EQ(*SetRange(9, "x", kBound), 10u);
  EXPECT_EQ(Value(), "012345678x");
}

// A value that is written in place is read under the lock: nobody sees half of an append.
TEST_F(StringValueTest, ReadersSeeWholeAppends) {
  test_support::StoreUnderTest store(MapKind::kRcu, 1, 2);
  const std::string piece(1000, 'p');
  std::atomic<bool> done{false};
  std::thread reader([&] {
    test_support::StoreSession session = store.Session(1);
    while (!done.load()) {
      const auto value = session.Get("k");
      if (value) {
        ASSERT_EQ(*value, std::string(value->size() / 1000 * 1000, 'p'));
      }
      session.Unpin();
    }
  });
  for (int64_t round = 0; round < test_support::Scaled(30); ++round) {
    for (int i = 0; i < 50; ++i) {
      store.keyspace().Write(store.worker(0), 0, store.keyspace().Hash("k"),
                             [&](KeyEditor& key) { return store::Append(key, piece, kBytesMax); });
    }
    store.Session(0).Erase("k");
    store.worker(0).Reclaim();
  }
  done.store(true);
  reader.join();
}

}  // namespace
}  // namespace larder::store
