#include "store/shard.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace larder::store {
namespace {

// One step of a promotion for each of these many commands would do; two keep it ahead of growth.
constexpr int kUpkeepStepsAWrite = 1;

// With its last volatile key a shard drops the records of dead ones, if they are no more than this.
constexpr size_t kDeadRecordsFreed = 64;

WheelMemory WheelMemoryOf(Worker& worker) {
  return {[](void* allocator, size_t bytes) {
            return static_cast<Allocator*>(allocator)->Allocate(bytes);
          },
          [](void* allocator, void* block, size_t bytes) {
            static_cast<Allocator*>(allocator)->Free(block, bytes);
          },
          &worker.allocator()};
}

}  // namespace

// Charges what happens in its scope to the shard: every allocation and retirement of this thread in
// between.
class Shard::Meter {
 public:
  Meter(Shard& shard, Worker& worker)
      : shard_(shard), allocator_(worker.allocator()), used_before_(allocator_.used()) {}
  ~Meter() { Add(shard_.memory_bytes_, allocator_.used() - used_before_); }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

 private:
  Shard& shard_;
  Allocator& allocator_;
  const int64_t used_before_;
};

// What the wheel asks: the lock is held by whoever runs the wheel.
class Shard::Deadlines final : public KeyDeadlines {
 public:
  Deadlines(Shard& shard, Worker& worker) : shard_(shard), worker_(worker) {}

  void Prefetch(std::span<const uint32_t> hash_bits) override;
  UnixMs Expire(uint32_t hash_bits, UnixMs now) override;
  UnixMs Earliest(uint32_t hash_bits) override;

 private:
  template <typename Visit>
  void VisitNamesakes(uint32_t hash_bits, Visit&& visit);

  Shard& shard_;
  Worker& worker_;
};

void Shard::Deadlines::Prefetch(std::span<const uint32_t> hash_bits) {
  for (const uint32_t bits : hash_bits) {
    Key key{{}, bits};
    shard_.map_.PrefetchBucket(key, Protection::UnderLock());
  }
  for (const uint32_t bits : hash_bits)
    shard_.map_.PrefetchEntry({{}, bits}, 0, Protection::UnderLock());
}

// Entries with these hash bits and a deadline.
template <typename Visit>
void Shard::Deadlines::VisitNamesakes(uint32_t hash_bits, Visit&& visit) {
  shard_.map_.AssertHeld();
  shard_.map_.VisitBucket(hash_bits, [&](const Map::Place& place) {
    if (place.at.bucket->control().fingerprint(place.at.index) != FingerprintOf(hash_bits)) return;
    const Entry* entry = place.entry();
    if (!entry->has_deadline_word() || entry->deadline() == kNoDeadline) return;
    if (static_cast<uint32_t>(worker_.hasher().Hash(entry->key())) == hash_bits) visit(place);
  });
}

UnixMs Shard::Deadlines::Expire(uint32_t hash_bits, UnixMs now) {
  shard_.map_.AssertHeld();
  for (;;) {
    Map::Place expired;
    UnixMs earliest = kNoDeadline;
    VisitNamesakes(hash_bits, [&](const Map::Place& place) {
      const UnixMs deadline = place.entry()->deadline();
      if (now > deadline) {
        expired = place;
      } else if (earliest == kNoDeadline || deadline < earliest) {
        earliest = deadline;
      }
    });
    if (!expired) return earliest;
    shard_.Remove(worker_, worker_.hasher()(expired.entry()->key()), expired, Change::kExpired,
                  nullptr);
  }
}

UnixMs Shard::Deadlines::Earliest(uint32_t hash_bits) {
  UnixMs earliest = kNoDeadline;
  VisitNamesakes(hash_bits, [&](const Map::Place& place) {
    const UnixMs deadline = place.entry()->deadline();
    if (earliest == kNoDeadline || deadline < earliest) earliest = deadline;
  });
  return earliest;
}

Map::Place Shard::Locate(Worker& worker, const Key& key) {
  const Map::Place place = map_.Locate(key);
  // Keys that are only ever written have to be promoted too, or each write looks in two tables.
  if (map_.CountMiss(worker, place)) [[unlikely]]
    AskForUpkeep();
  if (!place || !place.entry()->ExpiredAt(worker.now())) [[likely]]
    return place;
  Meter meter(*this, worker);
  Remove(worker, key, place, Change::kExpired, nullptr);
  UpdateDue();
  return {};
}

void Shard::Put(Worker& worker, const Key& key, const Map::Place& place, OwnedEntry entry) {
  Meter meter(*this, worker);
  Entry* fresh = entry.release();
  Add(memory_bytes_, static_cast<int64_t>(fresh->HeapBytes()));
  const UnixMs deadline = fresh->deadline();
  UnixMs old_deadline = kNoDeadline;
  if (place) {
    Entry* old = place.entry();
    old_deadline = old->deadline();
    Map::Replace(place, fresh);
    RetireEntry(worker, old, fresh);
    map_.Upkeep(worker, kUpkeepStepsAWrite);
  } else {
    map_.Insert(worker, key, fresh);
  }
  ArmDeadline(worker, key, old_deadline, deadline);
  Add<uint64_t>(stores_, 1);
  UpdateDue();
  Notify(key, Change::kWritten);
}

