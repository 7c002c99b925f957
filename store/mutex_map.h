// The `mutex` kind: readers take the shard's one exclusive lock, as writers do.
//
// Predictable, and the reference that the others are compared with. Progress: blocking. Cost of a
// read: one uncontended lock and unlock, two read-modify-writes on a line that all readers of the
// shard share.
#pragma once

#include "store/epoch.h"
#include "store/map_guard.h"
#include "store/worker.h"

namespace larder::store {

struct MutexMap {
  class Reader {
   public:
    // The analysis follows a capability through a constructor only in scoped_lockable classes;
    // MapGuard hides it.
    Reader(MapGuard& guard, Worker& worker) NO_THREAD_SAFETY_ANALYSIS
        : mutex_(guard.lock.writers()) {
      worker.Unpin();  // never wait pinned
      mutex_.Lock();
    }
    ~Reader() NO_THREAD_SAFETY_ANALYSIS { mutex_.Unlock(); }  // see the constructor
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // Whatever the kind has become meanwhile: with the lock held nobody writes.
    static bool entered() { return true; }
    static Protection protection() { return Protection::UnderLock(); }

   private:
    Mutex& mutex_;
  };
};

}  // namespace larder::store
