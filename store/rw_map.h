// The `rwmutex` kind: readers share, writers exclude them.
//
// Readers enter through their own thread's slot and touch no shared line (store/mutex.h); a writer
// waits for those inside and turns the others away, who then queue at the writers' lock. Progress:
// readers block while a writer is inside, never on each other. Cost of a read: two stores to the
// thread's own line, one of them a full barrier.
#pragma once

#include "store/epoch.h"
#include "store/map_guard.h"
#include "store/worker.h"

namespace larder::store {

struct RwMap {
  class Reader {
   public:
    Reader(MapGuard& guard, Worker& worker) : slot_(worker.reader_slot()) {
      entered_ = guard.lock.TryEnter(slot_);
      if (entered_ && !guard.StillA(MapKind::kRwMutex))
        Leave();  // a writer of the new kind would not see us
    }
    ~Reader() {
      if (entered_) Leave();
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    bool entered() const { return entered_; }
    static Protection protection() { return Protection::UnderLock(); }

   private:
    void Leave() {
      SharedMutex::Leave(slot_);
      entered_ = false;
    }

    ReaderSlot& slot_;
    bool entered_;
  };
};

}  // namespace larder::store
