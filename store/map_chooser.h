// Which kind of map each shard is to have, by order or by evidence, and which are not there yet.
//
// Orders (CONFIG SET map, LARDER MAP) set a shard's goal. Under `--map auto` the chooser sets it:
// once a second each shard's counters are handed in (less often if there are more than 6,400), and
// a shard whose evidence has spoken for the same other kind kAgreements times in a row moves,
// unless it did so, or was ordered to, less than kRestMs ago. Both are the hysteresis, with the gap
// between the thresholds of AdviseMap(). The keyspace takes the shards that have to move from here
// and moves them (Keyspace::Maintain()).
//
// Threads: any; one short lock, the last in the order of locks. What the hot path asks is a load.
// Memory: 2 bytes and a pointer a shard; 0.8 KiB more once it has been used.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "store/clock.h"
#include "store/fixed_array.h"
#include "store/map_evidence.h"
#include "store/mutex.h"

namespace larder::store {

// A shard's change of kind that the chooser made by itself.
struct MapMove {
  int shard;
  MapKind from;
  MapAdvice to;
  MapEvidence evidence;  // that tipped the balance
};

// The counters of one shard, one sample a second, for as long as the profile looks back.
class MapHistory {
 public:
  static constexpr size_t kSeconds = 10;

  void Add(const MapEvidence& counts);
  // From the oldest sample, at most about kSeconds old, to `now`.
  MapEvidence Window(const MapEvidence& now) const { return now.Since(samples_[oldest()]); }
  // Between the last two samples.
  MapEvidence LastSecond() const;
  // REQUIRES: there is one.
  const MapEvidence& latest() const { return samples_[(added_ - 1) % samples_.size()]; }

 private:
  size_t oldest() const { return added_ < samples_.size() ? 0 : added_ % samples_.size(); }

  std::array<MapEvidence, kSeconds + 1> samples_;  // the counters at these times
  size_t added_ = 0;
};

class MapChooser {
 public:
  static constexpr int kAgreements = 3;
  static constexpr int64_t kRestMs = 10'000;
  static constexpr int64_t kSamplePeriodMs = 1000;
  // A sample takes up to 1 us: thousands of shards are sampled in steps, at most 0.6 % of a thread.
  static constexpr int kSamplesAStep = 256;
  static constexpr int64_t kSampleStepMs = 40;

  MapChooser(int shards, MapKind initial, bool automatic);

  // --- Orders. REQUIRES: neither `kind` nor the present one is plain.

  void Order(int shard, MapKind kind);
  // All shards, and ends automatic choice.
  void OrderAll(MapKind kind);
  void ChooseAutomatically();
  bool automatic() const {
    return automatic_.load(std::memory_order_relaxed);  // relaxed: a switch
  }

  MapKind goal(int shard) const {
    // relaxed: whoever acts on it takes locks that order it (Keyspace::ChangeKindStep()).
    return goals_[static_cast<size_t>(shard)].load(std::memory_order_relaxed);
  }

  // --- Evidence

  // The shard whose counters are wanted next; nothing if none are wanted just now.
  std::optional<int> NextToSample(UnixMs now) {
    // relaxed: a hint; looked at again under the lock.
    if (now < sample_due_.load(std::memory_order_relaxed)) [[likely]]
      return std::nullopt;
    return TakeNextSample(now);
  }
  // `counts`: since the shard was made, elapsed_ms the time of some clock that never runs
  // backwards.
  void AddSample(int shard, const MapEvidence& counts);
  // What has happened in a shard in the last 10 s up to now.
  MapEvidence Recent(int shard, const MapEvidence& counts) const;

  // --- Moving

  bool has_work() const {
    return waiting_count_.load(std::memory_order_relaxed) != 0;  // relaxed: a hint
  }
  // A shard that is not of the kind it is to be. Whoever takes it hands it back.
  std::optional<int> TakeWork();
  // `reached`: the kind it has now; nothing if it is still on its way.
  void HandBack(int shard, std::optional<MapKind> reached);

  // --- Figures

  // Automatic moves that were decided on and not taken yet, oldest first; at most kMovesKept.
  std::vector<MapMove> TakeMoves();
  bool has_moves() const {
    return move_count_.load(std::memory_order_relaxed) != 0;  // relaxed: a hint
  }
  static constexpr size_t kMovesKept = 1 << 16;
  // Shards that have arrived at another kind, by order or by choice.
  uint64_t changes() const {
    return changes_.load(std::memory_order_relaxed);
  }  // relaxed: a figure

 private:
  struct Record {
    MapHistory history;
    MapKind favoured{};
    int agreements = 0;  // how many samples in a row have favoured it over the present kind
    uint64_t rests_until_ms = 0;
  };

  std::optional<int> TakeNextSample(UnixMs now);
  void Consider(int shard, Record& record) REQUIRES(mu_);
  void Rest(int shard) REQUIRES(mu_);
  void SetGoal(int shard, MapKind kind) REQUIRES(mu_);
  void Wait(int shard) REQUIRES(mu_);

  FixedArray<std::atomic<MapKind>> goals_;  // written under mu_
  std::atomic<bool> automatic_;
  std::atomic<UnixMs> sample_due_{0};
  std::atomic<size_t> waiting_count_{0};  // of waiting_
  std::atomic<size_t> move_count_{0};     // of moves_
  std::atomic<uint64_t> changes_{0};
  mutable Mutex mu_;
  std::vector<std::unique_ptr<Record>> records_ GUARDED_BY(mu_);  // none for a shard never used
  int next_sample_ GUARDED_BY(mu_) = 0;
  UnixMs round_began_at_ GUARDED_BY(mu_) = 0;
  std::vector<bool> on_its_way_ GUARDED_BY(mu_);  // waits, or has been taken and not handed back
  std::vector<bool> reordered_ GUARDED_BY(mu_);   // since it was taken
  std::vector<int> waiting_ GUARDED_BY(mu_);
  std::vector<MapMove> moves_ GUARDED_BY(mu_);
};

}  // namespace larder::store
