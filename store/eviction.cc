#include "store/eviction.h"

#include <algorithm>
#include <utility>

namespace larder::store {
namespace {

// The databases' shares of the keys are looked at again after so many draws.
constexpr uint32_t kDrawsAWeighing = 1024;
// Draws of shards before the next one in turn that has a key is taken.
constexpr int kShardTries = 8;
// Rounds of drawing and trying before an eviction gives up: with `samples` keys each.
constexpr int kRoundsMax = 64;
// Draws that may come out empty, in one round.
constexpr int kEmptyDrawsMax = 32;
// The volatile policies draw buckets where at least one key in so many has a deadline.
constexpr size_t kSparse = 4;
// Keys that a bucket gives on average: kGrowAboveTenths of table.cc, and less after a shrink.
constexpr size_t kKeysABucket = 5;

}  // namespace

SampledEviction::Rank SampledEviction::RankOf(const Worker& worker, const Entry& entry) const {
  const UnixMs deadline = entry.deadline();
  if (deadline != kNoDeadline && worker.now() > deadline)
    return {UINT64_MAX, static_cast<uint64_t>(deadline)};
  if (OnlyVolatile(kind_) && deadline == kNoDeadline) return {};
  const uint32_t access = entry.access();
  if (IsLru(kind_)) {
    // The time of the access, not the time since: candidates of different draws compare.
    const UnixMs accessed = worker.now() - IdleMs(access, worker.now());
    return {UINT64_MAX / 2 - static_cast<uint64_t>(accessed), access};
  }
  if (IsLfu(kind_)) {
    const uint64_t rarity = 256 - uint64_t{LfuCounter(access, worker.now(), lfu_)};
    return {rarity << 16 | LfuAgeMinutes(access, worker.now()), access};
  }
  if (kind_ == EvictionKind::kVolatileTtl)
    return {static_cast<uint64_t>(INT64_MAX) - static_cast<uint64_t>(deadline) + 1,
            static_cast<uint64_t>(deadline)};
  return {1, 0};  // at random: see Consider()
}

// Takes an entry into the pool if it deserves it more than the worst there, or if there is room.
void SampledEviction::Consider(Worker& worker, int db, const Entry& entry) {
  Rank rank = RankOf(worker, entry);
  if (rank.score == 0) return;
  ++keys_seen_;
  if (kind_ == EvictionKind::kVolatileRandom || kind_ == EvictionKind::kAllKeysRandom) {
    rank.score = std::max(rank.score, worker.Random() >> 1);
  }
  const bool full = pool_size_ == kPoolMax;
  if (full && rank.score <= pool_[0].rank.score) return;
  const uint64_t hash = worker.hasher().Hash(entry.key());
  size_t place = pool_size_;
  while (place > 0 && pool_[place - 1].rank.score > rank.score) --place;
  for (size_t i = 0; i < pool_size_; ++i) {
    if (pool_[i].hash == hash && pool_[i].db == db) return;  // drawn before
  }
  if (full) {
    std::move(pool_.begin() + 1, pool_.begin() + static_cast<ptrdiff_t>(place), pool_.begin());
    --place;
  } else {
    std::move_backward(pool_.begin() + static_cast<ptrdiff_t>(place),
                       pool_.begin() + static_cast<ptrdiff_t>(pool_size_),
                       pool_.begin() + static_cast<ptrdiff_t>(pool_size_) + 1);
    ++pool_size_;
  }
  pool_[place] = {db, hash, rank};
}

bool SampledEviction::EvictOne(Worker& worker) {
  const MemoryBudget& budget = worker.budget();
  lfu_ = budget.lfu();
  if (kind_ != budget.kind()) {
    kind_ = budget.kind();
    pool_size_ = 0;  // ranked by something else
    draws_until_weighing_ = 0;
  }
  if (kind_ == EvictionKind::kNoEviction) return false;
  const auto samples = static_cast<size_t>(std::max(budget.samples(), 1));
  for (int round = 0; round < kRoundsMax; ++round) {
    keys_seen_ = 0;
    if (round == 0) Advance(worker);
    for (int empty = 0; keys_seen_ < samples && empty < kEmptyDrawsMax;) {
      const size_t seen = keys_seen_;
      const std::optional<Draw> draw = NextDraw(worker);
      if (!draw) break;
      Sample(worker, *draw);
      empty += keys_seen_ == seen ? 1 : 0;
    }
    if (pool_size_ == 0 && weights_.empty()) return false;
    while (pool_size_ > 0) {
      if (Evict(worker, pool_[--pool_size_])) return true;
    }
  }
  worker.Unpin();
  return false;
}

// One step of the pipeline.
void SampledEviction::Advance(Worker& worker) {
  PrefetchBest(worker);
  for (size_t i = 0; i < ready_.count; ++i) Sample(worker, ready_.at[i]);
  const Protection pin = worker.Pin();
  for (size_t i = 0; i < aimed_.count; ++i) {
    const Draw& draw = aimed_.at[i];
    const Database* database = Find(draw.db);
    if (database == nullptr) continue;
    const Bucket* bucket = database->shards[draw.shard].map().Draw(draw.random, pin);
    Table::VisitDrawn(bucket, pin, [](const Entry& entry) { __builtin_prefetch(&entry); });
  }
  ready_ = aimed_;
  const auto samples = static_cast<size_t>(worker.budget().samples());
  const size_t wanted = std::min((samples + kKeysABucket - 1) / kKeysABucket, kDrawsMax);
  for (aimed_.count = 0; aimed_.count < wanted; ++aimed_.count) {
    const std::optional<Draw> draw = NextDraw(worker);
    if (!draw) break;
    aimed_.at[aimed_.count] = *draw;
    if (const Database* database = Find(draw->db)) {
      __builtin_prefetch(database->shards[draw->shard].map().Draw(draw->random, pin));
    }
  }
}

// Ranks the keys of a draw.
void SampledEviction::Sample(Worker& worker, const Draw& draw) {
  Database* database = Find(draw.db);
  if (database == nullptr) return;
  Shard& shard = database->shards[draw.shard];
  const auto consider = [&](const Entry& entry) { Consider(worker, draw.db, entry); };
  if (OnlyVolatile(kind_) && shard.volatile_size() * kSparse < shard.size()) {
    ShardLock lock(shard, worker);
    if (Find(draw.db) == database) shard.DrawVolatile(worker, draw.random, consider);
    return;
  }
  const Protection pin = worker.Pin();
  Table::VisitDrawn(shard.map().Draw(draw.random, pin), pin, consider);
}

std::optional<SampledEviction::Draw> SampledEviction::NextDraw(Worker& worker) {
  for (int tries = 0; tries < 2; ++tries) {
    if (draws_until_weighing_ == 0) Weigh();
    --draws_until_weighing_;
    if (weights_.empty()) break;
    const uint64_t drawn = worker.Random() % weights_.back().keys_up_to;
    size_t i = 0;
    while (weights_[i].keys_up_to <= drawn) ++i;
    if (const std::optional<Draw> draw = DrawIn(worker, weights_[i].db)) return draw;
    draws_until_weighing_ = 0;  // emptied since
  }
  draws_until_weighing_ = 0;
  return std::nullopt;
}

std::optional<SampledEviction::Draw> SampledEviction::DrawIn(Worker& worker, int db) const {
  const Database* database = Find(db);
  if (database == nullptr) return std::nullopt;
  const size_t count = database->shards.size();
  size_t shard = 0;
  for (int tries = 0; tries < kShardTries; ++tries) {
    shard = worker.Random() & (count - 1);
    if (Relevant(database->shards[shard]) != 0) return Draw{db, shard, worker.Random()};
  }
  for (size_t i = 0; i < count; ++i) {
    shard = (shard + 1) & (count - 1);
    if (Relevant(database->shards[shard]) != 0) return Draw{db, shard, worker.Random()};
  }
  return std::nullopt;
}

void SampledEviction::Weigh() {
  draws_until_weighing_ = kDrawsAWeighing;
  weights_.clear();
  uint64_t keys = 0;
  for (size_t db = 0; db < databases_.size(); ++db) {
    const Database* database = Find(static_cast<int>(db));
    if (database == nullptr) continue;
    const uint64_t before = keys;
    for (const Shard& shard : database->shards) keys += Relevant(shard);
    if (keys != before) weights_.push_back({static_cast<int>(db), keys});
  }
}

bool SampledEviction::Evict(Worker& worker, const Candidate& victim) {
  Database* database = Find(victim.db);
  if (database == nullptr) return false;
  Shard& shard = database->shards[Key{{}, victim.hash}.shard(shard_bits_)];
  ShardLock lock(shard, worker);
  if (Find(victim.db) != database) return false;  // flushed or swapped: it is not what we looked at
  return shard.Evict(worker, victim.hash, [&](const Entry& entry) {
    const Rank now = RankOf(worker, entry);
    return now.score == UINT64_MAX || (now.score != 0 && now.evidence == victim.rank.evidence);
  });
}

// The next victim, if the draws bring no better one, comes into the cache while they are ranked.
void SampledEviction::PrefetchBest(Worker& worker) const {
  if (pool_size_ == 0) return;
  const Candidate& best = pool_[pool_size_ - 1];
  const Database* database = Find(best.db);
  if (database == nullptr) return;
  Key key{{}, best.hash};
  database->shards[key.shard(shard_bits_)].map().PrefetchBucket(key, worker.Pin());
}

}  // namespace larder::store
