// All the keys of a server: databases x shards, and every operation that crosses the border of one
// shard.
//
// Atomicity. A single-key read or write is atomic by its shard. Several keys are locked together.
// FLUSHDB, FLUSHALL and SWAPDB change which database a number means, under change_ and a generation
// word that is odd meanwhile: readers compare it after the read, writers after locking. Scan,
// RandomKey and Size see each shard at one moment, not all at the same one; but Size counts a
// command or transaction that writes several keys as a whole. Several commands become one by a
// transaction (store/transaction.h).
//
// The one order of locks: change_, shards (databases by their id, shards ascending), admin_. All
// others are leaves: nothing is locked under them.
//
// Threads: any thread that has a Worker of this keyspace, and passes its own. The visits and edits
// it is given run under a pin or a lock: they are short, do not wait, and do not call the keyspace
// again.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <variant>
#include <vector>

#include "store/clock.h"
#include "store/database.h"
#include "store/eviction.h"
#include "store/key_editor.h"
#include "store/map_chooser.h"
#include "store/shard_set.h"
#include "store/transaction.h"
#include "store/worker.h"

namespace larder::store {

struct KeyspaceOptions {
  int databases = 16;
  int shards = 256;  // a power of two, at most 2^20
  MapKind kind = MapKind::kRcu;
  bool chooses_maps = false;  // `kind` is where the shards begin: each moves by its own evidence
  uint64_t hash_seed = 0;
  uint64_t random_seed = 0;
  int threads = 1;  // how many workers share the maintenance
  ChangeListener* listener = nullptr;
};

// When Maintain() wants to run again.
struct MaintenanceResult {
  bool more_now = false;  // the budget ran out: come back after other work
  UnixMs next_at = 0;
};

// INFO keyspace's line of one database.
struct DatabaseFigures {
  int64_t keys = 0;
  int64_t expires = 0;
  int64_t average_ttl_ms = 0;  // 0 without expires
};

// One row of LARDER SHARDS: the shard of this index in all databases together.
struct ShardFigures {
  MapKind kind = MapKind::kPlain;
  uint64_t keys = 0;
  ReadCounts reads;
  ShardCounts counts;
  LockStats lock;
  uint64_t promotions = 0;
  uint64_t misses = 0;
  uint64_t expunged = 0;
  int64_t memory_bytes = 0;

  void Add(const ShardFigures& other);  // all but the kind
};

struct MemoryFigures {
  int64_t used_bytes = 0;  // used_memory: everything that can still be reached
  int64_t retired_bytes =
      0;  // unreachable, waiting for readers to move on or for a flushed database's turn
  int64_t overhead_bytes =
      0;  // the part of used_bytes that an empty keyspace of these databases has
};

// INFO stats' fields about eviction.
struct EvictionFigures {
  int64_t exceeded_ms = 0;      // how long used_memory was above maxmemory, periods that are over
  int64_t exceeded_now_ms = 0;  // the present period
};

class Keyspace {
 public:
  Keyspace(const KeyspaceOptions& options, Clock& clock);
  // REQUIRES: no other thread is using it. Workers go with it.
  ~Keyspace();
  Keyspace(const Keyspace&) = delete;
  Keyspace& operator=(const Keyspace&) = delete;

  // A worker for one more thread. To be called before traffic starts.
  Worker& AddWorker();

  int databases() const { return options_.databases; }
  int shards() const { return options_.shards; }

  Key Hash(std::string_view key) const { return shared_.hasher(key); }

  // Has what a batch of commands is about to look up brought into the cache, of the first
  // kPrefetchKeysMax keys: all buckets, then all entries, so that each load has the time of all
  // others to arrive. Leaves short cuts in the keys. Pins the worker.
  void Prefetch(Worker& worker, std::span<KeyAt> keys);
  static constexpr size_t kPrefetchKeysMax = 64;

  // Calls visit(const Entry* or nullptr) with the live entry of a key and returns what it returns.
  // Takes no lock under the kinds sync and rcu; the worker stays pinned then.
  template <typename Visit>
  auto Read(Worker& worker, int db, const Key& key, Visit&& visit);

