// A string value that is too large to live inside its entry (above kInlineBytesMax).
//
// Its own block, so that EXPIRE and RENAME move a pointer and never the bytes. It is either frozen
// (nothing about it changes once an entry refers to it, so lock-free readers may read it under a
// pin) or growable (written in place under the shard's lock by APPEND, SETRANGE, SETBIT and
// BITFIELD; its entry says so with a flag, and readers that see the flag take the lock). From
// kMappedBytes on it has pages of its own, which are given back to the system a few MiB at a time:
// one munmap of 512 MB stops a thread for a tenth of a second.
//
// Threads: as its entry. Cost: O(bytes) to fill, else O(1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/allocator.h"

namespace larder::store {

class LargeValue {
 public:
  // 4 KiB: a value in line is copied by every EXPIRE of a key without a deadline, a larger one is
  // not.
  static constexpr size_t kInlineBytesMax = 4096;
  static constexpr size_t kMappedBytes = size_t{8} << 20;

  // The first size() of `capacity` bytes are not set yet; those of a mapped value are zero, and
  // stay so behind size(), which never shrinks: whoever writes far beyond the end touches no page
  // between.
  static LargeValue* Make(Allocator& allocator, size_t size, size_t capacity);
  // Gives a value that has pages of its own more of them; its bytes are not copied, and the old
  // pointer is void. REQUIRES: is_mapped(), the shard's lock is held and the value is growable.
  static LargeValue* Extend(Allocator& allocator, LargeValue* value, size_t capacity);
  // REQUIRES: no reader can have seen the value, or the shard's lock is held and it is growable.
  static void Free(Allocator& allocator, LargeValue* value);

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool is_mapped() const { return mapped_bytes_ != 0; }
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  std::string_view view() const { return {reinterpret_cast<const char*>(this + 1), size_}; }
  // REQUIRES: size() <= size <= capacity().
  void set_size(size_t size) { size_ = size; }

  // What the heap spends on it.
  size_t HeapBytes() const {
    return mapped_bytes_ != 0 ? mapped_bytes_ : Allocator::BytesOf(this, BlockBytes());
  }

  // Retirement, used by store/epoch.cc. Retire() counts; FreeStep() gives back at most `bytes_max`
  // of a retired value and says whether anything is left of it.
  static size_t Retire(Allocator& allocator, const LargeValue* value);
  static bool FreeStep(Allocator& allocator, LargeValue* value, size_t bytes_max);

 private:
  size_t BlockBytes() const { return sizeof(LargeValue) + capacity_; }
  LargeValue(size_t size, size_t capacity, size_t mapped)
      : size_(size), capacity_(capacity), mapped_bytes_(mapped) {}

  size_t size_;
  size_t capacity_;
  size_t mapped_bytes_;  // 0: a block of the heap
};

}  // namespace larder::store
