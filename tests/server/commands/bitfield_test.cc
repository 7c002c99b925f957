#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using protocol::RespVersion;
using test_support::Harness;

constexpr std::string_view kSyntaxReply = "-ERR syntax error\r\n";
constexpr std::string_view kBadOffsetReply =
    "-ERR bit offset is not an integer or out of range\r\n";

class BitFieldCommandsTest : public test_support::CommandTest {};

INSTANTIATE_TEST_SUITE_P(AllMaps, BitFieldCommandsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(BitFieldCommandsTest, StepsRunInOrder) {
  Play({{"BITFIELD k INCRBY i5 100 1 GET u4 0", "*2\r\n:1\r\n:0\r\n"},
        {"STRLEN k", ":14\r\n"},
        {"BITFIELD k SET i8 #1 -5 GET i8 8 GET u8 #1", "*3\r\n:0\r\n:-5\r\n:251\r\n"},
        {"BITFIELD k SET i64 0 -9223372036854775808 GET u63 1",
         "*2\r\n:70650219154374656\r\n:0\r\n"},
        {"BITFIELD k", "*0\r\n"}});
}

TEST_P(BitFieldCommandsTest, OverflowGoesForTheStepsBehindIt) {
  Play({{"BITFIELD k SET u8 0 255 INCRBY u8 0 10", "*2\r\n:0\r\n:9\r\n"},
        {"BITFIELD k SET u8 0 250 OVERFLOW SAT INCRBY u8 0 10", "*2\r\n:9\r\n:255\r\n"},
        {"BITFIELD k OVERFLOW fail INCRBY u8 0 1 OVERFLOW WRAP INCRBY u8 0 1",
         "*2\r\n$-1\r\n:0\r\n"},
        {"BITFIELD k OVERFLOW SAT INCRBY u8 0 -1 SET u8 0 -1 GET u8 0",
         "*3\r\n:0\r\n:0\r\n:255\r\n"},
        {"BITFIELD k OVERFLOW SAT SET i8 0 128 SET i8 0 -129 GET i8 0",
         "*3\r\n:-1\r\n:127\r\n:-128\r\n"},
        {"BITFIELD k OVERFLOW FAIL", "*0\r\n"}});
}

TEST_P(BitFieldCommandsTest, ReadingMakesNoKey) {
  Play({{"BITFIELD k GET u8 0 GET i64 4294967295", "*2\r\n:0\r\n:0\r\n"},
        {"BITFIELD_RO k GET u8 0", "*1\r\n:0\r\n"},
        {"BITFIELD_RO k", "*0\r\n"},
        {"EXISTS k", ":0\r\n"},
        {"SET k 5", "+OK\r\n"},
        {"INCRBY k 5", ":10\r\n"},
        {"BITFIELD_RO k GET u8 0 GET u8 8", "*2\r\n:49\r\n:48\r\n"},
        {"BITFIELD_RO k SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand\r\n"},
        {"GET k", "$2\r\n10\r\n"}});
}

TEST_P(BitFieldCommandsTest, AStepThatFailsHasGrownTheValue) {
  Play({{"BITFIELD k OVERFLOW FAIL SET u2 30 4", "*1\r\n$-1\r\n"}, {"STRLEN k", ":4\r\n"}});
}

TEST_P(BitFieldCommandsTest, BadTypesAreRefused) {
  for (std::string_view type :
       {"u0", "i0", "u64", "i65", "x8", "U8", "u", "\"\"", "u-1", "u+8", "u08", "8"}) {
    EXPECT_EQ(h_.Run("BITFIELD k SET " + std::string(type) + " 0 1"),
              "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not "
              "supported but i64 is.\r\n")
        << type;
  }
  EXPECT_EQ(h_.Run({"BITFIELD", "k", "GET", std::string_view("u8\0x", 4), "0"}), "*1\r\n:0\r\n");
  EXPECT_EQ(h_.Run("EXISTS k"), ":0\r\n");
}

TEST_P(BitFieldCommandsTest, BadOffsetsAreRefused) {
  for (std::string_view offset : {"-1", "4294967296", "#67108864", "#9223372036854775807", "##1",
                                  "#", "\"\"", "x", "9223372036854775808"}) {
    EXPECT_EQ(h_.Run("BITFIELD k GET i64 " + std::string(offset)), kBadOffsetReply) << offset;
  }
  EXPECT_EQ(h_.Run("BITFIELD k GET i64 #67108863"), "*1\r\n:0\r\n");
}

// They were refused; Redis goes on with the low 64 bits.
TEST_P(BitFieldCommandsTest, AProductThatOverflowsWraps) {
  h_.Run({"SET", "k", "\x01\x02\x03"});
  Play({{"BITFIELD k GET u8 #4611686018427387904", "*1\r\n:1\r\n"},
        {"BITFIELD k GET u8 #2305843009213693953", "*1\r\n:2\r\n"},
        {"BITFIELD_RO k GET u8 #-9223372036854775808", "*1\r\n:1\r\n"},
        {"BITFIELD k INCRBY i64 #1152921504606846976 0", "*1\r\n:72623842526232576\r\n"},
        {"BITFIELD k GET u8 #-1", kBadOffsetReply},
        {"BITFIELD k GET i64 #-1152921504606846977", kBadOffsetReply},
        {"BITFIELD k GET u1 #-9223372036854775808", kBadOffsetReply}});
}

TEST_P(BitFieldCommandsTest, BadStepsAreRefusedAndNothingIsWritten) {
  Play({{"BITFIELD k SET u8 0 1 GET u8", kSyntaxReply},
        {"BITFIELD k SET u8 0", kSyntaxReply},
        {"BITFIELD k SET u8 0 1 NOSUCH", kSyntaxReply},
        {"BITFIELD k OVERFLOW", kSyntaxReply},
        {"BITFIELD k OVERFLOW NOSUCH SET u8 0 1", "-ERR Invalid OVERFLOW type specified\r\n"},
        {"BITFIELD k SET u8 0 x", "-ERR value is not an integer or out of range\r\n"},
        {"EXISTS k", ":0\r\n"}});
}

TEST_P(BitFieldCommandsTest, TheKeyIsReadOnlyIfEveryStepIsAGet) {
  const std::string_view reads = "*1\r\n*2\r\n$1\r\nk\r\n*2\r\n+RO\r\n+access\r\n";
  const std::string_view writes = "*1\r\n*2\r\n$1\r\nk\r\n*3\r\n+RW\r\n+access\r\n+update\r\n";
  Play({{"COMMAND GETKEYSANDFLAGS BITFIELD k", reads},
        {"COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0 OVERFLOW SAT GET u8 8", reads},
        {"COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0 SET u8 0 1", writes},
        {"COMMAND GETKEYSANDFLAGS BITFIELD k NOSUCH", writes}});
}

TEST_P(BitFieldCommandsTest, AHugeValueIsWrittenInPlace) {
  Play({{"BITFIELD k SET u8 4294967288 7", "*1\r\n:0\r\n"},
        {"STRLEN k", ":536870912\r\n"},
        {"BITFIELD k INCRBY u8 4294967288 1 INCRBY i64 4294967232 1", "*2\r\n:8\r\n:9\r\n"},
        {"DEL k", ":1\r\n"}});
}

TEST(BitFieldCommandsResp3Test, AFailedStepIsNull) {
  Harness h({.resp = RespVersion::kResp3});
  EXPECT_EQ(h.Run("BITFIELD k OVERFLOW FAIL SET u1 0 2"), "*1\r\n_\r\n");
}

}  // namespace
}  // namespace larder::server
