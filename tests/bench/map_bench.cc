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

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/map_peers.h"
#include "tests/bench/map_under_test.h"

namespace larder::bench {
namespace {

constexpr uint64_t kMeanTtlMs = 1000;
constexpr uint64_t kKeysHeldMax = 2'000'000;  // of all maps of a row together

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
constexpr Mix kArrivalsOnly = {.name = "fill", .write_percent = 100, .churn = true};
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
    Mix{.name = "churn", .write_percent = 50, .churn = true}};

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
                                return std::make_unique<KeyspaceUnderTest>(kind, row.shards,
                                                                           row.threads);
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
    if (row.churn) {  // half as many writes again as there are keys: by then as many go as come
      for (uint64_t i = 0; i < row.keys * 3 / 2; i += kBatch)
        clients[i / kBatch % clients.size()].RunBatch(kArrivalsOnly, Pace::kPrefetched);
    } else {
      for (uint64_t i = 0; i < row.keys; i += kBatch) clients[0].Fill(i);
      // A sync map promotes its new keys once they are asked for: let that be over.
      for (uint64_t i = 0; i < 2 * row.keys; i += kBatch)
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
