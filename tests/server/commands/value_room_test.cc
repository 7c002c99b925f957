// Commands whose arguments are small and whose values are not, under `maxmemory`.
#include <gtest/gtest.h>

#include <string>

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

TEST_F(ValueRoomTest, RoomIsMadeByEvicting) {
  h_.Run("CONFIG SET maxmemory-policy allkeys-lru");
  EXPECT_EQ(h_.Run("SETRANGE old 12000000 x"), ":12000001\r\n");
  EXPECT_EQ(h_.Run("SETRANGE new 12000000 x"), ":12000001\r\n");
  EXPECT_EQ(h_.Run("EXISTS old"), ":0\r\n");
  EXPECT_EQ(h_.Run("EXISTS new"), ":1\r\n");
}

}  // namespace
}  // namespace larder::server
