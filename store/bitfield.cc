#include "store/bitfield.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace larder::store {
namespace {

using WideBits = unsigned __int128;

constexpr WideBits LowBits(int count) { return (WideBits{1} << count) - 1; }

// Where a field lies: in up to nine bytes, taken as one number of which it is the bits above
// `shift`.
struct Place {
  Place(uint64_t offset, int bits)
      : first(offset / 8),
        count((offset % 8 + static_cast<uint64_t>(bits) + 7) / 8),
        shift(static_cast<int>(count * 8 - offset % 8) - bits) {}

  size_t first;
  size_t count;
  int shift;
};

WideBits Load(std::string_view bytes, const Place& place) {
  WideBits number = 0;
  for (size_t i = place.first; i < place.first + place.count; ++i) {
    number = number << 8 | (i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0);
  }
  return number;
}

// The value whose lowest bits these are.
int64_t FromBits(WideBits bits, FieldType type) {
  bits &= LowBits(type.bits);
  const bool negative = type.is_signed && (bits >> (type.bits - 1)) != 0;
  if (negative) bits |= ~LowBits(type.bits);
  return static_cast<int64_t>(bits);
}

}  // namespace

int64_t ReadField(std::string_view bytes, uint64_t offset, FieldType type) {
  const Place place(offset, type.bits);
  return FromBits(Load(bytes, place) >> place.shift, type);
}

void WriteField(char* bytes, uint64_t offset, FieldType type, int64_t value) {
  const Place place(offset, type.bits);
  const WideBits mask = LowBits(type.bits) << place.shift;
  WideBits number = Load({bytes, place.first + place.count}, place);
  number = (number & ~mask) | (static_cast<WideBits>(value) << place.shift & mask);
  for (size_t i = place.first + place.count; i-- > place.first; number >>= 8) {
    bytes[i] = static_cast<char>(number & 0xff);
  }
}

std::optional<int64_t> FitField(FieldType type, WideInteger value, FieldOverflow overflow) {
  const int value_bits = type.is_signed ? type.bits - 1 : type.bits;
  const auto max = static_cast<WideInteger>(LowBits(value_bits));
  const WideInteger min = type.is_signed ? -max - 1 : 0;
  if (value >= min && value <= max) return static_cast<int64_t>(value);
  switch (overflow) {
    case FieldOverflow::kWrap:
      return FromBits(static_cast<WideBits>(value), type);
    case FieldOverflow::kSaturate:
      return static_cast<int64_t>(std::clamp(value, min, max));
    case FieldOverflow::kFail:
      break;
  }
  return std::nullopt;
}

}  // namespace larder::store
