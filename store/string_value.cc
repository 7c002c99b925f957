#include "store/string_value.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace larder::store {
namespace {

UnixMs DeadlineOf(const Entry* entry) { return entry == nullptr ? kNoDeadline : entry->deadline(); }

// Spare room for further growth: as much again, but at most 1 MiB.
size_t CapacityFor(size_t size) {
  constexpr size_t kSpareMax = size_t{1} << 20;
  return size + std::min(size, kSpareMax);
}

// Makes the value of `key` a growable block of `size` bytes that starts with the old value; what
// follows is not set.
LargeValue* GrowTo(KeyEditor& key, size_t size) {
  Allocator& allocator = key.worker().allocator();
  const Entry* entry = key.entry();
  const bool grows_in_place = entry != nullptr && entry->is_growable() &&
                              (size <= entry->large()->capacity() || entry->large()->is_mapped());
  if (grows_in_place) {
    if (size > entry->large()->capacity()) key.ExtendGrowable(CapacityFor(size));
    key.growable()->set_size(size);
    return key.growable();
  }
  LargeValue* grown = LargeValue::Make(allocator, size, CapacityFor(size));
  if (entry != nullptr) {
    IntegerText text;
    const std::string_view old = entry->value(text);
    memcpy(grown->bytes(), old.data(), old.size());
  }
  if (entry != nullptr && entry->is_growable()) {
    key.ReplaceGrowable(grown);
  } else {
    key.Put(Entry::MakeLarge(allocator, key.key().bytes, grown, true, DeadlineOf(entry)));
  }
  return grown;
}

// Writes `bytes` at `offset`, zeros between the end and there.
size_t WriteAt(KeyEditor& key, size_t offset, std::string_view bytes,
               Entry::Encoding encoding = Entry::Encoding::kRaw) {
  WritableValue value(key, offset + bytes.size(), offset);
  bytes.copy(value.bytes() + offset, bytes.size());
  value.Store(encoding);
  return value.size();
}

}  // namespace

WritableValue::WritableValue(KeyEditor& key, size_t size_min, size_t padded_to) : key_(key) {
  const Entry* entry = key.entry();
  const size_t old_size = entry == nullptr ? 0 : entry->value_size();
  const size_t padding = padded_to > old_size ? padded_to - old_size : 0;
  size_ = std::max(old_size, size_min);
  if (size_ > LargeValue::kInlineBytesMax) {
    announced_ = entry == nullptr || !entry->is_growable();
    large_ = GrowTo(key, size_);
    if (!large_->is_mapped()) memset(large_->bytes() + old_size, 0, padding);
    return;
  }
  IntegerText text;
  if (entry != nullptr) entry->value(text).copy(small_.data(), old_size);
  memset(small_.data() + old_size, 0, padding);
}

void WritableValue::Store(Entry::Encoding encoding) {
  if (large_ == nullptr) {
    key_.PutString(view(), DeadlineOf(key_.entry()), encoding);
  } else if (!announced_) {
    key_.Altered();
  }
}

size_t GrownBytes(size_t size) {
  return size > LargeValue::kInlineBytesMax ? CapacityFor(size) : size;
}

bool ParseCanonicalInteger(std::string_view text, int64_t* value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *value);
  if (error != std::errc() || stop != end) return false;
  const std::string_view digits = text.front() == '-' ? text.substr(1) : text;
  return digits.front() != '0' || text.size() == 1;
}

Result<int64_t> Increment(KeyEditor& key, int64_t delta) {
  const Entry* entry = key.entry();
  int64_t value = 0;
  if (entry != nullptr && entry->is_integer()) {
    value = entry->integer();
  } else if (entry != nullptr) {
    IntegerText unused;
    if (!ParseCanonicalInteger(entry->value(unused), &value)) return StoreError::kNotAnInteger;
  }
  if (__builtin_add_overflow(value, delta, &value)) return StoreError::kOverflow;
  if (entry != nullptr && entry->is_integer()) {
    key.SetInteger(value);
  } else {
    key.Put(
        Entry::MakeInteger(key.worker().allocator(), key.key().bytes, value, DeadlineOf(entry)));
  }
  return value;
}

Result<size_t> Append(KeyEditor& key, std::string_view suffix, size_t bytes_max) {
  const Entry* entry = key.entry();
  const size_t size = entry == nullptr ? 0 : entry->value_size();
  if (suffix.size() > bytes_max || size > bytes_max - suffix.size())
    return StoreError::kStringTooLong;
  // A value that is new is as if SET had stored it; one that is there is written in place from now
  // on, even if nothing is added to it.
  if (entry == nullptr) return WriteAt(key, 0, suffix, Entry::Encoding::kByContent);
  if (suffix.empty() && (entry->is_large() || entry->encoding() == Entry::Encoding::kRaw)) {
    key.Altered();  // for those who watch the key, as in Redis
    return size;
  }
  return WriteAt(key, size, suffix);
}

Result<size_t> SetRange(KeyEditor& key, size_t offset, std::string_view bytes, size_t bytes_max) {
  const Entry* entry = key.entry();
  const size_t size = entry == nullptr ? 0 : entry->value_size();
  if (bytes.empty()) return size;
  if (bytes.size() > bytes_max || offset > bytes_max - bytes.size())
    return StoreError::kStringTooLong;
  return WriteAt(key, offset, bytes);
}

}  // namespace larder::store
