#include "server/latency_histogram.h"

#include <cassert>
#include <cmath>
#include <numeric>

namespace larder::server {

uint64_t TotalOf(const LatencyHistogram::Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

uint64_t TicksAtPercentile(const LatencyHistogram::Counts& counts, double percentile) {
  assert(percentile >= 0 && percentile <= 100);
  uint64_t total = TotalOf(counts);
  assert(total > 0);
  double share = std::round(percentile / 100 * static_cast<double>(total));
  uint64_t calls = std::clamp<uint64_t>(static_cast<uint64_t>(share), 1, total);
  size_t bucket = 0;
  for (uint64_t seen = counts[0]; seen < calls; seen += counts[bucket]) ++bucket;
  return LatencyHistogram::LongestIn(bucket);
}

}  // namespace larder::server
