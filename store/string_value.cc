#include "store/string_value.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

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

// Writes `bytes` at `offset` of a value that has `old_size` bytes, zeros in between.
size_t WriteAt(KeyEditor& key, size_t old_size, size_t offset, std::string_view bytes,
               Entry::Encoding encoding = Entry::Encoding::kRaw) {
  const size_t size = std::max(old_size, offset + bytes.size());
  const size_t padding = offset > old_size ? offset - old_size : 0;
  if (size > LargeValue::kInlineBytesMax) {
    const bool in_place = key.entry() != nullptr && key.entry()->is_growable();
    LargeValue* value = GrowTo(key, size);
    if (!value->is_mapped()) memset(value->bytes() + offset - padding, 0, padding);
    memcpy(value->bytes() + offset, bytes.data(), bytes.size());
    if (in_place) key.Altered();  // else GrowTo() has put a new entry, which says so itself
    return size;
  }
  std::string value(size, '\0');
  if (const Entry* entry = key.entry(); entry != nullptr) {
    IntegerText text;
    entry->value(text).copy(value.data(), old_size);
  }
  bytes.copy(value.data() + offset, bytes.size());
  key.PutString(value, DeadlineOf(key.entry()), encoding);
  return size;
}

}  // namespace

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
  if (entry == nullptr) return WriteAt(key, 0, 0, suffix, Entry::Encoding::kByContent);
  if (suffix.empty() && (entry->is_large() || entry->encoding() == Entry::Encoding::kRaw))
    return size;
  return WriteAt(key, size, size, suffix);
}

Result<size_t> SetRange(KeyEditor& key, size_t offset, std::string_view bytes, size_t bytes_max) {
  const Entry* entry = key.entry();
  const size_t size = entry == nullptr ? 0 : entry->value_size();
  if (bytes.empty()) return size;
  if (bytes.size() > bytes_max || offset > bytes_max - bytes.size())
    return StoreError::kStringTooLong;
  return WriteAt(key, size, offset, bytes);
}

}  // namespace larder::store
