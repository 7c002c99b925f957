// Integers of any width at any bit of a string, highest bit first: what BITFIELD works on.
//
// Pure functions, any thread; no allocation. Cost: O(1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace larder::store {

// The type of a field: signed ones in two's complement, of 1 to 64 bits; unsigned ones of 1 to 63,
// so that every value is an int64_t.
struct FieldType {
  bool is_signed = false;
  int bits = 1;
};

// The field whose first bit is `offset`; bits behind the end are zero.
int64_t ReadField(std::string_view bytes, uint64_t offset, FieldType type);

// REQUIRES: `bytes` reaches to the field's last bit, and the type holds the value.
void WriteField(char* bytes, uint64_t offset, FieldType type, int64_t value);

// What becomes of a value that its field cannot hold.
enum class FieldOverflow : uint8_t {
  kWrap,      // its lowest bits stay
  kSaturate,  // the nearest value that it can hold
  kFail,      // nothing is written
};

// Exact for the sum of a field and an int64_t.
using WideInteger = __int128;

// `value` if the type holds it, else what `overflow` makes of it: nothing with kFail.
std::optional<int64_t> FitField(FieldType type, WideInteger value, FieldOverflow overflow);

}  // namespace larder::store
