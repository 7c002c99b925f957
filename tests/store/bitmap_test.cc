#include "store/bitmap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

// The models look at one bit at a time.
uint64_t CountOneByOne(std::string_view bytes, const BitRange& range) {
  uint64_t ones = 0;
  for (uint64_t at = range.begin; at < range.end; ++at) ones += BitAt(bytes, at) ? 1 : 0;
  return ones;
}

uint64_t FindOneByOne(std::string_view bytes, bool bit, const BitRange& range) {
  uint64_t at = range.begin;
  while (at < range.end && BitAt(bytes, at) != bit) ++at;
  return at;
}

class BitmapTest : public testing::Test {
 protected:
  size_t Draw(size_t max) { return std::uniform_int_distribution<size_t>(0, max)(random_); }

  std::string DrawBytes(size_t size) {
    std::string bytes(size, '\0');
    const size_t style = Draw(3);  // random, all zeros, all ones, a single odd one out
    for (char& byte : bytes)
      byte = static_cast<char>(style == 0 ? Draw(255) : style == 1 ? 0 : 255);
    if (style == 3 && size > 0) bytes[Draw(size - 1)] = static_cast<char>(Draw(255));
    return bytes;
  }

  BitRange DrawRange(size_t size) {
    const uint64_t a = Draw(size * 8);
    const uint64_t b = Draw(size * 8);
    return {.begin = std::min(a, b), .end = std::max(a, b)};
  }

  std::mt19937_64 random_{1};
};

TEST_F(BitmapTest, BitZeroIsTheHighestOfTheFirstByte) {
  const std::string_view bytes("\x80\x01", 2);
  EXPECT_TRUE(BitAt(bytes, 0));
  EXPECT_FALSE(BitAt(bytes, 1));
  EXPECT_TRUE(BitAt(bytes, 15));
  EXPECT_FALSE(BitAt(bytes, 16));
  EXPECT_FALSE(BitAt(bytes, UINT64_MAX));
  EXPECT_FALSE(BitAt("", 0));
}

TEST_F(BitmapTest, CountsLikeOneWhoCountsEachBit) {
  for (int64_t round = 0; round < test_support::Scaled(2000); ++round) {
    const std::string bytes = DrawBytes(Draw(300));
    const BitRange range = DrawRange(bytes.size());
    ASSERT_EQ(CountBits(bytes, range), CountOneByOne(bytes, range))
        << bytes.size() << " bytes, " << range.begin << " to " << range.end;
  }
  EXPECT_EQ(CountBits("", {}), 0u);
}

TEST_F(BitmapTest, FindsLikeOneWhoLooksAtEachBit) {
  for (int64_t round = 0; round < test_support::Scaled(2000); ++round) {
    const std::string bytes = DrawBytes(Draw(100));
    const BitRange range = DrawRange(bytes.size());
    for (const bool bit : {false, true}) {
      ASSERT_EQ(FindBit(bytes, bit, range), FindOneByOne(bytes, bit, range))
          << bit << " in " << bytes.size() << " bytes, " << range.begin << " to " << range.end;
    }
  }
  EXPECT_EQ(FindBit("", true, {}), 0u);
}

TEST_F(BitmapTest, ReadsFromAnyAddress) {
  const std::string bytes = DrawBytes(200);
  for (size_t skipped = 0; skipped < 16; ++skipped) {
    const std::string_view part = std::string_view(bytes).substr(skipped);
    const BitRange all = {.begin = 0, .end = part.size() * 8};
    EXPECT_EQ(CountBits(part, all), CountOneByOne(part, all));
  }
}

bool CombineOneByOne(BitOperation operation, const std::vector<std::string>& operands,
                     uint64_t at) {
  bool bit = BitAt(operands[0], at);
  if (operation == BitOperation::kNot) return !bit;
  for (size_t i = 1; i < operands.size(); ++i) {
    const bool other = BitAt(operands[i], at);
    bit = operation == BitOperation::kAnd  ? bit && other
          : operation == BitOperation::kOr ? bit || other
                                           : bit != other;
  }
  return bit;
}

TEST_F(BitmapTest, CombinesLikeOneWhoCombinesEachBit) {
  for (int64_t round = 0; round < test_support::Scaled(600); ++round) {
    const auto operation = static_cast<BitOperation>(Draw(3));
    std::vector<std::string> operands;
    size_t size = 0;
    const size_t count = operation == BitOperation::kNot ? 1 : 1 + Draw(3);
    for (size_t i = 0; i < count; ++i) {
      operands.push_back(DrawBytes(Draw(60)));
      size = std::max(size, operands.back().size());
    }
    const std::vector<std::string_view> views(operands.begin(), operands.end());
    std::string out(size, 'x');
    CombineBits(operation, views, out.data(), size);
    for (uint64_t at = 0; at < size * 8; ++at) {
      ASSERT_EQ(BitAt(out, at), CombineOneByOne(operation, operands, at)) << at;
    }
  }
}

// Longer than the blocks in which operands are combined.
TEST_F(BitmapTest, CombinesLongOperandsOfUnequalLength) {
  const std::string a(100'000, '\x0f');
  const std::string b(40'001, '\x3c');
  const std::vector<std::string_view> operands = {b, a};
  std::string out(a.size(), 'x');
  CombineBits(BitOperation::kXor, operands, out.data(), out.size());
  EXPECT_EQ(out, std::string(40'001, '\x33') + std::string(59'999, '\x0f'));
  CombineBits(BitOperation::kAnd, operands, out.data(), out.size());
  EXPECT_EQ(out, std::string(40'001, '\x0c') + std::string(59'999, '\0'));
}

}  // namespace
}  // namespace larder::store
