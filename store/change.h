// The change hook: every mutation of the keyspace passes here, under the lock of its shard.
//
// WATCH, notifications, invalidation and replication hang on it. A listener only notes things in
// memory: it makes no system call but to wait for a short lock of its own, and does not call the
// store. Calls for one key come in the order of its changes.
//
// Cost: while nobody is interested, one load a change.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "store/hash.h"

namespace larder::store {

enum class Change : uint8_t {
  kWritten,   // a value was set, replaced or altered
  kErased,    // by a command
  kExpired,   // its deadline had passed
  kEvicted,   // it made room under maxmemory
  kDeadline,  // the deadline was set, moved or removed; the value is as it was
};

class ChangeListener {
 public:
  // Whether the database of this number has a live key of this name.
  using HasKey = std::function<bool(int db, const Key& key)>;

  // Under the shard's lock, on the thread that made the change.
  virtual void OnChange(int db, const Key& key, Change change) = 0;
  // A database is being emptied, or two change places; `has` tells what they had. Nobody reads or
  // writes them meanwhile.
  virtual void OnFlush(int db) = 0;
  virtual void OnSwap(int a, int b, const HasKey& has) = 0;

  // relaxed: who has just become interested in a key has held the lock of its shard since, so that
  // the next writer there knows.
  bool interested() const { return interested_.load(std::memory_order_relaxed); }

 protected:
  ~ChangeListener() = default;
  void set_interested(bool interested) {
    interested_.store(interested, std::memory_order_relaxed);  // relaxed: see interested()
  }

 private:
  std::atomic<bool> interested_{false};
};

}  // namespace larder::store
