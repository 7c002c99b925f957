// What a cache's operations cost under each kind of map, and in others' maps: one body for all.
//
//   Map/<mix>/keys:N/shards:N/<pace>/<map>/threads:N
//
// The maps of one row run one after the other, so compare within a row. "Time" is the wall clock
// divided by the operations of all threads, "CPU" what an operation costs the thread that runs it:
// the one to compare on a machine that does other things too (a thread parked at a lock costs
// none, so under contention look at both).
//
// A mix names the share of GETs among GETs and SETs of keys that exist, chosen uniformly or by
// Zipf's law; kMixes has the others. Keys are 16 bytes, values 32. "iterate" goes over the whole
// map and counts keys.
//
// The pace is how operations arrive: "single" one by one, unpinned in between, as clients that
// wait for each reply send them; "batch" as a pipeline of 16; "prefetch" the same, with the hints
// that the server gives.
//
// The kinds are a whole keyspace, as the server uses it. The peers (map_peers.h) are shown beside
// one shard. They have keys that expire no more than they have hints: under churn the client
// itself deletes the key that falls due. They hash by XXH3 too, keep a value in place and copy no
// key to look it up.
//
// All rows take hours; a --benchmark_filter is for everybody, --benchmark_min_time=0.05 for those
// who have less time.
#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/keyspace.h"
#include "tests/bench/map_peers.h"

namespace larder::bench {
namespace {

using store::Entry;
using store::Key;
using store::KeyAt;
using store::Keyspace;
using store::MapKind;
using store::UnixMs;
using store::Worker;

constexpr size_t kBatch = 16;
constexpr std::string_view kText = "0123456789abcdef0123456789abcdef";
using Value = std::array<char, kText.size()>;
// The server looks in every few milliseconds, and a look frees at most this many retired entries.
constexpr size_t kOperationsAMaintenance = 4096;
constexpr std::chrono::microseconds kMaintenanceBudget{500};
constexpr size_t kScanKeys = 1000;
constexpr uint64_t kMeanTtlMs = 1000;
constexpr uint64_t kAbsent = uint64_t{1} << 60;  // keys from here on are never set
constexpr uint64_t kKeysHeldMax = 2'000'000;     // of all maps of a row together

struct Mix {
  std::string_view name;
  uint64_t write_percent = 0;
  bool zipf = false;
  bool absent = false;  // GETs ask for keys that are not there
  // SETs are of keys that were never there before, with a TTL, and as many come as go; GETs read
  // them back, some of them expired.
  bool churn = false;
  bool iterate = false;
};
constexpr Mix kChurn = {.name = "churn", .write_percent = 50, .churn = true};
constexpr std::array kMixes = {
    Mix{.name = "read99", .write_percent = 1},
    Mix{.name = "read99_zipf", .write_percent = 1, .zipf = true},
    Mix{.name = "read95", .write_percent = 5},
    Mix{.name = "read95_zipf", .write_percent = 5, .zipf = true},
    Mix{.name = "read50", .write_percent = 50},
    Mix{.name = "read10", .write_percent = 90},
    Mix{.name = "absent", .absent = true},
    Mix{.name = "iterate", .iterate = true},
    Mix{.name = "arrivals", .write_percent = 5, .absent = true, .churn = true},
    Mix{.name = "written_once", .write_percent = 1, .churn = true},
    kChurn};

enum class Pace { kSingle, kPipelined, kPrefetched };
constexpr std::array kPaces = {Pace::kSingle, Pace::kPipelined, Pace::kPrefetched};
constexpr std::string_view Name(Pace pace) {
  constexpr std::string_view kNames[] = {"single", "batch", "prefetch"};
  return kNames[static_cast<size_t>(pace)];
}

// What the maps of a row have in common.
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

struct Operation {
  KeyText text{0};
  KeyText due{kAbsent};  // which key goes when this one comes
  UnixMs deadline = store::kNoDeadline;
  bool is_write = false;
};

// xorshift64* (Vigna).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed | 1) {}
  uint64_t operator()() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DULL;
  }

 private:
  uint64_t state_;
};

// Ranks below `keys` drawn by Zipf's law with the exponent 0.99, by the inverse of its continuous
// form. They are drawn before, as the drawing costs as much as a look-up.
std::vector<uint32_t> DrawZipf(uint64_t keys) {
  constexpr double kRest = 1 - 0.99;
  std::vector<uint32_t> ranks(size_t{1} << 20);
  Random random(keys);
  const double most = std::pow(static_cast<double>(keys), kRest) - 1;
  for (uint32_t& rank : ranks) {
    const double share = static_cast<double>(random() >> 11) * 0x1p-53;
    rank = static_cast<uint32_t>(std::pow(share * most + 1, 1 / kRest) - 1);
  }
  return ranks;
}

