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
// One store::Map stands for a kind, and is used as a server uses it: keys are hashed; up to kRun
// operations share one pin, which a write gives up before it waits for the lock; what a write takes
// out is retired through the epochs and collected at the end of a run; so is a promotion that has
// become due taken on. A value is an entry with an integer, and overwriting it makes a new entry,
// as SET does (INCR would not).
#include <benchmark/benchmark.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "store/map.h"
#include "tests/bench/map_peers.h"

namespace larder::bench {
namespace {

using store::Entry;
using store::Key;
using store::MapKind;
using store::OwnedEntry;
using store::Protection;
using store::Table;
using store::Worker;
using Number = uint64_t;  // keys and values

constexpr int kRun = 32;           // operations of a batch of the server
constexpr int kUpkeepSteps = 32;   // what its sweep does of a promotion at once
constexpr int kBucketsALock = 64;  // its longest look at one shard, about
constexpr size_t kClearedAReclaim = 1'000;

// --- larder's maps

template <MapKind map_kind>
class LarderMap {
 public:
  static constexpr std::string_view kName = Name(map_kind);
  static constexpr bool kRangeBearsDelete = true;

  explicit LarderMap(int threads) {
    for (int i = 0; i < threads; ++i) clients_.emplace_back(*this, i);
  }
  ~LarderMap() { clients_.front().Clear(); }
  LarderMap(const LarderMap&) = delete;
  LarderMap& operator=(const LarderMap&) = delete;

  // What one thread has in hand; used by it alone.
  class Client {
   public:
    Client(LarderMap& owner, int index)
        : map_(owner.map_), worker_(owner.shared_, index, static_cast<uint64_t>(index) + 1) {}

    Found<Number> Load(Number number) {
      const Found<Number> found = Look(KeyOf(number));
      EndOperation();
      return found;
    }
    Found<Number> LoadOrStore(Number number, Number value);
    Found<Number> LoadAndDelete(Number number);
    void Delete(Number number) { LoadAndDelete(number); }
    void Store(Number number, Number value) { Swap(number, value); }
    Found<Number> Swap(Number number, Number value);
    bool CompareAndSwap(Number number, Number old_value, Number value);
    template <typename Visit>
    void Range(Visit&& visit);

    void Clear();

   private:
    // Holds the map for a scope.
    class Locked {
     public:
      explicit Locked(Client& client) NO_THREAD_SAFETY_ANALYSIS : client_(client) {
        client_.worker_.Unpin();  // never wait pinned
        client_.map_.Lock(client_.worker_);
      }
      ~Locked() NO_THREAD_SAFETY_ANALYSIS { client_.map_.Unlock(); }
      Locked(const Locked&) = delete;
      Locked& operator=(const Locked&) = delete;

     private:
      Client& client_;
    };

    // A look without the lock is tried first where it is one, as sync.Map does.
    static constexpr bool kLooksFirst = map_kind != MapKind::kPlain && map_kind != MapKind::kMutex;

    // The key refers to the number.
    Key KeyOf(const Number& number) const {
      return worker_.hasher()({reinterpret_cast<const char*>(&number), sizeof(number)});
    }
    OwnedEntry Make(const Key& key, Number value) {
      return Entry::MakeInteger(worker_.allocator(), key.bytes, static_cast<int64_t>(value),
                                store::kNoDeadline);
    }
    static Number ValueOf(const Entry& entry) { return static_cast<Number>(entry.integer()); }
    void Retire(Entry* entry) { worker_.epoch().Retire(entry, entry->BlockBytes()); }

    Found<Number> Look(const Key& key);
    store::Map::Place Locate(const Key& key) REQUIRES(map_);
    void Replace(const store::Map::Place& place, OwnedEntry fresh) REQUIRES(map_);
    void EndOperation() {
      if (++since_run_ >= kRun) EndRun();
    }
    void EndRun();

    store::Map& map_;
    Worker worker_;
    int since_run_ = 0;
    bool promotion_due_ = false;
  };

  Client& client(int i) { return clients_[static_cast<size_t>(i)]; }

