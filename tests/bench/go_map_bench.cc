// larder's maps under the workloads that Go measures sync.Map with (golang/go
// src/sync/map_bench_test.go): the same names, set-up and operations, over 8-byte integers.
//
//   Go/<workload>/<map>/iterations:N/threads:N
//
// The maps: larder's kinds, and those of map_peers.h. "Time" is the wall clock divided by the
// operations of all threads: what Go calls ns/op. The number of operations is fixed, so that a fast
// map does not fill up more than a slow one; Go runs as many by
//
//   go test sync -run '^$' -bench '^BenchmarkRange$/^\*sync\.Map$' -benchtime 20000x -cpu 1,2
//
// One store::Map stands for a kind; larder_map.h says how it is used.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/go_workloads.h"
#include "tests/bench/larder_map.h"
#include "tests/bench/map_peers.h"

namespace larder::bench {
namespace {

// --- Others' maps: every thread uses the map itself

template <typename Map>
class Shared {
 public:
  using Client = Map;
  explicit Shared(int) {}
  Client& client(int) { return map_; }

 private:
  Map map_;
};

struct Tbb : Shared<TbbMap<Number, Number>> {
  using Shared::Shared;
  static constexpr std::string_view kName = "tbb";
  static constexpr bool kRangeBearsDelete = false;
};
struct Cuckoo : Shared<CuckooMap<Number, Number>> {
  using Shared::Shared;
  static constexpr std::string_view kName = "libcuckoo";
  static constexpr bool kRangeBearsDelete = true;
};
struct Locked : Shared<LockedMap<Number, Number>> {
  using Shared::Shared;
  static constexpr std::string_view kName = "std+lock";
  static constexpr bool kRangeBearsDelete = true;
};

// --- Registration

// One row: a fresh map for every run.
template <typename Workload, typename Map>
class Row {
 public:
  static void Register(std::string_view workload, int64_t operations) {
    if constexpr (requires { Workload::kDeletesInRange; }) {
      if (!Map::kRangeBearsDelete) return;
    }
    const std::string name = "Go/" + std::string(workload) + "/" + std::string(Map::kName);
    for (const int threads : {1, 2, 4, 8}) {
      if (Map::kName == Name(MapKind::kPlain) && threads > 1) continue;
      benchmark::RegisterBenchmark(name.c_str(), Run)
          ->Setup(SetUp)
          ->Teardown(TearDown)
          ->Iterations(operations / threads)
          ->Threads(threads);
    }
  }

 private:
  static void SetUp(const benchmark::State& state) {
    map_ = std::make_unique<Map>(state.threads());
    Workload::SetUp(map_->client(0));
  }
  static void TearDown(const benchmark::State&) { map_ = nullptr; }
  static void Run(benchmark::State& state) {
    const auto all =
        static_cast<Number>(state.max_iterations) * static_cast<Number>(state.threads());
    const int thread = state.thread_index();
    Workload::Run(state, map_->client(thread), static_cast<Number>(thread) * all);
  }

  static inline std::unique_ptr<Map> map_;
};

template <typename Workload>
void Register(std::string_view name, int64_t operations) {
  Row<Workload, LarderMap<MapKind::kPlain>>::Register(name, operations);
  Row<Workload, LarderMap<MapKind::kMutex>>::Register(name, operations);
  Row<Workload, LarderMap<MapKind::kRwMutex>>::Register(name, operations);
  Row<Workload, LarderMap<MapKind::kSync>>::Register(name, operations);
  Row<Workload, LarderMap<MapKind::kRcu>>::Register(name, operations);
  Row<Workload, Tbb>::Register(name, operations);
  Row<Workload, Cuckoo>::Register(name, operations);
  Row<Workload, Locked>::Register(name, operations);
}

// Operations that take Go some tenths of a second.
[[maybe_unused]] const bool registered = [] {
  Register<LoadMostly<1023, 1>>("LoadMostlyHits", 8'000'000);
  Register<LoadMostly<1, 1023>>("LoadMostlyMisses", 8'000'000);
  Register<LoadOrStoreBalanced>("LoadOrStoreBalanced", 500'000);
  Register<LoadOrStoreUnique>("LoadOrStoreUnique", 300'000);
  Register<LoadOrStoreCollision>("LoadOrStoreCollision", 8'000'000);
  Register<LoadAndDeleteBalanced>("LoadAndDeleteBalanced", 6'000'000);
  Register<LoadAndDeleteUnique>("LoadAndDeleteUnique", 6'000'000);
  Register<LoadAndDeleteCollision>("LoadAndDeleteCollision", 8'000'000);
  Register<Range>("Range", 20'000);
  Register<AdversarialAlloc>("AdversarialAlloc", 2'000'000);
  Register<AdversarialDelete>("AdversarialDelete", 2'000'000);
  Register<DeleteCollision>("DeleteCollision", 8'000'000);
  Register<SwapCollision>("SwapCollision", 4'000'000);
  Register<SwapMostly<1023, 1>>("SwapMostlyHits", 4'000'000);
  Register<SwapMostly<1, 1023>>("SwapMostlyMisses", 2'000'000);
  Register<CompareAndSwapCollision>("CompareAndSwapCollision", 2'000'000);
  return true;
}();
}  // namespace
}  // namespace larder::bench
