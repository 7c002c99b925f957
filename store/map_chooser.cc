#include "store/map_chooser.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace larder::store {
namespace {

// What a shard's counters were a second before its first operation was noticed. Its lock may have
// been taken long before that.
MapEvidence BeforeFirstUse(const MapEvidence& counts) {
  return {.elapsed_ms = counts.elapsed_ms - MapChooser::kSamplePeriodMs,
          .acquisitions = counts.acquisitions,
          .contended = counts.contended,
          .waited_us = counts.waited_us};
}

}  // namespace

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
      on_its_way_(static_cast<size_t>(shards)),
      reordered_(static_cast<size_t>(shards)) {}

void MapChooser::Order(int shard, MapKind kind) {
  MutexLock lock(mu_);
  SetGoal(shard, kind);
  Rest(shard);
}

void MapChooser::OrderAll(MapKind kind) {
  MutexLock lock(mu_);
  automatic_.store(false, std::memory_order_relaxed);  // relaxed: a switch
  for (size_t i = 0; i < goals_.size(); ++i) SetGoal(static_cast<int>(i), kind);
}

// What is just being decided is left alone for a while.
void MapChooser::Rest(int shard) {
  Record* record = records_[static_cast<size_t>(shard)].get();
  if (record == nullptr) return;
  record->agreements = 0;
  record->rests_until_ms = record->history.latest().elapsed_ms + kRestMs;
}

void MapChooser::ChooseAutomatically() {
  automatic_.store(true, std::memory_order_relaxed);  // relaxed: a switch
}

void MapChooser::SetGoal(int shard, MapKind kind) {
  assert(kind != MapKind::kPlain && goal(shard) != MapKind::kPlain);
  if (goal(shard) == kind) return;  // it is there, or on its way
  const auto index = static_cast<size_t>(shard);
  goals_[index].store(kind, std::memory_order_relaxed);  // relaxed: see goal()
  reordered_[index] = true;
  if (on_its_way_[index]) return;
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
    record->history.Add(BeforeFirstUse(counts));
  }
  // A thread that was held up may come with what is older.
  if (counts.elapsed_ms <= record->history.latest().elapsed_ms) return;
  record->history.Add(counts);
  if (automatic()) {
    Consider(shard, *record);
  } else {
    record->agreements = 0;
  }
}

void MapChooser::Consider(int shard, Record& record) {
  const MapEvidence evidence = record.history.LastSecond();
  const MapKind present = goal(shard);
  const MapAdvice advice = AdviseMap(present, evidence);
  if (advice.kind != record.favoured || advice.kind == present) record.agreements = 0;
  record.favoured = advice.kind;
  if (advice.kind == present || ++record.agreements < kAgreements) return;
  if (record.history.latest().elapsed_ms < record.rests_until_ms) return;
  SetGoal(shard, advice.kind);
  Rest(shard);
  if (moves_.size() == kMovesKept) return;
  moves_.push_back({shard, present, advice, evidence});
  move_count_.store(moves_.size(), std::memory_order_relaxed);  // relaxed: a hint
}

MapEvidence MapChooser::Recent(int shard, const MapEvidence& counts) const {
  MutexLock lock(mu_);
  const std::unique_ptr<Record>& record = records_[static_cast<size_t>(shard)];
  if (record != nullptr) return record->history.Window(counts);
  return counts.Since(BeforeFirstUse(counts));
}

std::optional<int> MapChooser::TakeWork() {
  if (!has_work()) return std::nullopt;
  MutexLock lock(mu_);
  if (waiting_.empty()) return std::nullopt;
  const int shard = waiting_.back();
  waiting_.pop_back();
  reordered_[static_cast<size_t>(shard)] = false;
  waiting_count_.store(waiting_.size(), std::memory_order_relaxed);  // relaxed: a hint
  return shard;
}

void MapChooser::HandBack(int shard, std::optional<MapKind> reached) {
  MutexLock lock(mu_);
  // Ordered to and fro meanwhile, it may have got a database that is of another kind.
  if (reached != goal(shard) || reordered_[static_cast<size_t>(shard)]) return Wait(shard);
  on_its_way_[static_cast<size_t>(shard)] = false;
  changes_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
}

std::vector<MapMove> MapChooser::TakeMoves() {
  MutexLock lock(mu_);
  move_count_.store(0, std::memory_order_relaxed);  // relaxed: a hint
  return std::exchange(moves_, {});
}

}  // namespace larder::store
