// larder's own heap for everything up to 2 KiB, in steps of 8 bytes (of 32 above 1 KiB), without a
// header a block.
//
// Why: with millions of entries, a general heap's size classes cost more than an entry's header,
// and after random deletes no general heap gives memory back, because blocks cannot move. Entries
// can: one slot of one table refers to each.
//
// Owners. Each thread has one heap (through its Allocator) and hands out cells of its own regions
// only. Anybody may free a cell:
//   - its owner puts it on a stack of ready cells of this size, and takes the next one from there:
//     what was freed last, and is still in the cache, is used first;
//   - anybody else, and the owner when that stack is full, sets the cell's bit in the region's
//     header. When enough cells of a page are free, whoever frees the last of these announces the
//     page to the owner (a stack of pages, pushed by any thread, taken whole by the owner). The
//     owner takes free cells of a page a word of bits at a time, when it has none ready.
// A page in which few cells are free (a 32nd) is left alone: that is the waste that random
// overwriting costs. (Pages of one size and a list of remote frees: D. Leijen et al., "Mimalloc",
// APLAS 2019. Bits instead of links through the cells are for what follows.)
//
// Giving back. A page that is wholly free may get another size, and a region of which every page is
// so goes back to the system. Random deletes leave all pages a little used. So when more than a
// quarter of a heap's regions of entries is free, those less than half used are drained: the owner
// hands out none of their cells any more and shows the used ones to the keyspace, which moves their
// entries (Keyspace::Compact). Reading such a cell is safe without any lock: only the owner hands
// cells out, so it alone writes to them beside the atomic words of an entry, and freeing leaves
// them as they are. Whether the cell still is an entry of the keyspace is found by looking for it.
// Buckets cannot be asked whose they are: the keyspace walks through its tables and moves those
// that it finds in regions that are being emptied, whoever owns these.
//
// Threads: Free() of a cell any thread, with its own heap; all else the owner. A heap outlives its
// thread: the next thread takes it over, with what is left in it. Cost: a pop or push of the stack,
// mostly; see above. Memory: 1 % for headers, half a page for each size in use.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "store/apart.h"
#include "store/slab_region.h"

namespace larder::store {

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): announced_ stands apart
class SlabHeap {
 public:
  static constexpr size_t kCellBytesMax = 2048;
  // What is spent on `bytes`.
  static constexpr size_t CellBytes(size_t bytes) {
    if (bytes <= kCellBytesMin) return kCellBytesMin;
    const size_t step = bytes <= kFineBytesMax ? kFineStep : kCoarseStep;
    return (bytes + step - 1) / step * step;
  }

  struct Figures {
    size_t mapped_bytes = 0;    // of regions
    size_t draining_bytes = 0;  // of these, of regions that are being emptied
    size_t moved_cells = 0;     // of entries, shown to be moved, ever
  };

  // A heap that nobody owns, or a new one; and back.
  static SlabHeap& Take();
  static void Leave(SlabHeap& heap);

  // From now on regions of entries and buckets are in huge pages, but for the first of a heap.
  static void PreferHugePages();

  SlabHeap(const SlabHeap&) = delete;
  SlabHeap& operator=(const SlabHeap&) = delete;

  // REQUIRES: bytes <= kCellBytesMax. A multiple of 64 is aligned to 64 bytes, else to 8.
  void* Allocate(size_t bytes, CellKind kind) {
    Class& of = ClassOf(CellBytes(bytes), kind);
    if (of.ready_count == 0) [[unlikely]]
      Refill(of, CellBytes(bytes), kind);
    const uint32_t taken = --of.ready_count;
    if (taken >= kPrefetchAhead) {
      // Cells wait for long enough to leave the first two caches; they are about to be written.
      const auto* later = static_cast<const char*>(of.ready[taken - kPrefetchAhead]);
      __builtin_prefetch(later, 1);
      __builtin_prefetch(later + bytes - 1, 1);
    }
    return of.ready[taken];
  }
  void Free(void* cell) {
    SlabRegion& region = SlabRegion::Of(cell);
    if (region.reuses.load(std::memory_order_relaxed) == this) {  // relaxed: see there
      Class& of = ClassOf(region.PageOf(cell).cell_bytes, region.kind);
      if (of.ready_count < of.ready_max) [[likely]] {
        of.ready[of.ready_count++] = cell;
        return;
      }
      Spill(of, of.ready_max / 2);
    }
    Return(cell);
  }

