// The `rcu` kind: readers take no lock, writers take the shard's.
//
// Readers pin their thread to an epoch and read the one table (store/bucket.h says why that is
// safe); the pin stays for the run of reads that follow. Progress: reads are lock-free save for two
// cases that fall back to the lock: two torn looks in a row, and a command that writes several keys
// in this shard just now. Cost of a read: nothing but the pin, one exchange for a run of reads. The
// idea is read-copy-update (P. McKenney and J. Slingwine, 1998).
#pragma once

#include "store/epoch.h"
#include "store/map_guard.h"
#include "store/worker.h"

namespace larder::store {

struct RcuMap {
  class Reader {
   public:
    Reader(MapGuard&, Worker& worker) : protection_(worker.Pin()) {}
    static bool entered() { return true; }
    Protection protection() const { return protection_; }

   private:
    Protection protection_;
  };
};

}  // namespace larder::store
