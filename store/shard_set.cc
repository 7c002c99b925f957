#include "store/shard_set.h"

#include <algorithm>
#include <cassert>

namespace larder::store {

ShardSet::ShardSet(Worker& worker, size_t keys) : worker_(worker) {
  of_key_.reserve(keys);
  members_.reserve(keys);
}

ShardSet::~ShardSet() { Reset(); }

void ShardSet::Add(Database& database, size_t shard) {
  assert(!locked_);
  of_key_.push_back({database.id, shard, &database.shards[shard]});
  members_.push_back(of_key_.back());
}

// The analysis cannot follow a set of locks whose members are known at run time only.
void ShardSet::Lock() NO_THREAD_SAFETY_ANALYSIS {
  if (worker_.in_transaction()) return;  // it holds them all, and has announced the write
  std::sort(members_.begin(), members_.end());
  members_.erase(std::unique(members_.begin(), members_.end()), members_.end());
  worker_.Unpin();  // never wait pinned
  for (const Member& member : members_) member.shard->Lock(worker_);
  locked_ = true;
}

// See Lock().
void ShardSet::Reset() NO_THREAD_SAFETY_ANALYSIS {
  // All words even before the first unlock: a reader that saw one of the stores takes the lock
  // until all are done.
  if (writing_) {
    for (const Member& member : members_) member.shard->map().EndMultiKeyWrite();
  }
  if (locked_) {
    for (const Member& member : members_) member.shard->Unlock();
  }
  writing_ = false;
  locked_ = false;
  of_key_.clear();
  members_.clear();
}

// See Lock().
void ShardSet::BeginWrite() NO_THREAD_SAFETY_ANALYSIS {
  if (!locked_) return;
  for (const Member& member : members_) member.shard->map().BeginMultiKeyWrite();
  writing_ = true;
}

}  // namespace larder::store
