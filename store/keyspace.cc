#include "store/keyspace.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

namespace larder::store {
namespace {

// Buckets that one hold of a lock visits in a scan: about 700 keys.
constexpr size_t kScanBucketsALock = 128;

}  // namespace

Keyspace::Keyspace(const KeyspaceOptions& options, Clock& clock)
    : options_(options),
      shard_bits_(std::countr_zero(static_cast<uint32_t>(options.shards))),
      clock_(clock),
      shared_{.epochs = {},
              .reader_slots = {},
              .hasher = Hasher(options.hash_seed),
              .shards = options.shards},
      map_chooser_(options.shards, options.kind, options.chooses_maps),
      databases_(static_cast<size_t>(options.databases), [](std::atomic<Database*>* at, size_t) {
        new (at) std::atomic<Database*>(nullptr);
      }) {
  assert(std::has_single_bit(static_cast<uint32_t>(options.shards)));
  MakeDatabase(0);  // the one that everybody uses; the others come with their first write
}

Keyspace::~Keyspace() {
  if (workers_.empty()) return;
  Worker& worker = *workers_.front();
  for (const auto& each : workers_) each->Unpin();
  for (Database* database : AllDatabases()) {
    for (Shard& shard : database->shards) {
      ShardLock hold(shard, worker);
      while (shard.ClearStep(worker, SIZE_MAX)) {
      }
    }
  }
}

Worker& Keyspace::AddWorker() {
  const int index = static_cast<int>(workers_.size());
  workers_.push_back(std::make_unique<Worker>(
      shared_, index, options_.random_seed + static_cast<uint64_t>(index) * 2));
  sweepers_.emplace_back();
  eviction_.push_back(std::make_unique<SampledEviction>(databases_, shard_bits_));
  shared_.budget.Add(static_cast<int64_t>(BytesOfAWorker()));
  workers_.back()->set_now(clock_.Now());
  return *workers_.back();
}

// --- Prefetch

void Keyspace::Prefetch(Worker& worker, std::span<KeyAt> keys) {
  if (keys.empty()) return;
  keys = keys.first(std::min(keys.size(), kPrefetchKeysMax));
  const Protection pin = worker.Pin();
  std::array<const Map*, kPrefetchKeysMax> maps;
  for (size_t i = 0; i < keys.size(); ++i) {
    Database* database = Find(keys[i].db);
    maps[i] = database == nullptr ? nullptr : &database->shards[ShardOf(keys[i].key)].map();
    if (maps[i] != nullptr) maps[i]->PrefetchBucket(keys[i].key, pin);
  }
  if (keys.size() == 1) return;  // nothing to overlap with
  // One in five is further down its chain.
  std::array<uint8_t, kPrefetchKeysMax> chained;
  size_t chained_count = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (maps[i] != nullptr && maps[i]->PrefetchEntry(keys[i].key, 0, pin)) {
      chained[chained_count++] = static_cast<uint8_t>(i);
    }
  }
  for (size_t i = 0; i < chained_count; ++i) {
    maps[chained[i]]->PrefetchEntry(keys[chained[i]].key, 1, pin);
  }
}

// --- Several keys

bool Keyspace::LockAll(ShardSet& set, std::span<const KeyAt> keys) {
  set.Reset();
  set.worker().Unpin();  // never wait pinned, not even for a database to be made
  if (set.worker().in_transaction()) [[unlikely]] {
    for (const KeyAt& at : keys)
      set.Add(FindOrMakeInTransaction(set.worker(), at.db), ShardOf(at.key));
    return true;
  }
  const uint64_t seen = generation();
  for (const KeyAt& at : keys) set.Add(FindOrMake(at.db), ShardOf(at.key));
  set.Lock();
  return StillIn(seen);
}

// --- Iteration

// Not while somebody is about to change what it means.
Database* Keyspace::FindSettled(const Worker& worker, int db) const {
  if (worker.in_transaction()) return worker.transaction()->Find(db);
  for (;;) {
    const uint64_t seen = generation();
    Database* database = Find(db);
    if (StillIn(seen)) return database;
  }
}

int64_t Keyspace::SizeOf(const Database* database) {
  if (database == nullptr) return 0;
  int64_t keys = 0;
  for (const Shard& shard : database->shards) keys += static_cast<int64_t>(shard.size());
  return keys;
}

int64_t Keyspace::Size(int db) const { return SizeOf(Find(db)); }

