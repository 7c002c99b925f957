#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSame = "-ERR source and destination objects are the same\r\n";
constexpr std::string_view kSyntax = "-ERR syntax error\r\n";
constexpr std::string_view kNoInteger = "-ERR value is not an integer or out of range\r\n";
constexpr std::string_view kNoDb = "-ERR DB index is out of range\r\n";

class GenericCopyTest : public test_support::CommandTest {};
INSTANTIATE_TEST_SUITE_P(AllMaps, GenericCopyTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(GenericCopyTest, CopyKeepsTheSource) {
  Play({{"SET a 1 PX 1000", "+OK\r\n"},
        {"COPY a b", ":1\r\n"},
        {"APPEND a x", ":2\r\n"},
        {"MGET a b", "*2\r\n$2\r\n1x\r\n$1\r\n1\r\n"},
        {"PTTL b", ":1000\r\n"},
        {"COPY none b REPLACE", ":0\r\n"},
        {"GET b", "$1\r\n1\r\n"}});
}

TEST_P(GenericCopyTest, CopyReplacesOnlyIfAskedTo) {
  Play({{"MSET a 1 b 2", "+OK\r\n"},
        {"PEXPIRE b 1000", ":1\r\n"},
        {"COPY a b", ":0\r\n"},
        {"GET b", "$1\r\n2\r\n"},
        {"COPY a b replace", ":1\r\n"},
        {"GET b", "$1\r\n1\r\n"},
        {"PTTL b", ":-1\r\n"}});
}

TEST_P(GenericCopyTest, CopiesOfAnyValueAreIndependent) {
  const std::string large(20'000, 'x');
  h_.Run({"SET", "large", large});
  h_.Run({"APPEND", "grown", large});
  h_.Run("INCRBY number 41");
  Play({{"COPY large l", ":1\r\n"},
        {"COPY grown g", ":1\r\n"},
        {"COPY number n", ":1\r\n"},
        {"DEL large", ":1\r\n"},
        {"APPEND grown more", ":20004\r\n"},
        {"SETRANGE grown 0 y", ":20004\r\n"},
        {"INCR number", ":42\r\n"},
        {"GET n", "$2\r\n41\r\n"}});
  h_.Advance(1s);
  const std::string bulk = "$20000\r\n" + large + "\r\n";
  EXPECT_EQ(h_.Run("GET l"), bulk);
  EXPECT_EQ(h_.Run("GET g"), bulk);
}

TEST_P(GenericCopyTest, CopyReachesOtherDatabases) {
  Play({{"SET a zero", "+OK\r\n"},
        {"COPY a a DB 1", ":1\r\n"},
        {"COPY a a DB 1", ":0\r\n"},
        {"COPY a a DB 0 DB 1 REPLACE REPLACE", ":1\r\n"},
        {"SELECT 1", "+OK\r\n"},
        {"GET a", "$4\r\nzero\r\n"},
        {"DBSIZE", ":1\r\n"}});
}

TEST_P(GenericCopyTest, CopyChecksItsArguments) {
  Play({{"COPY a a", kSame},
        {"COPY a a DB 0", kSame},
        {"COPY a b DB x", kNoInteger},
        {"COPY a b DB 99999999999",
         "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n"},
        {"COPY a b DB -1", kNoDb},
        {"COPY a b DB 16", kNoDb},
        {"COPY a b DB", kSyntax},
        {"COPY a b NX", kSyntax}});
}

TEST_P(GenericCopyTest, MoveTakesTheKeyAway) {
  const std::string large(20'000, 'x');
  h_.Run({"SET", "a", large, "PX", "1000"});
  Play({{"MOVE a 1", ":1\r\n"},
        {"MOVE a 1", ":0\r\n"},
        {"EXISTS a", ":0\r\n"},
        {"SET a taken", "+OK\r\n"},
        {"MOVE a 1", ":0\r\n"},
        {"GET a", "$5\r\ntaken\r\n"},
        {"SELECT 1", "+OK\r\n"},
        {"STRLEN a", ":20000\r\n"},
        {"PTTL a", ":1000\r\n"}});
}

TEST_P(GenericCopyTest, MoveChecksItsArguments) {
  Play({{"MOVE a 0", kSame}, {"MOVE a x", kNoInteger}, {"MOVE a 16", kNoDb}, {"MOVE a -1", kNoDb}});
}

TEST_P(GenericCopyTest, AnExpiredTargetIsNotInTheWay) {
  h_.keyspace().set_active_expiry(false);
  Play({{"SET a 1", "+OK\r\n"},
        {"SET b 2 PX 10", "+OK\r\n"},
        {"SELECT 1", "+OK\r\n"},
        {"SET a 3 PX 10", "+OK\r\n"},
        {"SELECT 0", "+OK\r\n"}});
  h_.Advance(11ms);
  Play({{"COPY a b", ":1\r\n"}, {"MOVE a 1", ":1\r\n"}, {"PTTL b", ":-1\r\n"}});
}

}  // namespace
}  // namespace larder::server
