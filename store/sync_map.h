// The `sync` kind: the read/dirty split of Go's sync.Map (golang/go src/sync/map.go, up to 1.23),
// made for a cache.
//
// The shard's own table is the *read* table; this class adds *dirty*, the table of the keys that
// came since the last promotion. Look-ups try read first, then dirty, both without a lock: unlike
// in Go, dirty is published too, so absent and new keys, a cache's normal case, do not queue at a
// mutex. Every look into dirty is a miss; when there have been as many misses as dirty has keys and
// read has buckets, which is what it costs, a promotion moves dirty's entries to read. (Go counts
// the keys alone: its promotion is a swap of pointers, but the next new key copies the whole map.)
//
// What a slot of the read table can be, and who changes it (always under the shard's lock):
//
//   state     slot     the key is            leaves the state by
//   live      Entry*   there                 Bury(): deleted. An overwrite stays live.
//   deleted   grave    absent, or in dirty   Revive(): live, if the key returns. Step(): expunged.
//   expunged  free     absent, or in dirty   nothing: a returning key is a new key, for dirty
//
// Deleting marks the slot and retires the entry, key and value, at once; the slot itself waits for
// the next promotion to pass, so that a key that comes and goes finds its place again without
// touching dirty. A key whose grave the promotion has passed must not revive it: the slot may be
// another key's by then. Graves are bounded: above a quarter of the read table (kGravesMin at
// least) a promotion starts for their sake alone.
//
// A promotion goes over both tables in scan order, a few buckets a step, never all at once under
// the lock (golang/go issue 21035 is what that costs). An entry is published in read before it is
// cleared in dirty, and the layout word moves between (store/layout_version.h).
//
// Progress: reads as in rcu_map.h; writes block on the shard's lock. Cost: a read that hits read as
// in rcu, one that goes on to dirty a second look-up and, one time in kMissSample, an addition to a
// shared counter; a write during a promotion one step of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "store/rcu_map.h"
#include "store/table.h"

namespace larder::store {

// Since the shard was made; they outlive changes of kind. Relaxed: figures.
struct SyncCounts {
  std::atomic<uint64_t> promotions{0};  // finished ones
  std::atomic<uint64_t> misses{0};
  std::atomic<uint64_t> expunged{0};
};

class SyncMap {
 public:
  using Reader = RcuMap::Reader;

  SyncMap(LayoutVersion& layout, SyncCounts& counts)
      : dirty_(layout, dirty_size_), layout_(layout), counts_(counts) {}

  // --- Readers without the lock

  Table::Found FindDirty(const Key& key, Protection protection) const {
    return dirty_.Find(key, protection);
  }
  // Whether there is anything in dirty: if not, going past read is no miss.
  bool amended() const { return dirty_.has_buckets(); }
  // Counts a look into dirty. True if a promotion has become due by it.
  bool CountMiss(Worker& worker);

  // --- Holders of the lock

  Table& dirty() { return dirty_; }
  const Table& dirty() const { return dirty_; }

  // Gives a returning key its grave in `read` back; false if it has none.
  bool Revive(Table& read, const Key& key, const Entry* entry);
  // Live to deleted.
  void Bury(const Key& key, Table::Position at);

  // Whether a promotion is running or due.
  bool NeedsStep(const Table& read) const;
  // Takes the promotion on by one bucket position of either table, or a few entries of a long
  // chain.
  void Step(Worker& worker, Table& read);

  // A kind change has begun: new keys go to read from now on. After a full promotion both dirty and
  // graves are empty.
  void Close() { closing_ = true; }
  bool closing() const { return closing_; }
  bool merged() const { return dirty_.size() == 0 && graves_ == 0; }

 private:
  static constexpr size_t kGravesMin = 8;
  static constexpr uint64_t kMissSample = 16;

  uint64_t DueAt(const Table& read) const { return dirty_.size() + read.buckets(); }
  void Expunge(Worker& worker, Table& read, uint32_t bucket_bits);
  void Drain(Worker& worker, Table& read);
  bool MoveToRead(Worker& worker, Table& read, uint32_t bucket_bits);

  Table dirty_;
  LayoutVersion& layout_;
  SyncCounts& counts_;
  std::atomic<uint64_t> misses_{0};  // since the last promotion; relaxed, an estimate
  std::atomic<uint64_t> due_at_{0};  // how many make one due, for readers; relaxed, an estimate
  size_t dirty_size_ = 0;
  size_t graves_ = 0;
  uint64_t position_ = Table::kScanEnd;  // of the running promotion; kScanEnd: none runs
  uint32_t undrained_ = UINT32_MAX;  // buckets of dirty, from the first, that Drain() has not met
  bool closing_ = false;
};

}  // namespace larder::store
