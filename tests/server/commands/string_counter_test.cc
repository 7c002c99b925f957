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

TEST_P(StringCounterCommandsTest, FloatsAreAddedAndPrintedWithoutExponent) {
  Play({{"INCRBYFLOAT f 10.5", "$4\r\n10.5\r\n"},
        {"INCRBYFLOAT f 0.1", "$4\r\n10.6\r\n"},
        {"INCRBYFLOAT f -10.6", "$1\r\n0\r\n"},
        {"INCRBYFLOAT f 5.0e3", "$4\r\n5000\r\n"},
        {"INCRBYFLOAT f 0x1p3", "$4\r\n5008\r\n"},
        {"INCR f", ":5009\r\n"},
        {"INCRBYFLOAT f 1e-320", "$4\r\n5009\r\n"},
        {"SET f 3.0e3", "+OK\r\n"},
        {"INCRBYFLOAT f 200", "$4\r\n3200\r\n"},
        {"PEXPIRE f 1500", ":1\r\n"},
        {"INCRBYFLOAT f -0.0", "$4\r\n3200\r\n"},
        {"PTTL f", ":1500\r\n"}});
  // All digits of the long double are printed.
  EXPECT_EQ(h_.Run("SET f 1e308"), "+OK\r\n");
  EXPECT_TRUE(h_.Run("INCRBYFLOAT f 1").starts_with("$308\r\n99999999999999999996685879"));
}

TEST_P(StringCounterCommandsTest, FloatsThatAreNoneAreRefused) {
  const std::string_view no_float = "-ERR value is not a valid float\r\n";
  for (std::string_view text :
       {"nan", "-nan", "", " 1", "1 ", "1x", "1,5", "1e", "1e5000", "1e-5000"}) {
    EXPECT_EQ(h_.Run({"INCRBYFLOAT", "f", text}), no_float) << '"' << text << '"';
    h_.Run({"SET", "text", text});
    EXPECT_EQ(h_.Run("INCRBYFLOAT text 1"), no_float) << '"' << text << '"';
  }
  Play({{"EXISTS f", ":0\r\n"},
        {"INCRBYFLOAT f inf", "-ERR increment would produce NaN or Infinity\r\n"},
        {"SET f 1.1e4932", "+OK\r\n"},
        {"INCRBYFLOAT f 1.1e4932", "-ERR increment would produce NaN or Infinity\r\n"},
        {"GET f", "$8\r\n1.1e4932\r\n"}});
}

}  // namespace
}  // namespace larder::server
