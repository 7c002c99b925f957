// Keyspace's part in giving memory back: moving entries and buckets out of sparse regions
// (store/slab.h).
#include <array>

#include "store/keyspace.h"

namespace larder::store {
namespace {

// Moved together, so that the look-ups overlap: about 5 us.
constexpr size_t kMovedTogether = 16;
// Chains looked at under one lock: about 5 us if all of them move.
constexpr uint32_t kHeadsAStep = 64;

}  // namespace

// Each worker moves what lies in its own regions, whichever shard it belongs to. At least a few
// entries a call. True if there are more.
bool Keyspace::Compact(Worker& worker, std::chrono::steady_clock::time_point end) {
  if (!Allocator::UsesSlabs()) return false;
  SlabHeap& slabs = worker.allocator().slabs();
  Sweeper& sweeper = sweepers_[static_cast<size_t>(worker.index())];
  const uint32_t asked = compactions_asked_.load(std::memory_order_relaxed);  // relaxed: a switch
  const bool wholly = sweeper.compactions_done != asked;
  sweeper.compactions_done = asked;
  wholly ? slabs.TidyWholly() : slabs.Tidy();
  while (slabs.has_entries_to_move() || slabs.has_buckets_to_move()) {
    if (slabs.has_entries_to_move()) {
      MoveEntries(worker, slabs);
    } else if (!MoveBuckets(worker, sweeper)) {
      slabs.BucketsWalkedThrough();
    }
    if (std::chrono::steady_clock::now() >= end) break;
  }
  return slabs.has_entries_to_move() || slabs.has_buckets_to_move();
}

void Keyspace::MoveEntries(Worker& worker, SlabHeap& slabs) {
  std::array<void*, kMovedTogether> cells;
  size_t left = slabs.TakeEntriesToMove(cells);
  std::array<KeyAt, kMovedTogether> keys = {};
  for (size_t i = 0; i < left; ++i) keys[i].key = Hash(static_cast<const Entry*>(cells[i])->key());
  // An entry does not know its database. Those that are found in none have been retired, or wait in
  // a flushed database.
  for (int db = 0; db < databases() && left > 0; ++db) {
    Database* database = Find(db);
    if (database == nullptr) continue;
    for (size_t i = 0; i < left; ++i) {
      keys[i].db = db;
      keys[i].key.short_cut = {};
    }
    Prefetch(worker, std::span(keys).first(left));
    size_t not_here = 0;
    for (size_t i = 0; i < left; ++i) {
      Shard& shard = database->shards[ShardOf(keys[i].key)];
      ShardLock lock(shard, worker);
      if (shard.MoveEntry(worker, keys[i].key, static_cast<const Entry*>(cells[i]))) continue;
      cells[not_here] = cells[i];
      keys[not_here++] = keys[i];
    }
    left = not_here;
  }
  worker.Unpin();
}

// Takes the walk through all tables on by one step under a lock; false at the end.
bool Keyspace::MoveBuckets(Worker& worker, Sweeper& sweeper) {
  auto& at = sweeper.walk;
  for (; at.db < databases(); ++at.db, at.shard = 0) {
    Database* database = Find(at.db);
    for (; database != nullptr && at.shard < database->shards.size(); ++at.shard) {
      Shard& shard = database->shards[at.shard];
      if (shard.size() == 0) continue;
      ShardLock lock(shard, worker);
      at.head = shard.MoveBuckets(worker, at.head, kHeadsAStep);
      if (at.head == 0) ++at.shard;
      return true;
    }
  }
  at = {};
  return false;
}

}  // namespace larder::store
