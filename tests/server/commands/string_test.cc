#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using namespace std::chrono_literals;
using protocol::RespVersion;
using test_support::Harness;

constexpr std::string_view kSyntaxReply = "-ERR syntax error\r\n";
constexpr std::string_view kNoIntegerReply = "-ERR value is not an integer or out of range\r\n";

std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

class StringCommandsTest : public test_support::CommandTest {};

INSTANTIATE_TEST_SUITE_P(AllMaps, StringCommandsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(StringCommandsTest, GetReturnsWhatWasSet) {
  Play({{"GET k", "$-1\r\n"},
        {"SET k v", "+OK\r\n"},
        {"GET k", "$1\r\nv\r\n"},
        {"SET k \"\"", "+OK\r\n"},
        {"GET k", "$0\r\n\r\n"},
        {"SET \"\" empty", "+OK\r\n"},
        {"GET \"\"", "$5\r\nempty\r\n"}});
}

TEST_P(StringCommandsTest, ValuesOfEverySizeComeBack) {
  for (size_t size : {1, 255, 4095, 4096, 4097, 100'000, 9 << 20}) {
    std::string value(size, 'v');
    value.front() = '\0';
    value.back() = '\n';
    EXPECT_EQ(h_.Run({"SET", "k", value}), "+OK\r\n");
    EXPECT_EQ(h_.Run({"GET", "k"}), Bulk(value)) << size;
    EXPECT_EQ(h_.Run("STRLEN k"), ":" + std::to_string(size) + "\r\n");
  }
}

TEST_P(StringCommandsTest, SetObeysItsConditions) {
  Play({{"SET k 1 XX", "$-1\r\n"},
        {"GET k", "$-1\r\n"},
        {"SET k 1 NX", "+OK\r\n"},
        {"SET k 2 nx", "$-1\r\n"},
        {"SET k 3 xx", "+OK\r\n"},
        {"GET k", "$1\r\n3\r\n"},
        {"SET k 4 NX XX", kSyntaxReply},
        {"SET k 4 XX NX", kSyntaxReply},
        {"SET k 4 NX NX", "$-1\r\n"}});
}

TEST_P(StringCommandsTest, SetGetRepliesTheOldValueStoredOrNot) {
  Play({{"SET k 1 GET", "$-1\r\n"},
        {"SET k 2 GET", "$1\r\n1\r\n"},
        {"SET k 3 NX GET", "$1\r\n2\r\n"},
        {"GET k", "$1\r\n2\r\n"},
        {"SET new 1 XX GET", "$-1\r\n"},
        {"SET new 1 GET NX", "$-1\r\n"},
        {"GET new", "$1\r\n1\r\n"}});
}

TEST_P(StringCommandsTest, SetReplacesTheDeadlineUnlessToldToKeepIt) {
  Play({{"SET k v PX 1500", "+OK\r\n"},
        {"PTTL k", ":1500\r\n"},
        {"SET k w KEEPTTL", "+OK\r\n"},
        {"PTTL k", ":1500\r\n"},
        {"GET k", "$1\r\nw\r\n"},
        {"SET k w EX 10", "+OK\r\n"},
        {"PTTL k", ":10000\r\n"},
        {"SET k w", "+OK\r\n"},
        {"PTTL k", ":-1\r\n"},
        {"SET k w KEEPTTL", "+OK\r\n"},
        {"PTTL k", ":-1\r\n"},
        {"SET k w PXAT 1800000000123", "+OK\r\n"},
        {"PEXPIRETIME k", ":1800000000123\r\n"},
        {"SET k w EXAT 1800000000", "+OK\r\n"},
        {"PEXPIRETIME k", ":1800000000000\r\n"}});
}

TEST_P(StringCommandsTest, SetWithADeadlineInThePastLeavesNoKey) {
  Play({{"SET k v EXAT 1", "+OK\r\n"},
        {"GET k", "$-1\r\n"},
        {"SET k v", "+OK\r\n"},
        {"SET k v PXAT 1 GET", "$1\r\nv\r\n"},
        {"EXISTS k", ":0\r\n"}});
}

TEST_P(StringCommandsTest, SetRefusesBadOptionsAndStoresNothing) {
  Play({{"SET k v EX", kSyntaxReply},
        {"SET k v FOO", kSyntaxReply},
        {"SET k v PERSIST", kSyntaxReply},
        {"SET k v EX 1 PX 1", kSyntaxReply},
        {"SET k v KEEPTTL EX 1", kSyntaxReply},
        {"SET k v EX x", kNoIntegerReply},
        {"SET k v EX 0", "-ERR invalid expire time in 'set' command\r\n"},
        {"SET k v PX -1", "-ERR invalid expire time in 'set' command\r\n"},
        {"SET k v EX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"},
        {"SET k v PX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"},
        {"GET k", "$-1\r\n"}});
}

TEST_P(StringCommandsTest, SetNxStoresOnlyWhereNothingIs) {
  Play({{"SETNX k 1", ":1\r\n"},
        {"SETNX k 2", ":0\r\n"},
        {"GET k", "$1\r\n1\r\n"},
        {"PEXPIRE k 10", ":1\r\n"}});
  h_.Advance(11ms);
  Play({{"SETNX k 3", ":1\r\n"}, {"PTTL k", ":-1\r\n"}});
}

TEST_P(StringCommandsTest, SetExAndPSetExSetTheDeadline) {
  Play({{"SETEX k 10 v", "+OK\r\n"},
        {"PTTL k", ":10000\r\n"},
        {"PSETEX k 1500 w", "+OK\r\n"},
        {"PTTL k", ":1500\r\n"},
        {"SETEX k 0 x", "-ERR invalid expire time in 'setex' command\r\n"},
        {"SETEX k -9223372036854775808 x", "-ERR invalid expire time in 'setex' command\r\n"},
        {"SETEX k 9223372036854775807 x", "-ERR invalid expire time in 'setex' command\r\n"},
        {"PSETEX k -1 x", "-ERR invalid expire time in 'psetex' command\r\n"},
        {"PSETEX k 9223372036854775807 x", "-ERR invalid expire time in 'psetex' command\r\n"},
        {"SETEX k 1.5 x", kNoIntegerReply},
        {"PSETEX k \"\" x", kNoIntegerReply},
        {"GET k", "$1\r\nw\r\n"}});
}

TEST_P(StringCommandsTest, GetSetRepliesTheOldValueAndDropsTheDeadline) {
  Play({{"GETSET k 1", "$-1\r\n"},
        {"PEXPIRE k 1000", ":1\r\n"},
        {"GETSET k 2", "$1\r\n1\r\n"},
        {"GET k", "$1\r\n2\r\n"},
        {"PTTL k", ":-1\r\n"}});
}

TEST_P(StringCommandsTest, GetDelReturnsAndRemoves) {
  Play({{"SET k v", "+OK\r\n"},
        {"GETDEL k", "$1\r\nv\r\n"},
        {"GETDEL k", "$-1\r\n"},
        {"EXISTS k", ":0\r\n"}});
}

TEST_P(StringCommandsTest, GetExSetsOrRemovesTheDeadline) {
  Play({{"SET k v", "+OK\r\n"},
        {"GETEX k", "$1\r\nv\r\n"},
        {"GETEX k EX 10", "$1\r\nv\r\n"},
        {"GETEX k", "$1\r\nv\r\n"},
        {"PTTL k", ":10000\r\n"},
        {"GETEX k PERSIST", "$1\r\nv\r\n"},
        {"PTTL k", ":-1\r\n"},
        {"GETEX k PXAT 1800000000123", "$1\r\nv\r\n"},
        {"PEXPIRETIME k", ":1800000000123\r\n"},
        {"GETEX k KEEPTTL", kSyntaxReply},
        {"GETEX k EX 10 PERSIST", kSyntaxReply},
        {"GETEX k EX 0", "-ERR invalid expire time in 'getex' command\r\n"},
        {"GETEX k EX x", kNoIntegerReply},
        {"GETEX none EX 0", "$-1\r\n"},
        {"GETEX k EXAT 1", "$1\r\nv\r\n"},
        {"GET k", "$-1\r\n"}});
}

TEST_P(StringCommandsTest, MSetStoresAllPairsAndDropsDeadlines) {
  Play({{"SET a 0 EX 10", "+OK\r\n"},
        {"MSET a 1 b 2 a 3", "+OK\r\n"},
        {"MGET a none b a", "*4\r\n$1\r\n3\r\n$-1\r\n$1\r\n2\r\n$1\r\n3\r\n"},
        {"TTL a", ":-1\r\n"},
        {"MGET none", "*1\r\n$-1\r\n"},
        {"MGET b", "*1\r\n$1\r\n2\r\n"},
        {"MSET a", "-ERR wrong number of arguments for 'mset' command\r\n"},
        {"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command\r\n"}});
}

TEST_P(StringCommandsTest, MSetNxStoresAllOrNothing) {
  Play({{"MSETNX a 1 b 2 a 3", ":1\r\n"},
        {"MSETNX c 1 b 2", ":0\r\n"},
        {"MGET a b c", "*3\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n"},
        {"MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command\r\n"}});
}

TEST_P(StringCommandsTest, AnExpiredKeyIsNoKey) {
  Play({{"SET k 5 PX 10", "+OK\r\n"}, {"SET n 5 PX 10", "+OK\r\n"}, {"SET x 5 PX 10", "+OK\r\n"}});
  h_.Advance(11ms);
  Play({{"GET k", "$-1\r\n"},
        {"INCR n", ":1\r\n"},
        {"TTL n", ":-1\r\n"},
        {"SET x 6 XX", "$-1\r\n"},
        {"APPEND x 7", ":1\r\n"}});
}

TEST(StringCommandsResp3Test, AbsentValuesAreNulls) {
  Harness h({.resp = RespVersion::kResp3});
  EXPECT_EQ(h.Run("GET k"), "_\r\n");
  EXPECT_EQ(h.Run("SET k v XX"), "_\r\n");
  EXPECT_EQ(h.Run("SET k v GET"), "_\r\n");
  EXPECT_EQ(h.Run("MGET none k"), "*2\r\n_\r\n$1\r\nv\r\n");
  EXPECT_EQ(h.Run("GETEX none"), "_\r\n");
  EXPECT_EQ(h.Run("GETDEL none"), "_\r\n");
}

}  // namespace
}  // namespace larder::server
