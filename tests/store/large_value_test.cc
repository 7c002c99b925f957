#include "store/large_value.h"

#include <gtest/gtest.h>

#include <cstring>

namespace larder::store {
namespace {

TEST(LargeValueTest, HoldsItsBytesAndRoomToGrow) {
  Allocator allocator;
  for (const size_t size : {LargeValue::kInlineBytesMax + 1, size_t{1} << 20,
                            LargeValue::kMappedBytes - 64, LargeValue::kMappedBytes}) {
    LargeValue* value = LargeValue::Make(allocator, size, size + 100);
    EXPECT_EQ(value->size(), size);
    EXPECT_GE(value->capacity(), size + 100);
    memset(value->bytes(), 'a', value->capacity());
    value->set_size(size + 100);
    EXPECT_EQ(value->view().size(), size + 100);
    EXPECT_EQ(value->view().back(), 'a');
    EXPECT_EQ(allocator.used(), static_cast<int64_t>(value->HeapBytes()));
    EXPECT_GE(value->HeapBytes(), value->capacity());
    LargeValue::Free(allocator, value);
    EXPECT_EQ(allocator.used(), 0);
    EXPECT_EQ(allocator.retired(), 0);
  }
}

TEST(LargeValueTest, AMappedValueIsFreedInSteps) {
  constexpr size_t kStep = size_t{1} << 20;
  Allocator allocator;
  LargeValue* value =
      LargeValue::Make(allocator, LargeValue::kMappedBytes, LargeValue::kMappedBytes);
  LargeValue::Retire(allocator, value);
  int steps = 1;
  int64_t before = allocator.retired();
  while (LargeValue::FreeStep(allocator, value, kStep)) {
    EXPECT_EQ(before - allocator.retired(), static_cast<int64_t>(kStep));
    before = allocator.retired();
    ++steps;
  }
  EXPECT_EQ(allocator.retired(), 0);
  EXPECT_EQ(steps, static_cast<int>(LargeValue::kMappedBytes / kStep) + 1);  // one for the header
}

TEST(LargeValueTest, AStepOfNoBytesStillMakesProgress) {
  Allocator allocator;
  LargeValue* value =
      LargeValue::Make(allocator, LargeValue::kMappedBytes, LargeValue::kMappedBytes);
  LargeValue::Retire(allocator, value);
  while (LargeValue::FreeStep(allocator, value, 0)) {
  }
  EXPECT_EQ(allocator.retired(), 0);
}

TEST(LargeValueTest, AValueOfTheHeapIsFreedAtOnce) {
  Allocator allocator;
  LargeValue* value = LargeValue::Make(allocator, 100'000, 100'000);
  LargeValue::Retire(allocator, value);
  EXPECT_FALSE(LargeValue::FreeStep(allocator, value, 1));
  EXPECT_EQ(allocator.retired(), 0);
}

}  // namespace
}  // namespace larder::store
