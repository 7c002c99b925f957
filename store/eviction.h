// Who has to go when memory is short: the policies behind `maxmemory-policy`.
//
// EvictionPolicy is what the keyspace asks, one object a worker; a policy that keeps more than the
// access word of each key can take the place of the one there is. SampledEviction is that one: the
// approximation that Redis has had since 3.0 (S. Sanfilippo, "Random notes on improving the Redis
// LRU algorithm", 2016), for all of its policies.
//
// Sampling. An eviction looks at the keys of a bucket drawn at random in a shard drawn at random,
// databases by their share of the keys: 5 to 7 keys for one cache miss, and as many buckets as
// `maxmemory-samples` asks for. They compete for the places of a small pool with the best
// candidates of the draws before; the best of the pool goes. The pool holds no key: a candidate is
// a hash, and what it was chosen for (its access word or deadline). Under its shard's lock it is
// found again by the hash, and spared if that has changed.
//
// The draws are a pipeline over successive evictions, since each step of one waits for memory:
//
//   this eviction   draws a shard, prefetches the bucket
//   the next        prefetches the bucket's entries
//   the one after   ranks them
//
// Drawing takes no lock under any kind: buckets and entries are retired through epochs, so a pin
// protects them. Where few of the keys have deadlines, the volatile policies draw from the shard's
// timing wheel instead, under its lock.
//
// Threads: each object belongs to one worker. Cost: O(samples) an eviction.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "store/database.h"
#include "store/fixed_array.h"
#include "store/memory_budget.h"
#include "store/worker.h"

namespace larder::store {

class EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;
  // Removes one key, or one that has expired; false if there is none that may go. Unpins the
  // worker. Bounded: it gives up after so many draws if all that it has chosen has been used
  // meanwhile.
  virtual bool EvictOne(Worker& worker) = 0;
};

class SampledEviction final : public EvictionPolicy {
 public:
  // `databases`: which one a number means, as the keyspace has it.
  SampledEviction(const FixedArray<std::atomic<Database*>>& databases, int shard_bits)
      : databases_(databases), shard_bits_(shard_bits) {}

  bool EvictOne(Worker& worker) override;

 private:
  static constexpr size_t kPoolMax = 16;
  static constexpr size_t kDrawsMax = 16;  // in each stage of the pipeline

  // How much a key deserves to go (higher: sooner; 0: it may not), and what that was judged by.
  struct Rank {
    uint64_t score = 0;
    uint64_t evidence = 0;
  };
  struct Candidate {
    int db;
    uint64_t hash;
    Rank rank;
  };
  // A chain of a shard's table; `random` draws it again.
  struct Draw {
    int db;
    size_t shard;
    uint64_t random;
  };
  struct Draws {
    std::array<Draw, kDrawsMax> at;
    size_t count = 0;
  };
  struct Weight {
    int db;
    uint64_t keys_up_to;  // of this database and those before it
  };

  Rank RankOf(const Worker& worker, const Entry& entry) const;
  void Consider(Worker& worker, int db, const Entry& entry);
  void Advance(Worker& worker);
  void Sample(Worker& worker, const Draw& draw);
  std::optional<Draw> NextDraw(Worker& worker);
  std::optional<Draw> DrawIn(Worker& worker, int db) const;
  void Weigh();
  bool Evict(Worker& worker, const Candidate& victim);
  void PrefetchBest(Worker& worker) const;
  size_t Relevant(const Shard& shard) const {
    return OnlyVolatile(kind_) ? shard.volatile_size() : shard.size();
  }
  Database* Find(int db) const {
    // acquire [keyspace.database]
    return databases_[static_cast<size_t>(db)].load(std::memory_order_acquire);
  }

  const FixedArray<std::atomic<Database*>>& databases_;
  const int shard_bits_;
  EvictionKind kind_ = EvictionKind::kNoEviction;  // what the pool was filled under
  LfuSettings lfu_;

  std::vector<Weight> weights_;
  uint32_t draws_until_weighing_ = 0;
  Draws aimed_;  // their buckets are on the way
  Draws ready_;  // their entries are
  size_t keys_seen_ = 0;

  std::array<Candidate, kPoolMax> pool_;  // worst first
  size_t pool_size_ = 0;
};

}  // namespace larder::store
