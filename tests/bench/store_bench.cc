// What two decisions of the store cost: the hash function, and the dispatch on a map's kind. The
// heap has a file of its own, heap_bench.cc.
//
// Hash/...: XXH3, which the store uses, against SipHash-1-3, which resists an attacker who can
// watch collisions: alone, and as a second hash in a GET over a million keys.
//
// Dispatch/...: a GET on one of many tables through the switch that the store uses, through a
// virtual call, and with the kind known at compile time; "mixed": each table is of another kind, so
// that no branch can be predicted.
#include <benchmark/benchmark.h>

#include <bit>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/keyspace.h"
#include "tests/bench/key_text.h"

namespace larder::store {
namespace {

using bench::KeyText;

// xorshift64* (Vigna).
class Random {
 public:
  uint64_t operator()() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DULL;
  }

 private:
  uint64_t state_ = 88172645463325252ULL;
};

// --- Hash

// SipHash-c-d (J.-P. Aumasson and D. J. Bernstein, 2012).
template <int c, int d>
uint64_t SipHash(uint64_t key_low, uint64_t key_high, std::string_view bytes) {
  uint64_t v0 = key_low ^ 0x736F6D6570736575ULL;
  uint64_t v1 = key_high ^ 0x646F72616E646F6DULL;
  uint64_t v2 = key_low ^ 0x6C7967656E657261ULL;
  uint64_t v3 = key_high ^ 0x7465646279746573ULL;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
  };
  const auto absorb = [&](uint64_t word) {
    v3 ^= word;
    rounds(c);
    v0 ^= word;
  };
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word;
    memcpy(&word, bytes.data() + at, sizeof(word));
    absorb(word);
  }
  uint64_t last = uint64_t{bytes.size()} << 56;
  memcpy(&last, bytes.data() + at, bytes.size() - at);
  absorb(last);
  v2 ^= 0xFF;
  rounds(d);
  return v0 ^ v1 ^ v2 ^ v3;
}

// The test vector of the paper, appendix A.
bool SipHashIsRight() {
  char bytes[15];
  for (size_t i = 0; i < sizeof(bytes); ++i) bytes[i] = static_cast<char>(i);
  return SipHash<2, 4>(0x0706050403020100ULL, 0x0F0E0D0C0B0A0908ULL, {bytes, sizeof(bytes)}) ==
         0xA129CA6149BE45E5ULL;
}

struct Xxh3 {
  uint64_t operator()(std::string_view bytes) const { return hasher.Hash(bytes); }
  Hasher hasher{42};
};
struct SipHash13 {
  uint64_t operator()(std::string_view bytes) const {
    return SipHash<1, 3>(key_low, key_high, bytes);
  }
  uint64_t key_low = 42;
  uint64_t key_high = 43;
};
struct NoHash {
  uint64_t operator()(std::string_view) const { return 0; }
};

template <typename Hash>
void HashAlone(benchmark::State& state) {
  if (!SipHashIsRight()) return state.SkipWithError("SipHash is wrong");
  const auto bytes = static_cast<size_t>(state.range(0));
  const std::string text(1024 + bytes, 'k');
  Hash hash;
  benchmark::DoNotOptimize(hash);  // the seed is not a constant
  while (state.KeepRunningBatch(1024)) {
    for (size_t i = 0; i < 1024; ++i) benchmark::DoNotOptimize(hash({text.data() + i, bytes}));
  }
}
BENCHMARK(HashAlone<Xxh3>)->Name("Hash/xxh3")->Arg(16)->Arg(40);
BENCHMARK(HashAlone<SipHash13>)->Name("Hash/siphash13")->Arg(16)->Arg(40);

constexpr size_t kPipeline = 16;
constexpr uint64_t kKeys = 1'000'000;

// Pipelined GETs whose keys are hashed once more with `Hash`: compare with none.
template <typename Hash>
void GetHashedAgain(benchmark::State& state) {
  static ManualClock clock;
  static Keyspace keyspace({.databases = 1}, clock);
  static Worker& worker = [&]() -> Worker& {
    Worker& first = keyspace.AddWorker();
    for (uint64_t i = 0; i < kKeys; ++i) {
      keyspace.Write(first, 0, keyspace.Hash(KeyText(i).view()),
                     [](KeyEditor& key) { key.PutString("0123456789abcdef0123456789abcdef"); });
    }
    return first;
  }();
  Hash again;
  benchmark::DoNotOptimize(again);
  std::vector<KeyText> texts(kPipeline, KeyText(0));
  std::vector<KeyAt> keys(kPipeline);
  while (state.KeepRunningBatch(kPipeline)) {
    for (size_t i = 0; i < kPipeline; ++i) {
      texts[i] = KeyText(worker.Random() % kKeys);
      benchmark::DoNotOptimize(again(texts[i].view()));
      keys[i] = {0, keyspace.Hash(texts[i].view())};
    }
    keyspace.Prefetch(worker, keys);
    for (const KeyAt& at : keys) {
      keyspace.Read(worker, 0, at.key,
                    [](const Entry* entry) { benchmark::DoNotOptimize(entry->value_size()); });
    }
    worker.Unpin();
  }
}
BENCHMARK(GetHashedAgain<NoHash>)->Name("Hash/get/and_none");
BENCHMARK(GetHashedAgain<Xxh3>)->Name("Hash/get/and_xxh3");
BENCHMARK(GetHashedAgain<SipHash13>)->Name("Hash/get/and_siphash13");

