#include "server/latency_histogram.h"

#include <gtest/gtest.h>

namespace larder::server {
namespace {

using Counts = LatencyHistogram::Counts;

TEST(LatencyHistogramTest, BucketsFollowEachOtherWithoutAGap) {
  for (size_t bucket = 0; bucket < LatencyHistogram::kBuckets; ++bucket) {
    uint64_t longest = LatencyHistogram::LongestIn(bucket);
    ASSERT_EQ(LatencyHistogram::BucketOf(longest), bucket);
    if (bucket + 1 < LatencyHistogram::kBuckets) {
      ASSERT_EQ(LatencyHistogram::BucketOf(longest + 1), bucket + 1);
    }
  }
  EXPECT_EQ(LatencyHistogram::BucketOf(UINT64_MAX), LatencyHistogram::kBuckets - 1);
}

TEST(LatencyHistogramTest, BucketsAreNarrow) {
  for (uint64_t ticks = 1; ticks <= LatencyHistogram::kTicksMax; ticks += 1 + ticks / 3) {
    uint64_t longest = LatencyHistogram::LongestIn(LatencyHistogram::BucketOf(ticks));
    EXPECT_GE(longest, ticks);
    EXPECT_LE(longest - ticks, ticks / LatencyHistogram::kSteps);
  }
}

TEST(LatencyHistogramTest, PercentilesCountFromTheShortest) {
  LatencyHistogram histogram;
  for (uint64_t ticks = 1; ticks <= 10; ++ticks) histogram.Add(ticks);
  Counts counts{};
  histogram.AddTo(counts);
  histogram.AddTo(counts);
  EXPECT_EQ(TotalOf(counts), 20u);
  EXPECT_EQ(TicksAtPercentile(counts, 0), 1u);
  EXPECT_EQ(TicksAtPercentile(counts, 50), 5u);
  EXPECT_EQ(TicksAtPercentile(counts, 99), 10u);
  EXPECT_EQ(TicksAtPercentile(counts, 100), 10u);
}

}  // namespace
}  // namespace larder::server