void Shard::Erase(Worker& worker, const Key& key, const Map::Place& place) {
  Meter meter(*this, worker);
  Remove(worker, key, place, Change::kErased, nullptr);
  CompactWheel(worker);
  UpdateDue();
}

void Shard::Supersede(Worker& worker, const Key& key, const Map::Place& place,
                      const Entry& successor) {
  Meter meter(*this, worker);
  // The block is the other shard's from now on; Put() there counts it.
  if (successor.is_large())
    Add(memory_bytes_, -static_cast<int64_t>(successor.large()->HeapBytes()));
  Remove(worker, key, place, Change::kErased, &successor);
  CompactWheel(worker);
  UpdateDue();
}

void Shard::Remove(Worker& worker, const Key& key, const Map::Place& place, Change why,
                   const Entry* successor) {
  Entry* entry = place.entry();
  Notify({entry->key(), key.hash}, why);
  CountDeadline(entry->deadline(), -1);
  map_.Erase(worker, key, place);
  RetireEntry(worker, entry, successor);
  std::atomic<uint64_t>& counter = why == Change::kExpired   ? expired_
                                   : why == Change::kEvicted ? evicted_
                                                             : deletes_;
  Add<uint64_t>(counter, 1);
}

void Shard::EvictAt(Worker& worker, const Map::Place& place, uint64_t hash) {
  Meter meter(*this, worker);
  const Key key{place.entry()->key(), hash};
  const bool expired = place.entry()->ExpiredAt(worker.now());
  Remove(worker, key, place, expired ? Change::kExpired : Change::kEvicted, nullptr);
  CompactWheel(worker);
  UpdateDue();
}

size_t Shard::DrawRecords(uint64_t random,
                          std::span<uint32_t, DeadlineWheel::kDrawnMax> hash_bits) {
  const size_t drawn = wheel_.Draw(random, hash_bits);
  for (const uint32_t bits : hash_bits.first(drawn)) {
    Key key{{}, bits};
    map_.PrefetchBucket(key, Protection::UnderLock());
  }
  for (const uint32_t bits : hash_bits.first(drawn))
    map_.PrefetchEntry({{}, bits}, 0, Protection::UnderLock());
  return drawn;
}

void Shard::DropDeadRecords(Worker& worker) {
  Meter meter(*this, worker);
  Deadlines deadlines(*this, worker);
  wheel_.CompactStep(WheelMemoryOf(worker), DeadlineWheel::kCompactRecords, deadlines);
  UpdateDue();
}

void Shard::SetDeadline(Worker& worker, const Key& key, const Map::Place& place, UnixMs deadline) {
  Meter meter(*this, worker);
  Entry* entry = place.entry();
  const UnixMs old_deadline = entry->deadline();
  if (entry->has_deadline_word()) {
    entry->SetDeadline(deadline);
  } else if (deadline != kNoDeadline) {
    Entry* fresh = Entry::MakeFrom(worker.allocator(), entry->key(), *entry, deadline).release();
    Map::Replace(place, fresh);
    RetireEntry(worker, entry, fresh);
  }
  ArmDeadline(worker, key, old_deadline, deadline);
  Add<uint64_t>(stores_, 1);
  UpdateDue();
  Notify(key, Change::kDeadline);
}

bool Shard::MoveEntry(Worker& worker, const Key& key, const Entry* entry) {
  const Map::Place place = map_.Locate(key);
  if (!place || place.entry() != entry) return false;
  Meter meter(*this, worker);
  Entry* old = place.entry();
  Entry* fresh = Entry::MakeFrom(worker.allocator(), old->key(), *old, old->deadline()).release();
  Map::Replace(place, fresh);
  RetireEntry(worker, old, fresh);
  return true;
}

uint32_t Shard::MoveBuckets(Worker& worker, uint32_t from, uint32_t heads) {
  Meter meter(*this, worker);
  return map_.MoveBuckets(worker, from, heads);
}

void Shard::Altered(const Key& key) {
  Add<uint64_t>(stores_, 1);
  Notify(key, Change::kWritten);
}

void Shard::ExtendGrowable(Worker& worker, Entry* entry, size_t capacity) {
  assert(entry->is_growable());
  Meter meter(*this, worker);
  entry->SetLarge(LargeValue::Extend(worker.allocator(), entry->large(), capacity));
}

