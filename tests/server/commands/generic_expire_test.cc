#include <gtest/gtest.h>

#include <chrono>
#include <string_view>

#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using namespace std::chrono_literals;

class GenericExpireCommandsTest : public test_support::CommandTest {};

INSTANTIATE_TEST_SUITE_P(AllMaps, GenericExpireCommandsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(GenericExpireCommandsTest, EveryUnitSetsAndTellsTheDeadline) {
  Play({{"SET k v", "+OK\r\n"},
        {"EXPIRE k 100", ":1\r\n"},
        {"PTTL k", ":100000\r\n"},
        {"PEXPIRE k 1499", ":1\r\n"},
        {"TTL k", ":1\r\n"},
        {"PEXPIRE k 1500", ":1\r\n"},
        {"TTL k", ":2\r\n"},
        {"EXPIREAT k 1800000000", ":1\r\n"},
        {"EXPIRETIME k", ":1800000000\r\n"},
        {"PEXPIREAT k 1800000000500", ":1\r\n"},
        {"PEXPIRETIME k", ":1800000000500\r\n"},
        {"EXPIRETIME k", ":1800000001\r\n"},
        {"GET k", "$1\r\nv\r\n"}});
}

TEST_P(GenericExpireCommandsTest, KeysWithoutADeadlineOrNoKeyAtAll) {
  Play({{"SET k v", "+OK\r\n"},
        {"TTL k", ":-1\r\n"},
        {"PTTL k", ":-1\r\n"},
        {"EXPIRETIME k", ":-1\r\n"},
        {"PEXPIRETIME k", ":-1\r\n"},
        {"TTL none", ":-2\r\n"},
        {"PTTL none", ":-2\r\n"},
        {"EXPIRETIME none", ":-2\r\n"},
        {"PEXPIRETIME none", ":-2\r\n"},
        {"EXPIRE none 10", ":0\r\n"}});
}

TEST_P(GenericExpireCommandsTest, AKeyLivesUpToItsDeadlineAndNoLonger) {
  Play({{"SET k v PX 100", "+OK\r\n"}});
  h_.Advance(100ms);
  Play({{"GET k", "$1\r\nv\r\n"}, {"PTTL k", ":0\r\n"}});
  h_.Advance(1ms);
  Play({{"GET k", "$-1\r\n"}, {"TTL k", ":-2\r\n"}, {"DBSIZE", ":0\r\n"}});
}

TEST_P(GenericExpireCommandsTest, KeysGoWithoutBeingAskedFor) {
  Play({{"SET k v PX 100", "+OK\r\n"}, {"DBSIZE", ":1\r\n"}});
  h_.Advance(1s);
  Play({{"DBSIZE", ":0\r\n"}});
}

TEST_P(GenericExpireCommandsTest, ADeadlineInThePastDeletes) {
  for (std::string_view past : {"EXPIRE k 0", "EXPIRE k -1", "PEXPIRE k -9223372036854775808",
                                "EXPIREAT k 1", "EXPIREAT k -5", "PEXPIREAT k -1"}) {
    h_.Run("SET k v");
    EXPECT_EQ(h_.Run(past), ":1\r\n") << past;
    EXPECT_EQ(h_.Run("EXISTS k"), ":0\r\n") << past;
  }
}

TEST_P(GenericExpireCommandsTest, ConditionsCompareWithTheDeadlineThatIsThere) {
  Play({{"SET k v", "+OK\r\n"},
        {"EXPIRE k 100 XX", ":0\r\n"},
        {"EXPIRE k 100 GT", ":0\r\n"},
        {"EXPIRE k 100 nx", ":1\r\n"},
        {"EXPIRE k 200 NX", ":0\r\n"},
        {"EXPIRE k 100 GT", ":0\r\n"},
        {"EXPIRE k 100 LT", ":0\r\n"},
        {"EXPIRE k 200 GT", ":1\r\n"},
        {"EXPIRE k 150 LT XX", ":1\r\n"},
        {"EXPIRE k 300 XX", ":1\r\n"},
        {"TTL k", ":300\r\n"},
        {"PERSIST k", ":1\r\n"},
        {"EXPIRE k 300 LT", ":1\r\n"},
        {"EXPIRE k -1 GT", ":0\r\n"},
        {"EXPIRE k -1 NX", ":0\r\n"},
        {"EXPIRE k -1 LT", ":1\r\n"},
        {"EXISTS k", ":0\r\n"}});
}

TEST_P(GenericExpireCommandsTest, BadArgumentsChangeNothing) {
  const std::string_view nx =
      "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n";
  Play({{"SET k v", "+OK\r\n"},
        {"EXPIRE k 10 NX XX", nx},
        {"EXPIRE k 10 LT NX", nx},
        {"EXPIRE k 10 GT LT", "-ERR GT and LT options at the same time are not compatible\r\n"},
        {"EXPIRE k x FOO", "-ERR Unsupported option FOO\r\n"},
        {"EXPIRE k x", "-ERR value is not an integer or out of range\r\n"},
        {"EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n"},
        {"PEXPIRE none 9223372036854775807", "-ERR invalid expire time in 'pexpire' command\r\n"},
        {"EXPIREAT k 9223372036854776", "-ERR invalid expire time in 'expireat' command\r\n"},
        {"EXPIREAT k -9223372036854776", "-ERR invalid expire time in 'expireat' command\r\n"},
        {"TTL k", ":-1\r\n"}});
}

TEST_P(GenericExpireCommandsTest, TheFarthestDeadlineIsKept) {
  Play({{"SET k v", "+OK\r\n"},
        {"PEXPIREAT k 9223372036854775807", ":1\r\n"},
        {"PEXPIRETIME k", ":9223372036854775807\r\n"},
        {"GET k", "$1\r\nv\r\n"}});
}

TEST_P(GenericExpireCommandsTest, PersistSaysWhetherItChangedSomething) {
  Play({{"PERSIST none", ":0\r\n"},
        {"SET k v", "+OK\r\n"},
        {"PERSIST k", ":0\r\n"},
        {"EXPIRE k 10", ":1\r\n"},
        {"PERSIST k", ":1\r\n"},
        {"TTL k", ":-1\r\n"}});
  h_.Advance(11s);
  Play({{"GET k", "$1\r\nv\r\n"}});
}

}  // namespace
}  // namespace larder::server