// --- Dispatch

struct TableUnderGuard {
  explicit TableUnderGuard(MapKind kind) : guard(kind), table(layout, size) {}
  MapGuard guard;
  LayoutVersion layout;
  size_t size = 0;
  Table table;
};

template <typename Kind>
const Entry* GetAs(TableUnderGuard& from, Worker& worker, const Key& key) {
  typename Kind::Reader reader(from.guard, worker);
  return from.table.Find(key, reader.protection()).entry;
}

class VirtualMap {
 public:
  VirtualMap() = default;
  virtual ~VirtualMap() = default;
  virtual const Entry* Get(TableUnderGuard& from, Worker& worker, const Key& key) const = 0;
};

template <typename Kind>
class VirtualMapOf final : public VirtualMap {
 public:
  const Entry* Get(TableUnderGuard& from, Worker& worker, const Key& key) const override {
    return GetAs<Kind>(from, worker, key);
  }
};

std::unique_ptr<VirtualMap> MakeVirtual(MapKind kind) {
  switch (kind) {
    case MapKind::kPlain:
      return std::make_unique<VirtualMapOf<PlainMap>>();
    case MapKind::kMutex:
      return std::make_unique<VirtualMapOf<MutexMap>>();
    case MapKind::kRwMutex:
      return std::make_unique<VirtualMapOf<RwMap>>();
    case MapKind::kSync:
    case MapKind::kRcu:
      return std::make_unique<VirtualMapOf<RcuMap>>();
  }
  __builtin_unreachable();
}

// Many tables with a few keys each, as shards are.
class Tables {
 public:
  static constexpr size_t kTables = 256;     // a power of two
  static constexpr size_t kKeysATable = 16;  // few: the caches hold all, and dispatch shows

  explicit Tables(bool mixed) {
    for (size_t i = 0; i < kTables; ++i) {
      const MapKind kind = mixed ? kMapKinds[i % kMapKinds.size()] : MapKind::kRcu;
      tables_.emplace_back(kind);
      virtual_.push_back(MakeVirtual(kind));
    }
    for (uint64_t i = 0; i < kTables * kKeysATable; ++i) {
      texts_.emplace_back(i);
      keys_.push_back(worker_.hasher()(texts_.back().view()));
      entries_.push_back(Entry::MakeString(worker_.allocator(), keys_[i].bytes, "v", kNoDeadline));
      At(keys_[i]).table.Insert(worker_, keys_[i], entries_.back().get());
    }
  }
  ~Tables() {
    for (const Key& key : keys_) {
      Table& table = At(key).table;
      table.Erase(worker_, key.bucket_bits(), table.Locate(key));
    }
  }

  const Key& RandomKey() { return keys_[random_() % keys_.size()]; }
  TableUnderGuard& At(const Key& key) { return tables_[IndexOf(key)]; }
  const VirtualMap& VirtualAt(const Key& key) { return *virtual_[IndexOf(key)]; }
  Worker& worker() { return worker_; }

 private:
  static size_t IndexOf(const Key& key) { return (key.hash >> 40) % kTables; }

  Worker::Shared shared_{.epochs = {}, .reader_slots = {}, .hasher = Hasher(42), .shards = 1};
  Worker worker_{shared_, 0, 1};
  Random random_;
  std::deque<TableUnderGuard> tables_;
  std::vector<std::unique_ptr<VirtualMap>> virtual_;
  std::deque<KeyText> texts_;
  std::vector<Key> keys_;
  std::vector<OwnedEntry> entries_;
};

struct ByTemplate {
  static const Entry* Get(Tables& tables, const Key& key) {
    return GetAs<RcuMap>(tables.At(key), tables.worker(), key);
  }
};
struct BySwitch {
  static const Entry* Get(Tables& tables, const Key& key) {
    TableUnderGuard& from = tables.At(key);
    switch (from.guard.kind()) {
      case MapKind::kPlain:
        return GetAs<PlainMap>(from, tables.worker(), key);
      case MapKind::kMutex:
        return GetAs<MutexMap>(from, tables.worker(), key);
      case MapKind::kRwMutex:
        return GetAs<RwMap>(from, tables.worker(), key);
      case MapKind::kSync:
      case MapKind::kRcu:
        return GetAs<RcuMap>(from, tables.worker(), key);
    }
    __builtin_unreachable();
  }
};
struct ByVirtualCall {
  static const Entry* Get(Tables& tables, const Key& key) {
    return tables.VirtualAt(key).Get(tables.At(key), tables.worker(), key);
  }
};

template <typename Way, bool mixed>
void Dispatch(benchmark::State& state) {
  Tables tables(mixed);
  while (state.KeepRunningBatch(kPipeline)) {
    for (size_t i = 0; i < kPipeline; ++i)
      benchmark::DoNotOptimize(Way::Get(tables, tables.RandomKey()));
    tables.worker().Unpin();
  }
}
BENCHMARK(Dispatch<ByTemplate, false>)->Name("Dispatch/all_rcu/template");
BENCHMARK(Dispatch<BySwitch, false>)->Name("Dispatch/all_rcu/switch");
BENCHMARK(Dispatch<ByVirtualCall, false>)->Name("Dispatch/all_rcu/virtual");
BENCHMARK(Dispatch<BySwitch, true>)->Name("Dispatch/mixed/switch");
BENCHMARK(Dispatch<ByVirtualCall, true>)->Name("Dispatch/mixed/virtual");

}  // namespace
}  // namespace larder::store