  // A hint for a Free() that is about to come: descriptors of regions compete for few cache lines.
  static void PrefetchFree(const void* cell) {
    SlabRegion& region = SlabRegion::Of(cell);
    __builtin_prefetch(&region.reuses);
    __builtin_prefetch(&region.PageOf(cell));
  }

  // A bounded step of looking after all regions: empty ones go back to the system, sparse ones are
  // drained.
  void Tidy();
  // The same for all of them at once, and for those that are three quarters used too.
  void TidyWholly();
  // Takes up to cells.size() of the entries that are to be moved, after a bounded search. They may
  // be freed at any moment, but are readable until the next Tidy().
  size_t TakeEntriesToMove(std::span<void*> cells);
  bool has_entries_to_move() const { return !to_move_.empty(); }
  // Whether the keyspace is to walk through its tables; it says when it has done so once.
  bool has_buckets_to_move() const { return bucket_rounds_ != 0; }
  void BucketsWalkedThrough() { --bucket_rounds_; }

  Figures figures() const;
  // Of all heaps together; any thread.
  static size_t MappedBytes();

 private:
  friend class SlabHeapPool;
  static constexpr size_t kFineStep = 8;
  static constexpr size_t kFineBytesMax = 1024;
  static constexpr size_t kCoarseStep = 32;
  static constexpr uint32_t kPrefetchAhead = 4;
  static constexpr size_t kCellBytesMin = 16;
  static constexpr size_t kFineClasses = kFineBytesMax / kFineStep;
  static constexpr size_t kClasses =
      kFineClasses + (kCellBytesMax - kFineBytesMax) / kCoarseStep + 1;

  struct Class {
    std::unique_ptr<void*[]> ready;  // made on first use
    uint32_t ready_count = 0;
    uint32_t ready_max = 0;
    SlabPage* current = nullptr;  // whose free cells are being taken
    size_t next_word = 0;         // of its bits
    SlabPage* listed = nullptr;   // pages with free cells
  };
  // How full a heap and a region must be to be left alone.
  struct Thresholds {
    size_t waste_bytes;
    size_t waste_divisor;  // of the heap: a quarter
    size_t live_bytes;     // of a region
  };

  SlabHeap() = default;

  Class& ClassOf(size_t cell_bytes, CellKind kind) {
    const size_t index = cell_bytes <= kFineBytesMax
                             ? cell_bytes / kFineStep
                             : kFineClasses + (cell_bytes - kFineBytesMax) / kCoarseStep;
    return classes_[static_cast<size_t>(kind)][index];
  }
  Class& ClassOf(SlabPage& page) { return ClassOf(page.cell_bytes, SlabRegion::Of(&page).kind); }

  // Cells
  void Refill(Class& of, size_t cell_bytes, CellKind kind);
  void Harvest(Class& of);
  static void Spill(Class& of, uint32_t count);
  static void Return(void* cell);
  void SpillAll(CellKind kind);

  // Pages
  void Announce(SlabPage& page);
  void CollectAnnounced();
  void List(SlabPage& page);
  void Unlist(SlabPage& page);
  void LetGo(SlabPage& page);
  SlabPage& TakeVacantPage(size_t cell_bytes, CellKind kind);
  void Vacate(SlabRegion& region, SlabPage& page);

  // Regions
  SlabRegion& MapRegion(CellKind kind);
  void Unmap(size_t index);
  bool Survey(size_t regions_max, size_t kept);
  void SurveyRegion(SlabRegion& region);
  void DrainSparse(CellKind kind, const Thresholds& thresholds);
  void DrainSparse(const Thresholds& thresholds);
  void Drain(SlabRegion& region);
  void QueueForMoving(SlabRegion& region);
  void RequeueDraining();

  std::array<std::array<Class, kClasses>, kCellKinds> classes_;
  std::vector<SlabRegion*> regions_;
  std::array<size_t, kCellKinds> regions_of_kind_ = {};
  std::array<std::vector<SlabRegion*>, kCellKinds> roomy_;  // with vacant pages, not draining
  size_t survey_at_ = 0;
  size_t tidies_ = 0;
  std::deque<SlabRegion*> to_move_;  // draining, the first one from (move_page_, move_cell_) on
  int move_page_ = 0;
  size_t move_cell_ = 0;
  size_t moved_cells_ = 0;
  int bucket_rounds_ = 0;  // one that runs may have passed what is drained now, so another follows
  // What others write.
  alignas(kApart) std::atomic<SlabPage*> announced_{nullptr};
};

}  // namespace larder::store
