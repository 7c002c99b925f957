// Algorithms on bitmaps: strings whose bit 0 is the highest bit of their first byte. A string goes
// on behind its end with zero bits.
//
// Pure functions, any thread; no allocation. Cost: BitAt() O(1), the others O(bytes), eight at a
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace larder::store {

// Some bits of a string in a row; `end` is the first behind them.
struct BitRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

bool BitAt(std::string_view bytes, uint64_t offset);

// How many bits of the range are set. REQUIRES: begin <= end, which is within the string.
uint64_t CountBits(std::string_view bytes, const BitRange& range);

// The first bit of the range that is `bit`, or the range's end. REQUIRES: as CountBits().
uint64_t FindBit(std::string_view bytes, bool bit, const BitRange& range);

enum class BitOperation : uint8_t { kAnd, kOr, kXor, kNot };

// Writes what the operation makes of the operands, `size` bytes of it. REQUIRES: one operand at
// least, of kNot just one; `out` is none of them; `size` is that of the longest.
void CombineBits(BitOperation operation, std::span<const std::string_view> operands, char* out,
                 size_t size);

}  // namespace larder::store
