#include "store/map_chooser.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace larder::store {

void MapHistory::Add(const MapEvidence& counts) {
  samples_[added_ % samples_.size()] = counts;
  ++added_;
}

MapEvidence MapHistory::LastSecond() const {
  if (added_ < 2) return {};
  return samples_[(added_ - 1) % samples_.size()].Since(samples_[(added_ - 2) % samples_.size()]);
}

MapChooser::MapChooser(int shards, MapKind initial, bool automatic)
    : goals_(static_cast<size_t>(shards),
             [initial](std::atomic<MapKind>* at, size_t) { new (at) std::atomic(initial); }),
      automatic_(automatic),
      records_(static_cast<size_t>(shards)),
      on_its_way_(static_cast<size_t>(shards)) {}

void MapChooser::Order(int shard, MapKind kind) {
  MutexLock lock(mu_);
  SetGoal(shard, kind);
}

void MapChooser::OrderAll(MapKind kind) {
  MutexLock lock(mu_);
  automatic_.store(false, std::memory_order_relaxed);  // relaxed: a switch
  for (size_t i = 0; i < goals_.size(); ++i) SetGoal(static_cast<int>(i), kind);
}

void MapChooser::ChooseAutomatically() {
  automatic_.store(true, std::memory_order_relaxed);  // relaxed: a switch
}

void MapChooser::SetGoal(int shard, MapKind kind) {
  assert(kind != MapKind::kPlain && goal(shard) != MapKind::kPlain);
  if (goal(shard) == kind) return;  // it is there, or on its way
  const auto index = static_cast<size_t>(shard);
  goals_[index].store(kind, std::memory_order_relaxed);  // relaxed: see goal()
  if (on_its_way_[index]) return;  // whoever has taken it will see the new goal
  on_its_way_[index] = true;
  Wait(shard);
}

void MapChooser::Wait(int shard) {
  waiting_.push_back(shard);
  waiting_count_.store(waiting_.size(), std::memory_order_relaxed);  // relaxed: a hint
}

std::optional<int> MapChooser::TakeNextSample(UnixMs now) {
  MutexLock lock(mu_);
  // relaxed: only changed under the lock.
  if (now < sample_due_.load(std::memory_order_relaxed)) return std::nullopt;
  if (next_sample_ == 0) round_began_at_ = now;
  const int shard = next_sample_++;
  UnixMs due = next_sample_ % kSamplesAStep == 0 ? now + kSampleStepMs : now;
  if (next_sample_ == static_cast<int>(records_.size())) {
    next_sample_ = 0;
    due = std::max(due, round_began_at_ + kSamplePeriodMs);
  }
  sample_due_.store(due, std::memory_order_relaxed);  // relaxed: a hint
  return shard;
}

void MapChooser::AddSample(int shard, const MapEvidence& counts) {
  MutexLock lock(mu_);
  std::unique_ptr<Record>& record = records_[static_cast<size_t>(shard)];
  if (record == nullptr) {
    if (counts.operations() == 0) return;
    record = std::make_unique<Record>();
    // Until now there was nothing to count.
    record->history.Add({.elapsed_ms = counts.elapsed_ms - uint32_t{kSamplePeriodMs}});
  }
  record->history.Add(counts);
  if (automatic()) Consider(shard, *record, counts.elapsed_ms);
}

void MapChooser::Consider(int shard, Record& record, uint32_t now_ms) {
  const MapEvidence evidence = record.history.LastSecond();
  const MapKind present = goal(shard);
  const MapAdvice advice = AdviseMap(present, evidence);
  record.agreements = advice.kind == record.favoured ? record.agreements + 1 : 1;
  record.favoured = advice.kind;
  if (advice.kind == present || record.agreements < kAgreements) return;
  if (record.has_moved && now_ms - record.moved_at_ms < kRestMs) return;
  record.has_moved = true;
  record.moved_at_ms = now_ms;
  SetGoal(shard, advice.kind);
  if (moves_.size() == kMovesKept) return;
  moves_.push_back({shard, present, advice, evidence});
  move_count_.store(moves_.size(), std::memory_order_relaxed);  // relaxed: a hint
}

MapEvidence MapChooser::Recent(int shard, const MapEvidence& counts) const {
  MutexLock lock(mu_);
  const std::unique_ptr<Record>& record = records_[static_cast<size_t>(shard)];
  if (record != nullptr) return record->history.Window(counts);
  // All that there is to count is younger than a sample.
  return counts.Since({.elapsed_ms = counts.elapsed_ms - uint32_t{kSamplePeriodMs}});
}

std::optional<int> MapChooser::TakeWork() {
  if (!has_work()) return std::nullopt;
  MutexLock lock(mu_);
  if (waiting_.empty()) return std::nullopt;
  const int shard = waiting_.back();
  waiting_.pop_back();
  waiting_count_.store(waiting_.size(), std::memory_order_relaxed);  // relaxed: a hint
  return shard;
}

void MapChooser::HandBack(int shard, std::optional<MapKind> reached) {
  MutexLock lock(mu_);
  if (reached != goal(shard)) return Wait(shard);  // or ordered elsewhere meanwhile
  on_its_way_[static_cast<size_t>(shard)] = false;
  changes_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
}

std::vector<MapMove> MapChooser::TakeMoves() {
  MutexLock lock(mu_);
  move_count_.store(0, std::memory_order_relaxed);  // relaxed: a hint
  return std::exchange(moves_, {});
}

}  // namespace larder::store