// --- The maps under test

// What one thread has of a map.
class Hand {
 public:
  Hand() = default;
  Hand(const Hand&) = delete;
  Hand& operator=(const Hand&) = delete;
  virtual ~Hand() = default;
  virtual void Run(std::span<const Operation> batch, Pace pace) = 0;
  virtual void VisitAll() = 0;
};

class MapUnderTest {
 public:
  MapUnderTest() = default;
  MapUnderTest(const MapUnderTest&) = delete;
  MapUnderTest& operator=(const MapUnderTest&) = delete;
  virtual ~MapUnderTest() = default;
  // One for each thread, before any is used.
  virtual std::unique_ptr<Hand> NewHand() = 0;

  store::ManualClock clock;
};

class KeyspaceHand final : public Hand {
 public:
  KeyspaceHand(Keyspace& keyspace, store::Clock& clock)
      : keyspace_(keyspace), clock_(clock), worker_(keyspace.AddWorker()) {}

  void Run(std::span<const Operation> batch, Pace pace) override;
  void VisitAll() override;

 private:
  void Get(const Key& key);
  void Set(const Key& key, UnixMs deadline);
  void Copy(const Entry& entry);
  void Maintain();

  Keyspace& keyspace_;
  store::Clock& clock_;
  Worker& worker_;
  uint64_t since_maintenance_ = 0;
  UnixMs maintain_at_ = 0;
  std::array<KeyAt, kBatch> keys_;
  Value reply_;
};

void KeyspaceHand::Run(std::span<const Operation> batch, Pace pace) {
  worker_.set_now(clock_.Now());
  if (pace == Pace::kPrefetched) {
    for (size_t i = 0; i < batch.size(); ++i) keys_[i] = {0, keyspace_.Hash(batch[i].text.view())};
    keyspace_.Prefetch(worker_, std::span(keys_).first(batch.size()));
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    if (pace != Pace::kPrefetched) keys_[i] = {0, keyspace_.Hash(batch[i].text.view())};
    if (batch[i].is_write) {
      Set(keys_[i].key, batch[i].deadline);
    } else {
      Get(keys_[i].key);
    }
    if (pace == Pace::kSingle) worker_.Unpin();
  }
  worker_.Unpin();
  since_maintenance_ += batch.size();
  if (since_maintenance_ >= kOperationsAMaintenance || worker_.now() >= maintain_at_) Maintain();
}

void KeyspaceHand::Get(const Key& key) {
  keyspace_.Read(worker_, 0, key, [&](const Entry* entry) {
    if (entry != nullptr) Copy(*entry);
  });
  benchmark::DoNotOptimize(reply_);
}

void KeyspaceHand::Set(const Key& key, UnixMs deadline) {
  store::OwnedEntry entry = Entry::MakeString(worker_.allocator(), key.bytes, kText, deadline);
  keyspace_.Write(worker_, 0, key, [&](store::KeyEditor& editor) { editor.Put(std::move(entry)); });
}

void KeyspaceHand::VisitAll() {
  uint64_t cursor = 0;
  do {
    cursor = keyspace_.Scan(worker_, 0, cursor, kScanKeys, [&](const Entry& entry) {
      Copy(entry);
      benchmark::DoNotOptimize(reply_);
    });
  } while (cursor != 0);
}

void KeyspaceHand::Copy(const Entry& entry) {
  store::IntegerText text;
  const std::string_view value = entry.value(text);
  memcpy(reply_.data(), value.data(), value.size());
}

void KeyspaceHand::Maintain() {
  since_maintenance_ = 0;
  maintain_at_ = keyspace_.Maintain(worker_, kMaintenanceBudget).next_at;
}

class KeyspaceUnderTest final : public MapUnderTest {
 public:
  KeyspaceUnderTest(const Row& row, MapKind kind)
      : keyspace_({.databases = 1, .shards = row.shards, .kind = kind, .threads = row.threads},
                  clock) {}
  std::unique_ptr<Hand> NewHand() override {
    return std::make_unique<KeyspaceHand>(keyspace_, clock);
  }

 private:
  Keyspace keyspace_;
};

template <typename Map>
class PeerHand final : public Hand {
 public:
  explicit PeerHand(Map& map) : map_(map) { memcpy(value_.data(), kText.data(), kText.size()); }

