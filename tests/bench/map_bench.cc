// What an operation on the keyspace costs under each kind of map: one body, run for every kind.
//
//   Map/<mix>/keys:N/shards:N/<pace>/<kind>/threads:N
//
// The kinds of one row run one after the other, so compare within a row. "Time" is the wall clock
// divided by the operations of all threads, "CPU" what an operation costs the thread that runs it:
// the one to compare on a machine that does other things too (a thread parked at a lock costs
// none, so under contention look at both).
//
// A mix names the share of GETs among GETs and SETs of keys that exist; "absent" reads keys that
// do not; "churn" sets keys that were never there before, with a TTL, and reads them back, some of
// them expired: as many come as go. Keys are 16 bytes, values 32, chosen uniformly.
//
// The pace is how operations arrive: "single" one by one, unpinned in between, as clients that
// wait for each reply send them; "batch" as a pipeline of 16; "prefetch" the same, with the hints
// that the server gives.
//
// All rows take half an hour; --benchmark_min_time=0.05 and a --benchmark_filter are for those who
// have less.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "store/keyspace.h"

namespace larder::store {
namespace {

constexpr size_t kBatch = 16;
constexpr std::string_view kValue = "0123456789abcdef0123456789abcdef";
// The server looks in every few milliseconds, and a look frees at most this many retired entries.
constexpr size_t kOperationsAMaintenance = 4096;
constexpr std::chrono::microseconds kMaintenanceBudget{500};
constexpr int64_t kMeanTtlMs = 1000;
constexpr uint64_t kAbsent = uint64_t{1} << 60;  // keys from here on are never set

struct Mix {
  std::string_view name;
  uint64_t write_percent;
  bool absent = false;
  bool churn = false;
};
constexpr std::array kMixes = {Mix{"read99", 1},       Mix{"read95", 5},
                               Mix{"read50", 50},      Mix{"read10", 90},
                               Mix{"absent", 0, true}, Mix{"churn", 50, false, true}};

enum class Pace { kSingle, kPipelined, kPrefetched };
constexpr std::array kPaces = {Pace::kSingle, Pace::kPipelined, Pace::kPrefetched};
constexpr std::string_view Name(Pace pace) {
  constexpr std::string_view kNames[] = {"single", "batch", "prefetch"};
  return kNames[static_cast<size_t>(pace)];
}

// What the kinds of a row have in common.
struct Row {
  uint64_t keys;
  int shards;
  int threads;
  bool churn;
  auto operator<=>(const Row&) const = default;
};

// The text of key number i, made instead of fetched: a table of texts would cost a cache miss that
// a server does not have.
class KeyText {
 public:
  explicit KeyText(uint64_t i) : words_{i * 0x9E3779B97F4A7C15ULL, i} {}
  std::string_view view() const { return {reinterpret_cast<const char*>(words_), sizeof(words_)}; }

 private:
  uint64_t words_[2];
};

struct Store;

// One thread's work.
class Client {
 public:
  Client(Store& store, const Row& row, int thread);

  void RunBatch(const Mix& mix, Pace pace);
  void Set(const Key& key, UnixMs deadline = kNoDeadline);

 private:
  struct Operation {
    KeyText text{0};
    UnixMs deadline = kNoDeadline;
    bool is_write = false;
  };

  void Choose(const Mix& mix, Operation& operation);
  void ChooseChurn(Operation& operation);
  void Get(const Key& key);
  void Run(const Operation& operation, const Key& key);
  void Prefetch();
  void Maintain();

  Store& store_;
  const Row row_;
  const int thread_;
  Worker& worker_;
  uint64_t fresh_ = 0;  // keys that churn has made
  uint64_t since_maintenance_ = 0;
  UnixMs maintain_at_ = 0;
  std::array<Operation, kBatch> batch_;
  std::array<KeyAt, kBatch> keys_;  // of the batch
  char reply_[kValue.size()];
};

// A keyspace under one kind, filled, with a client for each thread.
struct Store {
  Store(const Row& row, MapKind kind)
      : keyspace({.databases = 1, .shards = row.shards, .kind = kind, .threads = row.threads},
                 clock) {
    for (int i = 0; i < row.threads; ++i) clients.emplace_back(*this, row, i);
    if (row.churn) {
      const size_t batches = 2 * row.keys / kBatch;
      for (size_t i = 0; i < 2 * batches; ++i)
        clients[i % clients.size()].RunBatch(kMixes.back(), Pace::kPrefetched);
    } else {
      for (uint64_t i = 0; i < row.keys; ++i) clients[0].Set(keyspace.Hash(KeyText(i).view()));
      // A sync map promotes its new keys once they are asked for: let that be over.
      for (uint64_t i = 0; i < 4 * row.keys / kBatch; ++i)
        clients[0].RunBatch({"warm-up", 0}, Pace::kPrefetched);
    }
  }

