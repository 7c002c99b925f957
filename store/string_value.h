// The operations on string values that are more than a replacement: increment, append, overwrite a
// range.
//
// Threads: inside Keyspace::Write(), under the shard's lock. An absent key counts as the empty
// string (or as 0). The deadline of the key stays. Cost: INCR on a key that has been incremented
// before writes one word in place; APPEND, SETRANGE and the like of a value above
// LargeValue::kInlineBytesMax work in place with spare capacity, amortised O(bytes written).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/key_editor.h"
#include "store/result.h"

namespace larder::store {

// Adds `delta` and returns the new value. Errors: kNotAnInteger, kOverflow.
Result<int64_t> Increment(KeyEditor& key, int64_t delta);

// Adds `suffix` and returns the new length. Errors: kStringTooLong, if it would exceed `bytes_max`.
Result<size_t> Append(KeyEditor& key, std::string_view suffix, size_t bytes_max);

// Overwrites from `offset` on, padding with zero bytes up to there, and returns the new length.
// Empty `bytes` change nothing and create no key. Errors: kStringTooLong, if the range ends beyond
// `bytes_max`.
Result<size_t> SetRange(KeyEditor& key, size_t offset, std::string_view bytes, size_t bytes_max);

// The bytes of a value, to be overwritten as one change: nobody sees it before Store(). A value
// above LargeValue::kInlineBytesMax is written in place once it is growable, so that a change costs
// O(bytes written); a smaller one is copied, as lock-free readers may be looking at it.
class WritableValue {
 public:
  // The value of `key`, padded with zero bytes to `size_min`.
  WritableValue(KeyEditor& key, size_t size_min) : WritableValue(key, size_min, size_min) {}
  // The same, but from `padded_to` on the caller writes every new byte. REQUIRES: padded_to <=
  // size_min.
  WritableValue(KeyEditor& key, size_t size_min, size_t padded_to);
  WritableValue(const WritableValue&) = delete;
  WritableValue& operator=(const WritableValue&) = delete;

  char* bytes() { return large_ != nullptr ? large_->bytes() : small_.data(); }
  std::string_view view() { return {bytes(), size_}; }
  size_t size() const { return size_; }

  // To be called once, after the last byte is written, if the value is another or longer now.
  void Store(Entry::Encoding encoding = Entry::Encoding::kRaw);

 private:
  KeyEditor& key_;
  size_t size_;
  bool announced_ = false;  // a new entry has been put, which says so itself
  LargeValue* large_ = nullptr;
  std::array<char, LargeValue::kInlineBytesMax> small_;  // without large_
};

// What a string that grows to `size` bytes may take, with its room for further growth.
size_t GrownBytes(size_t size);

// A 64-bit integer in the one form that it is printed in: no sign '+', no leading zeros or blanks.
bool ParseCanonicalInteger(std::string_view text, int64_t* value);

}  // namespace larder::store
