#include "store/sync_map.h"

#include <algorithm>

#include "store/worker.h"

namespace larder::store {
namespace {

void Bump(std::atomic<uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
}

}  // namespace

bool SyncMap::CountMiss(Worker& worker) {
  if (worker.Random() % kMissSample != 0) return false;
  counts_.misses.fetch_add(kMissSample, std::memory_order_relaxed);  // relaxed: a figure
  // relaxed: an estimate that decides when to tidy up, never what a reader sees.
  const uint64_t misses = misses_.fetch_add(kMissSample, std::memory_order_relaxed) + kMissSample;
  return misses >= due_at_.load(std::memory_order_relaxed);  // relaxed: see above
}

bool SyncMap::Revive(Table& read, const Key& key, const Entry* entry) {
  if (graves_ == 0 || closing_) return false;
  const Table::Position grave = read.LocateDeleted(key);
  if (!grave) return false;
  Table::Replace(grave, Slot::Of(entry));
  --graves_;
  return true;
}

void SyncMap::Bury(const Key& key, Table::Position at) {
  Table::Replace(at, Slot::Deleted(key.bucket_bits()));
  ++graves_;
}

bool SyncMap::NeedsStep(const Table& read) const {
  if (position_ != Table::kScanEnd) return true;
  if (graves_ > std::max(kGravesMin, read.size() / 4)) return true;
  // relaxed: an estimate.
  return dirty_.size() != 0 && (closing_ || misses_.load(std::memory_order_relaxed) >= DueAt(read));
}

void SyncMap::Step(Worker& worker, Table& read) {
  if (closing_ && dirty_.size() != 0) return Drain(worker, read);
  if (position_ == Table::kScanEnd) position_ = 0;
  const auto at = static_cast<uint32_t>(position_);
  const uint32_t bits = Table::BucketBitsAt(at);
  // Asked before the tables change: what lies up to here is what this step sees.
  const uint64_t next = std::min(read.NextScanPosition(at), dirty_.NextScanPosition(at));
  Expunge(worker, read, bits);
  if (!MoveToRead(worker, read, bits)) return;
  position_ = next;
  // relaxed: estimates, see CountMiss().
  due_at_.store(DueAt(read), std::memory_order_relaxed);
  if (position_ == Table::kScanEnd) {
    misses_.store(0, std::memory_order_relaxed);
    Bump(counts_.promotions);
  }
}

void SyncMap::Expunge(Worker& worker, Table& read, uint32_t bucket_bits) {
  while (graves_ != 0) {
    Table::Position grave;
    read.VisitBucket(bucket_bits, [&](Table::Position at) {
      if (at.slot().is_deleted()) grave = at;
    });
    if (!grave) return;
    read.Erase(worker, grave.slot().deleted_bits(), grave);
    --graves_;
    Bump(counts_.expunged);
  }
}

// Nothing comes to dirty any more: its last bucket goes first, as it does when the table shrinks,
// so that all chains stay short. In scan order what is left would share fewer and fewer buckets.
void SyncMap::Drain(Worker& worker, Table& read) {
  const auto buckets = static_cast<uint32_t>(dirty_.buckets());
  const uint32_t last = std::min(undrained_, buckets) - 1;
  if (MoveToRead(worker, read, last)) undrained_ = last;  // the number of a bucket belongs to it
}

// False if some are left: a chain may hold more than one step should move.
bool SyncMap::MoveToRead(Worker& worker, Table& read, uint32_t bucket_bits) {
  constexpr int kMovesAStep = 16;
  for (int moves = 0;; ++moves) {
    Table::Position newcomer;
    dirty_.VisitBucket(bucket_bits, [&](Table::Position at) { newcomer = at; });
    if (!newcomer) return true;
    if (moves == kMovesAStep) return false;
    const Key key = worker.hasher()(newcomer.entry()->key());
    // In this order: tests/store/bucket_test.cc tries others.
    read.Insert(worker, key, newcomer.entry());
    layout_.EntryMoved();
    dirty_.Erase(worker, key.bucket_bits(), newcomer);
  }
}

}  // namespace larder::store
