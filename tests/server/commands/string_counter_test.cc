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

class StringCounterCommandsTest : public test_support::CommandTest {};

INSTANTIATE_TEST_SUITE_P(AllMaps, StringCounterCommandsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(StringCounterCommandsTest, CountersCountAndKeepTheDeadline) {
  Play({{"INCR n", ":1\r\n"},
        {"INCRBY n 41", ":42\r\n"},
        {"DECR n", ":41\r\n"},
        {"DECRBY n 50", ":-9\r\n"},
        {"GET n", "$2\r\n-9\r\n"},
        {"STRLEN n", ":2\r\n"},
        {"PEXPIRE n 1000", ":1\r\n"},
        {"INCR n", ":-8\r\n"},
        {"PTTL n", ":1000\r\n"},
        {"APPEND n 1", ":3\r\n"},
        {"INCR n", ":-80\r\n"}});
}

TEST_P(StringCounterCommandsTest, CountersStopAtTheEndsOfTheRange) {
  const std::string_view overflow = "-ERR increment or decrement would overflow\r\n";
  Play({{"SET n 9223372036854775807", "+OK\r\n"},
        {"INCR n", overflow},
        {"DECRBY n -1", overflow},
        {"INCRBY n -9223372036854775808", ":-1\r\n"},
        {"DECRBY n -9223372036854775808", "-ERR decrement would overflow\r\n"},
        {"INCRBY n 9223372036854775808", kNoIntegerReply},
        {"INCRBY n 1.5", kNoIntegerReply},
        {"SET n -9223372036854775808", "+OK\r\n"},
        {"DECR n", overflow},
        {"GET n", "$20\r\n-9223372036854775808\r\n"}});
}

TEST_P(StringCounterCommandsTest, CountersWantAnIntegerInItsOneForm) {
  for (std::string_view text :
       {"", " ", "1 ", " 1", "+1", "01", "-0", "1.0", "x", "99999999999999999999"}) {
    h_.Run({"SET", "n", text});
    EXPECT_EQ(h_.Run("INCR n"), kNoIntegerReply) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace larder::server
