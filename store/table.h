// The hash table under every kind of map: written under the shard's lock, readable without one.
//
// Layout. A bucket (store/bucket.h) is one cache line of 7 slots; a look-up touches one bucket and
// one entry, save for chains. Buckets are reached through a directory of segments: the first few of
// 1, 1, 2, 4 and 8 buckets, then 16 each.
//
// Growth is linear hashing (W. Litwin, VLDB 1980): one bucket splits when an insert finds the load
// above its bound, one merges when an erase finds it below half of that, so no operation pays for a
// whole table.
//
// Scan order is by reversed hash bits (P. Noordhuis' cursor of Redis' dict.c): a cursor is a
// position in the space of bit-reversed hashes, and a bucket is a contiguous piece of it, however
// often it was split or merged since.
//
// Readers without a lock: store/bucket.h says how an entry is published and erased,
// store/layout_version.h how it moves from one bucket to another. A reader that meets a bucket in
// the middle of a change answers "torn" and its caller looks again. Buckets, segments and
// directories are retired through epochs, as entries are.
//
// Threads: functions that take a Protection may be called by any thread that has one, all others
// need the shard's lock. Cost: look-ups and changes O(1); nothing here allocates but Insert, and
// that 64 B for every 5 to 6 keys.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "store/bucket.h"
#include "store/entry.h"
#include "store/epoch.h"
#include "store/hash.h"
#include "store/layout_version.h"

namespace larder::store {

class Worker;

class Table {
 public:
  // What a lock-free look-up answers. Torn: the reader met a bucket in the middle of a change and
  // must look again.
  struct Found {
    const Entry* entry = nullptr;
    bool torn = false;
  };

  // Where an entry is. Good until the table changes.
  struct Position {
    Bucket* bucket = nullptr;
    int index = 0;

    explicit operator bool() const { return bucket != nullptr; }
    Slot slot() const { return bucket->slot(index); }
    Entry* entry() const { return slot().entry(); }
  };

  // `layout` is the version word of the shard that the table belongs to; `size` is where the table
  // counts its entries and graves, 0 at first, for every insert and erase writes it: not in a line
  // that readers go through. Both outlive the table.
  Table(LayoutVersion& layout, size_t& size) : layout_(layout), size_(size) {}
  // REQUIRES: empty.
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  Found Find(const Key& key, Protection) const;
  // Leaves a short cut in the key for the calls that follow. REQUIRES: the table outlives the key.
  void PrefetchBucket(Key& key, Protection) const;
  // The same without a short cut.
  void PrefetchBucketOnly(const Key& key, Protection) const;
  // Looks in bucket number `hop` of the chain, which is in the cache by now, for where the entry
  // is. True if it must be further on: then the next bucket is on its way, and a call with hop + 1
  // will find more.
  bool PrefetchEntry(const Key& key, int hop, Protection) const;

  // What a key costs here, about: its share of a bucket that holds 5 to 6.
  static constexpr size_t kBytesPerKey = 12;

  // Entries and graves.
  size_t size() const { return size_; }
  size_t buckets() const;
  // The same as buckets() != 0, but for the moment in which the first one is made. In line, for it
  // is on the way of every look-up in a sync map.
  bool has_buckets() const {
    return directory_.load(std::memory_order_acquire) != nullptr;  // acquire [table.directory]
  }
  // How often a look-up or insert has met a chain of more than kChainMax buckets: a sign of chosen
  // keys.
  uint64_t long_chains() const { return long_chains_; }

  Position Locate(const Key& key) const;
  // The grave of a deleted entry with this key's hash bits.
  Position LocateDeleted(const Key& key) const;
  // REQUIRES: the key is absent.
  void Insert(Worker& worker, const Key& key, const Entry* entry);
  // Overwrites a slot; what was there is the caller's to retire.
  static void Replace(Position at, Slot slot) { at.bucket->SetSlot(at.index, slot); }
  // Frees a slot; what was there is the caller's to retire.
  void Erase(Worker& worker, uint32_t bucket_bits, Position at);

  // Moves buckets out of memory that is being emptied (store/slab.h), looking at `heads` chains
  // from number `from` on. Returns the number to go on from, 0 at the end.
  uint32_t MoveBuckets(Worker& worker, uint32_t from, uint32_t heads);

  // Calls visit(Position) for every taken slot, graves included, of the bucket that `bucket_bits`
  // belong to. `visit` must not change the table's structure; it may overwrite the slot.
  template <typename Visit>
  void VisitBucket(uint32_t bucket_bits, Visit&& visit) const;

  // The first bucket of a chain drawn by `random`: each with the same chance, and so each entry, as
  // whoever draws takes the whole chain. Null if there is none. Good while protected.
  const Bucket* Draw(uint32_t random, Protection) const;
  // Calls visit(const Entry&) for the entries of a chain that Draw() gave: one that moves meanwhile
  // may be missed or met twice.
  template <typename Visit>
  static void VisitDrawn(const Bucket* bucket, Protection, Visit&& visit);

  // The scan position that follows the bucket at `position`; kScanEnd after the last. See
  // VisitBucket for its content.
  static constexpr uint64_t kScanEnd = uint64_t{1} << 32;
  uint64_t NextScanPosition(uint32_t position) const;
  static uint32_t BucketBitsAt(uint32_t position);  // reverses the bits

 private:
  static constexpr int kChainMax = 32;

  struct Directory;

  Bucket* HeadFor(uint32_t bucket_bits) const;
  Bucket* HeadFor(const Key& key) const;
  void Place(Worker& worker, Bucket* head, uint8_t fingerprint, Slot content);
  void Grow(Worker& worker);
  void Shrink(Worker& worker);
  void Release(Worker& worker);
  Bucket* AddBucket(Worker& worker);
  void CompactChain(Worker& worker, Bucket* head);
  void MoveSegment(Worker& worker, Directory& directory, uint32_t segment);
  void MoveChain(Worker& worker, Bucket* head);
  static void ClearMoved(Bucket* head, uint32_t split_bit, Worker& worker);

  std::atomic<Directory*> directory_{nullptr};  // null: no bucket at all
  LayoutVersion& layout_;
  size_t& size_;
  mutable uint64_t long_chains_ = 0;
};

template <typename Visit>
void Table::VisitBucket(uint32_t bucket_bits, Visit&& visit) const {
  for (Bucket* bucket = HeadFor(bucket_bits); bucket != nullptr; bucket = bucket->Next()) {
    for (uint32_t taken = bucket->control().taken(); taken != 0; taken &= taken - 1) {
      visit(Position{bucket, std::countr_zero(taken)});
    }
  }
}

template <typename Visit>
void Table::VisitDrawn(const Bucket* bucket, Protection, Visit&& visit) {
  for (; bucket != nullptr; bucket = bucket->Next()) {
    for (uint32_t taken = bucket->control().taken(); taken != 0; taken &= taken - 1) {
      const Slot slot = bucket->slot(std::countr_zero(taken));
      if (slot.is_entry()) visit(*slot.entry());
    }
  }
}

}  // namespace larder::store
