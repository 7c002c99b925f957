#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

constexpr std::string_view kSyntaxReply = "-ERR syntax error\r\n";
constexpr std::string_view kNoIntegerReply = "-ERR value is not an integer or out of range\r\n";
constexpr std::string_view kBadOffsetReply =
    "-ERR bit offset is not an integer or out of range\r\n";

class BitmapCommandsTest : public test_support::CommandTest {};

INSTANTIATE_TEST_SUITE_P(AllMaps, BitmapCommandsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(BitmapCommandsTest, SetBitRepliesTheOldBit) {
  Play({{"SETBIT k 7 1", ":0\r\n"},
        {"SETBIT k 7 1", ":1\r\n"},
        {"GET k", "$1\r\n\x01\r\n"},
        {"SETBIT k 7 0", ":1\r\n"},
        {"SETBIT k 9 0", ":0\r\n"},
        {"STRLEN k", ":2\r\n"},
        {"GETBIT k 7", ":0\r\n"},
        {"GETBIT k 4294967295", ":0\r\n"},
        {"GETBIT none 0", ":0\r\n"}});
}

TEST_P(BitmapCommandsTest, SetBitKeepsTheDeadline) {
  Play({{"SET n 1 PX 1500", "+OK\r\n"},
        {"INCR n", ":2\r\n"},
        {"SETBIT n 7 1", ":0\r\n"},
        {"GET n", "$1\r\n3\r\n"},
        {"PTTL n", ":1500\r\n"}});
}

TEST_P(BitmapCommandsTest, OffsetsEndWhereTheLongestStringDoes) {
  for (std::string_view offset :
       {"-1", "4294967296", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "x", "\"\"", "1.0", "+1", "\" 1\"", "#1"}) {
    EXPECT_EQ(h_.Run("SETBIT k " + std::string(offset) + " 1"), kBadOffsetReply) << offset;
    EXPECT_EQ(h_.Run("GETBIT k " + std::string(offset)), kBadOffsetReply) << offset;
  }
  EXPECT_EQ(h_.Run("EXISTS k"), ":0\r\n");
  EXPECT_EQ(h_.Run("SETBIT k 4294967295 1"), ":0\r\n");
  EXPECT_EQ(h_.Run("STRLEN k"), ":536870912\r\n");
  EXPECT_EQ(h_.Run("GETBIT k 4294967295"), ":1\r\n");
  EXPECT_EQ(h_.Run("DEL k"), ":1\r\n");
  Harness small({.map = GetParam(), .config = {{"proto-max-bulk-len", "1mb"}}});
  EXPECT_EQ(small.Run("SETBIT k 8388608 1"), kBadOffsetReply);
  EXPECT_EQ(small.Run("SETBIT k 8388607 1"), ":0\r\n");
}

TEST_P(BitmapCommandsTest, SetBitTakesZeroAndOneOnly) {
  for (std::string_view bit : {"2", "-1", "x", "\"\"", "01", "9223372036854775808"}) {
    EXPECT_EQ(h_.Run("SETBIT k 0 " + std::string(bit)),
              "-ERR bit is not an integer or out of range\r\n")
        << bit;
  }
  EXPECT_EQ(h_.Run("EXISTS k"), ":0\r\n");
}

TEST_P(BitmapCommandsTest, BitCountCountsInBytesOrBits) {
  Play({{"SET k foobar", "+OK\r\n"},
        {"BITCOUNT k", ":26\r\n"},
        {"BITCOUNT k 0 0", ":4\r\n"},
        {"BITCOUNT k 1 1 BYTE", ":6\r\n"},
        {"BITCOUNT k 5 30 bit", ":17\r\n"},
        {"BITCOUNT k -2 -1", ":7\r\n"},
        {"BITCOUNT k -1 -2 NOSUCH", ":0\r\n"},
        {"BITCOUNT k 4 2", ":0\r\n"},
        {"BITCOUNT k -9223372036854775808 9223372036854775807 BIT", ":26\r\n"},
        {"BITCOUNT k 0 -1 NOSUCH", kSyntaxReply},
        {"BITCOUNT k 0", kSyntaxReply},
        {"BITCOUNT k 0 1 BIT 2", kSyntaxReply},
        {"BITCOUNT k 0 x", kNoIntegerReply},
        {"BITCOUNT none 0 x y z", ":0\r\n"}});
}

TEST_P(BitmapCommandsTest, BitPosKnowsWhetherAnEndWasGiven) {
  EXPECT_EQ(h_.Run({"SET", "k", std::string_view("\xff\xf0\x00", 3)}), "+OK\r\n");
  EXPECT_EQ(h_.Run({"SET", "ones", std::string_view("\xff\xff\xff", 3)}), "+OK\r\n");
  Play({{"BITPOS k 0", ":12\r\n"},
        {"BITPOS k 1", ":0\r\n"},
        {"BITPOS k 1 2", ":-1\r\n"},
        {"BITPOS k 1 -1 -1", ":-1\r\n"},
        {"BITPOS k 0 13 -1 BIT", ":13\r\n"},
        {"BITPOS k 1 7 15 bit", ":7\r\n"},
        {"BITPOS k 0 0 0", ":-1\r\n"},
        {"BITPOS ones 0", ":24\r\n"},
        {"BITPOS ones 0 1", ":24\r\n"},
        {"BITPOS ones 0 0 -1", ":-1\r\n"},
        {"BITPOS ones 0 3", ":-1\r\n"},
        {"BITPOS none 0", ":0\r\n"},
        {"BITPOS none 1", ":-1\r\n"},
        {"BITPOS none 1 x y z z", ":-1\r\n"},
        {"SET empty \"\"", "+OK\r\n"},
        {"BITPOS empty 0", ":-1\r\n"}});
}

TEST_P(BitmapCommandsTest, BitPosRefusesBadArguments) {
  Play({{"SET k a", "+OK\r\n"},
        {"BITPOS k 2", "-ERR The bit argument must be 1 or 0.\r\n"},
        {"BITPOS none -1", "-ERR The bit argument must be 1 or 0.\r\n"},
        {"BITPOS k x", kNoIntegerReply},
        {"BITPOS k 1 x", kNoIntegerReply},
        {"BITPOS k 1 0 x", kNoIntegerReply},
        {"BITPOS k 1 0 x NOSUCH", kSyntaxReply},
        {"BITPOS k 1 0 1 BIT 2", kSyntaxReply}});
}

TEST_P(BitmapCommandsTest, BitOpStoresOrDeletes) {
  EXPECT_EQ(h_.Run({"SET", "a", "\x0f\xff"}), "+OK\r\n");
  EXPECT_EQ(h_.Run({"SET", "b", "\x3c"}), "+OK\r\n");
  Play({{"SET dest old EX 10", "+OK\r\n"},
        {"BITOP and dest a b", ":2\r\n"},
        {"TTL dest", ":-1\r\n"},
        {"BITOP OR dest a b none", ":2\r\n"},
        {"GET dest", "$2\r\n\x3f\xff\r\n"},
        {"BITOP XOR dest a b b", ":2\r\n"},
        {"GET dest", "$2\r\n\x0f\xff\r\n"},
        {"BITOP NOT dest b", ":1\r\n"},
        {"GET dest", "$1\r\n\xc3\r\n"},
        {"BITOP NOT dest a b", "-ERR BITOP NOT must be called with a single source key.\r\n"},
        {"BITOP NAND dest a", kSyntaxReply},
        {"BITOP AND dest none", ":0\r\n"},
        {"EXISTS dest", ":0\r\n"}});
}

TEST_P(BitmapCommandsTest, WhatIsWrittenInPlaceIsReadWhole) {
  const std::string bytes(10'000, '\x55');
  EXPECT_EQ(h_.Run({"SET", "k", bytes}), "+OK\r\n");
  EXPECT_EQ(h_.Run("SETBIT k 0 1"), ":0\r\n");
  EXPECT_EQ(h_.Run("SETBIT k 160000 1"), ":0\r\n");
  EXPECT_EQ(h_.Run("BITCOUNT k"), ":40002\r\n");
  EXPECT_EQ(h_.Run("BITPOS k 1 10000"), ":160000\r\n");
  EXPECT_EQ(h_.Run("BITOP NOT k k"), ":20001\r\n");
  EXPECT_EQ(h_.Run("BITCOUNT k"), ":120006\r\n");
}

}  // namespace
}  // namespace larder::server