void Shard::ReplaceGrowable(Worker& worker, Entry* entry, LargeValue* fresh) {
  assert(entry->is_growable());
  Meter meter(*this, worker);
  LargeValue* old = entry->large();
  entry->SetLarge(fresh);
  Add(memory_bytes_, static_cast<int64_t>(fresh->HeapBytes()));
  LargeValue::Free(worker.allocator(), old);
}

// The wheel needs a record when a deadline comes nearer; a later one is met when the old record
// fires.
void Shard::ArmDeadline(Worker& worker, const Key& key, UnixMs old_deadline, UnixMs deadline) {
  CountDeadline(old_deadline, -1);
  CountDeadline(deadline, +1);
  if (deadline != kNoDeadline && (old_deadline == kNoDeadline || deadline < old_deadline)) {
    wheel_.Arm(WheelMemoryOf(worker), key.bucket_bits(), deadline, worker.now());
  }
  CompactWheel(worker);
}

// Keeps the records of keys that are gone, or whose deadline has moved, in bounds. Not from within
// the wheel's callbacks.
void Shard::CompactWheel(Worker& worker) {
  if (wheel_.empty()) [[likely]]
    return;
  if (volatile_size() == 0 && wheel_.size() <= kDeadRecordsFreed) {
    wheel_.FreeAll(WheelMemoryOf(worker));
    return;
  }
  if (!wheel_.NeedsCompaction(volatile_size())) [[likely]]
    return;
  Deadlines deadlines(*this, worker);
  wheel_.CompactStep(WheelMemoryOf(worker), DeadlineWheel::kCompactRecords, deadlines);
}

void Shard::CountDeadline(UnixMs deadline, int sign) {
  if (deadline == kNoDeadline) return;
  Add(volatile_keys_, static_cast<size_t>(sign));
  Add(deadline_sum_,
      sign * std::clamp<int64_t>(deadline - kDeadlineEra, -kDeadlineFar, kDeadlineFar));
}

void Shard::RetireEntry(Worker& worker, Entry* entry, const Entry* successor) {
  if (entry->is_large()) {
    const bool shared =
        successor != nullptr && successor->is_large() && successor->large() == entry->large();
    if (!shared) worker.epoch().RetireLarge(entry->large());
  }
  worker.epoch().Retire(entry, entry->BlockBytes());
}

void Shard::UpdateDue() {
  const UnixMs due = map_.NeedsTidyUp() ? 0 : wheel_.NextDue();
  // relaxed: a hint; a sweep that misses it comes again within its period.
  if (due_.load(std::memory_order_relaxed) != due) due_.store(due, std::memory_order_relaxed);
}

void Shard::Notify(const Key& key, Change change) const {
  // relaxed: written with all shards locked, read under one of these locks.
  if (owner_.listener != nullptr && owner_.listener->interested()) [[unlikely]]
    owner_.listener->OnChange(owner_.db.load(std::memory_order_relaxed), key, change);
}

void Shard::Sweep(Worker& worker, UnixMs now, size_t records_max) {
  Meter meter(*this, worker);
  Deadlines deadlines(*this, worker);
  wheel_.Advance(WheelMemoryOf(worker), now, records_max, deadlines);
  UpdateDue();
}

void Shard::Upkeep(Worker& worker, int steps) {
  Meter meter(*this, worker);
  map_.TidyUp(worker, steps);
  UpdateDue();
}

bool Shard::ChangeKindStep(Worker& worker, MapKind kind) {
  Meter meter(*this, worker);
  const bool done = map_.ChangeKindStep(worker, kind);
  UpdateDue();
  return done;
}

bool Shard::ClearStep(Worker& worker, size_t entries_max) {
  Meter meter(*this, worker);
  if (!map_.MergeStep(worker)) return true;
  for (size_t erased = 0; map_.size() != 0;) {
    if (erased >= entries_max) return true;
    const auto at = static_cast<uint32_t>(clear_position_);
    Map::Place victim;
    map_.VisitBucket(Table::BucketBitsAt(at), [&](const Map::Place& place) { victim = place; });
    if (victim) {
      Entry* entry = victim.entry();
      map_.Erase(worker, worker.hasher()(entry->key()), victim);
      RetireEntry(worker, entry, nullptr);
      ++erased;
    } else {
      clear_position_ = map_.NextScanPosition(at) % Table::kScanEnd;
    }
  }
  if (wheel_.FreeStep(WheelMemoryOf(worker), entries_max)) return true;
  clear_position_ = 0;
  volatile_keys_.store(0, std::memory_order_relaxed);  // relaxed: a figure
  deadline_sum_.store(0, std::memory_order_relaxed);   // relaxed: a figure
  UpdateDue();
  return false;
}

ShardCounts Shard::counts() const {
  // relaxed: figures.
  return {stores_.load(std::memory_order_relaxed), deletes_.load(std::memory_order_relaxed),
          expired_.load(std::memory_order_relaxed), evicted_.load(std::memory_order_relaxed),
          locked_reads_.load(std::memory_order_relaxed)};
}

}  // namespace larder::store
