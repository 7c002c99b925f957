// One shard's map from keys to entries, under the guard that its kind names.
//
// The contract of all kinds:
//   - Read() sees one moment of the map: a key that is there throughout is found, whatever grows,
//     shrinks, is promoted or changes kind meanwhile. Under sync and rcu it takes no lock.
//   - Everything else runs under Lock(): exclusive of other writers and, where the kind has it so,
//     of readers. Entries are published complete; erased and replaced ones are the caller's to
//     retire (never to free).
//   - VisitBucket() with NextScanPosition() is the scan: it meets each key that is there from start
//     to end at least once, because a cursor is a position in an order that no change of structure
//     disturbs.
//   - The kind can change while the map serves, in bounded steps (ChangeKindStep()).
//
// A kind is only a guard: the table, its growth and the rules for moving entries are the same under
// all, so a reader that has entered in the way of one kind stays right when the kind changes under
// it. Dispatch is a switch on the kind: a virtual call costs the same within noise
// (tests/bench/store_bench.cc) but could not change under a reader.
//
// Threads: any with a Worker; functions marked REQUIRES need Lock(). Cost: O(1) each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "store/layout_version.h"
#include "store/map_guard.h"
#include "store/mutex_map.h"
#include "store/plain_map.h"
#include "store/rcu_map.h"
#include "store/rw_map.h"
#include "store/sync_map.h"
#include "store/table.h"
#include "store/worker.h"

namespace larder::store {

class alignas(64) CAPABILITY("map") Map {
 public:
  // Where an entry is. Good until the next change of the map.
  struct Place {
    Table* table = nullptr;
    Table::Position at;

    explicit operator bool() const { return table != nullptr; }
    Entry* entry() const { return at.entry(); }
  };

  enum class ReadOutcome : uint8_t { kDone, kDonePromotionDue, kTakeTheLock };

  // `sync_counts` are the owner's to keep: they outlive changes of kind.
  Map(MapKind kind, SyncCounts& sync_counts);
  // REQUIRES: empty, and MergeStep() done.
  ~Map();
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;

  MapKind kind() const { return guard_.kind(); }
  // Entries in the map. Any thread; one moment's figure. acquire [layout.bump]: if a write of
  // several keys has made it what it is, a version that is loaded later shows that.
  size_t size() const { return live_.load(std::memory_order_acquire); }

  // Of a map whose version stays the same no write of several keys has been seen in part, unless
  // the version itself says that one is under way. Versions only grow.
  uint64_t version() const { return layout_.Load(); }

  // False while a write of several keys is under way, which may have emptied it for a moment only.
  bool IsSurelyEmpty() const {
    const uint64_t seen = version();
    return !LayoutVersion::MultiKeyWriteIn(seen) && size() == 0 && layout_.Unchanged(seen);
  }

  // Looks a key up in the way of the map's kind and calls visit(const Entry* or nullptr) once,
  // protected. If visit answers false, or if no look was undisturbed, the caller has to take the
  // lock (and `visit` has had no effect).
  template <typename Visit>
  ReadOutcome Read(Worker& worker, const Key& key, Visit&& visit);

  // Hints for a read or write that is about to come; PrefetchEntry() as in store/table.h. Both look
  // into the second table of a sync map too.
  void PrefetchBucket(Key& key, Protection protection) const {
    table_.PrefetchBucket(key, protection);
    const SyncMap* split = sync();
    // Dirty goes with the kind, so there is no short cut into it.
    if (split != nullptr && split->amended()) split->dirty().PrefetchBucketOnly(key, protection);
  }
  bool PrefetchEntry(const Key& key, int hop, Protection protection) const {
    bool further = table_.PrefetchEntry(key, hop, protection);
    const SyncMap* split = sync();
    if (split != nullptr && split->amended()) {
      further |= split->dirty().PrefetchEntry(key, hop, protection);
    }
    return further;
  }

  // Not pinned: Lock() may wait.
  void Lock(Worker& worker) ACQUIRE();
  void Unlock() RELEASE();

  Place Locate(const Key& key) REQUIRES(this);
  // Counts a writer's look that ended in a sync map's second table, as Read() does for readers.
  // True if a promotion has become due by it.
  bool CountMiss(Worker& worker, const Place& place) REQUIRES(this) {
    return place && place.table != &table_ && sync()->CountMiss(worker);
  }
  // REQUIRES: the key is absent.
  void Insert(Worker& worker, const Key& key, const Entry* entry) REQUIRES(this);
  static void Replace(const Place& place, const Entry* entry) {
    Table::Replace(place.at, Slot::Of(entry));
  }
  void Erase(Worker& worker, const Key& key, const Place& place) REQUIRES(this);

  // Around the stores of a command that writes several keys, in all shards concerned.
  void BeginMultiKeyWrite() REQUIRES(this) { layout_.BeginMultiKeyWrite(); }
  void EndMultiKeyWrite() REQUIRES(this) { layout_.EndMultiKeyWrite(); }

  // Calls visit(const Place&) for every entry of the buckets that `bucket_bits` belong to. `visit`
  // must not change the map, but may replace the entry it is shown.
  template <typename Visit>
  void VisitBucket(uint32_t bucket_bits, Visit&& visit) REQUIRES(this);
  uint64_t NextScanPosition(uint32_t position) const REQUIRES(this);

  // For eviction, without the lock under every kind: the first bucket of a chain drawn by `random`,
  // see Table::Draw() and VisitDrawn(). The same number draws the same chain while the map keeps
  // its size.
  const Bucket* Draw(uint64_t random, Protection protection) const;

