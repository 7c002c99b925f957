// One shard of one database: its map, the deadlines of its keys, and its counters.
//
// Every mutation of the keyspace goes through here, under the shard's lock: the one place where the
// map, the timing wheel, the accounting and the change hook are kept in step. A key dies by being
// removed under this lock, so nobody sees it dead and then alive.
//
// Threads: Read() and the figures any; the rest needs Lock(). Cost: O(1) each, but Sweep, Upkeep
// and Clear, which are bounded by what they are told.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "store/apart.h"
#include "store/change.h"
#include "store/expiry.h"
#include "store/map.h"

namespace larder::store {

// What a shard has done since it was made.
struct ShardCounts {
  uint64_t stores = 0;  // of a value or a deadline
  uint64_t deletes = 0;
  uint64_t expired = 0;
  uint64_t evicted = 0;
  uint64_t locked_reads = 0;  // under the lock whatever the kind of map
};

class alignas(kApart) Shard {
 public:
  // The time of the next Sweep() or Upkeep(); kNever: none is needed.
  using Due = std::atomic<UnixMs>;
  static constexpr UnixMs kNever = DeadlineWheel::kNever;

  // What all shards of one database share.
  struct Owner {
    std::atomic<int> db{0};  // SWAPDB changes it, with all shards locked
    ChangeListener* listener = nullptr;
  };

  // `due` outlives the shard; it stands apart so that a sweep reads the due times of all shards in
  // a row.
  Shard(MapKind kind, Due& due, const Owner& owner)
      : map_(kind, sync_counts_), due_(due), owner_(owner) {
    assert(map_.IsOnTheLineOfItsLock(&memory_bytes_) && map_.IsOnTheLineOfItsLock(&stores_));
  }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // The shard's lock is its map's.
  Map& map() RETURN_CAPABILITY(map_) { return map_; }
  const Map& map() const RETURN_CAPABILITY(map_) { return map_; }

  // Single-key read: see Map::Read(). `visit` is shown live entries only.
  template <typename Visit>
  Map::ReadOutcome Read(Worker& worker, const Key& key, Visit&& visit);

  void Lock(Worker& worker) ACQUIRE(map_) { map_.Lock(worker); }
  void Unlock() RELEASE(map_) { map_.Unlock(); }

  // Where the key's entry is; one that has passed its deadline is removed first.
  Map::Place Locate(Worker& worker, const Key& key) REQUIRES(map_);

  // A read that would have been done like this under any kind of map.
  void CountLockedRead() REQUIRES(map_) { Add<uint64_t>(locked_reads_, 1); }

  // Puts an entry in `place`, or where a key belongs that has none. The old entry is retired, its
  // value too unless the new entry shares it.
  void Put(Worker& worker, const Key& key, const Map::Place& place, OwnedEntry entry)
      REQUIRES(map_);
  void Erase(Worker& worker, const Key& key, const Map::Place& place) REQUIRES(map_);
  // Takes an entry out whose large value, if it has one, lives on in `successor`.
  void Supersede(Worker& worker, const Key& key, const Map::Place& place, const Entry& successor)
      REQUIRES(map_);
  // kNoDeadline removes it.
  void SetDeadline(Worker& worker, const Key& key, const Map::Place& place, UnixMs deadline)
      REQUIRES(map_);
  // Removes the entry with this hash, whatever its key, if still_fits(const Entry&) says so: as
  // expired if it is past its deadline, else as evicted. False if there is none.
  template <typename StillFits>
  bool Evict(Worker& worker, uint64_t hash, StillFits&& still_fits) REQUIRES(map_);
  // Calls visit(const Entry&) for a few keys that have a deadline, drawn from the wheel by
  // `random`: where few of the keys do, buckets would be searched in vain. May find none at one
  // draw.
  template <typename Visit>
  void DrawVolatile(Worker& worker, uint64_t random, Visit&& visit) REQUIRES(map_);

  // The value of the entry was altered in place.
  void Altered(const Key& key) REQUIRES(map_);
  // Makes the block of a growable entry larger. REQUIRES: it is mapped.
  void ExtendGrowable(Worker& worker, Entry* entry, size_t capacity) REQUIRES(map_);
  // Puts a copy of an entry in its place, so that its memory becomes free: nobody can tell the
  // difference. False if the key has another entry by now, or none.
  bool MoveEntry(Worker& worker, const Key& key, const Entry* entry) REQUIRES(map_);
  // See Map::MoveBuckets().
  uint32_t MoveBuckets(Worker& worker, uint32_t from, uint32_t heads) REQUIRES(map_);
  // Gives a growable entry another block; the old one is freed.
  void ReplaceGrowable(Worker& worker, Entry* entry, LargeValue* fresh) REQUIRES(map_);

  // Removes keys whose deadline has passed, looking at about `records_max` records.
  void Sweep(Worker& worker, UnixMs now, size_t records_max) REQUIRES(map_);
  // Promotion: what the map wants done in steps.
  void Upkeep(Worker& worker, int steps) REQUIRES(map_);
  // See Map::ChangeKindStep().
  bool ChangeKindStep(Worker& worker, MapKind kind) REQUIRES(map_);
  // Makes the next sweep look in on this shard: a reader found a promotion due. Any thread.
  void AskForUpkeep() { due_.store(0, std::memory_order_relaxed); }  // relaxed: a hint
  // Takes a flushed shard apart, about `entries_max` entries a call; true if some are left. Counts
  // no deletes.
  bool ClearStep(Worker& worker, size_t entries_max) REQUIRES(map_);