  // Calls edit(KeyEditor&) under the lock of the key's shard and returns what it returns.
  template <typename Edit>
  auto Write(Worker& worker, int db, const Key& key, Edit&& edit);

  // Calls edit(MultiEditor&) with all keys locked; nobody sees a part of what it does. The keys are
  // prefetched.
  template <typename Edit>
  auto WriteAll(Worker& worker, std::span<KeyAt> keys, Edit&& edit);

  // Calls visit(MultiReader&) with all keys locked: one moment of all of them.
  template <typename Visit>
  auto ReadAll(Worker& worker, std::span<KeyAt> keys, Visit&& visit);

  // A figure: what is under way may be counted by half.
  int64_t Size(int db) const;
  // DBSIZE. Takes locks, all of the database's, only where writes of several keys or growth keep
  // getting in between.
  int64_t Size(Worker& worker, int db);

  // One call of SCAN: visits whole buckets until `count` keys or 10 * count buckets are through,
  // and returns the cursor to go on from, 0 at the end. A key that is there from the first call to
  // the last is visited at least once. `cursor` may be anything. `visit` runs under the lock.
  uint64_t Scan(Worker& worker, int db, uint64_t cursor, size_t count,
                const std::function<void(const Entry&)>& visit);
  // A random key; nullopt if there is none.
  std::optional<std::string> RandomKey(Worker& worker, int db);

  void FlushDb(Worker& worker, int db);
  void FlushAll(Worker& worker);
  void SwapDb(Worker& worker, int a, int b);

  // One thread's share of the background work, for about `budget`: expiry, promotion, flushed
  // databases, retired memory, moving entries out of sparse memory. Unpins the worker and sets its
  // clock.
  MaintenanceResult Maintain(Worker& worker, std::chrono::microseconds budget);
  // DEBUG SET-ACTIVE-EXPIRE: without it keys past their deadline go only when somebody asks for
  // them.
  void set_active_expiry(bool on) {
    active_expiry_.store(on, std::memory_order_relaxed);
  }  // relaxed: a switch
  // CLIENT PAUSE: for a time no key expires by itself and none is evicted.
  void set_standing_still(bool on) {
    standing_still_.store(on, std::memory_order_relaxed);  // relaxed: a switch
  }

  // MEMORY PURGE: has every worker's next calls of Maintain() give back all the memory they can,
  // and not only where it is worth while by itself. Any thread.
  void AskForCompaction() {
    compactions_asked_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a switch
  }

  // Has the maps of one shard, or all, changed to another kind by the calls of Maintain() to come:
  // in bounded steps, with readers and writers going on. Any thread. REQUIRES: neither the present
  // kind nor the other is plain.
  void OrderMap(int shard, MapKind kind) { map_chooser_.Order(shard, kind); }
  void OrderMaps(MapKind kind) { map_chooser_.OrderAll(kind); }
  // From now on each shard's kind follows its evidence (store/map_evidence.h).
  void ChooseMaps() { map_chooser_.ChooseAutomatically(); }
  bool chooses_maps() const { return map_chooser_.automatic(); }
  // What the maps of a shard are, or are to become.
  MapKind map_of(int shard) const { return map_chooser_.goal(shard); }
  // Brings one shard of all databases nearer to another kind; true when it is there. Not to or from
  // plain.
  bool ChangeKindStep(Worker& worker, int shard, MapKind kind);

