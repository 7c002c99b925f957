#include "store/memory_budget.h"

#include <algorithm>

namespace larder::store {

void MemoryBudget::Set(const EvictionSettings& settings, int threads) {
  // A limit beyond 8 EiB is none that could be reached.
  const auto limit = static_cast<int64_t>(
      std::min<uint64_t>(settings.maxmemory, static_cast<uint64_t>(INT64_MAX) / 2));
  // relaxed, all: see the accessors.
  slack_.store(limit == 0 ? INT64_MAX : limit / 1000 / std::max(threads, 1),
               std::memory_order_relaxed);
  retired_max_.store(limit == 0 ? INT64_MAX : limit / 100, std::memory_order_relaxed);
  kind_.store(settings.kind, std::memory_order_relaxed);
  samples_.store(settings.samples, std::memory_order_relaxed);
  lfu_log_factor_.store(settings.lfu.log_factor, std::memory_order_relaxed);
  lfu_decay_minutes_.store(settings.lfu.decay_minutes, std::memory_order_relaxed);
  limit_.store(limit, std::memory_order_relaxed);
}

void MemoryBudget::NoteExceeded(bool exceeded, UnixMs now) {
  int64_t since = exceeded_since_.load(std::memory_order_relaxed);  // relaxed: a figure
  if (exceeded == (since != kNever)) return;
  // relaxed: whoever changes it counts, once.
  const bool ours = exceeded_since_.compare_exchange_strong(since, exceeded ? now : kNever,
                                                            std::memory_order_relaxed);
  if (!exceeded && ours)
    exceeded_ms_.fetch_add(std::max<int64_t>(now - since, 0), std::memory_order_relaxed);
}

int64_t MemoryBudget::ExceededNowMs(UnixMs now) const {
  const int64_t since = exceeded_since_.load(std::memory_order_relaxed);  // relaxed: a figure
  return since == kNever ? 0 : std::max<int64_t>(now - since, 0);
}

}  // namespace larder::store