  ManualClock clock;
  Keyspace keyspace;
  std::deque<Client> clients;
};

Client::Client(Store& store, const Row& row, int thread)
    : store_(store), row_(row), thread_(thread), worker_(store.keyspace.AddWorker()) {}

void Client::RunBatch(const Mix& mix, Pace pace) {
  worker_.set_now(store_.clock.Now());
  for (Operation& operation : batch_) Choose(mix, operation);
  if (pace == Pace::kPrefetched) Prefetch();
  for (size_t i = 0; i < kBatch; ++i) {
    if (pace != Pace::kPrefetched) keys_[i] = {0, store_.keyspace.Hash(batch_[i].text.view())};
    Run(batch_[i], keys_[i].key);
    if (pace == Pace::kSingle) worker_.Unpin();
  }
  worker_.Unpin();
  since_maintenance_ += kBatch;
  if (since_maintenance_ >= kOperationsAMaintenance || worker_.now() >= maintain_at_) Maintain();
}

void Client::Choose(const Mix& mix, Operation& operation) {
  const uint64_t random = worker_.Random();
  operation.is_write = (random >> 32) % 100 < mix.write_percent;
  if (mix.churn) {
    ChooseChurn(operation);
  } else {
    operation.text = KeyText((random & 0xFFFFFFFF) % row_.keys + (mix.absent ? kAbsent : 0));
  }
}

// Time passes with the writes of the first client, so that about row_.keys are alive at any time.
void Client::ChooseChurn(Operation& operation) {
  const uint64_t mine = static_cast<uint64_t>(thread_) << 40;
  const auto threads = static_cast<uint64_t>(row_.threads);
  if (!operation.is_write) {
    const uint64_t back = worker_.Random() % (row_.keys / threads);
    operation.text = KeyText(mine + (fresh_ > back ? fresh_ - back : 0));
    return;
  }
  operation.text = KeyText(mine + ++fresh_);
  operation.deadline =
      worker_.now() + kMeanTtlMs / 2 + static_cast<int64_t>(worker_.Random() % kMeanTtlMs);
  if (thread_ == 0 && fresh_ % (row_.keys / kMeanTtlMs / threads) == 0) store_.clock.Advance(1);
}

void Client::Prefetch() {
  for (size_t i = 0; i < kBatch; ++i) {
    keys_[i] = {0, store_.keyspace.Hash(batch_[i].text.view())};
  }
  store_.keyspace.Prefetch(worker_, keys_);
}

void Client::Run(const Operation& operation, const Key& key) {
  if (operation.is_write) {
    Set(key, operation.deadline);
  } else {
    Get(key);
  }
}

void Client::Get(const Key& key) {
  store_.keyspace.Read(worker_, 0, key, [&](const Entry* entry) {
    if (entry == nullptr) return;
    IntegerText text;
    const std::string_view value = entry->value(text);
    memcpy(reply_, value.data(), value.size());
  });
  benchmark::DoNotOptimize(reply_);
}

void Client::Set(const Key& key, UnixMs deadline) {
  OwnedEntry entry = Entry::MakeString(worker_.allocator(), key.bytes, kValue, deadline);
  store_.keyspace.Write(worker_, 0, key, [&](KeyEditor& editor) { editor.Put(std::move(entry)); });
}

void Client::Maintain() {
  since_maintenance_ = 0;
  maintain_at_ = store_.keyspace.Maintain(worker_, kMaintenanceBudget).next_at;
}

// The filled store of one kind. Those of the row before are given up, so that a whole run needs
// the memory of one row.
Store& StoreFor(const Row& row, MapKind kind) {
  static std::mutex mutex;
  static std::map<std::pair<Row, MapKind>, std::unique_ptr<Store>> stores;
  std::lock_guard lock(mutex);  // the threads of one run ask together
  std::erase_if(stores, [&](const auto& each) { return each.first.first != row; });
  std::unique_ptr<Store>& store = stores[{row, kind}];
  if (store == nullptr) store = std::make_unique<Store>(row, kind);
  return *store;
}

void RunMix(benchmark::State& state, const Row& row, const Mix& mix, Pace pace, MapKind kind) {
  Store& store = StoreFor(row, kind);
  Client& client = store.clients[static_cast<size_t>(state.thread_index())];
  while (state.KeepRunningBatch(kBatch)) client.RunBatch(mix, pace);
  if (state.thread_index() == 0) {
    state.counters["alive"] = static_cast<double>(store.keyspace.Size(0));
  }
}

void RegisterRow(const Row& row, const Mix& mix, Pace pace) {
  for (const MapKind kind : kMapKinds) {
    if (kind == MapKind::kPlain && row.threads > 1) continue;
    const std::string name = "Map/" + std::string(mix.name) + "/keys:" + std::to_string(row.keys) +
                             "/shards:" + std::to_string(row.shards) + "/" +
                             std::string(Name(pace)) + "/" + std::string(Name(kind));
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      RunMix(state, row, mix, pace, kind);
    })->Threads(row.threads);
  }
}

[[maybe_unused]] const bool registered = [] {
  for (const uint64_t keys : {100'000, 1'000'000}) {
    for (const int shards : {1, 1024}) {
      for (const int threads : {1, 2}) {
        for (const Mix& mix : kMixes) {
          for (const Pace pace : kPaces) RegisterRow({keys, shards, threads, mix.churn}, mix, pace);
        }
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace larder::store