  // maxmemory and who makes room for it. Any thread, one at a time.
  void SetEviction(const EvictionSettings& settings) {
    shared_.budget.Set(settings, options_.threads);
  }
  bool has_memory_limit() const { return shared_.budget.limit() != 0; }
  // Makes sure that `bytes` more stay within maxmemory, evicting keys if need be; before the
  // command that will take them locks anything. Unpins the worker if it has to evict. False: there
  // is nothing (more) to evict; nothing is evicted for what cannot fit at all. A command never
  // waits for more than its own bytes and kMakeRoomMax: a limit that was lowered is reached in
  // steps.
  bool MakeRoom(Worker& worker, size_t bytes) {
    const MemoryBudget& budget = shared_.budget;
    if (budget.limit() == 0) return true;
    // First, so that no number that may come from a client can overflow the sum.
    if (bytes > static_cast<size_t>(budget.limit())) return false;
    const int64_t wanted = static_cast<int64_t>(bytes);
    const bool fits = worker.UsedMemory() + wanted <= budget.limit() &&
                      worker.retired_bytes() <= budget.retired_max();
    return fits ? Reserve(worker, wanted) : MakeRoomByEvicting(worker, wanted);
  }
  static constexpr std::chrono::microseconds kMakeRoomMax{500};

  // Figures; any thread.
  DatabaseFigures FiguresOfDb(int db, UnixMs now) const;
  ShardFigures FiguresOfShard(int shard) const;
  ShardFigures Totals() const;
  // What has happened in each shard since it was made, and in the last 10 s. Any thread.
  std::vector<MapEvidence> Evidence() const;
  std::vector<MapEvidence> RecentEvidence() const;
  // Moves of shards to another kind that the evidence decided on; each is returned once.
  std::vector<MapMove> TakeMapMoves() { return map_chooser_.TakeMoves(); }
  bool has_map_moves() const { return map_chooser_.has_moves(); }
  // Shards that have changed their kind, by evidence or by order.
  uint64_t map_changes() const { return map_chooser_.changes(); }
  // The samples of keys that commands use (store/hot_keys.h).
  HotKeySamples SampledKeys() const;
  MemoryFigures Memory() const;
  EvictionFigures Evictions(UnixMs now) const {
    return {shared_.budget.ExceededMs(), shared_.budget.ExceededNowMs(now)};
  }

 private:
  friend Transaction;
  static constexpr uint64_t kPositionBits = 32;

  struct Sweeper {  // one worker's place in its rounds over the shards
    size_t next = 0;
    uint32_t compactions_done = 0;  // of those that were asked for
    struct {
      int db = 0;
      size_t shard = 0;
      uint32_t head = 0;
    } walk;  // through all tables, while buckets are to be moved
  };

  // Of a command with several keys: who runs commands has shown the sampler the first.
  static void SampleFurther(Worker& worker, std::span<const KeyAt> keys) {
    worker.Unpin();  // the sketch has a lock
    worker.SampleKeys(keys.subspan(std::min<size_t>(keys.size(), 1)));
  }

