// What the deadline wheel itself costs for one record: the shard behind it answers at once, so no
// look-up is counted.
//
// A million records lie in 1,024 wheels, as many as the server has shards, so that the figures
// include the cache misses of a server with as many volatile keys.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <vector>

#include "store/expiry.h"

namespace larder::store {
namespace {

constexpr UnixMs kStart = 1'700'000'000'123;
constexpr int64_t kSecond = 1000;
constexpr int64_t kDay = 24 * 3600 * kSecond;
constexpr size_t kWheels = 1024;
constexpr size_t kRecords = 1 << 20;
constexpr size_t kStepRecords = 256;

// A shard that knows one deadline for every key.
class OneAnswer final : public KeyDeadlines {
 public:
  void Prefetch(std::span<const uint32_t>) override {}
  UnixMs Expire(uint32_t, UnixMs) override { return kNoDeadline; }
  UnixMs Earliest(uint32_t) override { return earliest; }

  UnixMs earliest = kNoDeadline;
};

class Wheels {
 public:
  Wheels() {
    for (size_t i = 0; i < kWheels; ++i) wheels_.emplace_back();
  }
  ~Wheels() {
    for (auto& wheel : wheels_) wheel.FreeAll(memory);
  }

  // One record after the other goes to another wheel, as keys do.
  void ArmAll(int64_t ttl, int64_t spread) {
    uint32_t hash = 1;
    for (size_t i = 0; i < kRecords; ++i) {
      hash = hash * 1664525 + 1013904223;
      const UnixMs deadline = kStart + ttl + (spread == 0 ? 0 : hash * 0x9E3779B1u % spread);
      wheels_[hash >> 22].Arm(memory, hash * 0x85ebca6bu, deadline, kStart);
    }
  }

  // Sweeps all wheels in steps until nothing is due.
  void AdvanceTo(UnixMs now, KeyDeadlines& keys) {
    for (auto& wheel : wheels_) {
      while (wheel.NextDue() <= now) wheel.Advance(memory, now, kStepRecords, keys);
    }
  }

  std::deque<DeadlineWheel>& all() { return wheels_; }

  size_t bytes = 0;
  const WheelMemory memory{.allocate =
                               [](void* context, size_t size) {
                                 static_cast<Wheels*>(context)->bytes += size;
                                 return std::malloc(size);
                               },
                           .free =
                               [](void* context, void* block, size_t size) {
                                 static_cast<Wheels*>(context)->bytes -= size;
                                 std::free(block);
                               },
                           .context = this};

 private:
  std::deque<DeadlineWheel> wheels_;  // wheels do not move
};

void ReportPerRecord(benchmark::State& state, size_t records) {
  state.counters["per_record"] = benchmark::Counter(
      static_cast<double>(records),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void Arm(benchmark::State& state) {
  double bytes = 0;
  for (auto _ : state) {
    auto wheels = std::make_unique<Wheels>();
    wheels->ArmAll(state.range(0), state.range(1));
    bytes = static_cast<double>(wheels->bytes) / kRecords;
    state.PauseTiming();
    wheels.reset();
    state.ResumeTiming();
  }
  state.counters["bytes_a_record"] = bytes;
  ReportPerRecord(state, kRecords);
}

// From armed to fired, with a sweep every 10 ms of the last minute: every move between levels is in
// the figure.
void MassExpiry(benchmark::State& state) {
  const int64_t ttl = state.range(0);
  const int64_t spread = state.range(1);
  OneAnswer keys;
  for (auto _ : state) {
    state.PauseTiming();
    auto wheels = std::make_unique<Wheels>();
    wheels->ArmAll(ttl, spread);
    state.ResumeTiming();
    const UnixMs end = kStart + ttl + spread + 2 * DeadlineWheel::kTickMs;
    for (UnixMs now = std::max(kStart, end - 60 * kSecond); now < end + 10; now += 10) {
      wheels->AdvanceTo(now, keys);
    }
    state.PauseTiming();
    if (wheels->bytes != 0) state.SkipWithError("records are left");
    wheels.reset();
    state.ResumeTiming();
  }
  ReportPerRecord(state, kRecords);
}

// The sweep of all wheels when nothing is due.
void IdleSweep(benchmark::State& state) {
  Wheels wheels;
  wheels.ArmAll(kDay, kDay);
  UnixMs next = DeadlineWheel::kNever;
  for (auto _ : state) {
    for (const auto& wheel : wheels.all()) next = std::min(next, wheel.NextDue());
    benchmark::DoNotOptimize(next);
  }
  state.counters["per_wheel"] = benchmark::Counter(
      kWheels, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// One round of compaction, of records all alive or all dead.
void Compact(benchmark::State& state) {
  OneAnswer keys;
  keys.earliest = state.range(0) != 0 ? kStart + kDay : kNoDeadline;
  for (auto _ : state) {
    state.PauseTiming();
    auto wheels = std::make_unique<Wheels>();
    wheels->ArmAll(kDay, 0);
    state.ResumeTiming();
    for (auto& wheel : wheels->all()) {
      for (size_t left = wheel.size(); left > 0;) {
        wheel.CompactStep(wheels->memory, DeadlineWheel::kCompactRecords, keys);
        left -= std::min(left, DeadlineWheel::kCompactRecords);
      }
    }
    state.PauseTiming();
    wheels.reset();
    state.ResumeTiming();
  }
  ReportPerRecord(state, kRecords);
}

BENCHMARK(Arm)
    ->ArgNames({"ttl_ms", "spread_ms"})
    ->Args({kDay, 0})
    ->Args({kDay, 30 * kDay})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(MassExpiry)
    ->ArgNames({"ttl_ms", "spread_ms"})
    ->Args({3 * kSecond, 0})
    ->Args({kDay, 0})
    ->Args({30 * kSecond, 30 * kSecond})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(IdleSweep)->Unit(benchmark::kMicrosecond);
BENCHMARK(Compact)->ArgName("alive")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace larder::store
