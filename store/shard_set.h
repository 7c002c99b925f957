// The shards of several keys, locked together: what makes a command with many keys atomic.
//
// Threads: the one that runs the command. Cost: O(keys log keys), then one lock for each shard
// concerned. The bookkeeping of up to about 16 keys lives on the stack.
#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <vector>

#include "store/database.h"
#include "store/key_editor.h"

namespace larder::store {

class ShardSet {
 public:
  ShardSet(Worker& worker, size_t keys);
  // Ends the write, if one was begun, and unlocks.
  ~ShardSet();
  ShardSet(const ShardSet&) = delete;
  ShardSet& operator=(const ShardSet&) = delete;

  // Adds the next key's shard. REQUIRES: not locked.
  void Add(Database& database, size_t shard);
  // Locks all shards: databases by id, shards in ascending order.
  void Lock();
  // Unlocks and forgets them.
  void Reset();
  // Announces to lock-free readers that several keys are about to change, or one several times.
  void BeginWrite();

  Worker& worker() const { return worker_; }
  // The shard of the key that was added as number i.
  Shard& ShardOfKey(size_t i) const { return *of_key_[i].shard; }
  uint32_t ShardIndexOfKey(size_t i) const { return static_cast<uint32_t>(of_key_[i].index); }

 private:
  struct Member {
    int database_id;
    size_t index;
    Shard* shard;
    auto operator<=>(const Member&) const = default;
  };

  Worker& worker_;
  std::array<std::byte, 1024> on_stack_;
  std::pmr::monotonic_buffer_resource memory_{on_stack_.data(), on_stack_.size()};
  std::pmr::vector<Member> of_key_{&memory_};   // as added
  std::pmr::vector<Member> members_{&memory_};  // sorted and unique once locked
  bool locked_ = false;
  bool writing_ = false;
};

// The keys of a command that writes several of them. Keys may repeat; an editor is good until
// another one has changed something.
class MultiEditor {
 public:
  MultiEditor(const ShardSet& set, std::span<const KeyAt> keys) : set_(set), keys_(keys) {}

  size_t size() const { return keys_.size(); }
  KeyEditor operator[](size_t i) const { return {set_.ShardOfKey(i), set_.worker(), keys_[i].key}; }

 private:
  const ShardSet& set_;
  std::span<const KeyAt> keys_;
};

// The keys of a command that reads several of them at one moment.
class MultiReader {
 public:
  MultiReader(const ShardSet& set, std::span<const KeyAt> keys) : set_(set), keys_(keys) {}

  size_t size() const { return keys_.size(); }
  // The live entry of key i, or null. Good for the whole visit. Counts as a read of the key.
  const Entry* operator[](size_t i) const {
    Shard& shard = set_.ShardOfKey(i);
    const Entry* entry = KeyEditor(shard, set_.worker(), keys_[i].key).entry();
    shard.map().AssertHeld();
    shard.CountLockedRead();
    set_.worker().CountRead(set_.ShardIndexOfKey(i), entry != nullptr);
    return entry;
  }

 private:
  const ShardSet& set_;
  std::span<const KeyAt> keys_;
};

}  // namespace larder::store
