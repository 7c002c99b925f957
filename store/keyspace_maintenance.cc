// Keyspace's background work: expiry, eviction, promotion, flushed databases, retired memory.
#include <algorithm>
#include <optional>

#include "store/keyspace.h"

namespace larder::store {
namespace {

using std::chrono::steady_clock;

// A sweep this late is taken over by whichever thread notices.
constexpr UnixMs kOverdueMs = 20;
// How often a thread looks at all when nothing calls it earlier: a deadline that was armed
// meanwhile waits at most so long, plus one tick of the wheel.
constexpr UnixMs kSweepPeriodMs = 40;
// While retired memory waits for readers to move on.
constexpr UnixMs kReclaimPeriodMs = 2;
// While entries are to be moved: with a budget of 0.5 ms, at most a third of the thread's time.
constexpr UnixMs kCompactPeriodMs = 1;
// Records of one step under a shard's lock, which others may be waiting for: about 12 us.
constexpr size_t kSweepRecords = 32;
constexpr int kUpkeepSteps = 32;
constexpr size_t kClearEntries = 128;

}  // namespace

MaintenanceResult Keyspace::Maintain(Worker& worker, std::chrono::microseconds budget) {
  const auto end = steady_clock::now() + budget;
  worker.Unpin();
  worker.set_now(clock_.Now());
  worker.Reclaim();
  const bool evicting = EvictUntil(worker, end);
  MaintenanceResult result{.more_now = false, .next_at = worker.now() + kSweepPeriodMs};
  Sweeper& sweeper = sweepers_[static_cast<size_t>(worker.index())];
  for (int db = 0; db < databases(); ++db) {
    if (Database* database = Find(db)) {
      result.next_at = std::min(result.next_at, SweepDatabase(worker, *database, sweeper, end));
    }
  }
  const bool retired_remains = worker.Reclaim();
  // relaxed: a hint; the next round sees it.
  if (flushed_count_.load(std::memory_order_relaxed) != 0)
    result.more_now = ClearFlushed(worker, end);
  if (evicting) result.more_now = true;
  worker.hot_keys().Age(worker.now());
  SampleMaps(worker.now(), end);
  if (MoveMaps(worker, end)) result.more_now = true;
  if (Compact(worker, end))
    result.next_at = std::min(result.next_at, worker.now() + kCompactPeriodMs);
  if (retired_remains) result.next_at = std::min(result.next_at, worker.now() + kReclaimPeriodMs);
  if (result.next_at <= worker.now()) result.more_now = true;
  return result;
}

// Sweeps the shards of this thread that are due, and others' that are overdue. Returns when the
// next one is due.
UnixMs Keyspace::SweepDatabase(Worker& worker, Database& database, Sweeper& sweeper,
                               steady_clock::time_point end) {
  const size_t count = database.shards.size();
  const auto threads = static_cast<size_t>(std::max(options_.threads, 1));
  const auto mine = static_cast<size_t>(worker.index()) % threads;
  UnixMs next = Shard::kNever;
  for (size_t i = 0; i < count; ++i) {
    const size_t shard = (sweeper.next + i) % count;
    const UnixMs due = database.due[shard].load(std::memory_order_relaxed);  // relaxed: a hint
    if (due == Shard::kNever) continue;
    const UnixMs ours_from = shard % threads == mine ? due : due + kOverdueMs;
    if (ours_from > worker.now()) {
      next = std::min(next, ours_from);
      continue;
    }
    if (!SweepShard(worker, database, shard, end)) {
      sweeper.next = shard;
      return worker.now();
    }
  }
  return next;
}

// False if the time ran out before the shard was done.
bool Keyspace::SweepShard(Worker& worker, Database& database, size_t shard,
                          steady_clock::time_point end) {
  Shard::Due& due = database.due[shard];
  while (due.load(std::memory_order_relaxed) <=
         worker.now()) {  // relaxed: written under the lock we take below
    {
      ShardLock lock(database.shards[shard], worker);
      database.shards[shard].Upkeep(worker, kUpkeepSteps);
      // relaxed: switches, both of them.
      if (!active_expiry_.load(std::memory_order_relaxed)) return true;
      if (standing_still_.load(std::memory_order_relaxed)) return true;  // relaxed: the same
      database.shards[shard].Sweep(worker, worker.now(), kSweepRecords);
    }
    worker.ReclaimIfCrowded();
    if (steady_clock::now() >= end) return false;
  }
  return true;
}

// Empties flushed databases for as long as there is time. True if there is more to do.
bool Keyspace::ClearFlushed(Worker& worker, steady_clock::time_point end) {
  while (steady_clock::now() < end) {
    std::optional<Flushed> work;
    {
      MutexLock lock(admin_);
      if (flushed_.empty()) return false;
      work = flushed_.back();
      flushed_.pop_back();
    }
    for (int i = 0; i < 16 && work->next_shard < work->database->shards.size(); ++i) {
      Shard& shard = work->database->shards[work->next_shard];
      ShardLock lock(shard, worker);
      const int64_t before = shard.memory_bytes();
      const bool more = shard.ClearStep(worker, kClearEntries);
      // What left `used` just now had left it already when the database was flushed.
      const int64_t undo = std::min(before - shard.memory_bytes(), work->retired_bytes);
      worker.allocator().MoveToRetired(-undo);
      work->retired_bytes -= undo;
      if (!more) ++work->next_shard;
    }
    worker.Reclaim();
    MutexLock lock(admin_);
    if (work->next_shard < work->database->shards.size()) {
      flushed_.push_back(*work);
    } else {
      worker.allocator().MoveToRetired(-work->retired_bytes);
      free_.push_back(work->database);
      flushed_count_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a hint
    }
  }
  return true;
}

}  // namespace larder::store
