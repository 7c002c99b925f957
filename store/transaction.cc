#include "store/transaction.h"

#include <cassert>

#include "store/keyspace.h"

namespace larder::store {
namespace {

// The analysis cannot follow locks whose number is known at run time only.
void LockAllShards(Database& database, Worker& worker) NO_THREAD_SAFETY_ANALYSIS {
  for (Shard& shard : database.shards) shard.Lock(worker);
}

// See LockAllShards().
void UnlockAllShards(Database& database) NO_THREAD_SAFETY_ANALYSIS {
  for (Shard& shard : database.shards) shard.Unlock();
}

}  // namespace

Transaction::Transaction(Keyspace& keyspace, Worker& worker, const Claim& claim)
    : keyspace_(keyspace),
      worker_(worker),
      holds_all_databases_(claim.all_databases),
      set_(worker, claim.keys.size()) {
  assert(!worker.in_transaction());
  keyspace.Prefetch(worker, claim.keys);
  worker.Unpin();  // never wait pinned
  LockClaim(claim);
  set_.BeginWrite();
  worker.set_transaction(this);
}

// See LockClaim().
Transaction::~Transaction() NO_THREAD_SAFETY_ANALYSIS {
  worker_.set_transaction(nullptr);
  if (holds_all_databases_) keyspace_.EndExclusive();
  // After the numbers have their new meaning: who waited for one of these locks looks again.
  for (Database* database : made_) UnlockAllShards(*database);
  set_.Reset();
}

// The analysis cannot follow a lock that only one sort of claim takes.
void Transaction::LockClaim(const Claim& claim) NO_THREAD_SAFETY_ANALYSIS {
  if (holds_all_databases_) {
    keyspace_.BeginExclusive();
    for (Database* database : keyspace_.AllDatabases()) AddAllShards(*database);
    set_.Lock();
    return;
  }
  while (!TryLockClaim(claim)) {
  }
}

// False if a flush or swap came in between.
bool Transaction::TryLockClaim(const Claim& claim) {
  set_.Reset();
  databases_.clear();
  const uint64_t seen = keyspace_.generation();
  for (const KeyAt& at : claim.keys) {
    Database& database = keyspace_.FindOrMake(at.db);
    Claimed(at.db, database);
    set_.Add(database, keyspace_.ShardOf(at.key));
  }
  for (const int db : claim.databases) {
    Database& database = keyspace_.FindOrMake(db);
    Claimed(db, database);
    AddAllShards(database);
  }
  set_.Lock();
  return keyspace_.StillIn(seen);
}

void Transaction::Claimed(int db, Database& database) {
  if (Find(db) == nullptr) databases_.emplace_back(db, &database);
}

void Transaction::AddAllShards(Database& database) {
  for (size_t i = 0; i < database.shards.size(); ++i) set_.Add(database, i);
}

Database* Transaction::Find(int db) const {
  if (holds_all_databases_) return keyspace_.Find(db);
  for (const auto& [number, database] : databases_) {
    if (number == db) return database;
  }
  return nullptr;
}

void Transaction::Hold(Database& made) {
  LockAllShards(made, worker_);
  made_.push_back(&made);
}

}  // namespace larder::store