  void Run(std::span<const Operation> batch, Pace) override {
    for (const Operation& operation : batch) {
      key_.assign(operation.text.view());
      if (!operation.is_write) {
        if (const auto found = map_.Load(key_); found.ok) reply_ = found.value;
        benchmark::DoNotOptimize(reply_);
        continue;
      }
      map_.Store(key_, value_);
      if (operation.deadline == store::kNoDeadline) continue;
      key_.assign(operation.due.view());
      map_.Delete(key_);
    }
  }
  void VisitAll() override {
    map_.Range([&](const std::string&, const Value& value) {
      reply_ = value;
      benchmark::DoNotOptimize(reply_);
      return true;
    });
  }

 private:
  Map& map_;
  std::string key_;
  Value value_;
  Value reply_;
};

template <typename Map>
class PeerUnderTest final : public MapUnderTest {
 public:
  std::unique_ptr<Hand> NewHand() override { return std::make_unique<PeerHand<Map>>(map_); }

 private:
  Map map_;
};

struct Hash {
  size_t operator()(const std::string& key) const { return store::Hasher(42).Hash(key); }
};

struct Choice {
  std::string_view name;
  std::unique_ptr<MapUnderTest> (*make)(const Row&);
  bool peer = false;
};

template <MapKind kind>
constexpr Choice kKeyspace = {Name(kind), [](const Row& row) -> std::unique_ptr<MapUnderTest> {
                                return std::make_unique<KeyspaceUnderTest>(row, kind);
                              }};
template <typename Map>
std::unique_ptr<MapUnderTest> MakePeer(const Row&) {
  return std::make_unique<PeerUnderTest<Map>>();
}
constexpr std::array kChoices = {
    kKeyspace<MapKind::kPlain>,
    kKeyspace<MapKind::kMutex>,
    kKeyspace<MapKind::kRwMutex>,
    kKeyspace<MapKind::kSync>,
    kKeyspace<MapKind::kRcu>,
    Choice{"tbb", MakePeer<TbbMap<std::string, Value, Hash>>, true},
    Choice{"libcuckoo", MakePeer<CuckooMap<std::string, Value, Hash>>, true},
    Choice{"std+lock", MakePeer<LockedMap<std::string, Value, Hash>>, true}};

// --- The load

// One thread's work.
class Client {
 public:
  Client(MapUnderTest& map, const Row& row, const std::vector<uint32_t>& zipf, int thread)
      : clock_(map.clock),
        row_(row),
        thread_(thread),
        hand_(map.NewHand()),
        zipf_(zipf),
        zipf_at_(static_cast<size_t>(thread) * zipf.size() / static_cast<size_t>(row.threads)),
        random_(static_cast<uint64_t>(thread) * 2 + 1) {}

  void RunBatch(const Mix& mix, Pace pace);
  void VisitAll() { hand_->VisitAll(); }
  // Sets keys first to first + kBatch.
  void Fill(uint64_t first);

 private:
  uint64_t Draw(const Mix& mix, uint64_t random);
  void ChooseChurn(Operation& operation);

  store::ManualClock& clock_;
  const Row row_;
  const int thread_;
  std::unique_ptr<Hand> hand_;
  const std::vector<uint32_t>& zipf_;
  size_t zipf_at_;
  Random random_;
  uint64_t fresh_ = 0;  // keys that churn has made
  std::array<Operation, kBatch> batch_;
};

void Client::RunBatch(const Mix& mix, Pace pace) {
  for (Operation& operation : batch_) {
    const uint64_t random = random_();
    operation.is_write = (random >> 32) % 100 < mix.write_percent;
    if (mix.churn && (operation.is_write || !mix.absent)) {
      ChooseChurn(operation);
    } else {
      operation.text = KeyText(Draw(mix, random & 0xFFFFFFFF) + (mix.absent ? kAbsent : 0));
    }
  }
  hand_->Run(batch_, pace);
}

uint64_t Client::Draw(const Mix& mix, uint64_t random) {
  if (!mix.zipf) return random % row_.keys;
  if (++zipf_at_ == zipf_.size()) zipf_at_ = 0;
  return zipf_[zipf_at_];
}

// Time passes with the writes of the first client, so that about row_.keys are alive at any time.
void Client::ChooseChurn(Operation& operation) {
  const uint64_t mine = static_cast<uint64_t>(thread_) << 40;
  const auto threads = static_cast<uint64_t>(row_.threads);
  const uint64_t alive = row_.keys / threads;
  if (!operation.is_write) {
    const uint64_t back = random_() % alive;
    operation.text = KeyText(mine + (fresh_ > back ? fresh_ - back : 0));
    return;
  }
  operation.text = KeyText(mine + ++fresh_);
  operation.due = KeyText(fresh_ > alive ? mine + fresh_ - alive : kAbsent);
  operation.deadline = clock_.Now() + static_cast<int64_t>(kMeanTtlMs / 2 + random_() % kMeanTtlMs);
  if (thread_ != 0) return;
  const uint64_t writes = std::max<uint64_t>(alive / kMeanTtlMs, 1);  // a step of time
  const auto step_ms = static_cast<int64_t>(std::max<uint64_t>(kMeanTtlMs / alive, 1));
  if (fresh_ % writes == 0) clock_.Advance(step_ms);
}

