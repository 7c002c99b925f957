// How often a command took how long, in buckets that widen with the time.
//
// Times are ticks (ticks.h). Each doubling is divided into kSteps buckets, so that a bucket's ends
// lie within 1/16 of each other; below 2 * kSteps ticks each number has its own, and above
// kTicksMax (20 seconds or so) all share the last.
//
// Any thread may read what one thread counts. Counting costs a few instructions and one store; 4 KB
// each, so a histogram is made at the first call of its command.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "server/counter.h"

namespace larder::server {

class LatencyHistogram {
 private:
  static constexpr int kStepBits = 4;
  static constexpr int kTicksBits = 36;

 public:
  static constexpr uint64_t kSteps = 1 << kStepBits;
  static constexpr uint64_t kTicksMax = (uint64_t{1} << kTicksBits) - 1;
  static constexpr size_t kBuckets = kSteps * (kTicksBits - kStepBits + 1);

  // A sum of histograms, or the difference of two such sums.
  using Counts = std::array<uint64_t, kBuckets>;

  void Add(uint64_t ticks) { counts_[BucketOf(ticks)].Add(1); }
  void AddTo(Counts& sum) const {
    for (size_t i = 0; i < kBuckets; ++i) sum[i] += counts_[i].get();
  }

  static constexpr size_t BucketOf(uint64_t ticks) {
    ticks = std::min(ticks, kTicksMax);
    // How often the time was halved until it fitted into the first two rows of kSteps.
    int halvings = std::max(0, static_cast<int>(std::bit_width(ticks)) - 1 - kStepBits);
    return static_cast<size_t>(halvings) * kSteps + static_cast<size_t>(ticks >> halvings);
  }
  // The longest time that falls into the bucket.
  static constexpr uint64_t LongestIn(size_t bucket) {
    size_t halvings = bucket < 2 * kSteps ? 0 : bucket / kSteps - 1;
    return ((bucket - halvings * kSteps + 1) << halvings) - 1;
  }

 private:
  std::array<Counter, kBuckets> counts_;
};
static_assert(LatencyHistogram::BucketOf(LatencyHistogram::kTicksMax) ==
              LatencyHistogram::kBuckets - 1);

uint64_t TotalOf(const LatencyHistogram::Counts& counts);
// The time that `percentile` percent of the calls did not exceed, at least one of them.
// REQUIRES: TotalOf(counts) > 0; 0 <= percentile <= 100.
uint64_t TicksAtPercentile(const LatencyHistogram::Counts& counts, double percentile);

}  // namespace larder::server
