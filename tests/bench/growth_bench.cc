// The longest command while a keyspace grows to 20 million keys, and while its maps change kind:
// the CPU time of the thread that runs it, so that another process on the machine does not count.
//
//   Growth/<kind>            SET of 20 M new keys; after each, now and then, a GET or a DEL
//   KindChange/keys:N        GET and SET of N keys, while maintenance takes every shard through all
//                            kinds, step by step, on the same thread
//
// Counters: longest and 99.999 % of each command, the longest step of maintenance, in microseconds.
// The clock costs 0.3 us a reading, so the plain average is not what this is for. 20 M keys take
// about 2 GB.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <string_view>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

constexpr int64_t kGrownKeys = 20'000'000;
constexpr int64_t kChangingKeys = 1'000'000;
constexpr int kShards = 1024;
constexpr int kOperationsAMaintenance = 256;
constexpr std::chrono::microseconds kMaintenanceBudget{500};
constexpr std::string_view kValue = "0123456789abcdef0123456789abcdef";

int64_t ThreadCpuNs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// How long commands took: a histogram of microseconds, and the longest.
class Times {
 public:
  template <typename Command>
  void Measure(Command&& command) {
    const int64_t start = ThreadCpuNs();
    command();
    const int64_t ns = ThreadCpuNs() - start;
    longest_ns_ = std::max(longest_ns_, ns);
    ++counts_[std::min<size_t>(static_cast<size_t>(ns / 1000), counts_.size() - 1)];
    ++total_;
  }

  double longest_us() const { return static_cast<double>(longest_ns_) / 1e3; }
  // The upper end of the microsecond below which all but 1 in 100,000 are.
  double almost_all_us() const {
    uint64_t above = total_;
    for (size_t us = 0; us < counts_.size(); ++us) {
      above -= counts_[us];
      if (above <= total_ / 100'000) return static_cast<double>(us + 1);
    }
    return static_cast<double>(counts_.size());
  }

  void Report(benchmark::State& state, const std::string& name) const {
    state.counters[name + "_longest_us"] = longest_us();
    state.counters[name + "_p99.999_us"] = almost_all_us();
  }

 private:
  std::array<uint64_t, 10'000> counts_{};
  int64_t longest_ns_ = 0;
  uint64_t total_ = 0;
};

std::string KeyText(int64_t i) {
  std::string digits = std::to_string(i);
  return "key:" + std::string(12 - digits.size(), '0') + digits;
}

struct CommandTimes {
  Times set, get, del, maintenance;

  void Report(benchmark::State& state) const {
    set.Report(state, "set");
    get.Report(state, "get");
    if (del.longest_us() > 0) del.Report(state, "del");
    state.counters["maintenance_longest_us"] = maintenance.longest_us();
  }
};

void Maintain(StoreUnderTest& store, CommandTimes& times) {
  store.worker().Unpin();
  times.maintenance.Measure([&] { store.keyspace().Maintain(store.worker(), kMaintenanceBudget); });
}

void Growth(benchmark::State& state, MapKind kind) {
  for (auto _ : state) {
    StoreUnderTest store(kind, kShards);
    StoreSession session = store.Session();
    CommandTimes times;
    for (int64_t i = 0; i < kGrownKeys; ++i) {
      const std::string key = KeyText(i);
      times.set.Measure([&] { session.Set(key, kValue); });
      const std::string older = KeyText(i * 7 / 11);
      if (i % 16 == 3) times.get.Measure([&] { benchmark::DoNotOptimize(session.Get(older)); });
      if (i % 16 == 7) times.del.Measure([&] { benchmark::DoNotOptimize(session.Erase(older)); });
      if (i % kOperationsAMaintenance == 0) Maintain(store, times);
    }
    times.Report(state);
  }
}

void KindChange(benchmark::State& state) {
  const auto kinds = test_support::SharedMapKinds();
  for (auto _ : state) {
    StoreUnderTest store(MapKind::kMutex, kShards);
    StoreSession session = store.Session();
    for (int64_t i = 0; i < kChangingKeys; ++i) session.Set(KeyText(i), kValue);
    CommandTimes times;
    int64_t i = 0;
    for (const MapKind kind : kinds) {
      for (int shard = 0; shard < kShards; ++shard) {
        for (bool there = false; !there; i = (i + 7'368'787) % kChangingKeys) {
          times.maintenance.Measure([&] {
            session.Unpin();
            there = store.keyspace().ChangeKindStep(store.worker(), shard, kind);
          });
          const std::string key = KeyText(i);
          times.set.Measure([&] { session.Set(key, kValue); });
          times.get.Measure([&] { benchmark::DoNotOptimize(session.Get(key)); });
          // New keys: a sync map has something to promote and to merge.
          session.Set(KeyText(kChangingKeys + i), kValue);
        }
        Maintain(store, times);
      }
    }
    times.Report(state);
  }
}

int RegisterAll() {
  for (const MapKind kind : test_support::SharedMapKinds()) {
    benchmark::RegisterBenchmark(("Growth/" + std::string(Name(kind))).c_str(), Growth, kind)
        ->Iterations(1)
        ->Unit(benchmark::kSecond);
  }
  benchmark::RegisterBenchmark(("KindChange/keys:" + std::to_string(kChangingKeys)).c_str(),
                               KindChange)
      ->Iterations(1)
      ->Unit(benchmark::kSecond);
  return 0;
}

[[maybe_unused]] const int registered = RegisterAll();

}  // namespace
}  // namespace larder::store