int64_t Keyspace::Size(Worker& worker, int db) {
  constexpr int kTries = 3;
  if (worker.in_transaction()) return SizeOf(worker.transaction()->Find(db));
  worker.Unpin();  // never wait pinned
  for (int i = 0; i < kTries; ++i) {
    const uint64_t seen = generation();
    const std::optional<int64_t> keys = TrySizeOf(Find(db));
    if (keys && StillIn(seen)) return *keys;
  }
  return SizeUnderLocks(worker, db);
}

// Nothing if it may have seen a part of what several keys were written for.
std::optional<int64_t> Keyspace::TrySizeOf(const Database* database) {
  if (database == nullptr) return 0;
  // Versions only grow: their sum stays the same only if each of them does.
  uint64_t before = 0;
  for (const Shard& shard : database->shards) {
    const uint64_t version = shard.map().version();
    if (LayoutVersion::MultiKeyWriteIn(version)) return std::nullopt;
    before += version;
  }
  const int64_t keys = SizeOf(database);
  for (const Shard& shard : database->shards) before -= shard.map().version();
  if (before != 0) return std::nullopt;
  return keys;
}

int64_t Keyspace::SizeUnderLocks(Worker& worker, int db) {
  ShardSet set(worker, static_cast<size_t>(shards()));
  for (;;) {
    set.Reset();
    const uint64_t seen = generation();
    Database* database = Find(db);
    for (size_t i = 0; database != nullptr && i < database->shards.size(); ++i)
      set.Add(*database, i);
    set.Lock();
    if (StillIn(seen)) return SizeOf(database);
  }
}

uint64_t Keyspace::Scan(Worker& worker, int db, uint64_t cursor, size_t count,
                        const std::function<void(const Entry&)>& visit) {
  uint64_t index = cursor >> kPositionBits;
  uint64_t position = cursor & ((uint64_t{1} << kPositionBits) - 1);
  size_t keys_left = count;
  size_t buckets_left = count > SIZE_MAX / 10 ? SIZE_MAX : count * 10;
  const auto shard_count = static_cast<uint64_t>(shards());
  for (; index < shard_count; ++index, position = 0) {
    while (position != Table::kScanEnd) {
      if (keys_left == 0 || buckets_left == 0) return index << kPositionBits | position;
      // Asked every time: a swap or flush may have given the number another database since.
      Database* database = FindSettled(worker, db);
      if (database == nullptr) return 0;
      Shard& shard = database->shards[index];
      if (shard.map().IsSurelyEmpty()) break;
      ShardLock lock(shard, worker);
      if (Find(worker, db) != database) continue;
      VisitShard(worker, shard, &position, &keys_left, &buckets_left, visit);
    }
    if (keys_left == 0 || buckets_left == 0) {
      ++index;
      return index < shard_count ? index << kPositionBits : 0;
    }
  }
  return 0;
}

// Goes on with a scan, as far as one hold of the shard's lock may.
void Keyspace::VisitShard(Worker& worker, Shard& shard, uint64_t* position, size_t* keys_left,
                          size_t* buckets_left, const std::function<void(const Entry&)>& visit) {
  for (size_t i = 0; i < kScanBucketsALock; ++i) {
    const auto at = static_cast<uint32_t>(*position);
    // All entries of a bucket are on their way before the first is looked at.
    shard.map().VisitBucket(Table::BucketBitsAt(at),
                            [](const Map::Place& place) { __builtin_prefetch(place.entry()); });
    shard.map().VisitBucket(Table::BucketBitsAt(at), [&](const Map::Place& place) {
      if (place.entry()->ExpiredAt(worker.now())) return;
      visit(*place.entry());
      if (*keys_left != 0) --*keys_left;
    });
    *position = shard.map().NextScanPosition(at);
    --*buckets_left;
    if (*position == Table::kScanEnd || *keys_left == 0 || *buckets_left == 0) return;
  }
}

std::optional<std::string> Keyspace::RandomKey(Worker& worker, int db) {
  // Keys that wait for the sweep, and others that come and go, make a few tries necessary.
  constexpr int kTries = 100;
  std::optional<std::string> found;
  for (int i = 0; i < kTries && !found; ++i) {
    const auto keys = static_cast<uint64_t>(Size(worker, db));
    if (keys == 0) return std::nullopt;
    found = DrawKey(worker, db, worker.Random() % keys);
  }
  // Nearly all wait for the sweep: take the first that does not.
  for (uint64_t cursor = 0; !found;) {
    cursor = Scan(worker, db, cursor, 1, [&](const Entry& entry) { found = entry.key(); });
    if (cursor == 0) break;
  }
  return found;
}

