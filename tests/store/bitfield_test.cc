#include "store/bitfield.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "store/bitmap.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

// One bit at a time.
int64_t ReadOneByOne(std::string_view bytes, uint64_t offset, FieldType type) {
  uint64_t value = type.is_signed && BitAt(bytes, offset) ? ~uint64_t{0} : 0;
  for (int i = 0; i < type.bits; ++i) {
    value = value << 1 | (BitAt(bytes, offset + static_cast<uint64_t>(i)) ? 1 : 0);
  }
  return static_cast<int64_t>(value);
}

class BitFieldTest : public testing::Test {
 protected:
  uint64_t Draw(uint64_t max) { return std::uniform_int_distribution<uint64_t>(0, max)(random_); }

  FieldType DrawType() {
    const bool is_signed = Draw(1) != 0;
    return {.is_signed = is_signed, .bits = static_cast<int>(1 + Draw(is_signed ? 63 : 62))};
  }

  std::mt19937_64 random_{1};
};

TEST_F(BitFieldTest, ReadsLikeOneWhoReadsEachBit) {
  for (int64_t round = 0; round < test_support::Scaled(20'000); ++round) {
    std::string bytes(Draw(20), '\0');
    for (char& byte : bytes) byte = static_cast<char>(Draw(255));
    const FieldType type = DrawType();
    const uint64_t offset = Draw(200);  // behind the end too
    ASSERT_EQ(ReadField(bytes, offset, type), ReadOneByOne(bytes, offset, type))
        << type.is_signed << type.bits << " at " << offset;
  }
}

TEST_F(BitFieldTest, WritesTheFieldAndNothingElse) {
  for (int64_t round = 0; round < test_support::Scaled(20'000); ++round) {
    std::string bytes(24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(Draw(255));
    const std::string before = bytes;
    const FieldType type = DrawType();
    const uint64_t bits = static_cast<uint64_t>(type.bits);
    const uint64_t offset = Draw(bytes.size() * 8 - bits);
    const int64_t value =
        *FitField(type, static_cast<int64_t>(Draw(UINT64_MAX)), FieldOverflow::kWrap);
    WriteField(bytes.data(), offset, type, value);
    ASSERT_EQ(ReadField(bytes, offset, type), value);
    for (uint64_t at = 0; at < bytes.size() * 8; ++at) {
      if (at < offset || at >= offset + bits) {
        ASSERT_EQ(BitAt(bytes, at), BitAt(before, at)) << at;
      }
    }
  }
}

TEST_F(BitFieldTest, ReadsZerosFarBehindTheEnd) {
  const FieldType wide = {.is_signed = true, .bits = 64};
  EXPECT_EQ(ReadField("\xff", uint64_t{1} << 40, wide), 0);
  EXPECT_EQ(ReadField("\xff", 4, wide), kMin + (int64_t{0x7} << 60));
}

TEST_F(BitFieldTest, FitsWhatTheTypeHolds) {
  for (const FieldOverflow overflow :
       {FieldOverflow::kWrap, FieldOverflow::kSaturate, FieldOverflow::kFail}) {
    EXPECT_EQ(FitField({true, 8}, -128, overflow), -128);
    EXPECT_EQ(FitField({true, 8}, 127, overflow), 127);
    EXPECT_EQ(FitField({false, 8}, 255, overflow), 255);
    EXPECT_EQ(FitField({true, 1}, -1, overflow), -1);
    EXPECT_EQ(FitField({true, 64}, kMin, overflow), kMin);
    EXPECT_EQ(FitField({false, 63}, kMax, overflow), kMax);
  }
}

struct Overflowing {
  FieldType type;
  WideInteger value;
  int64_t wrapped;
  int64_t saturated;
};

TEST_F(BitFieldTest, BendsWhatItDoesNotHold) {
  const Overflowing cases[] = {
      {{true, 8}, 128, -128, 127},
      {{true, 8}, -129, 127, -128},
      {{false, 8}, 256, 0, 255},
      {{false, 8}, -1, 255, 0},
      {{true, 1}, 1, -1, 0},
      {{false, 1}, 2, 0, 1},
      {{true, 64}, WideInteger{kMax} + 1, kMin, kMax},
      {{true, 64}, WideInteger{kMin} - 1, kMax, kMin},
      {{true, 64}, WideInteger{kMin} + kMin, 0, kMin},
      {{false, 63}, WideInteger{kMax} + 1, 0, kMax},
      {{false, 63}, WideInteger{UINT64_MAX}, kMax, kMax},
      {{false, 63}, kMin, 0, 0},
  };
  for (const Overflowing& c : cases) {
    EXPECT_EQ(FitField(c.type, c.value, FieldOverflow::kWrap), c.wrapped) << c.type.bits;
    EXPECT_EQ(FitField(c.type, c.value, FieldOverflow::kSaturate), c.saturated) << c.type.bits;
    EXPECT_EQ(FitField(c.type, c.value, FieldOverflow::kFail), std::nullopt) << c.type.bits;
  }
}

}  // namespace
}  // namespace larder::store
