#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

constexpr std::string_view kNoIntegerReply = "-ERR value is not an integer or out of range\r\n";

std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

class StringRangeCommandsTest : public test_support::CommandTest {};

INSTANTIATE_TEST_SUITE_P(AllMaps, StringRangeCommandsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(StringRangeCommandsTest, AppendGrowsAValueAcrossAllRepresentations) {
  std::string expected;
  for (size_t size : {0, 1, 4000, 95, 1, 5000, 1'000'000}) {
    const std::string piece(size, 'a');
    expected += piece;
    EXPECT_EQ(h_.Run({"APPEND", "k", piece}), ":" + std::to_string(expected.size()) + "\r\n");
    EXPECT_EQ(h_.Run("GET k"), Bulk(expected));
  }
}

TEST_P(StringRangeCommandsTest, SetRangePadsWithZeros) {
  EXPECT_EQ(h_.Run("SETRANGE k 0 \"\""), ":0\r\n");
  EXPECT_EQ(h_.Run("EXISTS k"), ":0\r\n");
  EXPECT_EQ(h_.Run("SETRANGE k 3 abc"), ":6\r\n");
  EXPECT_EQ(h_.Run("GET k"), Bulk(std::string(3, '\0') + "abc"));
  EXPECT_EQ(h_.Run("SETRANGE k 4 \"\""), ":6\r\n");
  EXPECT_EQ(h_.Run("SETRANGE k 0 xy"), ":6\r\n");
  EXPECT_EQ(h_.Run("SETRANGE k 10000 z"), ":10001\r\n");
  EXPECT_EQ(h_.Run("GETRANGE k 0 6"), Bulk(std::string("xy\0abc\0", 7)));
  EXPECT_EQ(h_.Run("SETRANGE k -1 z"), "-ERR offset is out of range\r\n");
  EXPECT_EQ(h_.Run("SETRANGE k x z"), kNoIntegerReply);
}

TEST_P(StringRangeCommandsTest, NoStringGrowsBeyondTheBulkLimit) {
  Harness h({.map = GetParam(), .config = {{"proto-max-bulk-len", "1mb"}}});
  const std::string_view too_long =
      "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  const std::string half(512 << 10, 'h');
  h.Run({"APPEND", "k", half});
  EXPECT_EQ(h.Run({"APPEND", "k", half}), ":1048576\r\n");
  EXPECT_EQ(h.Run("APPEND k x"), too_long);
  EXPECT_EQ(h.Run("APPEND k \"\""), ":1048576\r\n");
  EXPECT_EQ(h.Run("SETRANGE k 1048575 x"), ":1048576\r\n");
  EXPECT_EQ(h.Run("SETRANGE k 1048576 x"), too_long);
  EXPECT_EQ(h.Run("SETRANGE none 9223372036854775807 x"), too_long);
  EXPECT_EQ(h.Run("SETRANGE none 9223372036854775807 \"\""), ":0\r\n");
}

TEST_P(StringRangeCommandsTest, GetRangeCountsFromBothEnds) {
  Play({{"SET k abcdef", "+OK\r\n"},
        {"GETRANGE k 0 -1", "$6\r\nabcdef\r\n"},
        {"GETRANGE k 1 2", "$2\r\nbc\r\n"},
        {"GETRANGE k -2 -1", "$2\r\nef\r\n"},
        {"GETRANGE k -1 -2", "$0\r\n\r\n"},
        {"GETRANGE k 4 2", "$0\r\n\r\n"},
        {"GETRANGE k 6 9", "$0\r\n\r\n"},
        {"GETRANGE k -100 -100", "$1\r\na\r\n"},
        {"GETRANGE k -9223372036854775808 9223372036854775807", "$6\r\nabcdef\r\n"},
        {"GETRANGE none 0 -1", "$0\r\n\r\n"},
        {"SET k \"\"", "+OK\r\n"},
        {"GETRANGE k -1 -1", "$0\r\n\r\n"},
        {"GETRANGE k 0 x", kNoIntegerReply},
        {"SET k abc", "+OK\r\n"},
        {"SUBSTR k 1 -1", "$2\r\nbc\r\n"}});
}

}  // namespace
}  // namespace larder::server
