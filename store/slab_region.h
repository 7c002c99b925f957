// The memory that slabs are cut from: regions of 2 MiB, each of 64 pages of 32 KiB, each full of
// cells of one size.
//
//   region   header (2 KiB of page descriptors, 16 KiB of bits), then the pages; the first page is
//            what the header leaves of it
//   bits     one for every 16 bytes of the region; that of a cell's first byte is set while the
//            cell is free
//
// A region lies at a multiple of its size, so a cell's region, page and bit follow from its address
// alone. A cell that is given back is not written to: it keeps its content until its owner hands it
// out again, which is what lets the owner read cells that others may be freeing (store/slab.h).
//
// Threads: a region belongs to one SlabHeap. What others touch is atomic: a page's state, the bits,
// and `reuses`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace larder::store {

class SlabHeap;

// Entries and buckets are moved elsewhere by the keyspace where memory is sparse; everything else
// stays where it is. No region has cells of two kinds.
enum class CellKind : uint8_t { kFixed, kEntry, kBucket };
inline constexpr int kCellKinds = 3;

struct SlabPage {
  // Twice the number of set bits, plus kHeld while the owner knows of them. Bits and number do not
  // change at the same moment, so the number may be below zero for one.
  std::atomic<int32_t> state{0};
  uint16_t cell_bytes = 0;   // 0: the page is vacant
  uint16_t cells = 0;        // that it has in all
  uint16_t announce_at = 0;  // free cells that are worth the owner's attention
  // The owner's own: it has the page in hand (with kHeld, which may be set before the owner has
  // heard of it); the page is in a list of those with free cells.
  bool in_hand = false;
  bool listed = false;
  SlabPage* next = nullptr;  // in that list, or on the way to the owner
  SlabPage* previous = nullptr;

  static constexpr int32_t kHeld = 1;
  static constexpr int32_t kOneFree = 2;
  static int32_t FreeIn(int32_t state) { return state >> 1; }
};

struct alignas(64) SlabRegion {
  static constexpr size_t kBytes = size_t{2} << 20;
  static constexpr size_t kPageBytes = size_t{32} << 10;
  static constexpr int kPages = kBytes / kPageBytes;
  static constexpr size_t kGranule = 16;
  static constexpr size_t kWordBytes = 64 * kGranule;  // what one word of bits stands for
  static constexpr size_t kWordsAPage = kPageBytes / kWordBytes;
  static constexpr uint64_t kAllVacant = ~uint64_t{0};

  SlabRegion(SlabHeap* heap, CellKind cell_kind) : reuses(heap), owner(heap), kind(cell_kind) {}

  static SlabRegion& Of(const void* cell) {
    // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.UndefReturn): nothing lies at address 0
    return *reinterpret_cast<SlabRegion*>(reinterpret_cast<uintptr_t>(cell) & ~(kBytes - 1));
  }
  static size_t OffsetOf(const void* cell) {
    return reinterpret_cast<uintptr_t>(cell) & (kBytes - 1);
  }

  SlabPage& PageOf(const void* cell) { return pages[OffsetOf(cell) / kPageBytes]; }
  int IndexOf(const SlabPage& page) const { return static_cast<int>(&page - pages); }
  // Where the cells of a page begin and end.
  static size_t BeginOf(int page) {
    return page == 0 ? sizeof(SlabRegion) : static_cast<size_t>(page) * kPageBytes;
  }
  static size_t EndOf(int page) { return static_cast<size_t>(page + 1) * kPageBytes; }
  void* CellAt(int page, size_t cell) {
    return reinterpret_cast<char*>(this) + BeginOf(page) + cell * pages[page].cell_bytes;
  }
  // The cell whose bit number `bit` of word `word` is. The bit says where it begins to 16 bytes.
  void* CellOfBit(int page, size_t word, int bit) {
    const size_t at = word * kWordBytes + static_cast<size_t>(bit) * kGranule - BeginOf(page);
    const auto cell = static_cast<uint32_t>(at + kGranule / 2) / pages[page].cell_bytes;
    return CellAt(page, cell);
  }

  std::atomic<uint64_t>& WordOf(const void* cell) { return bits[OffsetOf(cell) / kWordBytes]; }
  static uint64_t BitOf(const void* cell) {
    return uint64_t{1} << (OffsetOf(cell) / kGranule % 64);
  }
  // Whether its cells are to be moved. Any thread.
  bool IsBeingEmptied() const {
    return reuses.load(std::memory_order_relaxed) == nullptr;  // relaxed: a hint
  }
  bool IsFree(const void* cell) {
    // relaxed: what the caller does with a cell that is being freed just now is safe.
    return (WordOf(cell).load(std::memory_order_relaxed) & BitOf(cell)) != 0;
  }

  // The heap that keeps cells of this region for itself when they are freed: its owner, or nobody
  // while the region is being emptied. Relaxed: only the owner asks whether it is itself.
  std::atomic<SlabHeap*> reuses;
  SlabHeap* const owner;
  const CellKind kind;
  bool draining = false;         // no cell is handed out any more, so that it becomes empty
  bool queued = false;           // its cells are to be moved
  uint32_t live_bytes = 0;       // when it was last surveyed
  uint64_t vacant = kAllVacant;  // pages without a size
  alignas(64) SlabPage pages[kPages];
  std::atomic<uint64_t> bits[kBytes / kWordBytes] = {};
};

static_assert(sizeof(SlabPage) == 32 && SlabRegion::kPages == 64);
static_assert(sizeof(SlabRegion) % 64 == 0, "so that cells of 64 bytes are cache lines");
static_assert(sizeof(SlabRegion) < SlabRegion::kPageBytes, "the first page keeps some cells");

}  // namespace larder::store
