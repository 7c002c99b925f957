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

constexpr std::string_view kNoSuchKeyReply = "-ERR no such key\r\n";

class GenericCommandsTest : public test_support::CommandTest {};

INSTANTIATE_TEST_SUITE_P(AllMaps, GenericCommandsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(GenericCommandsTest, DelAndUnlinkCountWhatTheyRemove) {
  Play({{"DEL a", ":0\r\n"},
        {"MSET a 1 b 2 c 3", "+OK\r\n"},
        {"DEL a a none b", ":2\r\n"},
        {"DEL c", ":1\r\n"},
        {"MSET a 1 b 2", "+OK\r\n"},
        {"UNLINK b", ":1\r\n"},
        {"UNLINK a b", ":1\r\n"},
        {"DBSIZE", ":0\r\n"}});
}

TEST_P(GenericCommandsTest, ExistsCountsAKeyAsOftenAsItIsNamed) {
  Play({{"EXISTS a", ":0\r\n"},
        {"SET a 1", "+OK\r\n"},
        {"EXISTS a", ":1\r\n"},
        {"EXISTS a none a", ":2\r\n"}});
}

TEST_P(GenericCommandsTest, TypeNamesTheType) {
  Play({{"TYPE a", "+none\r\n"},
        {"SET a x", "+OK\r\n"},
        {"TYPE a", "+string\r\n"},
        {"INCR n", ":1\r\n"},
        {"TYPE n", "+string\r\n"}});
}

TEST_P(GenericCommandsTest, RenameTakesValueAndDeadlineAlong) {
  Play({{"SET a 1 PX 1000", "+OK\r\n"},
        {"SET b 2 PX 2000", "+OK\r\n"},
        {"RENAME a b", "+OK\r\n"},
        {"EXISTS a", ":0\r\n"},
        {"GET b", "$1\r\n1\r\n"},
        {"PTTL b", ":1000\r\n"},
        {"SET c 3", "+OK\r\n"},
        {"RENAME c b", "+OK\r\n"},
        {"PTTL b", ":-1\r\n"},
        {"DBSIZE", ":1\r\n"}});
}

TEST_P(GenericCommandsTest, RenameMovesLargeAndGrowableValues) {
  const std::string large(20'000, 'x');
  h_.Run({"SET", "a", large});
  h_.Run("RENAME a b");
  EXPECT_EQ(h_.Run("STRLEN b"), ":20000\r\n");
  h_.Run("APPEND b yz");
  h_.Run("RENAME b a");
  EXPECT_EQ(h_.Run("GETRANGE a 19999 -1"), "$3\r\nxyz\r\n");
  EXPECT_EQ(h_.Run("APPEND a !"), ":20003\r\n");
}

TEST_P(GenericCommandsTest, RenameToItselfChangesNothing) {
  Play({{"SET a 1 PX 1000", "+OK\r\n"},
        {"RENAME a a", "+OK\r\n"},
        {"RENAMENX a a", ":0\r\n"},
        {"PTTL a", ":1000\r\n"}});
}

TEST_P(GenericCommandsTest, RenameNxSparesAKeyThatIsThere) {
  Play({{"MSET a 1 b 2", "+OK\r\n"},
        {"RENAMENX a b", ":0\r\n"},
        {"MGET a b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
        {"RENAMENX a c", ":1\r\n"},
        {"MGET a c", "*2\r\n$-1\r\n$1\r\n1\r\n"}});
}

TEST_P(GenericCommandsTest, RenameWantsItsSource) {
  Play({{"RENAME none a", kNoSuchKeyReply},
        {"RENAME none none", kNoSuchKeyReply},
        {"RENAMENX none a", kNoSuchKeyReply}});
}

TEST_P(GenericCommandsTest, AnExpiredKeyIsNoKey) {
  h_.keyspace().set_active_expiry(false);
  for (std::string_view key : {"a", "b", "c", "d"}) h_.Run({"SET", key, "v", "PX", "10"});
  h_.Run("SET live v");
  h_.Advance(11ms);
  Play({{"DEL a", ":0\r\n"},
        {"EXISTS b b", ":0\r\n"},
        {"RENAME c x", kNoSuchKeyReply},
        {"RENAMENX live d", ":1\r\n"},
        {"TYPE b", "+none\r\n"}});
}

}  // namespace
}  // namespace larder::server
