// A key with its value: one allocation, laid out by hand because there are millions of them.
//
//   | header | deadline? | key length? | integer or pointer? | key | value in line |
//       8 B       8 B          8 B              8 B
//
// The header says which of the optional words are there. A short value sits behind the key; a
// 64-bit integer that INCR works on is a word; a value above LargeValue::kInlineBytesMax is a
// pointer to a block of its own.
//
// What a lock-free reader can reach never changes once the entry is published, except three atomic
// words: deadline, integer, access. To change anything else a writer publishes a new entry and
// retires the old one. The exception is a growable value, whose entry says is_growable(): its bytes
// change in place, and only holders of the shard's lock may read them.
//
// Threads: readers need the shard's lock or a pin; Set... functions need the lock. Cost: O(key +
// value) to make.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "store/allocator.h"
#include "store/clock.h"
#include "store/large_value.h"

namespace larder::store {

// Room for the text of a 64-bit integer.
using IntegerText = char[24];

class Entry;

// Frees an entry that was never published.
struct EntryDeleter {
  Allocator* allocator;
  void operator()(Entry* entry) const;
};
using OwnedEntry = std::unique_ptr<Entry, EntryDeleter>;

class alignas(8) Entry {
 public:
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  static OwnedEntry MakeString(Allocator& allocator, std::string_view key, std::string_view value,
                               UnixMs deadline);
  static OwnedEntry MakeInteger(Allocator& allocator, std::string_view key, int64_t value,
                                UnixMs deadline);
  // Takes the value over. `growable`: it will be written in place.
  static OwnedEntry MakeLarge(Allocator& allocator, std::string_view key, LargeValue* value,
                              bool growable, UnixMs deadline);
  // A new entry for `key` with the value of `from`. A large value is shared by both until one of
  // them goes: retire the other's shell only.
  static OwnedEntry MakeFrom(Allocator& allocator, std::string_view key, const Entry& from,
                             UnixMs deadline);

  // A new entry for `key` with a copy of the value of `from`; a large value is copied too. The copy
  // is frozen.
  static OwnedEntry MakeCopy(Allocator& allocator, std::string_view key, const Entry& from,
                             UnixMs deadline);

  std::string_view key() const { return {key_data(), key_size()}; }
  bool HasKey(std::string_view key) const {
    return key.size() == key_size() && SameBytes(key.data(), key_data(), key.size());
  }

  bool has_deadline_word() const { return (flags_ & kDeadlineWord) != 0; }
  // kNoDeadline if there is none.
  UnixMs deadline() const {
    if (!has_deadline_word()) return kNoDeadline;
    // relaxed: the deadline is complete in itself; who finds it passed takes the lock and looks
    // again.
    return deadline_word().load(std::memory_order_relaxed);
  }
  bool ExpiredAt(UnixMs now) const {
    const UnixMs at = deadline();
    return at != kNoDeadline && now > at;
  }
  // REQUIRES: has_deadline_word().
  void SetDeadline(UnixMs deadline) {
    deadline_word().store(deadline, std::memory_order_relaxed);  // relaxed: see deadline()
  }

  bool is_integer() const { return (flags_ & kInteger) != 0; }
  bool is_large() const { return (flags_ & kLarge) != 0; }
  bool is_growable() const { return (flags_ & kGrowable) != 0; }

  // REQUIRES: is_integer().
  int64_t integer() const {
    return integer_word().load(std::memory_order_acquire);
  }  // acquire [entry.integer]
  void SetInteger(int64_t value) {
    integer_word().store(
        value, std::memory_order_release);  // release [entry.integer]: a later load sees our past
  }
  // REQUIRES: is_large().
  LargeValue* large() const { return *large_word(); }
  // REQUIRES: is_growable(), so that no lock-free reader follows the pointer.
  void SetLarge(LargeValue* value) { *large_word() = value; }

  // The value as a client sees it: `text` holds it if it is an integer. Good as long as the entry
  // is protected.
  std::string_view value(IntegerText& text) const;
  // The length of value(). O(1).
  size_t value_size() const;

  // What was asked of the heap for it, and what the heap spends on it, a large value included.
  size_t BlockBytes() const { return sizeof(Entry) + WordsBefore(0) + key_size() + inline_size_; }
  size_t HeapBytes() const {
    return Allocator::BytesOf(this, BlockBytes()) + (is_large() ? large()->HeapBytes() : 0);
  }

 private:
  // Bits of flags_.
  static constexpr uint16_t kDeadlineWord = 1 << 0;
  static constexpr uint16_t kLongKey = 1 << 1;  // the key's length is in a word of its own
  static constexpr uint16_t kInteger = 1 << 2;
  static constexpr uint16_t kLarge = 1 << 3;
  static constexpr uint16_t kGrowable = 1 << 4;

  static constexpr size_t kShortKeyMax = UINT16_MAX;
  static constexpr size_t kCompareInlineMax = 64;

  // What Make() needs to know.
  struct Shape {
    std::string_view key;
    size_t inline_size = 0;
    uint16_t flags = 0;
    UnixMs deadline = kNoDeadline;
  };

  explicit Entry(const Shape& shape);
  static size_t BytesFor(const Shape& shape);
  static OwnedEntry Make(Allocator& allocator, const Shape& shape);

  char* words() { return reinterpret_cast<char*>(this + 1); }
  const char* words() const { return reinterpret_cast<const char*>(this + 1); }
  size_t WordsBefore(
      uint16_t flag) const;  // bytes of the optional words that come before that of `flag`
  char* Word(uint16_t flag) const { return const_cast<char*>(words()) + WordsBefore(flag); }

  std::atomic<UnixMs>& deadline_word() const {
    return *reinterpret_cast<std::atomic<UnixMs>*>(const_cast<char*>(words()));
  }
  std::atomic<int64_t>& integer_word() const {
    return *reinterpret_cast<std::atomic<int64_t>*>(Word(kInteger));
  }
  LargeValue** large_word() const { return reinterpret_cast<LargeValue**>(Word(kLarge)); }

  // memcmp() == 0, in line: a call out of line costs as much as comparing a key of 16 bytes.
  static bool SameBytes(const char* a, const char* b, size_t size) {
    if (size < 8 || size > kCompareInlineMax) return size == 0 || memcmp(a, b, size) == 0;
    uint64_t difference = Word64(a + size - 8) ^ Word64(b + size - 8);
    for (size_t i = 0; i + 8 < size; i += 8) difference |= Word64(a + i) ^ Word64(b + i);
    return difference == 0;
  }
  static uint64_t Word64(const char* at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
  }

  const char* key_data() const { return words() + WordsBefore(0); }
  size_t key_size() const {
    return (flags_ & kLongKey) == 0 ? key_size_
                                    : *reinterpret_cast<const uint64_t*>(Word(kLongKey));
  }

  std::atomic<uint16_t> access_{0};  // for the eviction policies; relaxed, a hint
  uint16_t flags_;
  uint16_t key_size_;     // 0 with kLongKey
  uint16_t inline_size_;  // of a value in line
};

static_assert(sizeof(Entry) == 8, "the header is what every key pays");
static_assert(LargeValue::kInlineBytesMax <= UINT16_MAX);

// Words come in the order deadline, key length, integer or pointer; the key (flag 0) follows them
// all.
inline size_t Entry::WordsBefore(uint16_t flag) const {
  const unsigned flags = flags_;
  unsigned words = (flags & kDeadlineWord) != 0;
  if (flag != kLongKey) words += (flags & kLongKey) != 0;
  if (flag == 0) words += (flags & (kInteger | kLarge)) != 0;
  return words * 8;
}

}  // namespace larder::store
