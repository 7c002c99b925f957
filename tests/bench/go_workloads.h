// The workloads that Go measures sync.Map with (golang/go src/sync/map_bench_test.go, BSD licence;
// written anew from what they do): SetUp() fills a fresh map, Run() is one thread's part, which
// counts i up from a number of its own.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "tests/bench/map_peers.h"

namespace larder::bench {

using Number = uint64_t;  // keys and values

// Stores the keys 0 to count, and reads each twice, so that a map that promotes has done so.
template <typename Client>
void Fill(Client& map, Number count) {
  for (Number i = 0; i < count; ++i) map.LoadOrStore(i, i);
  for (Number i = 0; i < 2 * count; ++i) map.Load(i % count);
}

template <Number hits, Number misses>
struct LoadMostly {
  static void SetUp(auto& map) { Fill(map, hits); }
  static void Run(benchmark::State& state, auto& map, Number i) {
    for (auto _ : state) benchmark::DoNotOptimize(map.Load(i++ % (hits + misses)));
  }
};

struct LoadOrStoreBalanced {
  static constexpr Number kHits = 128, kMisses = 128;
  static void SetUp(auto& map) { Fill(map, kHits); }
  static void Run(benchmark::State& state, auto& map, Number i) {
    bool right = true;
    for (auto _ : state) {
      const Number j = i % (kHits + kMisses);
      right &= j < kHits ? map.LoadOrStore(j, i).ok : !map.LoadOrStore(i, i).ok;
      ++i;
    }
    if (!right) state.SkipWithError("a key was lost, or there before it was stored");
  }
};

struct LoadOrStoreUnique {
  static void SetUp(auto&) {}
  static void Run(benchmark::State& state, auto& map, Number i) {
    for (auto _ : state) {
      benchmark::DoNotOptimize(map.LoadOrStore(i, i));
      ++i;
    }
  }
};

struct LoadOrStoreCollision {
  static void SetUp(auto& map) { map.LoadOrStore(0, 0); }
  static void Run(benchmark::State& state, auto& map, Number) {
    for (auto _ : state) benchmark::DoNotOptimize(map.LoadOrStore(0, 0));
  }
};

struct LoadAndDeleteBalanced {
  static constexpr Number kHits = 128, kMisses = 128;
  static void SetUp(auto& map) { Fill(map, kHits); }
  static void Run(benchmark::State& state, auto& map, Number i) {
    for (auto _ : state) {
      const Number j = i % (kHits + kMisses);
      benchmark::DoNotOptimize(map.LoadAndDelete(j < kHits ? j : i));
      ++i;
    }
  }
};

struct LoadAndDeleteUnique {
  static void SetUp(auto&) {}
  static void Run(benchmark::State& state, auto& map, Number i) {
    for (auto _ : state) benchmark::DoNotOptimize(map.LoadAndDelete(i++));
  }
};

struct LoadAndDeleteCollision {
  static void SetUp(auto& map) { map.LoadOrStore(0, 0); }
  static void Run(benchmark::State& state, auto& map, Number) {
    for (auto _ : state) benchmark::DoNotOptimize(map.LoadAndDelete(0));
  }
};

constexpr Number kRangeKeys = 1024;

struct Range {
  static void SetUp(auto& map) {
    for (Number i = 0; i < kRangeKeys; ++i) map.Store(i, i);
  }
  static void Run(benchmark::State& state, auto& map, Number) {
    Number visited = 0, expected = 0;
    for (auto _ : state) {
      map.Range([&](Number key, Number value) {
        benchmark::DoNotOptimize(key + value);
        ++visited;
        return true;
      });
      expected += kRangeKeys;
    }
    if (visited != expected) state.SkipWithError("a key was not visited, or twice");
  }
};

// A value is stored whenever sync.Map has promoted its keys; else absent keys are loaded.
struct AdversarialAlloc {
  static void SetUp(auto&) {}
  static void Run(benchmark::State& state, auto& map, Number i) {
    Number stores = 0, loads_since = 0;
    for (auto _ : state) {
      benchmark::DoNotOptimize(map.Load(i));
      if (++loads_since > stores) {
        map.LoadOrStore(i, stores++);
        loads_since = 0;
      }
      ++i;
    }
  }
};

// Absent keys are loaded, and now and then one key of many is replaced by another: for the sake of
// that one sync.Map copies all.
struct AdversarialDelete {
  static constexpr bool kDeletesInRange = true;
  static void SetUp(auto& map) { Range::SetUp(map); }
  static void Run(benchmark::State& state, auto& map, Number i) {
    for (auto _ : state) {
      benchmark::DoNotOptimize(map.Load(i));
      if (i % kRangeKeys == 0) {
        Found<Number> any;
        map.Range([&](Number key, Number) {
          any = {key, true};
          return false;
        });
        if (any.ok) map.Delete(any.value);
        map.Store(i, i);
      }
      ++i;
    }
  }
};

struct DeleteCollision {
  static void SetUp(auto& map) { map.LoadOrStore(0, 0); }
  static void Run(benchmark::State& state, auto& map, Number) {
    for (auto _ : state) map.Delete(0);
  }
};

struct SwapCollision {
  static void SetUp(auto& map) { map.LoadOrStore(0, 0); }
  static void Run(benchmark::State& state, auto& map, Number) {
    for (auto _ : state) benchmark::DoNotOptimize(map.Swap(0, 0));
  }
};

// A key that misses is deleted again, so that it misses the next time too.
template <Number hits, Number misses>
struct SwapMostly {
  static void SetUp(auto& map) { Fill(map, hits); }
  static void Run(benchmark::State& state, auto& map, Number i) {
    for (auto _ : state) {
      const Number j = i % (hits + misses);
      if (j < hits) {
        benchmark::DoNotOptimize(map.Swap(j, j));
      } else {
        benchmark::DoNotOptimize(map.Swap(i, i));
        map.Delete(i);
      }
      ++i;
    }
  }
};

struct CompareAndSwapCollision {
  static void SetUp(auto& map) { map.LoadOrStore(0, 0); }
  static void Run(benchmark::State& state, auto& map, Number) {
    for (auto _ : state) {
      if (map.CompareAndSwap(0, 0, 42)) map.CompareAndSwap(0, 42, 0);
    }
  }
};

}  // namespace larder::bench
