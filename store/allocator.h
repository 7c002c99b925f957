// One thread's door to the heap, and its share of `used_memory`.
//
// Blocks of up to 2 KiB are cells of the thread's slabs (store/slab.h), larger ones come from
// mimalloc, very large ones are pages of their own. Every byte the store holds is taken and given
// back here, counted at what is really spent on it. A block has three lives: used, then retired
// (nobody can find it any more, but a lock-free reader may still look at it: store/epoch.h), then
// free. `used_memory` is the sum of used() over all threads; one thread's share may be negative,
// because blocks are often retired by another thread than the one that made them.
//
// Threads: the owner only, but used() and retired() may be read by any. Failure: the process ends
// (std::bad_alloc is not survivable halfway through a table split). Cost: the heap's own, plus one
// size look-up.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "store/slab.h"

namespace larder::store {

// Has entries and buckets in huge pages from now on. Two of three misses of a look-up among
// millions of keys are the TLB's: CPU per GET at P=100 with 1 M keys fell by a quarter. Call it
// once, at start.
void PreferHugePages();

// Gives memory that the calling thread's heap holds and does not use back to the system.
void ReleaseFreeMemory();

// What the heap says of itself, for people.
std::string HeapStatistics();

class Allocator {
 public:
  Allocator() = default;
  // Blocks that it made may live on.
  ~Allocator() {
    if (slabs_ != nullptr) SlabHeap::Leave(*slabs_);
  }
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // Uninitialised memory, aligned to 8 bytes at least.
  void* Allocate(size_t bytes);
  // The same for an entry, which may be moved elsewhere later.
  void* AllocateEntry(size_t bytes);
  // The same for buckets of a table, aligned to a cache line of 64 bytes; they may be moved too.
  // REQUIRES: bytes is a multiple of 64.
  void* AllocateBuckets(size_t bytes);
  // Gives back a used block that no other thread can have seen. `bytes` is what was asked for.
  void Free(void* block, size_t bytes);

  // The second and third life: see above. Retire() returns what the block counts for; the caller
  // sums that up for CountFreed() once the blocks are free.
  size_t Retire(const void* block, size_t bytes);
  void FreeRetired(void* block, bool is_cell);
  void CountFreed(int64_t retired_bytes) { Add(retired_, -retired_bytes); }

  // What is spent on a block for which `bytes` were asked. Computed from the size class where the
  // heap allows it: the block's page header would be another cache miss.
  static size_t BytesOf(const void* block, size_t bytes);
  // Whether a block for which `bytes` were asked is a cell of a slab.
  static bool IsCell(size_t bytes) { return bytes <= SlabHeap::kCellBytesMax && UsesSlabs(); }

  // Sanitizers watch the system's heap, so that there all blocks come from it, but in tests that
  // ask for slabs: before the first block, and not while there are any.
#ifdef LARDER_SYSTEM_MALLOC
  static bool UsesSlabs() { return slabs_on.load(std::memory_order_relaxed); }  // relaxed: above
  static void UseSlabs(bool on) { slabs_on.store(on, std::memory_order_relaxed); }  // the same
#else
  static constexpr bool UsesSlabs() { return true; }
  static void UseSlabs(bool) {}
#endif

  // The thread's slabs, which it takes over or makes.
  SlabHeap& slabs() {
    if (slabs_ == nullptr) [[unlikely]]
      slabs_ = &SlabHeap::Take();
    return *slabs_;
  }

  // Whole pages from the system, for very large blocks; `bytes` is what was asked for and what is
  // given back.
  void* MapPages(size_t bytes);
  // Makes such a block larger, moving pages instead of bytes; nobody else may be looking at it.
  void* RemapPages(void* block, size_t bytes, size_t larger_bytes);
  void CountRetiredPages(size_t bytes) { Move(bytes); }
  // Unmaps the last `bytes` of a retired mapping.
  void UnmapRetiredPages(void* block, size_t bytes);

  // Moves bytes from used to retired (or back, if negative) without touching a block: a flushed
  // database is retired as a whole at once and taken apart later.
  void MoveToRetired(int64_t bytes) { Move(bytes); }

  int64_t used() const { return used_.load(std::memory_order_relaxed); }        // relaxed: a figure
  int64_t retired() const { return retired_.load(std::memory_order_relaxed); }  // relaxed: a figure

 private:
  static void Add(std::atomic<int64_t>& counter, int64_t bytes) {
    // relaxed, load and store: only the owner writes.
    counter.store(counter.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }
  void Move(int64_t bytes) {
    Add(used_, -bytes);
    Add(retired_, bytes);
  }

#ifdef LARDER_SYSTEM_MALLOC
  inline static std::atomic<bool> slabs_on{false};
#endif

  void* Take(size_t bytes, CellKind kind);

  SlabHeap* slabs_ = nullptr;  // made when the first cell is needed
  std::atomic<int64_t> used_{0};
  std::atomic<int64_t> retired_{0};
};

}  // namespace larder::store
