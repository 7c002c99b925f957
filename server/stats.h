// What the server counts: per thread where it counts, summed where somebody asks.
//
// A ThreadStats belongs to one I/O thread, the only writer of its counters: adding is a relaxed
// load and a relaxed store, no locked instruction and no shared cache line. Readers (INFO) sum all
// threads; a figure that is a few commands old is as good as a new one. CONFIG RESETSTAT writes to
// no counter: it remembers the present sums, and reports are differences from then on.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/counter.h"
#include "server/latency_histogram.h"
#include "server/ticks.h"
#include "store/mutex.h"

namespace larder::server {

// Of one command: what ran (failed: with an error reply), what was refused before it ran.
struct CommandCounters {
  Counter calls;
  Counter ticks;
  Counter rejected;
  Counter failed;
};
static_assert(sizeof(CommandCounters) == 32, "two commands share a cache line, none straddles");

// A sum of the above over threads, in units for people.
struct CommandTotals {
  uint64_t calls = 0;
  uint64_t ticks = 0;
  uint64_t rejected = 0;
  uint64_t failed = 0;
};

class ThreadStats {
 public:
  explicit ThreadStats(size_t commands) : commands_(commands), latencies_(commands) {}
  ThreadStats(const ThreadStats&) = delete;
  ThreadStats& operator=(const ThreadStats&) = delete;

  // Owner thread.
  CommandCounters& command(size_t index) { return commands_[index]; }
  void AddLatency(size_t command, uint64_t ticks) {
    // relaxed: this thread stored it.
    LatencyHistogram* histogram = latencies_[command].load(std::memory_order_relaxed);
    if (histogram == nullptr) [[unlikely]]
      histogram = MakeHistogram(command);
    histogram->Add(ticks);
  }
  // An error reply was sent: "ERR", "WRONGTYPE" ... Kinds above kErrorKindsMax are counted
  // together.
  void CountError(std::string_view code) EXCLUDES(mu_);

  Counter commands_processed;
  Counter reads;
  Counter writes;
  Counter input_bytes;
  Counter output_bytes;
  Counter error_replies;
  // The largest buffers of the last few seconds; the housekeeping timer clears them.
  Counter input_buffer_max;
  Counter output_buffer_max;

 private:
  friend class Stats;
  static constexpr size_t kErrorKindsMax = 128;

  LatencyHistogram* MakeHistogram(size_t command);

  std::vector<CommandCounters> commands_;
  // One a command, null until its first call.
  std::vector<std::atomic<LatencyHistogram*>> latencies_;
  std::deque<LatencyHistogram> histograms_;  // owner thread; the above point here
  mutable store::Mutex mu_;
  std::map<std::string, uint64_t, std::less<>> errors_ GUARDED_BY(mu_);
};

// Counts that the store keeps. Stats only remembers what they were at the last reset.
struct KeyspaceCounts {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t expired = 0;
  uint64_t evicted = 0;
  uint64_t exceeded_ms = 0;  // above maxmemory
};

// Sums over all threads since the start or the last reset.
struct StatsTotals {
  uint64_t commands_processed = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  uint64_t error_replies = 0;
  uint64_t connections_received = 0;
  uint64_t connections_rejected = 0;
  uint64_t input_buffer_max = 0;  // not a sum: the largest
  uint64_t output_buffer_max = 0;
  std::vector<CommandTotals> commands;
  std::map<std::string, uint64_t, std::less<>> errors;
};

// Events a second over the last 1.6 s.
struct Rates {
  double commands = 0;
  double input_bytes = 0;
  double output_bytes = 0;
};

class Stats {
 public:
  explicit Stats(size_t commands);
  Stats(const Stats&) = delete;
  Stats& operator=(const Stats&) = delete;

  // At start, once for each I/O thread.
  ThreadStats& AddThread();

  // Any thread, from here on.
  StatsTotals Totals() const EXCLUDES(mu_);
  // CONFIG RESETSTAT. `now`: the keyspace's counts at this moment.
  void Reset(const KeyspaceCounts& now) EXCLUDES(mu_);
  // How long the calls of one command took since the last reset, where that was tracked.
  LatencyHistogram::Counts LatenciesOf(size_t command) const EXCLUDES(mu_);
  // The keyspace's counts since the last reset, given those since the start.
  KeyspaceCounts SinceReset(KeyspaceCounts counts) const EXCLUDES(mu_);
  Rates CurrentRates() const EXCLUDES(mu_);
  // Every kSamplePeriod: one sample for the rates and for the peak of used_memory.
  void TakeSample(size_t used_memory_bytes) EXCLUDES(mu_);
  size_t PeakMemory(size_t used_memory_bytes) EXCLUDES(mu_);
  static constexpr std::chrono::milliseconds kSamplePeriod{100};

  double TicksToMicroseconds(uint64_t ticks) const;

  // Rare events, counted by whoever sees them.
  void CountConnection() { connections_received_.fetch_add(1, std::memory_order_relaxed); }
  void CountRejected() { connections_rejected_.fetch_add(1, std::memory_order_relaxed); }

 private:
  struct Sample {
    std::chrono::steady_clock::time_point at;
    uint64_t commands = 0;
    uint64_t input_bytes = 0;
    uint64_t output_bytes = 0;
  };
  static constexpr size_t kSamples = 17;  // 16 periods, as Redis averages over

  StatsTotals RawTotals() const;
  LatencyHistogram::Counts RawLatenciesOf(size_t command) const;
  Sample TakeRawSample() const;

  const size_t commands_;
  const std::chrono::steady_clock::time_point start_;
  const uint64_t start_ticks_;
  std::vector<std::unique_ptr<ThreadStats>> threads_;  // fixed once traffic has begun
  std::atomic<uint64_t> connections_received_{0};
  std::atomic<uint64_t> connections_rejected_{0};

  mutable store::Mutex mu_;
  StatsTotals baseline_ GUARDED_BY(mu_);  // what RawTotals() said at the last reset
  // The same of RawLatenciesOf(), for commands that had been called by then.
  std::map<size_t, LatencyHistogram::Counts> latency_baselines_ GUARDED_BY(mu_);
  KeyspaceCounts keyspace_baseline_ GUARDED_BY(mu_);
  size_t peak_memory_bytes_ GUARDED_BY(mu_) = 0;
  Sample samples_[kSamples] GUARDED_BY(mu_);
  size_t samples_taken_ GUARDED_BY(mu_) = 0;
};

}  // namespace larder::server