  // Figures; any thread. Relaxed: see the counters below.
  size_t size() const { return map_.size(); }
  size_t volatile_size() const { return volatile_keys_.load(std::memory_order_relaxed); }
  int64_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }
  ShardCounts counts() const;
  // The sum of the deadlines of all volatile keys, each relative to `kDeadlineEra` and at most
  // kDeadlineFar.
  int64_t deadline_sum() const { return deadline_sum_.load(std::memory_order_relaxed); }

  static constexpr UnixMs kDeadlineEra = 1'600'000'000'000;  // September 2020
  static constexpr int64_t kDeadlineFar =
      int64_t{1} << 42;  // 139 years: farther deadlines count as this in averages

 private:
  class Meter;
  class Deadlines;

  void EvictAt(Worker& worker, const Map::Place& place, uint64_t hash) REQUIRES(map_);
  size_t DrawRecords(uint64_t random, std::span<uint32_t, DeadlineWheel::kDrawnMax> hash_bits)
      REQUIRES(map_);
  void DropDeadRecords(Worker& worker) REQUIRES(map_);
  void ArmDeadline(Worker& worker, const Key& key, UnixMs old_deadline, UnixMs deadline)
      REQUIRES(map_);
  void CompactWheel(Worker& worker) REQUIRES(map_);
  void CountDeadline(UnixMs deadline, int sign);
  void Remove(Worker& worker, const Key& key, const Map::Place& place, Change why,
              const Entry* successor) REQUIRES(map_);
  static void RetireEntry(Worker& worker, Entry* entry, const Entry* successor);
  void UpdateDue() REQUIRES(map_);
  void Notify(const Key& key, Change change) const;

  // Written under the lock, read by any: relaxed load and store, figures tied to no other data.
  template <typename T>
  static void Add(std::atomic<T>& counter, T by) {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  // The last line of the map is that of its lock, and has room for what every write counts.
  [[no_unique_address]] Map map_;
  std::atomic<int64_t> memory_bytes_{0};
  std::atomic<uint64_t> stores_{0};
  DeadlineWheel wheel_ GUARDED_BY(map_);
  Due& due_;
  const Owner& owner_;
  std::atomic<size_t> volatile_keys_{0};
  std::atomic<int64_t> deadline_sum_{0};
  std::atomic<uint64_t> deletes_{0};
  std::atomic<uint64_t> expired_{0};
  std::atomic<uint64_t> evicted_{0};
  std::atomic<uint64_t> locked_reads_{0};
  SyncCounts sync_counts_;
  uint64_t clear_position_ = 0;  // of ClearStep()
};

static_assert(sizeof(Shard) <= 256, "what a shard costs before its first key");

// Holds a shard for a scope. Within a transaction it is held already, and stays so.
class SCOPED_CAPABILITY ShardLock {
 public:
  // The analysis cannot follow a lock that somebody else may hold for us.
  ShardLock(Shard& shard, Worker& worker) ACQUIRE(shard.map()) NO_THREAD_SAFETY_ANALYSIS
      : shard_(worker.in_transaction() ? nullptr : &shard) {
    worker.Unpin();  // never wait pinned
    if (shard_ != nullptr) shard_->Lock(worker);
  }
  ~ShardLock() RELEASE() NO_THREAD_SAFETY_ANALYSIS {  // see the constructor
    if (shard_ != nullptr) shard_->Unlock();
  }
  ShardLock(const ShardLock&) = delete;
  ShardLock& operator=(const ShardLock&) = delete;

 private:
  Shard* const shard_;
};

template <typename Visit>
Map::ReadOutcome Shard::Read(Worker& worker, const Key& key, Visit&& visit) {
  return map_.Read(worker, key, [&](const Entry* entry) {
    // What is past its deadline is removed under the lock before anyone is told; growable bytes are
    // read under it.
    if (entry != nullptr && (entry->is_growable() || entry->ExpiredAt(worker.now()))) [[unlikely]]
      return false;
    return visit(entry);
  });
}

template <typename StillFits>
bool Shard::Evict(Worker& worker, uint64_t hash, StillFits&& still_fits) {
  const auto bucket_bits = static_cast<uint32_t>(hash);
  Map::Place found;
  map_.VisitBucket(bucket_bits, [&](const Map::Place& place) {
    if (place.at.bucket->control().fingerprint(place.at.index) != FingerprintOf(bucket_bits))
      return;
    const Entry& entry = *place.entry();
    if (worker.hasher().Hash(entry.key()) == hash && still_fits(entry)) found = place;
  });
  if (found) EvictAt(worker, found, hash);
  return static_cast<bool>(found);
}

template <typename Visit>
void Shard::DrawVolatile(Worker& worker, uint64_t random, Visit&& visit) {
  std::array<uint32_t, DeadlineWheel::kDrawnMax> hash_bits;
  const size_t drawn = DrawRecords(random, hash_bits);
  bool found = false;
  for (const uint32_t bits : std::span(hash_bits).first(drawn)) {
    map_.VisitBucket(bits, [&](const Map::Place& place) {
      if (place.at.bucket->control().fingerprint(place.at.index) != FingerprintOf(bits)) return;
      const Entry& entry = *place.entry();
      if (entry.deadline() == kNoDeadline) return;
      found = true;
      visit(entry);
    });
  }
  // Else records of keys that are gone could hide those of keys that are not for ever.
  if (!found) DropDeadRecords(worker);
}

}  // namespace larder::store
