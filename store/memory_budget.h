// `maxmemory`: how much the keyspace may use, what it uses, and what is to go when that is too
// much.
//
// used_memory is the sum of what all workers' allocators count, and what the keyspace itself takes.
// A check must not cost a look at every thread, so each worker adds its difference to one shared
// number once it exceeds slack(): all that the sum misses is 0.1 % of the limit.
//
// Threads: any; settings come from one thread at a time. Cost of a check: one load of a line that
// is written once in slack() bytes.
#pragma once

#include <atomic>
#include <cstdint>

#include "store/access.h"
#include "store/apart.h"

namespace larder::store {

// In the order in which Redis lists them.
enum class EvictionKind : uint8_t {
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllKeysLru,
  kAllKeysLfu,
  kAllKeysRandom,
  kNoEviction,
};

constexpr bool IsLfu(EvictionKind kind) {
  return kind == EvictionKind::kVolatileLfu || kind == EvictionKind::kAllKeysLfu;
}
constexpr bool IsLru(EvictionKind kind) {
  return kind == EvictionKind::kVolatileLru || kind == EvictionKind::kAllKeysLru;
}
constexpr bool OnlyVolatile(EvictionKind kind) { return kind <= EvictionKind::kVolatileTtl; }

struct EvictionSettings {
  uint64_t maxmemory = 0;  // 0: no limit
  EvictionKind kind = EvictionKind::kNoEviction;
  int samples = 5;  // keys looked at for each eviction, at least
  LfuSettings lfu;
};

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): used_ is to have a line of its own
class MemoryBudget {
 public:
  // relaxed, all of the following: each number stands for itself, and a thread that sees a change a
  // command late is as right as one that came earlier.
  int64_t limit() const { return limit_.load(std::memory_order_relaxed); }  // 0: none
  EvictionKind kind() const { return kind_.load(std::memory_order_relaxed); }
  int samples() const { return samples_.load(std::memory_order_relaxed); }
  LfuSettings lfu() const {
    return {lfu_log_factor_.load(std::memory_order_relaxed),
            lfu_decay_minutes_.load(std::memory_order_relaxed)};
  }
  // What a worker may leave unpublished.
  int64_t slack() const { return slack_.load(std::memory_order_relaxed); }
  // What a worker may have retired before it reclaims.
  int64_t retired_max() const { return retired_max_.load(std::memory_order_relaxed); }

  void Set(const EvictionSettings& settings, int threads);

  // The published part of used_memory.
  int64_t used() const { return used_.load(std::memory_order_relaxed); }  // relaxed: a figure
  void Add(int64_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }  // relaxed: above

  // For how long used_memory has been above the limit, in all and just now.
  void NoteExceeded(bool exceeded, UnixMs now);
  int64_t ExceededMs() const { return exceeded_ms_.load(std::memory_order_relaxed); }
  int64_t ExceededNowMs(UnixMs now) const;

 private:
  static constexpr int64_t kNever = -1;

  std::atomic<int64_t> limit_{0};
  std::atomic<int64_t> slack_{INT64_MAX};
  std::atomic<int64_t> retired_max_{INT64_MAX};
  std::atomic<EvictionKind> kind_{EvictionKind::kNoEviction};
  std::atomic<int> samples_{5};
  std::atomic<uint32_t> lfu_log_factor_{LfuSettings().log_factor};
  std::atomic<uint32_t> lfu_decay_minutes_{LfuSettings().decay_minutes};
  std::atomic<int64_t> exceeded_since_{kNever};
  std::atomic<int64_t> exceeded_ms_{0};
  // Written by all threads; what is above is only read.
  alignas(kApart) std::atomic<int64_t> used_{0};
};

}  // namespace larder::store
