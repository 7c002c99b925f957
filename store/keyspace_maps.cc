// Keyspace's kinds of map: what each shard's guard goes through, and how its kind changes.
#include <algorithm>

#include "store/keyspace.h"

namespace larder::store {

using std::chrono::steady_clock;

MapEvidence Keyspace::EvidenceOf(int shard, UnixMs now) const {
  const ShardFigures figures = FiguresOfShard(shard);
  const ShardCounts& counts = figures.counts;
  return {.elapsed_ms = static_cast<uint64_t>(now),
          .reads = figures.reads.loads,
          .locked_reads = counts.locked_reads,
          .hits = figures.reads.hits,
          .stores = counts.stores,
          .removals = counts.deletes + counts.expired + counts.evicted,
          .acquisitions = figures.lock.acquisitions,
          .contended = figures.lock.contended,
          .waited_us = figures.lock.waited_ns / 1000};
}

std::vector<MapEvidence> Keyspace::Evidence() const {
  std::vector<MapEvidence> all;
  const UnixMs now = clock_.Now();
  for (int i = 0; i < shards(); ++i) all.push_back(EvidenceOf(i, now));
  return all;
}

std::vector<MapEvidence> Keyspace::RecentEvidence() const {
  std::vector<MapEvidence> all = Evidence();
  for (int i = 0; i < shards(); ++i) {
    MapEvidence& counts = all[static_cast<size_t>(i)];
    counts = map_chooser_.Recent(i, counts);
  }
  return all;
}

HotKeySamples Keyspace::SampledKeys() const {
  HotKeySamples samples;
  for (const auto& worker : workers_) worker->hot_keys().Read(clock_.Now(), samples);
  return samples;
}

void Keyspace::SampleMaps(UnixMs now, steady_clock::time_point end) {
  while (const std::optional<int> shard = map_chooser_.NextToSample(now)) {
    map_chooser_.AddSample(*shard, EvidenceOf(*shard, now));
    if (steady_clock::now() >= end) return;
  }
}

// True if shards are left that are not of the kind that they are to be. One thread at a time:
// others would only wait for change_, and hold up whoever else needs it.
bool Keyspace::MoveMaps(Worker& worker, steady_clock::time_point end) {
  // acquire [keyspace.moving]: nothing but the right to move hangs on it.
  if (!map_chooser_.has_work() || moving_maps_.exchange(true, std::memory_order_acquire))
    return false;
  while (const std::optional<int> shard = map_chooser_.TakeWork()) {
    const MapKind kind = map_of(*shard);
    bool is_there = false;
    do {
      is_there = ChangeKindStep(worker, *shard, kind);
    } while (!is_there && steady_clock::now() < end);
    map_chooser_.HandBack(*shard, is_there ? std::optional(kind) : std::nullopt);
    if (steady_clock::now() >= end) break;
  }
  moving_maps_.store(false, std::memory_order_release);  // release [keyspace.moving]
  return map_chooser_.has_work();
}

bool Keyspace::ChangeKindStep(Worker& worker, int shard, MapKind kind) {
  worker.Unpin();
  MutexLock lock(change_);  // no further database is made meanwhile
  bool done = true;
  for (Database* database : AllDatabases()) {
    Shard& each = database->shards[static_cast<size_t>(shard)];
    ShardLock hold(each, worker);
    done = each.ChangeKindStep(worker, kind) && done;
  }
  return done;
}

}  // namespace larder::store
