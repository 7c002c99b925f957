// The change hook: every mutation of the keyspace passes here, under the lock of its shard.
//
// WATCH, notifications, invalidation and replication hang on it. A listener only appends to queues
// in memory: it makes no system call, takes no other lock and does not call the store. Calls for
// one key come in the order of its changes.
#pragma once

#include <cstdint>
#include <string_view>

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
  // Under the shard's lock, on the thread that made the change.
  virtual void OnChange(int db, std::string_view key, Change change) = 0;
  // A whole database was emptied or took another one's place; no lock held.
  virtual void OnBulkChange(int db) = 0;

 protected:
  ~ChangeListener() = default;
};

}  // namespace larder::store