 private:
  Worker::Shared shared_{
      .epochs = {}, .reader_slots = {}, .hasher = store::Hasher(42), .shards = 1};
  store::Map map_{map_kind};
  std::deque<Client> clients_;
};

template <MapKind map_kind>
Found<Number> LarderMap<map_kind>::Client::Look(const Key& key) {
  const Entry* found = nullptr;
  Number value = 0;
  const auto outcome = map_.Read(worker_, key, [&](const Entry* entry) {
    found = entry;
    if (entry != nullptr) value = ValueOf(*entry);
    return true;
  });
  if (outcome == store::Map::ReadOutcome::kTakeTheLock) [[unlikely]] {
    Locked lock(*this);
    map_.AssertHeld();
    found = nullptr;
    if (const auto place = Locate(key)) {
      found = place.entry();
      value = ValueOf(*found);
    }
  } else if (outcome == store::Map::ReadOutcome::kDonePromotionDue) {
    promotion_due_ = true;
  }
  return {value, found != nullptr};
}

template <MapKind map_kind>
store::Map::Place LarderMap<map_kind>::Client::Locate(const Key& key) {
  const auto place = map_.Locate(key);
  if (map_.CountMiss(worker_, place)) [[unlikely]]
    promotion_due_ = true;
  return place;
}

template <MapKind map_kind>
void LarderMap<map_kind>::Client::Replace(const store::Map::Place& place, OwnedEntry fresh) {
  Entry* old = place.entry();
  store::Map::Replace(place, fresh.release());
  Retire(old);
  map_.Upkeep(worker_, 1);
}

template <MapKind map_kind>
Found<Number> LarderMap<map_kind>::Client::LoadOrStore(Number number, Number value) {
  const Key key = KeyOf(number);
  EndOperation();
  OwnedEntry fresh(nullptr, store::EntryDeleter{&worker_.allocator()});
  if constexpr (kLooksFirst) {
    if (const auto found = Look(key); found.ok) return found;
    fresh = Make(key, value);  // likely needed: not made under the lock
  }
  Locked lock(*this);
  map_.AssertHeld();
  if (const auto place = Locate(key)) return {ValueOf(*place.entry()), true};
  if (fresh == nullptr) fresh = Make(key, value);
  map_.Insert(worker_, key, fresh.release());
  return {value, false};
}

template <MapKind map_kind>
Found<Number> LarderMap<map_kind>::Client::LoadAndDelete(Number number) {
  const Key key = KeyOf(number);
  EndOperation();
  if constexpr (kLooksFirst) {
    if (!Look(key).ok) return {};
  }
  Locked lock(*this);
  map_.AssertHeld();
  const auto place = Locate(key);
  if (!place) return {};
  Entry* entry = place.entry();
  const Number value = ValueOf(*entry);
  map_.Erase(worker_, key, place);
  Retire(entry);
  return {value, true};
}

template <MapKind map_kind>
Found<Number> LarderMap<map_kind>::Client::Swap(Number number, Number value) {
  const Key key = KeyOf(number);
  EndOperation();
  OwnedEntry fresh = Make(key, value);
  Locked lock(*this);
  map_.AssertHeld();
  const auto place = Locate(key);
  if (!place) {
    map_.Insert(worker_, key, fresh.release());
    return {};
  }
  const Number old = ValueOf(*place.entry());
  Replace(place, std::move(fresh));
  return {old, true};
}

template <MapKind map_kind>
bool LarderMap<map_kind>::Client::CompareAndSwap(Number number, Number old_value, Number value) {
  const Key key = KeyOf(number);
  EndOperation();
  if constexpr (kLooksFirst) {
    const auto found = Look(key);
    if (!found.ok || found.value != old_value) return false;
  }
  Locked lock(*this);
  map_.AssertHeld();
  const auto place = Locate(key);
  if (!place || ValueOf(*place.entry()) != old_value) return false;
  Replace(place, Make(key, value));
  return true;
}

// As SCAN does: every key that stays is visited, the lock is given up in between.
template <MapKind map_kind>
template <typename Visit>
void LarderMap<map_kind>::Client::Range(Visit&& visit) {
  bool more = true;
  for (uint64_t position = 0; more && position != Table::kScanEnd;) {
    Locked lock(*this);
    map_.AssertHeld();
    for (int i = 0; more && i < kBucketsALock && position != Table::kScanEnd; ++i) {
      const auto at = static_cast<uint32_t>(position);
      map_.VisitBucket(Table::BucketBitsAt(at), [&](const store::Map::Place& place) {
        const Entry& entry = *place.entry();
        Number number;
        memcpy(&number, entry.key().data(), sizeof(number));
        more = more && visit(number, ValueOf(entry));
      });
      position = map_.NextScanPosition(at);
    }
  }
  EndRun();
}

template <MapKind map_kind>
void LarderMap<map_kind>::Client::EndRun() {
  since_run_ = 0;
  worker_.Unpin();
  worker_.ReclaimIfCrowded();
  if (promotion_due_) [[unlikely]] {
    promotion_due_ = false;
    Locked lock(*this);
    map_.AssertHeld();
    map_.TidyUp(worker_, kUpkeepSteps);
  }
}

template <MapKind map_kind>
void LarderMap<map_kind>::Client::Clear() {
  Locked lock(*this);
  map_.AssertHeld();
  while (!map_.MergeStep(worker_)) {
  }
  for (uint64_t position = 0; map_.size() != 0;) {
    const auto at = static_cast<uint32_t>(position);
    store::Map::Place victim;
    map_.VisitBucket(Table::BucketBitsAt(at), [&](const auto& place) { victim = place; });
    if (victim) {
      Entry* entry = victim.entry();
      map_.Erase(worker_, worker_.hasher()(entry->key()), victim);
      Retire(entry);
      if (map_.size() % kClearedAReclaim == 0) worker_.Reclaim();
    } else {
      position = map_.NextScanPosition(at) % Table::kScanEnd;
    }
  }
}

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

// --- The workloads. Each thread counts i up from a number of its own.

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
