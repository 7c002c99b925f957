#include "store/entry.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace larder::store {
namespace {

class EntryTest : public testing::Test {
 protected:
  ~EntryTest() override { EXPECT_EQ(allocator_.used(), 0) << "an entry has leaked"; }

  std::string ValueOf(const OwnedEntry& entry) {
    IntegerText text;
    return std::string(entry->value(text));
  }

  Allocator allocator_;
};

TEST_F(EntryTest, HoldsKeysAndValuesOfEveryLength) {
  for (const size_t key_size : {0, 1, 16, 65535, 65536, 200'000}) {
    for (const size_t value_size : {0, 1, 4095, 4096, 4097, 100'000}) {
      for (const UnixMs deadline : {kNoDeadline, UnixMs{0}, UnixMs{1'700'000'000'000}}) {
        const std::string key(key_size, 'k');
        const std::string value(value_size, 'v');
        const OwnedEntry entry = Entry::MakeString(allocator_, key, value, deadline);
        ASSERT_EQ(entry->key(), key);
        ASSERT_EQ(ValueOf(entry), value);
        ASSERT_EQ(entry->value_size(), value_size);
        ASSERT_EQ(entry->deadline(), deadline);
        ASSERT_EQ(entry->is_large(), value_size > LargeValue::kInlineBytesMax);
        ASSERT_FALSE(entry->is_growable());
        ASSERT_EQ(static_cast<int64_t>(entry->HeapBytes()), allocator_.used());
      }
    }
  }
}

TEST_F(EntryTest, PaysEightBytesForItsHeaderAndEightForADeadline) {
  // On the heap of a plain build; a sanitizer's heap says the same.
  const OwnedEntry plain =
      Entry::MakeString(allocator_, "0123456789abcdef", std::string(24, 'v'), kNoDeadline);
  EXPECT_LE(plain->HeapBytes(), 8u + 16 + 24 + 8);
  EXPECT_FALSE(plain->has_deadline_word());
}

TEST_F(EntryTest, AnIntegerReadsAsItsText) {
  for (const int64_t value :
       {int64_t{0}, int64_t{-1}, int64_t{9}, int64_t{10}, int64_t{-1000},
        std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    const OwnedEntry entry = Entry::MakeInteger(allocator_, "k", value, 5);
    EXPECT_TRUE(entry->is_integer());
    EXPECT_EQ(entry->integer(), value);
    EXPECT_EQ(ValueOf(entry), std::to_string(value));
    EXPECT_EQ(entry->value_size(), std::to_string(value).size());
    EXPECT_EQ(entry->deadline(), 5);
    entry->SetInteger(value / 2);
    EXPECT_EQ(ValueOf(entry), std::to_string(value / 2));
    EXPECT_EQ(entry->key(), "k");
  }
}

TEST_F(EntryTest, IsDeadPastItsDeadlineOnly) {
  const OwnedEntry entry = Entry::MakeString(allocator_, "k", "v", 100);
  EXPECT_FALSE(entry->ExpiredAt(100));
  EXPECT_TRUE(entry->ExpiredAt(101));
  entry->SetDeadline(kNoDeadline);
  EXPECT_FALSE(entry->ExpiredAt(std::numeric_limits<UnixMs>::max()));
  const OwnedEntry persistent = Entry::MakeString(allocator_, "k", "v", kNoDeadline);
  EXPECT_FALSE(persistent->ExpiredAt(std::numeric_limits<UnixMs>::max()));
}

TEST_F(EntryTest, ACopyTakesValueAndShapeButItsOwnKeyAndDeadline) {
  const OwnedEntry text = Entry::MakeString(allocator_, "from", "value", 7);
  const OwnedEntry text_copy = Entry::MakeFrom(allocator_, "longer key", *text, kNoDeadline);
  EXPECT_EQ(text_copy->key(), "longer key");
  EXPECT_EQ(ValueOf(text_copy), "value");
  EXPECT_EQ(text_copy->deadline(), kNoDeadline);

  const OwnedEntry number = Entry::MakeInteger(allocator_, "from", -42, kNoDeadline);
  const OwnedEntry number_copy = Entry::MakeFrom(allocator_, "", *number, 9);
  EXPECT_TRUE(number_copy->is_integer());
  EXPECT_EQ(number_copy->integer(), -42);
  EXPECT_EQ(number_copy->deadline(), 9);
}

TEST_F(EntryTest, ACopyOfALargeValueSharesItsBytes) {
  LargeValue* value = LargeValue::Make(allocator_, 10'000, 20'000);
  OwnedEntry entry = Entry::MakeLarge(allocator_, "from", value, true, kNoDeadline);
  const OwnedEntry copy = Entry::MakeFrom(allocator_, "to", *entry, 3);
  EXPECT_EQ(copy->large(), value);
  EXPECT_TRUE(copy->is_growable());
  const size_t bytes = entry->BlockBytes();
  allocator_.Free(entry.release(), bytes);  // the shell only: the value is the copy's now
}

}  // namespace
}  // namespace larder::store