  uint64_t generation() const;
  bool IsChanging() const {
    return (generation_.load(std::memory_order_relaxed) & 1) != 0;  // relaxed: a hint
  }
  bool StillIn(uint64_t generation) const {
    // relaxed: asked after acquire loads of what a changed database would show (see SwapDb).
    return generation_.load(std::memory_order_relaxed) == generation;
  }
  Database* Find(int db) const {
    return databases_[static_cast<size_t>(db)].load(
        std::memory_order_acquire);  // acquire [keyspace.database]
  }
  // What `db` means to a worker, who may be in a transaction; null if it has never had a key.
  Database* Find(const Worker& worker, int db) const {
    return worker.in_transaction() ? worker.transaction()->Find(db) : Find(db);
  }
  Database* FindSettled(const Worker& worker, int db) const;
  static int64_t SizeOf(const Database* database);
  static std::optional<int64_t> TrySizeOf(const Database* database);
  int64_t SizeUnderLocks(Worker& worker, int db);
  std::optional<std::string> DrawKey(Worker& worker, int db, uint64_t skip);
  Database& FindOrMake(int db);
  Database& MakeDatabase(int db) EXCLUDES(change_, admin_);
  Database& PutDatabase(int db, Transaction* maker) REQUIRES(change_) EXCLUDES(admin_);
  Database* TakeFreeDatabase() REQUIRES(change_) EXCLUDES(admin_);
  Database& BuildDatabase(Transaction* maker) REQUIRES(change_) EXCLUDES(admin_);
  // In a transaction.
  Database& FindOrMakeInTransaction(const Worker& worker, int db);
  std::vector<Database*> AllDatabases() const EXCLUDES(admin_);
  // From here on nobody else finds out what a number means, to EndExclusive().
  void BeginExclusive() ACQUIRE(change_);
  void EndExclusive() RELEASE(change_);
  uint32_t ShardOf(const Key& key) const { return key.shard(shard_bits_); }
  // Locks the shards of all keys; false if a flush or swap came in between.
  bool LockAll(ShardSet& set, std::span<const KeyAt> keys);
  class DatabaseChange;
  void Detach(Worker& worker, int db) EXCLUDES(admin_);
  // REQUIRES: the shard's lock is held.
  bool HasKeyLocked(const Worker& worker, Database* database, const Key& key) const;
  void HelpClearing(Worker& worker);
  // What the keyspace spends beside its workers' allocators.
  size_t BytesOfADatabase() const;
  size_t BytesOfAWorker() const;
  static bool Reserve(Worker& worker, int64_t bytes) {
    worker.Reserve(bytes);
    return true;
  }
  bool MakeRoomByEvicting(Worker& worker, int64_t bytes);
  bool EvictUntil(Worker& worker, std::chrono::steady_clock::time_point end);
  UnixMs SweepDatabase(Worker& worker, Database& database, Sweeper& sweeper,
                       std::chrono::steady_clock::time_point end);
  bool SweepShard(Worker& worker, Database& database, size_t shard,
                  std::chrono::steady_clock::time_point end);
  bool ClearFlushed(Worker& worker, std::chrono::steady_clock::time_point end);
  MapEvidence EvidenceOf(int shard, UnixMs now) const;
  void SampleMaps(UnixMs now, std::chrono::steady_clock::time_point end);
  bool MoveMaps(Worker& worker, std::chrono::steady_clock::time_point end);
  bool Compact(Worker& worker, std::chrono::steady_clock::time_point end);
  void MoveEntries(Worker& worker, SlabHeap& slabs);
  bool MoveBuckets(Worker& worker, Sweeper& sweeper);
  static void VisitShard(Worker& worker, Shard& shard, uint64_t* position, size_t* keys_left,
                         size_t* buckets_left, const std::function<void(const Entry&)>& visit)
      REQUIRES(shard.map());

  const KeyspaceOptions options_;
  const int shard_bits_;
  Clock& clock_;
  Worker::Shared shared_;
  std::vector<std::unique_ptr<Worker>> workers_;           // fixed once traffic starts
  std::vector<Sweeper> sweepers_;                          // one a worker, used by it alone
  std::vector<std::unique_ptr<EvictionPolicy>> eviction_;  // the same
  MapChooser map_chooser_;

  // Which database a number means; null until its first write. Changed under change_, and all but
  // a first write under an odd generation.
  Mutex change_;  // before the locks of shards
  FixedArray<std::atomic<Database*>> databases_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<bool> active_expiry_{true};
  std::atomic<bool> standing_still_{false};
  std::atomic<uint32_t> compactions_asked_{0};
  std::atomic<bool> moving_maps_{false};  // some thread is in MoveMaps()

