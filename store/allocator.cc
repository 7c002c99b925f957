#include "store/allocator.h"

#include <sys/mman.h>

#include <cassert>
#include <new>

#ifdef LARDER_SYSTEM_MALLOC
#include <malloc.h>

#include <cstdlib>
#else
#include <mimalloc.h>
#endif

namespace larder::store {
namespace {

constexpr size_t kLineBytes = 64;

#ifdef LARDER_SYSTEM_MALLOC  // sanitizers watch the system's heap
void* HeapAllocate(size_t bytes) { return malloc(bytes); }
void* HeapAllocateLine(size_t bytes) { return aligned_alloc(kLineBytes, bytes); }
void HeapFree(void* block) { free(block); }
void HeapRelease() { malloc_trim(0); }
std::string HeapReport() {
  const struct mallinfo2 info = mallinfo2();
  return "in use: " + std::to_string(info.uordblks + info.hblkhd) +
         "\nfree: " + std::to_string(info.fordblks) + "\nmapped: " + std::to_string(info.hblkhd) +
         "\n";
}
size_t HeapSize(const void* block, size_t) { return malloc_usable_size(const_cast<void*>(block)); }
#else
void* HeapAllocate(size_t bytes) { return mi_malloc(bytes); }
void* HeapAllocateLine(size_t bytes) { return mi_malloc_aligned(bytes, kLineBytes); }
void HeapFree(void* block) { mi_free(block); }
void HeapRelease() { mi_collect(true); }
std::string HeapReport() {
  std::string report;
  mi_stats_print_out(
      [](const char* text, void* out) { static_cast<std::string*>(out)->append(text); }, &report);
  return report;
}
size_t HeapSize(const void*, size_t bytes) { return mi_good_size(bytes); }
#endif

void* OrEnd(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

void PreferHugePages() { SlabHeap::PreferHugePages(); }

void ReleaseFreeMemory() { HeapRelease(); }

std::string HeapStatistics() {
  return "slabs, mapped: " + std::to_string(SlabHeap::MappedBytes()) + "\n" + HeapReport();
}

size_t Allocator::BytesOf(const void* block, size_t bytes) {
  return IsCell(bytes) ? SlabHeap::CellBytes(bytes) : HeapSize(block, bytes);
}

void* Allocator::Take(size_t bytes, CellKind kind) {
  void* block = IsCell(bytes) ? slabs().Allocate(bytes, kind) : OrEnd(HeapAllocate(bytes));
  Add(used_, static_cast<int64_t>(BytesOf(block, bytes)));
  return block;
}

void* Allocator::Allocate(size_t bytes) { return Take(bytes, CellKind::kFixed); }

void* Allocator::AllocateEntry(size_t bytes) { return Take(bytes, CellKind::kEntry); }

void* Allocator::AllocateBuckets(size_t bytes) {
  assert(bytes % kLineBytes == 0);
  if (IsCell(bytes)) return Take(bytes, CellKind::kBucket);
  void* block = OrEnd(HeapAllocateLine(bytes));
  Add(used_, static_cast<int64_t>(HeapSize(block, bytes)));
  return block;
}

void Allocator::Free(void* block, size_t bytes) {
  Add(used_, -static_cast<int64_t>(BytesOf(block, bytes)));
  if (IsCell(bytes)) {
    slabs().Free(block);
  } else {
    HeapFree(block);
  }
}

size_t Allocator::Retire(const void* block, size_t bytes) {
  const size_t counted = BytesOf(block, bytes);
  Move(static_cast<int64_t>(counted));
  return counted;
}

void Allocator::FreeRetired(void* block, bool is_cell) {
  if (is_cell) {
    slabs().Free(block);
  } else {
    HeapFree(block);
  }
}

void* Allocator::MapPages(size_t bytes) {
  void* block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  Add(used_, static_cast<int64_t>(bytes));
  return block;
}

void* Allocator::RemapPages(void* block, size_t bytes, size_t larger_bytes) {
  void* moved = mremap(block, bytes, larger_bytes, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) throw std::bad_alloc();
  Add(used_, static_cast<int64_t>(larger_bytes - bytes));
  return moved;
}

void Allocator::UnmapRetiredPages(void* block, size_t bytes) {
  munmap(block, bytes);
  Add(retired_, -static_cast<int64_t>(bytes));
}

}  // namespace larder::store
