#include "store/bitmap_value.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "store/string_value.h"

namespace larder::store {
namespace {

std::string_view ValueOf(const Entry* entry, IntegerText& text) {
  return entry == nullptr ? std::string_view() : entry->value(text);
}

// How long the value must be for the steps that may write.
size_t BytesFor(std::span<const FieldStep> steps) {
  uint64_t bits = 0;
  for (const FieldStep& step : steps) {
    if (step.kind == FieldStep::Kind::kGet) continue;
    bits = std::max(bits, step.offset + static_cast<uint64_t>(step.type.bits));
  }
  return (bits + 7) / 8;
}

// Whether Redis takes a number that is to go into the field for far above it, though it is below:
// every negative one for an unsigned field, and for a signed one those so low that the distance to
// the field's greatest value leaves 64 bits.
bool CountsAsAbove(FieldType type, int64_t number) {
  if (!type.is_signed) return number < 0;
  const auto max = static_cast<int64_t>((uint64_t{1} << (type.bits - 1)) - 1);
  return type.bits < 64 && number < max - INT64_MAX;
}

// What a step asks the field to become.
WideInteger Wanted(const FieldStep& step, int64_t before) {
  if (step.kind == FieldStep::Kind::kIncrement) return WideInteger{before} + step.operand;
  return CountsAsAbove(step.type, step.operand) ? WideInteger{static_cast<uint64_t>(step.operand)}
                                                : WideInteger{step.operand};
}

// True if the value has become another.
bool RunStep(FieldStep& step, WritableValue& value) {
  const int64_t before = ReadField(value.view(), step.offset, step.type);
  step.result = before;
  if (step.kind == FieldStep::Kind::kGet) return false;
  const std::optional<int64_t> after = FitField(step.type, Wanted(step, before), step.overflow);
  if (!after || step.kind == FieldStep::Kind::kIncrement) step.result = after;
  if (!after || *after == before) return false;
  WriteField(value.bytes(), step.offset, step.type, *after);
  return true;
}

}  // namespace

bool SetBit(KeyEditor& key, uint64_t offset, bool bit) {
  const size_t byte = offset / 8;
  IntegerText text;
  const std::string_view old = ValueOf(key.entry(), text);
  const bool before = BitAt(old, offset);
  if (before == bit && byte < old.size()) return before;
  WritableValue value(key, byte + 1);
  const auto mask = static_cast<uint8_t>(0x80 >> offset % 8);
  const auto rest = static_cast<uint8_t>(value.bytes()[byte] & ~mask);
  value.bytes()[byte] = static_cast<char>(bit ? rest | mask : rest);
  value.Store();
  return before;
}

void RunFieldSteps(KeyEditor& key, std::span<FieldStep> steps) {
  const size_t old_size = key.entry() == nullptr ? 0 : key.entry()->value_size();
  WritableValue value(key, BytesFor(steps));
  bool altered = value.size() > old_size;
  for (FieldStep& step : steps) altered |= RunStep(step, value);
  if (altered) value.Store();
}

size_t StoreCombination(const MultiEditor& keys, BitOperation operation) {
  struct Text {
    IntegerText text;
  };
  std::vector<Text> texts(keys.size());
  std::vector<std::string_view> operands;
  size_t size = 0;
  for (size_t i = 1; i < keys.size(); ++i) {
    operands.push_back(ValueOf(keys[i].entry(), texts[i].text));
    size = std::max(size, operands.back().size());
  }
  KeyEditor target = keys[0];
  if (size == 0) {
    target.Erase();
  } else if (size > LargeValue::kInlineBytesMax) {
    Allocator& allocator = target.worker().allocator();
    LargeValue* value = LargeValue::Make(allocator, size, size);
    CombineBits(operation, operands, value->bytes(), size);
    target.Put(Entry::MakeLarge(allocator, target.key().bytes, value, false, kNoDeadline));
  } else {
    std::array<char, LargeValue::kInlineBytesMax> bytes;
    CombineBits(operation, operands, bytes.data(), size);
    target.PutString({bytes.data(), size}, kNoDeadline, Entry::Encoding::kRaw);
  }
  return size;
}

}  // namespace larder::store