  // All databases ever made (no more come without change_), those waiting to be emptied, and those
  // that are empty and free.
  mutable Mutex admin_;  // after the locks of shards: none is taken under it
  std::vector<std::unique_ptr<Database>> made_ GUARDED_BY(admin_);
  struct Flushed {
    Database* database;
    size_t next_shard;
    int64_t retired_bytes;  // moved to retired as a whole, not yet undone
  };
  std::vector<Flushed> flushed_ GUARDED_BY(admin_);
  std::atomic<int> flushed_count_{0};  // flushed_.size() for who only wants to know whether to look
  std::vector<Database*> free_ GUARDED_BY(admin_);
};

inline uint64_t Keyspace::generation() const {
  for (;;) {
    const uint64_t seen =
        generation_.load(std::memory_order_acquire);  // acquire [keyspace.generation]
    if ((seen & 1) == 0) [[likely]]
      return seen;
    std::this_thread::yield();  // whoever made it odd may need this processor
  }
}

inline Database& Keyspace::FindOrMake(int db) {
  Database* database = Find(db);
  return database != nullptr ? *database : MakeDatabase(db);
}

template <typename Visit>
auto Keyspace::Read(Worker& worker, int db, const Key& key, Visit&& visit) {
  using Answer = std::invoke_result_t<Visit&, const Entry*>;
  using Result = std::conditional_t<std::is_void_v<Answer>, std::monostate, Answer>;
  std::optional<Result> result;
  const auto answer = [&](const Entry* entry) {
    worker.CountRead(ShardOf(key), entry != nullptr);
    if (entry != nullptr) worker.Touch(*entry);
    if constexpr (std::is_void_v<Answer>) {
      visit(entry);
      result.emplace();
    } else {
      result.emplace(visit(entry));
    }
  };
  if (worker.in_transaction()) [[unlikely]] {
    Database* database = Find(worker, db);
    if (database == nullptr) {
      answer(nullptr);
    } else {
      Shard& shard = database->shards[ShardOf(key)];
      ShardLock lock(shard, worker);
      const Map::Place place = shard.Locate(worker, key);
      shard.CountLockedRead();
      answer(place ? place.entry() : nullptr);
    }
  }
  while (!result) {
    if (IsChanging()) [[unlikely]]
      worker.Unpin();  // never wait pinned
    const uint64_t seen = generation();
    Database* database = Find(db);
    if (database == nullptr) {
      if (StillIn(seen)) answer(nullptr);
      continue;
    }
    const uint32_t index = ShardOf(key);
    Shard& shard = database->shards[index];
    const auto outcome = shard.Read(worker, key, [&](const Entry* entry) {
      if (StillIn(seen)) [[likely]]
        answer(entry);
      return true;
    });
    if (outcome == Map::ReadOutcome::kDonePromotionDue) shard.AskForUpkeep();
    if (outcome == Map::ReadOutcome::kTakeTheLock) {
      ShardLock lock(shard, worker);
      if (!StillIn(seen)) continue;
      const Map::Place place = shard.Locate(worker, key);
      shard.CountLockedRead();
      answer(place ? place.entry() : nullptr);
    }
  }
  if constexpr (!std::is_void_v<Answer>) return *std::move(result);
}

template <typename Edit>
auto Keyspace::Write(Worker& worker, int db, const Key& key, Edit&& edit) {
  worker.Unpin();  // never wait pinned
  if (worker.in_transaction()) [[unlikely]] {
    Shard& shard = FindOrMakeInTransaction(worker, db).shards[ShardOf(key)];
    ShardLock lock(shard, worker);
    KeyEditor editor(shard, worker, key);
    return edit(editor);
  }
  for (;;) {
    const uint64_t seen = generation();
    Shard& shard = FindOrMake(db).shards[ShardOf(key)];
    ShardLock lock(shard, worker);
    if (!StillIn(seen)) continue;
    KeyEditor editor(shard, worker, key);
    return edit(editor);
  }
}

template <typename Edit>
auto Keyspace::WriteAll(Worker& worker, std::span<KeyAt> keys, Edit&& edit) {
  SampleFurther(worker, keys);
  Prefetch(worker, keys);
  ShardSet set(worker, keys.size());
  while (!LockAll(set, keys)) {
  }
  if (keys.size() > 1) set.BeginWrite();
  MultiEditor editor(set, keys);
  return edit(editor);
}

template <typename Visit>
auto Keyspace::ReadAll(Worker& worker, std::span<KeyAt> keys, Visit&& visit) {
  SampleFurther(worker, keys);
  Prefetch(worker, keys);
  ShardSet set(worker, keys.size());
  while (!LockAll(set, keys)) {
  }
  MultiReader reader(set, keys);
  return visit(reader);
}

}  // namespace larder::store
