// Commands whose arguments are small and whose values are not, under `maxmemory`.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "server/rdb_payload.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

constexpr std::string_view kOom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

class ValueRoomTest : public testing::Test {
 protected:
  Harness h_{{.config = {{"maxmemory", "20mb"}}}};
};

TEST_F(ValueRoomTest, WhatWouldExceedTheLimitIsRefused) {
  h_.Run("SET other v");
  EXPECT_EQ(h_.Run("SETRANGE k 30000000 x"), kOom);
  EXPECT_EQ(h_.Run("SETBIT k 240000000 1"), kOom);
  EXPECT_EQ(h_.Run("BITFIELD k SET u8 240000000 1"), kOom);
  EXPECT_EQ(h_.Run("EXISTS k other"), ":1\r\n");
}

TEST_F(ValueRoomTest, ACopyNeedsTheRoomOfItsSource) {
  EXPECT_EQ(h_.Run("SETRANGE k 12000000 x"), ":12000001\r\n");
  EXPECT_EQ(h_.Run("COPY k copy"), kOom);
  EXPECT_EQ(h_.Run("BITOP NOT copy k"), kOom);
  EXPECT_EQ(h_.Run("SETBIT k 96000000 1"), ":0\r\n") << "within what is there";
  EXPECT_EQ(h_.Run("SETRANGE k 5 x"), ":12000001\r\n");
  EXPECT_EQ(h_.Run("DBSIZE"), ":1\r\n");
}

// A few kB of payload that would become 12 MB: RESTORE once evicted before it had looked at what it
// was given, and unpacked before it had asked for room.
TEST_F(ValueRoomTest, RestoreEvictsNothingInVain) {
  const std::string packed = EncodeStringPayload(std::string(12'000'000, 'x'));
  const std::string packed_more = EncodeStringPayload(std::string(30'000'000, 'x'));
  std::string corrupt = packed.substr(0, packed.size() - 8);
  corrupt[corrupt.size() - 5] ^= '\x08';  // the last literals would be more
  for (uint64_t crc = Crc64(corrupt), i = 0; i < 8; ++i, crc >>= 8) corrupt += char(crc);
  h_.Run("CONFIG SET maxmemory-policy allkeys-lru");
  h_.Run("SETRANGE old 12000000 x");
  EXPECT_EQ(h_.Run({"RESTORE", "k", "0", packed_more}), kOom);
  EXPECT_EQ(h_.Run({"RESTORE", "k", "0", corrupt}), "-ERR Bad data format\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "old", "0", packed}),
            "-BUSYKEY Target key name already exists.\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "k", "1", packed, "ABSTTL"}), "+OK\r\n") << "in the past";
  EXPECT_EQ(h_.Run("EXISTS old"), ":1\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "k", "0", packed}), "+OK\r\n");
  EXPECT_EQ(h_.Run("EXISTS old"), ":0\r\n");
  EXPECT_EQ(h_.Run("STRLEN k"), ":12000000\r\n");
}

TEST_F(ValueRoomTest, RoomIsMadeByEvicting) {
  h_.Run("CONFIG SET maxmemory-policy allkeys-lru");
  EXPECT_EQ(h_.Run("SETRANGE old 12000000 x"), ":12000001\r\n");
  EXPECT_EQ(h_.Run("SETRANGE new 12000000 x"), ":12000001\r\n");
  EXPECT_EQ(h_.Run("EXISTS old"), ":0\r\n");
  EXPECT_EQ(h_.Run("EXISTS new"), ":1\r\n");
}

}  // namespace
}  // namespace larder::server
