// What guards one map: the shard's lock and the kind that says who has to take it.
//
// Writers of every kind but plain hold the lock, so a kind differs from the next only in how
// readers enter. Each kind is a class with one member type, in the file of its name:
//
//   class Reader {
//     Reader(MapGuard&, Worker&);         // enters
//     ~Reader();                          // leaves
//     bool entered() const;               // false: closed just now; read under the lock instead
//     Protection protection() const;      // REQUIRES: entered()
//   };
//
// Threads: any.
#pragma once

#include <atomic>

#include "store/map_kind.h"
#include "store/mutex.h"

namespace larder::store {

struct MapGuard {
  explicit MapGuard(MapKind initial) : kind_(initial) {}

  MapKind kind() const { return kind_.load(std::memory_order_acquire); }  // acquire [guard.kind]

  // For a reader that has announced itself in the way of one kind: is that still the way?
  bool StillA(MapKind kind) const {
    // seq_cst [guard.kind]: ordered after the announcement, so that it or the drain before a change
    // sees the other.
    return kind_.load(std::memory_order_seq_cst) == kind;
  }

 private:
  friend class Map;
  std::atomic<MapKind> kind_;  // with what readers read; the lock is on the line that follows

 public:
  SharedMutex lock;
};

}  // namespace larder::store
