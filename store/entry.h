// A key with its value: one allocation, laid out by hand because there are millions of them.
//
//   | access | shape | deadline? | key length? | integer or pointer? | key | value in line |
//     4 B      4 B      8 B          8 B              8 B
//
// The shape says which of the optional words are there and how long key and value are; the access
// word is what store/access.h says. A short value sits behind the key; a
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
  // What OBJECT ENCODING is to call the value where its bytes do not decide it.
  enum class Encoding : uint8_t {
    kByContent,  // an integer, or a string, short or long
    kText,       // never an integer, whatever it looks like: what INCRBYFLOAT writes
    kRaw,        // written in place: APPEND, SETRANGE and their like
  };

  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  static OwnedEntry MakeString(Allocator& allocator, std::string_view key, std::string_view value,
                               UnixMs deadline, Encoding encoding = Encoding::kByContent);
  static OwnedEntry MakeInteger(Allocator& allocator, std::string_view key, int64_t value,
                                UnixMs deadline);
  // Takes the value over. `growable`: it will be written in place.
  static OwnedEntry MakeLarge(Allocator& allocator, std::string_view key, LargeValue* value,
                              bool growable, UnixMs deadline);
  // A new entry for `key` with the value and the access word of `from`. A large value is shared by
  // both until one of them goes: retire the other's shell only.
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

  bool has_deadline_word() const { return (shape_ & kDeadlineWord) != 0; }
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

  bool is_integer() const { return (shape_ & kInteger) != 0; }
  bool is_large() const { return (shape_ & kLarge) != 0; }
  bool is_growable() const { return (shape_ & kGrowable) != 0; }

  Encoding encoding() const {
    if ((shape_ & kRaw) != 0) return Encoding::kRaw;
    return (shape_ & kText) != 0 ? Encoding::kText : Encoding::kByContent;
  }

  // relaxed, both: a hint for the eviction policies, tied to no other data. Readers set it too.
  uint32_t access() const { return access_.load(std::memory_order_relaxed); }
  void SetAccess(uint32_t word) const { access_.store(word, std::memory_order_relaxed); }

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
  size_t BlockBytes() const { return sizeof(Entry) + WordsBefore(0) + key_size() + inline_size(); }
  size_t HeapBytes() const {
    return Allocator::BytesOf(this, BlockBytes()) + (is_large() ? large()->HeapBytes() : 0);
  }

 private:
  // Bits of shape_: the length of a value in line, flags, the length of the key.
  static constexpr int kInlineBits = 13;
  static constexpr uint32_t kDeadlineWord = 1u << 13;
  static constexpr uint32_t kLongKey = 1u << 14;  // the key's length is in a word of its own
  static constexpr uint32_t kInteger = 1u << 15;
  static constexpr uint32_t kLarge = 1u << 16;
  static constexpr uint32_t kGrowable = 1u << 17;
  static constexpr uint32_t kText = 1u << 18;  // Encoding::kText
  static constexpr uint32_t kRaw = 1u << 19;   // Encoding::kRaw
  static constexpr int kKeyShift = 21;

  static constexpr size_t kShortKeyMax = (size_t{1} << (32 - kKeyShift)) - 1;
  static constexpr size_t kCompareInlineMax = 64;

  // What Make() needs to know.
  struct Shape {
    std::string_view key;
    size_t inline_size = 0;
    uint32_t flags = 0;
    UnixMs deadline = kNoDeadline;
  };

  explicit Entry(const Shape& shape);
  static size_t BytesFor(const Shape& shape);
  static OwnedEntry Make(Allocator& allocator, const Shape& shape);

  char* words() { return reinterpret_cast<char*>(this + 1); }
  const char* words() const { return reinterpret_cast<const char*>(this + 1); }
  size_t WordsBefore(
      uint32_t flag) const;  // bytes of the optional words that come before that of `flag`
  char* Word(uint32_t flag) const { return const_cast<char*>(words()) + WordsBefore(flag); }

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
    return (shape_ & kLongKey) == 0 ? shape_ >> kKeyShift
                                    : *reinterpret_cast<const uint64_t*>(Word(kLongKey));
  }
  size_t inline_size() const { return shape_ & ((1u << kInlineBits) - 1); }

  mutable std::atomic<uint32_t> access_{0};
  uint32_t shape_;
};

static_assert(sizeof(Entry) == 8, "the header is what every key pays");
static_assert(LargeValue::kInlineBytesMax < 1 << 13, "13 bits hold the length of a value in line");

// Words come in the order deadline, key length, integer or pointer; the key (flag 0) follows them
// all.
inline size_t Entry::WordsBefore(uint32_t flag) const {
  const unsigned flags = shape_;
  unsigned words = (flags & kDeadlineWord) != 0;
  if (flag != kLongKey) words += (flags & kLongKey) != 0;
  if (flag == 0) words += (flags & (kInteger | kLarge)) != 0;
  return words * 8;
}

}  // namespace larder::store
