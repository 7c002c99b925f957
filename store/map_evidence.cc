#include "store/map_evidence.h"

#include <algorithm>

namespace larder::store {
namespace {

double Share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

MapEvidence MapEvidence::Since(const MapEvidence& earlier) const {
  return {.elapsed_ms = elapsed_ms - earlier.elapsed_ms,
          .reads = reads - earlier.reads,
          .locked_reads = locked_reads - earlier.locked_reads,
          .hits = hits - earlier.hits,
          .stores = stores - earlier.stores,
          .removals = removals - earlier.removals,
          .acquisitions = acquisitions - earlier.acquisitions,
          .contended = contended - earlier.contended,
          .waited_us = waited_us - earlier.waited_us};
}

void MapEvidence::Add(const MapEvidence& other) {
  reads += other.reads;
  locked_reads += other.locked_reads;
  hits += other.hits;
  stores += other.stores;
  removals += other.removals;
  acquisitions += other.acquisitions;
  contended += other.contended;
  waited_us += other.waited_us;
}

double MapEvidence::operations_per_second() const { return 1000 * Share(operations(), elapsed_ms); }

double MapEvidence::read_share() const { return Share(reads, operations()); }

double MapEvidence::free_read_share() const {
  // The counts are not of the very same moment.
  return Share(reads - std::min(reads, locked_reads), operations());
}

double MapEvidence::hit_share() const { return Share(hits, reads); }

double MapEvidence::removal_share() const { return Share(removals, operations()); }

double MapEvidence::contended_share() const { return Share(contended, acquisitions); }

double MapEvidence::waiting_share() const { return Share(waited_us, 1000 * elapsed_ms); }

MapAdvice AdviseMap(MapKind present, const MapEvidence& evidence) {
  if (present == MapKind::kPlain) return {present, MapReason::kFits};
  if (evidence.operations_per_second() < kQuietOperationsPerSecond)
    return {present, MapReason::kQuiet};
  const double read_share = evidence.free_read_share();
  if (read_share >= kReadShareIn) return {MapKind::kRcu, MapReason::kReadsDominate};
  if (read_share >= kReadShareInIfContended && evidence.contended_share() >= kContendedShare)
    return {MapKind::kRcu, MapReason::kReadersWait};
  if (read_share < kReadShareOut) return {MapKind::kMutex, MapReason::kWritesDominate};
  return {present, MapReason::kFits};
}

}  // namespace larder::store
