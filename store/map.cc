#include "store/map.h"

#include <algorithm>
#include <cassert>
#include <new>

namespace larder::store {

Map::Map(MapKind kind, SyncCounts& sync_counts)
    : table_(layout_, table_size_), sync_counts_(sync_counts), guard_(kind) {}

Map::~Map() { assert(sync() == nullptr && table_.size() == 0); }

// The analysis cannot follow a lock that depends on the kind.
void Map::Lock(Worker& worker) NO_THREAD_SAFETY_ANALYSIS {
  assert(!worker.epoch().pinned());
  if (kind() == MapKind::kPlain) return;
  guard_.lock.writers().Lock();
  // The kind changes under the lock only, so it stays what it is now.
  if (kind() == MapKind::kRwMutex) guard_.lock.HoldOffReaders(worker.reader_slots());
}

// See Lock().
void Map::Unlock() NO_THREAD_SAFETY_ANALYSIS {
  if (kind() == MapKind::kPlain) return;
  if (kind() == MapKind::kRwMutex) guard_.lock.AdmitReaders();
  guard_.lock.writers().Unlock();
}

Map::Place Map::Locate(const Key& key) {
  if (const auto at = table_.Locate(key)) return {&table_, at};
  if (SyncMap* split = sync(); split != nullptr) {
    if (const auto at = split->dirty().Locate(key)) return {&split->dirty(), at};
  }
  return {};
}

void Map::Insert(Worker& worker, const Key& key, const Entry* entry) {
  AddLive(1);
  // A sync map's second table is made on first use: an empty shard has none.
  if (kind() == MapKind::kSync && sync() == nullptr) MakeSync(worker);
  SyncMap* split = sync();
  if (split == nullptr || split->closing()) {
    table_.Insert(worker, key, entry);
  } else if (!split->Revive(table_, key, entry)) {
    split->dirty().Insert(worker, key, entry);
  }
  Upkeep(worker, 1);
}

void Map::Erase(Worker& worker, const Key& key, const Place& place) {
  AddLive(-1);
  SyncMap* split = sync();
  if (split != nullptr && place.table == &table_ && !split->closing()) {
    split->Bury(key, place.at);
  } else {
    place.table->Erase(worker, key.bucket_bits(), place.at);
  }
  Upkeep(worker, 1);
}

void Map::Upkeep(Worker& worker, int steps) {
  for (; steps > 0 && sync() != nullptr && sync()->NeedsStep(table_); --steps) {
    sync()->Step(worker, table_);
  }
}

bool Map::NeedsTidyUp() const {
  const SyncMap* split = sync();
  return split != nullptr && (size() == 0 || split->closing() || split->NeedsStep(table_));
}

void Map::TidyUp(Worker& worker, int steps) {
  const SyncMap* split = sync();
  if (split != nullptr && (size() == 0 || split->closing())) {
    MergeStep(worker);
  } else {
    Upkeep(worker, steps);
  }
}

uint64_t Map::NextScanPosition(uint32_t position) const {
  const uint64_t next = table_.NextScanPosition(position);
  const SyncMap* split = sync();
  return split == nullptr ? next : std::min(next, split->dirty().NextScanPosition(position));
}

uint32_t Map::MoveBuckets(Worker& worker, uint32_t from, uint32_t heads) {
  const uint32_t next = table_.MoveBuckets(worker, from, heads);
  SyncMap* split = sync();
  return split == nullptr ? next : std::max(next, split->dirty().MoveBuckets(worker, from, heads));
}

void Map::MakeSync(Worker& worker) {
  auto* split = new (worker.allocator().Allocate(sizeof(SyncMap))) SyncMap(layout_, sync_counts_);
  sync_.store(split, std::memory_order_release);  // release [map.sync]
}

bool Map::MergeStep(Worker& worker) {
  constexpr int kBucketsAStep = 16;
  SyncMap* split = sync();
  if (split == nullptr) return true;
  split->Close();
  for (int i = 0; i < kBucketsAStep && !split->merged(); ++i) split->Step(worker, table_);
  if (!split->merged()) return false;
  // Readers that still look at the empty dirty table are pinned.
  sync_.store(nullptr, std::memory_order_release);  // release [map.sync]
  worker.epoch().Retire(split, sizeof(SyncMap));
  return true;
}

bool Map::ChangeKindStep(Worker& worker, MapKind to) {
  assert(kind() != MapKind::kPlain && to != MapKind::kPlain);
  if (to != MapKind::kSync && !MergeStep(worker)) return false;
  if (kind() != to) SetKind(worker, to);
  return true;
}

// Flips under both the old way and the new: no reader is inside that a writer of the new kind would
// not respect.
void Map::SetKind(Worker& worker,
                  MapKind to) NO_THREAD_SAFETY_ANALYSIS {  // Lock() holds it, see there
  guard_.lock.HoldOffReaders(worker.reader_slots());
  guard_.kind_.store(to, std::memory_order_seq_cst);  // seq_cst [guard.kind]
  layout_.EntryMoved();  // a reader that looked in the way of the old kind and found nothing looks
                         // again
  // Unlock() of rwmutex admits them; any other kind turns nobody away.
  if (to != MapKind::kRwMutex) guard_.lock.AdmitReaders();
}

}  // namespace larder::store