// A key of the shard that holds the key of number `skip`, so that a shard is drawn by its share of
// the keys. Nothing if none is found alive there.
std::optional<std::string> Keyspace::DrawKey(Worker& worker, int db, uint64_t skip) {
  Database* database = FindSettled(worker, db);
  if (database == nullptr) return std::nullopt;
  size_t index = 0;
  while (index + 1 < database->shards.size() && skip >= database->shards[index].size()) {
    skip -= database->shards[index++].size();
  }
  Shard& shard = database->shards[index];
  std::optional<std::string> found;
  uint64_t position = worker.Random() % Table::kScanEnd;
  for (bool wrapped = false;;) {
    size_t seen = 0;
    size_t one_key = 1;
    size_t some_buckets = 16;
    ShardLock lock(shard, worker);
    // Swapped or flushed since, or the keys have gone.
    if (Find(worker, db) != database || shard.size() == 0) return std::nullopt;
    VisitShard(worker, shard, &position, &one_key, &some_buckets, [&](const Entry& entry) {
      if (worker.Random() % ++seen == 0)
        found = entry.key();  // each of the bucket's keys with the same chance
    });
    if (found) return found;
    if (position != Table::kScanEnd) continue;
    if (wrapped) return std::nullopt;
    wrapped = true;
    position = 0;
  }
}

// --- Figures

DatabaseFigures Keyspace::FiguresOfDb(int db, UnixMs now) const {
  DatabaseFigures figures;
  const Database* database = Find(db);
  if (database == nullptr) return figures;
  double deadline_sum = 0;
  for (const Shard& shard : database->shards) {
    figures.keys += static_cast<int64_t>(shard.size());
    figures.expires += static_cast<int64_t>(shard.volatile_size());
    deadline_sum += static_cast<double>(shard.deadline_sum());
  }
  if (figures.expires > 0) {
    const double average = deadline_sum / static_cast<double>(figures.expires);
    figures.average_ttl_ms =
        std::max<int64_t>(0, static_cast<int64_t>(average) + Shard::kDeadlineEra - now);
  }
  return figures;
}

void ShardFigures::Add(const ShardFigures& other) {
  keys += other.keys;
  reads.loads += other.reads.loads;
  reads.hits += other.reads.hits;
  counts.stores += other.counts.stores;
  counts.deletes += other.counts.deletes;
  counts.expired += other.counts.expired;
  counts.evicted += other.counts.evicted;
  counts.locked_reads += other.counts.locked_reads;
  lock.Add(other.lock);
  promotions += other.promotions;
  misses += other.misses;
  expunged += other.expunged;
  memory_bytes += other.memory_bytes;
}

ShardFigures Keyspace::FiguresOfShard(int shard) const {
  ShardFigures sum;
  sum.kind = map_chooser_.goal(shard);
  for (const auto& worker : workers_) {
    const ReadCounts reads = worker->reads(static_cast<uint32_t>(shard));
    sum.reads.loads += reads.loads;
    sum.reads.hits += reads.hits;
  }
  MutexLock lock(admin_);
  for (const auto& database : made_) {
    const Shard& each = database->shards[static_cast<size_t>(shard)];
    sum.kind = each.map().kind();
    const SyncCounts& sync = each.map().sync_counts();
    // relaxed: figures.
    sum.Add({.keys = each.size(),
             .counts = each.counts(),
             .lock = each.map().lock_stats(),
             .promotions = sync.promotions.load(std::memory_order_relaxed),
             .misses = sync.misses.load(std::memory_order_relaxed),
             .expunged = sync.expunged.load(std::memory_order_relaxed),
             .memory_bytes = each.memory_bytes()});
  }
  return sum;
}

ShardFigures Keyspace::Totals() const {
  ShardFigures total;
  for (int i = 0; i < shards(); ++i) total.Add(FiguresOfShard(i));
  return total;
}

size_t Keyspace::BytesOfADatabase() const {
  return sizeof(Database) + static_cast<size_t>(shards()) * (sizeof(Shard) + sizeof(Shard::Due));
}

size_t Keyspace::BytesOfAWorker() const {
  return sizeof(Worker) + sizeof(SampledEviction) + Worker::BytesOfReads(shards());
}

MemoryFigures Keyspace::Memory() const {
  MemoryFigures figures;
  for (const auto& worker : workers_) {
    figures.used_bytes += worker->allocator().used();
    figures.retired_bytes += worker->allocator().retired();
  }
  MutexLock lock(admin_);
  figures.overhead_bytes =
      static_cast<int64_t>(made_.size() * BytesOfADatabase() + workers_.size() * BytesOfAWorker());
  // The shares are read one after the other: what moves meanwhile may be missed on both sides.
  figures.used_bytes = std::max<int64_t>(figures.used_bytes, 0) + figures.overhead_bytes;
  return figures;
}

}  // namespace larder::store
