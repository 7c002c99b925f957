// One database: its shards, and the times at which each wants attention.
//
// A database is emptied and used again, never destroyed while the keyspace lives: a thread that
// waits for the lock of one of its shards while it is being flushed finds out afterwards
// (Keyspace's generation) and looks again.
//
// Threads: any. Memory: 256 bytes a shard and 8 for its due time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "store/fixed_array.h"
#include "store/shard.h"

namespace larder::store {

struct Database {
  // kind_of(size_t shard) is the kind of that shard's map.
  template <typename KindOf>
  Database(int number, int shard_count, KindOf&& kind_of)
      : id(number),
        due(static_cast<size_t>(shard_count),
            [](Shard::Due* at, size_t) { new (at) Shard::Due(Shard::kNever); }),
        shards(static_cast<size_t>(shard_count),
               [&](Shard* at, size_t i) { new (at) Shard(kind_of(i), due[i], owner); }) {}

  // The order in which databases are locked; it stays when SWAPDB changes owner.db.
  const int id;
  Shard::Owner owner;
  FixedArray<Shard::Due> due;
  FixedArray<Shard> shards;
};

}  // namespace larder::store
