// Keyspace's enforcement of maxmemory: making room before a command, and in the background.
#include "store/keyspace.h"

namespace larder::store {
namespace {

using std::chrono::steady_clock;

// A look at the clock for each of these many evictions: 5 to 20 us.
constexpr int kEvictionsALook = 16;

}  // namespace

bool Keyspace::MakeRoomByEvicting(Worker& worker, int64_t bytes) {
  if (worker.in_transaction()) return true;  // made before the locks were taken
  if (standing_still_.load(std::memory_order_relaxed)) return true;  // relaxed: a switch
  MemoryBudget& budget = shared_.budget;
  if (worker.retired_bytes() > budget.retired_max()) {
    worker.Unpin();
    worker.Reclaim();
  }
  const auto fits = [&] { return worker.UsedMemory() + bytes <= budget.limit(); };
  if (fits()) return Reserve(worker, bytes);
  const auto overhead =
      static_cast<int64_t>(BytesOfADatabase() + workers_.size() * BytesOfAWorker());
  if (bytes > budget.limit() - overhead) return false;
  const int64_t used_before = worker.allocator().used();
  steady_clock::time_point end;
  EvictionPolicy& policy = *eviction_[static_cast<size_t>(worker.index())];
  for (int evictions = 0; !fits(); ++evictions) {
    if (!policy.EvictOne(worker)) {
      budget.NoteExceeded(worker.UsedMemory() > budget.limit(), worker.now());
      return false;
    }
    if (evictions % kEvictionsALook != 0) continue;
    if (evictions == 0) {
      end = steady_clock::now() + kMakeRoomMax;
    } else if (used_before - worker.allocator().used() >= bytes && steady_clock::now() >= end) {
      budget.NoteExceeded(true, worker.now());
      break;  // Maintain() goes on
    }
  }
  return Reserve(worker, bytes);
}

// Background work: true if used_memory is still above the limit and there may be more to evict.
bool Keyspace::EvictUntil(Worker& worker, steady_clock::time_point end) {
  MemoryBudget& budget = shared_.budget;
  worker.PublishUsed();
  bool more = budget.limit() != 0 && worker.UsedMemory() > budget.limit() &&
              !standing_still_.load(std::memory_order_relaxed);  // relaxed: a switch
  EvictionPolicy& policy = *eviction_[static_cast<size_t>(worker.index())];
  for (int evictions = 1; more; ++evictions) {
    if (!policy.EvictOne(worker)) {
      more = false;
      break;
    }
    more = worker.UsedMemory() > budget.limit();
    if (evictions % kEvictionsALook == 0 && steady_clock::now() >= end) break;
  }
  const bool exceeded = budget.limit() != 0 && worker.UsedMemory() > budget.limit();
  budget.NoteExceeded(exceeded, worker.now());
  return more;
}

}  // namespace larder::store
