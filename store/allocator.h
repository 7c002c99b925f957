// One thread's door to the heap, and its share of `used_memory`.
//
// Every byte the store holds is taken and given back here, counted at the size class that the heap
// really spends (malloc_usable_size). A block has three lives: used, then retired (nobody can find
// it any more, but a lock-free reader may still look at it: store/epoch.h), then free.
// `used_memory` is the sum of used() over all threads; one thread's share may be negative, because
// blocks are often retired by another thread than the one that made them.
//
// Threads: the owner only, but used() and retired() may be read by any. Failure: the process ends
// (std::bad_alloc is not survivable halfway through a table split). Cost: the heap's own, plus one
// size look-up.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace larder::store {

class Allocator {
 public:
  Allocator() = default;
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // Uninitialised memory, aligned to 8 bytes at least.
  void* Allocate(size_t bytes);
  // The same, aligned to a cache line of 64 bytes.
  void* AllocateLine(size_t bytes);
  // Gives back a used block that no other thread can have seen.
  void Free(void* block);

  // The second and third life: see above. Retire() returns the block's size.
  size_t Retire(const void* block);
  void FreeRetired(void* block);

  // What the heap spends on a block.
  static size_t BytesOf(const void* block);

  // Whole pages from the system, for very large blocks; `bytes` is what was asked for and what is
  // given back.
  void* MapPages(size_t bytes);
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

  std::atomic<int64_t> used_{0};
  std::atomic<int64_t> retired_{0};
};

}  // namespace larder::store
