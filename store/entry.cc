#include "store/entry.h"

#include <cassert>
#include <charconv>
#include <cstring>
#include <new>

namespace larder::store {
namespace {

size_t DecimalDigits(uint64_t magnitude) {
  size_t digits = 1;
  for (; magnitude >= 10; magnitude /= 10) ++digits;
  return digits;
}

size_t TextSize(int64_t value) {
  const auto magnitude =
      value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  return DecimalDigits(magnitude) + (value < 0 ? 1 : 0);
}

}  // namespace

void EntryDeleter::operator()(Entry* entry) const {
  if (entry->is_large()) LargeValue::Free(*allocator, entry->large());
  allocator->Free(entry, entry->BlockBytes());
}

size_t Entry::BytesFor(const Shape& shape) {
  size_t bytes = sizeof(Entry) + shape.key.size() + shape.inline_size;
  if (shape.deadline != kNoDeadline) bytes += 8;
  if (shape.key.size() > kShortKeyMax) bytes += 8;
  if ((shape.flags & (kInteger | kLarge)) != 0) bytes += 8;
  return bytes;
}

Entry::Entry(const Shape& shape) : shape_(shape.flags | static_cast<uint32_t>(shape.inline_size)) {
  if (shape.deadline != kNoDeadline) shape_ |= kDeadlineWord;
  if (shape.key.size() > kShortKeyMax) {
    shape_ |= kLongKey;
    new (Word(kLongKey)) uint64_t(shape.key.size());
  } else {
    shape_ |= static_cast<uint32_t>(shape.key.size()) << kKeyShift;
  }
  if (has_deadline_word()) new (words()) std::atomic<UnixMs>(shape.deadline);
  if (!shape.key.empty()) memcpy(const_cast<char*>(key_data()), shape.key.data(), shape.key.size());
}

OwnedEntry Entry::Make(Allocator& allocator, const Shape& shape) {
  assert(shape.inline_size <= LargeValue::kInlineBytesMax);
  void* block = allocator.AllocateEntry(BytesFor(shape));
  OwnedEntry entry(new (block) Entry(shape), EntryDeleter{&allocator});
  assert(entry->BlockBytes() == BytesFor(shape));
  return entry;
}

OwnedEntry Entry::MakeString(Allocator& allocator, std::string_view key, std::string_view value,
                             UnixMs deadline, Encoding encoding) {
  if (value.size() > LargeValue::kInlineBytesMax) {
    LargeValue* large = LargeValue::Make(allocator, value.size(), value.size());
    memcpy(large->bytes(), value.data(), value.size());
    return MakeLarge(allocator, key, large, false, deadline);
  }
  static constexpr uint32_t kFlagOf[] = {0, kText, kRaw};
  OwnedEntry entry = Make(allocator, {.key = key,
                                      .inline_size = value.size(),
                                      .flags = kFlagOf[static_cast<size_t>(encoding)],
                                      .deadline = deadline});
  if (!value.empty())
    memcpy(const_cast<char*>(entry->key_data()) + key.size(), value.data(), value.size());
  return entry;
}

OwnedEntry Entry::MakeInteger(Allocator& allocator, std::string_view key, int64_t value,
                              UnixMs deadline) {
  OwnedEntry entry = Make(allocator, {.key = key, .flags = kInteger, .deadline = deadline});
  new (entry->Word(kInteger)) std::atomic<int64_t>(value);
  return entry;
}

OwnedEntry Entry::MakeLarge(Allocator& allocator, std::string_view key, LargeValue* value,
                            bool growable, UnixMs deadline) {
  const uint32_t flags = kLarge | (growable ? kGrowable : 0);
  OwnedEntry entry = Make(allocator, {.key = key, .flags = flags, .deadline = deadline});
  *entry->large_word() = value;
  return entry;
}

OwnedEntry Entry::MakeFrom(Allocator& allocator, std::string_view key, const Entry& from,
                           UnixMs deadline) {
  const auto make = [&] {
    if (from.is_large())
      return MakeLarge(allocator, key, from.large(), from.is_growable(), deadline);
    if (from.is_integer()) return MakeInteger(allocator, key, from.integer(), deadline);
    IntegerText unused;
    return MakeString(allocator, key, from.value(unused), deadline, from.encoding());
  };
  OwnedEntry entry = make();
  entry->SetAccess(from.access());
  return entry;
}

OwnedEntry Entry::MakeCopy(Allocator& allocator, std::string_view key, const Entry& from,
                           UnixMs deadline) {
  if (from.is_integer()) return MakeInteger(allocator, key, from.integer(), deadline);
  IntegerText unused;
  return MakeString(allocator, key, from.value(unused), deadline, from.encoding());
}

std::string_view Entry::value(IntegerText& text) const {
  if (is_large()) return large()->view();
  if (is_integer()) {
    const auto end = std::to_chars(text, text + sizeof(text), integer()).ptr;
    return {text, static_cast<size_t>(end - text)};
  }
  return {key_data() + key_size(), inline_size()};
}

size_t Entry::value_size() const {
  if (is_large()) return large()->size();
  return is_integer() ? TextSize(integer()) : inline_size();
}

}  // namespace larder::store