  // Promotion: at most `steps` steps of it, if one is running or due.
  void Upkeep(Worker& worker, int steps) REQUIRES(this);
  // The same for a sweep, which also gives back what a sync map without keys still holds: graves
  // and the second table. Writers leave that to it, so that a key that comes and goes finds its
  // place.
  bool NeedsTidyUp() const REQUIRES(this);
  void TidyUp(Worker& worker, int steps) REQUIRES(this);

  // See Table::MoveBuckets(): of both tables.
  uint32_t MoveBuckets(Worker& worker, uint32_t from, uint32_t heads) REQUIRES(this);

  // Brings the map nearer to another kind; true when it is there. Not to or from plain.
  bool ChangeKindStep(Worker& worker, MapKind kind) REQUIRES(this);

  // Brings a sync map nearer to having one table only, as all other kinds have; true when it is
  // there. A sync map makes its second table again at the next insert.
  bool MergeStep(Worker& worker) REQUIRES(this);

  // Tells clang that the lock is held where it cannot see it.
  void AssertHeld() const ASSERT_CAPABILITY(this) {}

  // Whoever has locked the map has that line in his cache, and it has room for two words more.
  bool IsOnTheLineOfItsLock(const void* word) const {
    return reinterpret_cast<uintptr_t>(word) / 64 == reinterpret_cast<uintptr_t>(&guard_.lock) / 64;
  }

  LockStats lock_stats() const { return guard_.lock.writers().stats(); }
  const SyncCounts& sync_counts() const { return sync_counts_; }
  uint64_t long_chains() const REQUIRES(this) { return table_.long_chains(); }

 private:
  struct Look {
    const Entry* entry = nullptr;
    bool disturbed = false;
    SyncMap* missed_in = nullptr;  // it went on to the dirty table of this one
  };

  template <typename Kind, typename Visit>
  ReadOutcome ReadAs(Worker& worker, const Key& key, Visit&& visit);
  Look Find(const Key& key, Protection protection) const;
  SyncMap* sync() const { return sync_.load(std::memory_order_acquire); }  // acquire [map.sync]
  void MakeSync(Worker& worker);
  void SetKind(Worker& worker, MapKind kind);
  void AddLive(int by) {
    // relaxed: written under the lock only. release [layout.bump]: see size().
    live_.store(live_.load(std::memory_order_relaxed) + static_cast<size_t>(by),
                std::memory_order_release);
  }

  // The line that every look-up reads. Only changes of structure and writes of several keys write
  // it.
  LayoutVersion layout_;
  Table table_;
  std::atomic<SyncMap*> sync_{nullptr};  // there while the kind is sync
  SyncCounts& sync_counts_;
  MapGuard guard_;  // the kind; the lock begins the next line
  // With the lock, as every insert and erase writes them.
  std::atomic<size_t> live_{0};
  size_t table_size_ = 0;
};

template <typename Visit>
Map::ReadOutcome Map::Read(Worker& worker, const Key& key, Visit&& visit) {
  switch (kind()) {
    case MapKind::kPlain:
      return ReadAs<PlainMap>(worker, key, visit);
    case MapKind::kMutex:
      return ReadAs<MutexMap>(worker, key, visit);
    case MapKind::kRwMutex:
      return ReadAs<RwMap>(worker, key, visit);
    case MapKind::kSync:
      return ReadAs<SyncMap>(worker, key, visit);
    case MapKind::kRcu:
      return ReadAs<RcuMap>(worker, key, visit);
  }
  __builtin_unreachable();
}

template <typename Kind, typename Visit>
Map::ReadOutcome Map::ReadAs(Worker& worker, const Key& key, Visit&& visit) {
  constexpr int kTries = 2;
  typename Kind::Reader reader(guard_, worker);
  if (!reader.entered()) return ReadOutcome::kTakeTheLock;
  for (int i = 0; i < kTries; ++i) {
    const Look look = Find(key, reader.protection());
    if (look.disturbed) [[unlikely]]
      continue;
    if (!visit(look.entry)) return ReadOutcome::kTakeTheLock;
    // Not sync(): that may be gone by now; this one is protected.
    if (look.missed_in != nullptr && look.missed_in->CountMiss(worker))
      return ReadOutcome::kDonePromotionDue;
    return ReadOutcome::kDone;
  }
  return ReadOutcome::kTakeTheLock;
}

[[gnu::always_inline]] inline Map::Look Map::Find(const Key& key, Protection protection) const {
  const uint64_t version = layout_.Load();
  if (LayoutVersion::MultiKeyWriteIn(version)) [[unlikely]]
    return {.disturbed = true};
  Table::Found found = table_.Find(key, protection);
  SyncMap* missed_in = nullptr;
  if (found.entry == nullptr && !found.torn) {
    if (SyncMap* split = sync(); split != nullptr && split->amended()) {
      found = split->FindDirty(key, protection);
      missed_in = split;
    }
  }
  return {found.entry, found.torn || !layout_.Unchanged(version), missed_in};
}

inline const Bucket* Map::Draw(uint64_t random, Protection protection) const {
  const auto low = static_cast<uint32_t>(random);
  const SyncMap* split = sync();
  if (split == nullptr || !split->amended()) return table_.Draw(low, protection);
  // A table by its share of the buckets.
  const uint64_t read = table_.buckets();
  const uint64_t drawn = (random >> 32) * (read + split->dirty().buckets()) >> 32;
  return (drawn < read ? table_ : split->dirty()).Draw(low, protection);
}

template <typename Visit>
void Map::VisitBucket(uint32_t bucket_bits, Visit&& visit) {
  const auto visit_entries_of = [&](Table& table) {
    table.VisitBucket(bucket_bits, [&](Table::Position at) {
      if (at.slot().is_entry()) visit(Place{&table, at});
    });
  };
  visit_entries_of(table_);
  if (SyncMap* split = sync(); split != nullptr) visit_entries_of(split->dirty());
}

}  // namespace larder::store
