#include "store/bitmap.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace larder::store {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);

uint64_t WordAt(const char* at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

// The word of which the lowest byte is the last one in memory, so that its highest bit is bit 0.
uint64_t InBitOrder(uint64_t word) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

uint64_t Ones(uint64_t word) { return static_cast<uint64_t>(std::popcount(word)); }
uint64_t OnesOf(char byte) { return Ones(static_cast<uint8_t>(byte)); }

// Adds three bits in each of 64 places: *carry is worth twice *sum.
void AddBits(uint64_t a, uint64_t b, uint64_t c, uint64_t* carry, uint64_t* sum) {
  const uint64_t half = a ^ b;
  *carry = (a & b) | (half & c);
  *sum = half ^ c;
}

// Carry-save adders take eight words to one whose ones are counted (Harley and Seal; in Warren:
// Hacker's Delight, 5-1). Five times as fast as std::popcount() of each word without an instruction
// for it.
uint64_t CountBlocks(const char* at, size_t blocks) {
  uint64_t eights_total = 0;
  uint64_t ones = 0, twos = 0, fours = 0;
  for (; blocks > 0; --blocks, at += 8 * kWordBytes) {
    const auto word = [at](size_t i) { return WordAt(at + i * kWordBytes); };
    uint64_t twos_a, twos_b, fours_a, fours_b, eights;
    AddBits(ones, word(0), word(1), &twos_a, &ones);
    AddBits(ones, word(2), word(3), &twos_b, &ones);
    AddBits(twos, twos_a, twos_b, &fours_a, &twos);
    AddBits(ones, word(4), word(5), &twos_a, &ones);
    AddBits(ones, word(6), word(7), &twos_b, &ones);
    AddBits(twos, twos_a, twos_b, &fours_b, &twos);
    AddBits(fours, fours_a, fours_b, &eights, &fours);
    eights_total += Ones(eights);
  }
  return 8 * eights_total + 4 * Ones(fours) + 2 * Ones(twos) + Ones(ones);
}

uint64_t CountAll(std::string_view bytes) {
  constexpr size_t kBlockBytes = 8 * kWordBytes;
  const size_t blocks = bytes.size() / kBlockBytes;
  uint64_t ones = CountBlocks(bytes.data(), blocks);
  for (const char byte : bytes.substr(blocks * kBlockBytes)) ones += OnesOf(byte);
  return ones;
}

// out[i] = combine(out[i], in[i]), by words, then by bytes.
template <typename Combine>
void CombineWith(std::string_view in, char* out, Combine combine) {
  size_t i = 0;
  for (; i + kWordBytes <= in.size(); i += kWordBytes) {
    const uint64_t word = combine(WordAt(out + i), WordAt(in.data() + i));
    memcpy(out + i, &word, sizeof word);
  }
  for (; i < in.size(); ++i) {
    out[i] = static_cast<char>(combine(static_cast<uint8_t>(out[i]), static_cast<uint8_t>(in[i])));
  }
}

// One more operand; `in` is as long as `out` or shorter.
void CombineOperand(BitOperation operation, std::string_view in, char* out, size_t size) {
  switch (operation) {
    case BitOperation::kAnd:
      CombineWith(in, out, [](uint64_t a, uint64_t b) { return a & b; });
      memset(out + in.size(), 0, size - in.size());
      break;
    case BitOperation::kOr:
      CombineWith(in, out, [](uint64_t a, uint64_t b) { return a | b; });
      break;
    case BitOperation::kXor:
      CombineWith(in, out, [](uint64_t a, uint64_t b) { return a ^ b; });
      break;
    case BitOperation::kNot:
      break;
  }
}

}  // namespace

bool BitAt(std::string_view bytes, uint64_t offset) {
  const uint64_t byte = offset / 8;
  return byte < bytes.size() && (static_cast<uint8_t>(bytes[byte]) >> (7 - offset % 8) & 1) != 0;
}

uint64_t CountBits(std::string_view bytes, const BitRange& range) {
  assert(range.begin <= range.end && range.end <= bytes.size() * 8);
  if (range.begin == range.end) return 0;
  const uint64_t first = range.begin / 8;
  const uint64_t last = (range.end - 1) / 8;
  // All bits of these bytes, then less those before and those behind the range.
  const auto before = static_cast<char>(bytes[first] & ~(0xff >> range.begin % 8));
  const auto behind = static_cast<char>(bytes[last] & (0x7f >> (range.end - 1) % 8));
  return CountAll(bytes.substr(first, last - first + 1)) - OnesOf(before) - OnesOf(behind);
}

uint64_t FindBit(std::string_view bytes, bool bit, const BitRange& range) {
  assert(range.begin <= range.end && range.end <= bytes.size() * 8);
  if (range.begin == range.end) return range.end;
  const uint64_t flip = bit ? 0 : ~uint64_t{0};  // what is looked for becomes a one
  const uint64_t bytes_end = (range.end + 7) / 8;
  uint64_t at = range.begin / 8;
  const auto found_at = [&](uint64_t word) {
    return std::min(range.end, at * 8 + static_cast<uint64_t>(std::countl_zero(word)));
  };
  const auto byte_word = [&] { return (uint64_t{static_cast<uint8_t>(bytes[at])} << 56) ^ flip; };
  constexpr uint64_t kFirstByte = uint64_t{0xff} << 56;

  uint64_t ones = byte_word() & kFirstByte & ((~uint64_t{0}) >> (range.begin % 8));
  if (ones != 0) return found_at(ones);
  for (++at; at + kWordBytes <= bytes_end; at += kWordBytes) {
    ones = WordAt(bytes.data() + at) ^ flip;
    if (ones != 0) return found_at(InBitOrder(ones));
  }
  for (; at < bytes_end; ++at) {
    ones = byte_word() & kFirstByte;
    if (ones != 0) return found_at(ones);
  }
  return range.end;
}

void CombineBits(BitOperation operation, std::span<const std::string_view> operands, char* out,
                 size_t size) {
  assert(!operands.empty() && (operation != BitOperation::kNot || operands.size() == 1));
  // In blocks that stay in the cache until the last operand has been through.
  constexpr size_t kBlockBytes = 16384;
  for (size_t begin = 0; begin < size; begin += kBlockBytes) {
    const size_t block = std::min(kBlockBytes, size - begin);
    const auto part = [&](std::string_view operand) {
      return operand.substr(std::min(begin, operand.size()), block);
    };
    const size_t copied = part(operands[0]).copy(out + begin, block);
    memset(out + begin + copied, 0, block - copied);
    if (operation == BitOperation::kNot) {
      CombineWith({out + begin, block}, out + begin, [](uint64_t a, uint64_t) { return ~a; });
    }
    for (const std::string_view operand : operands.subspan(1)) {
      CombineOperand(operation, part(operand), out + begin, block);
    }
  }
}

}  // namespace larder::store
