#include "store/large_value.h"

#include <algorithm>
#include <cassert>
#include <new>

namespace larder::store {
namespace {

constexpr size_t kPageBytes = 4096;

size_t RoundUpToPages(size_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; }

}  // namespace

LargeValue* LargeValue::Make(Allocator& allocator, size_t size, size_t capacity) {
  assert(size <= capacity);
  const size_t bytes = sizeof(LargeValue) + capacity;
  if (bytes < kMappedBytes) return new (allocator.Allocate(bytes)) LargeValue(size, capacity, 0);
  const size_t mapped = RoundUpToPages(bytes);
  return new (allocator.MapPages(mapped)) LargeValue(size, mapped - sizeof(LargeValue), mapped);
}

LargeValue* LargeValue::Extend(Allocator& allocator, LargeValue* value, size_t capacity) {
  assert(value->is_mapped() && capacity > value->capacity_);
  const size_t mapped = RoundUpToPages(sizeof(LargeValue) + capacity);
  auto* extended =
      static_cast<LargeValue*>(allocator.RemapPages(value, value->mapped_bytes_, mapped));
  extended->capacity_ = mapped - sizeof(LargeValue);
  extended->mapped_bytes_ = mapped;
  return extended;
}

void LargeValue::Free(Allocator& allocator, LargeValue* value) {
  Retire(allocator, value);
  while (FreeStep(allocator, value, SIZE_MAX)) {
  }
}

size_t LargeValue::Retire(Allocator& allocator, const LargeValue* value) {
  if (value->mapped_bytes_ == 0) return allocator.Retire(value, value->BlockBytes());
  allocator.CountRetiredPages(value->mapped_bytes_);
  return value->mapped_bytes_;
}

bool LargeValue::FreeStep(Allocator& allocator, LargeValue* value, size_t bytes_max) {
  if (value->mapped_bytes_ == 0) {
    allocator.CountFreed(static_cast<int64_t>(value->HeapBytes()));
    allocator.FreeRetired(value, Allocator::IsCell(value->BlockBytes()));
    return false;
  }
  // From the end, so that the header goes last.
  const size_t bytes =
      std::min(std::max(bytes_max / kPageBytes * kPageBytes, kPageBytes), value->mapped_bytes_);
  const size_t left = value->mapped_bytes_ - bytes;
  value->mapped_bytes_ = left;
  allocator.UnmapRetiredPages(reinterpret_cast<char*>(value) + left, bytes);
  return left != 0;
}

}  // namespace larder::store
