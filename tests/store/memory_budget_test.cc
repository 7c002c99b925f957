#include "store/memory_budget.h"

#include <gtest/gtest.h>

namespace larder::store {
namespace {

TEST(MemoryBudgetTest, WithoutALimitNothingNeedsToBePublished) {
  MemoryBudget budget;
  EXPECT_EQ(budget.limit(), 0);
  EXPECT_EQ(budget.slack(), INT64_MAX);
  EXPECT_EQ(budget.kind(), EvictionKind::kNoEviction);
}

TEST(MemoryBudgetTest, SlackIsAThousandthOfTheLimitForAllThreadsTogether) {
  MemoryBudget budget;
  budget.Set({.maxmemory = 8'000'000, .kind = EvictionKind::kAllKeysLru}, 4);
  EXPECT_EQ(budget.limit(), 8'000'000);
  EXPECT_EQ(budget.slack(), 2'000);
  EXPECT_EQ(budget.retired_max(), 80'000);
  budget.Set({}, 4);
  EXPECT_EQ(budget.limit(), 0);
}

TEST(MemoryBudgetTest, TheLargestLimitDoesNotOverflow) {
  MemoryBudget budget;
  budget.Set({.maxmemory = UINT64_MAX}, 1);
  EXPECT_GT(budget.limit(), int64_t{1} << 61);
  EXPECT_GT(budget.limit() + (int64_t{1} << 61), 0);
}

TEST(MemoryBudgetTest, PeriodsAboveTheLimitAddUp) {
  MemoryBudget budget;
  budget.NoteExceeded(false, 50);
  budget.NoteExceeded(true, 100);
  budget.NoteExceeded(true, 130);
  EXPECT_EQ(budget.ExceededNowMs(140), 40);
  EXPECT_EQ(budget.ExceededMs(), 0);
  budget.NoteExceeded(false, 150);
  budget.NoteExceeded(true, 200);
  budget.NoteExceeded(false, 205);
  EXPECT_EQ(budget.ExceededMs(), 55);
  EXPECT_EQ(budget.ExceededNowMs(300), 0);
}

TEST(MemoryBudgetTest, KindsAreSortedAsTheirNamesSay) {
  EXPECT_TRUE(OnlyVolatile(EvictionKind::kVolatileTtl));
  EXPECT_FALSE(OnlyVolatile(EvictionKind::kAllKeysLru));
  EXPECT_TRUE(IsLfu(EvictionKind::kVolatileLfu));
  EXPECT_FALSE(IsLru(EvictionKind::kAllKeysLfu));
}

}  // namespace
}  // namespace larder::store
