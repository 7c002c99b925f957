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

class LcsTest : public test_support::CommandTest {
 protected:
  LcsTest() { h_.Run("MSET a ohmytext b mynewtext"); }
};

INSTANTIATE_TEST_SUITE_P(AllMaps, LcsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(LcsTest, RepliesTextLengthOrIndexes) {
  Play({{"LCS a b", "$6\r\nmytext\r\n"},
        {"LCS a b LEN", ":6\r\n"},
        {"LCS a b idx",
         "*4\r\n$7\r\nmatches\r\n*2\r\n*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n"
         "*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n$3\r\nlen\r\n:6\r\n"},
        {"LCS a b MINMATCHLEN 4 WITHMATCHLEN IDX",
         "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n"
         "$3\r\nlen\r\n:6\r\n"},
        {"LCS a b IDX MINMATCHLEN 5", "*4\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:6\r\n"},
        {"LCS a b MINMATCHLEN -1 WITHMATCHLEN", "$6\r\nmytext\r\n"}});
}

TEST_P(LcsTest, AnAbsentKeyIsTheEmptyString) {
  Play({{"LCS a none", "$0\r\n\r\n"},
        {"LCS none none LEN", ":0\r\n"},
        {"LCS none a IDX", "*4\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n"},
        {"LCS a a", "$8\r\nohmytext\r\n"}});
}

TEST_P(LcsTest, RefusesBadOptions) {
  Play({{"LCS a b NOSUCH", "-ERR syntax error\r\n"},
        {"LCS a b MINMATCHLEN", "-ERR syntax error\r\n"},
        {"LCS a b MINMATCHLEN x", "-ERR value is not an integer or out of range\r\n"},
        {"LCS a b LEN IDX",
         "-ERR If you want both the length and indexes, please just use IDX.\r\n"}});
}

// (length + 1) * (length + 1) numbers of 4 bytes may be as many bytes as a string.
TEST_P(LcsTest, RefusesWhatRedisHasNoMemoryFor) {
  Harness h({.map = GetParam(), .config = {{"proto-max-bulk-len", "1mb"}}});
  h.Run({"SET", "a", std::string(511, 'x')});
  h.Run({"SET", "b", std::string(512, 'x')});
  EXPECT_EQ(h.Run("LCS a a LEN"), ":511\r\n");
  EXPECT_EQ(h.Run("LCS a b LEN"),
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n");
}

TEST_P(LcsTest, HasABoundOfItsOwnBeyondThat) {
  Harness h({.map = GetParam(), .config = {{"proto-max-bulk-len", "1099511627776"}}});
  h.Run("SETRANGE a 40000 x");
  EXPECT_EQ(h.Run("LCS a a LEN"),
            "-ERR Insufficient memory, failed allocating transient memory for LCS\r\n");
}

TEST(LcsResp3Test, IndexesAreAMap) {
  Harness h({.resp = RespVersion::kResp3});
  h.Run("MSET a xay b ca");
  EXPECT_EQ(h.Run("LCS a b IDX WITHMATCHLEN"),
            "%2\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:1\r\n:1\r\n*2\r\n:1\r\n:1\r\n:1\r\n"
            "$3\r\nlen\r\n:1\r\n");
}

}  // namespace
}  // namespace larder::server