void Client::Fill(uint64_t first) {
  for (Operation& operation : batch_) {
    operation = {.text = KeyText(first++), .is_write = true};
    if (first == row_.keys) break;
  }
  hand_->Run(batch_, Pace::kPrefetched);
}

// A map, filled, with a client for each thread.
struct Store {
  Store(const Row& row, const Choice& choice) : zipf(DrawZipf(row.keys)), map(choice.make(row)) {
    for (int i = 0; i < row.threads; ++i) clients.emplace_back(*map, row, zipf, i);
    if (row.churn) {
      const size_t batches = 4 * row.keys / kBatch;
      for (size_t i = 0; i < batches; ++i)
        clients[i % clients.size()].RunBatch(kChurn, Pace::kPrefetched);
    } else {
      for (uint64_t i = 0; i < row.keys; i += kBatch) clients[0].Fill(i);
      // A sync map promotes its new keys once they are asked for: let that be over.
      for (uint64_t i = 0; i < 4 * row.keys / kBatch; ++i)
        clients[0].RunBatch({"warm-up"}, Pace::kPrefetched);
    }
  }

  const std::vector<uint32_t> zipf;
  const std::unique_ptr<MapUnderTest> map;
  std::deque<Client> clients;
};

// The filled store of one map. Those of the row before are given up, and all others where the keys
// are many, so that a whole run needs the memory of one row.
Store& StoreFor(const Row& row, const Choice& choice) {
  static std::mutex mutex;
  static std::map<std::pair<Row, std::string_view>, std::unique_ptr<Store>> stores;
  std::lock_guard lock(mutex);  // the threads of one run ask together
  const std::pair wanted(row, choice.name);
  std::erase_if(stores, [&](const auto& each) {
    return each.first.first != row || (row.keys > kKeysHeldMax && each.first != wanted);
  });
  std::unique_ptr<Store>& store = stores[wanted];
  if (store == nullptr) store = std::make_unique<Store>(row, choice);
  return *store;
}

void RunMix(benchmark::State& state, const Row& row, const Mix& mix, Pace pace,
            const Choice& choice) {
  Store& store = StoreFor(row, choice);
  Client& client = store.clients[static_cast<size_t>(state.thread_index())];
  if (mix.iterate) {
    while (state.KeepRunningBatch(static_cast<int64_t>(row.keys))) client.VisitAll();
  } else {
    while (state.KeepRunningBatch(kBatch)) client.RunBatch(mix, pace);
  }
}

void Register(Row row, const Mix& mix, Pace pace, const Choice& choice) {
  if (choice.name == Name(MapKind::kPlain) && row.threads > 1) return;
  if (choice.peer && (row.shards > 1 || pace != Pace::kPipelined)) return;
  if (mix.iterate && pace != Pace::kPipelined) return;
  row.churn = mix.churn;
  const std::string name = "Map/" + std::string(mix.name) + "/keys:" + std::to_string(row.keys) +
                           "/shards:" + std::to_string(row.shards) + "/" + std::string(Name(pace)) +
                           "/" + std::string(choice.name);
  benchmark::RegisterBenchmark(name.c_str(), [=, &mix, &choice](benchmark::State& state) {
    RunMix(state, row, mix, pace, choice);
  })->Threads(row.threads);
}

// The maps of a row in turn; where they are too large to be kept, all mixes of a map.
void RegisterRows(const Row& row) {
  if (row.keys > kKeysHeldMax) {
    for (const Choice& choice : kChoices) {
      for (const Mix& mix : kMixes) {
        for (const Pace pace : kPaces) Register(row, mix, pace, choice);
      }
    }
    return;
  }
  for (const Mix& mix : kMixes) {
    for (const Pace pace : kPaces) {
      for (const Choice& choice : kChoices) Register(row, mix, pace, choice);
    }
  }
}

[[maybe_unused]] const bool registered = [] {
  for (const uint64_t keys : {1'000, 100'000, 10'000'000}) {
    for (const int shards : {1, 1024}) {
      for (const int threads : {1, 2, 4, 8}) RegisterRows({keys, shards, threads, false});
    }
  }
  return true;
}();

}  // namespace
}  // namespace larder::bench
