// The `plain` kind: no guard at all.
//
// For one I/O thread only: the server refuses to start otherwise. Its use is to show what the
// guards of the other kinds cost. Readers and writers: nothing to do.
#pragma once

#include "store/epoch.h"
#include "store/map_guard.h"

namespace larder::store {

class Worker;

struct PlainMap {
  class Reader {
   public:
    Reader(MapGuard&, Worker&) {}
    static bool entered() { return true; }
    static Protection protection() { return Protection::UnderLock(); }  // the only thread there is
  };
};

}  // namespace larder::store
