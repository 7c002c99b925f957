// Several commands as one: what a worker does to the keyspace between the two ends of this scope is
// seen by others as a whole, or not yet.
//
// All shards that are claimed are locked at the start, in the store's one order, and marked as
// being written, so that lock-free readers wait as well. Inside, the worker uses the keyspace as
// ever: its operations find their locks held. What a database number means is settled at the start.
// A claim of all databases also keeps everybody else away from what numbers mean, so that a flush
// or swap inside is part of the whole.
//
// Threads: the one of the worker, for the length of its scope. It must not touch what it has not
// claimed. Cost: O(keys log keys), one lock a shard concerned; a database claimed as a whole costs
// a lock for each of its shards.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "store/shard_set.h"

namespace larder::store {

class Keyspace;

class Transaction {
 public:
  struct Claim {
    std::span<KeyAt> keys;                // prefetched
    std::span<const int> databases = {};  // with all that is in them
    bool all_databases = false;           // and what their numbers mean
  };

  Transaction(Keyspace& keyspace, Worker& worker, const Claim& claim);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // For the keyspace.
  bool holds_all_databases() const { return holds_all_databases_; }
  // What `db` means inside; null if that database has no keys and was not claimed.
  Database* Find(int db) const;
  // A database that has come into being inside: all of its shards are locked.
  void Hold(Database& made);

 private:
  void LockClaim(const Claim& claim);
  bool TryLockClaim(const Claim& claim);
  void Claimed(int db, Database& database);
  void AddAllShards(Database& database);

  Keyspace& keyspace_;
  Worker& worker_;
  const bool holds_all_databases_;
  ShardSet set_;
  std::vector<std::pair<int, Database*>> databases_;  // few: searched in order
  std::vector<Database*> made_;                       // while it lasts
};

}  // namespace larder::store
