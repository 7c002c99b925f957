#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;
using namespace std::chrono_literals;

// Every command is slow, and only those that take a while.
Harness LogAll() { return Harness({.config = {{"slowlog-log-slower-than", "0"}}}); }

// The entry's arguments as they are on the wire.
std::string ArgumentsOfNewest(Harness& h) {
  const std::string reply = h.Run("SLOWLOG GET 1");
  const size_t begin = reply.find('*', reply.find("*6"
                                                  "\r\n") +
                                           1);
  return reply.substr(begin, reply.find("$15\r\n127.0.0.1:50001") - begin);
}

TEST(SlowLogCommandTest, LogsWhatTookLong) {
  Harness h = LogAll();
  h.Run("CLIENT SETNAME me");
  h.Run("GET k");
  EXPECT_EQ(ArgumentsOfNewest(h), "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
  EXPECT_NE(h.Run("SLOWLOG GET").find("$15\r\n127.0.0.1:50001\r\n$2\r\nme\r\n"), std::string::npos);
  EXPECT_EQ(h.Run("SLOWLOG LEN"), ":4\r\n");
  EXPECT_EQ(h.Run("SLOWLOG RESET"), "+OK\r\n");
  EXPECT_EQ(h.Run("SLOWLOG LEN"), ":1\r\n");
}

TEST(SlowLogCommandTest, LogsNothingUnlessAsked) {
  Harness h({.config = {{"slowlog-log-slower-than", "-1"}}});
  h.Run("GET k");
  EXPECT_EQ(h.Run("SLOWLOG LEN"), ":0\r\n");
  h.Run("CONFIG SET slowlog-log-slower-than 10000000");
  h.Run("GET k");
  EXPECT_EQ(h.Run("SLOWLOG GET -1"), "*0\r\n");
}

TEST(SlowLogCommandTest, HidesPasswords) {
  Harness h = LogAll();
  h.Run("AUTH someone secret");
  EXPECT_EQ(ArgumentsOfNewest(h), "*3\r\n$4\r\nAUTH\r\n$10\r\n(redacted)\r\n$10\r\n(redacted)\r\n");
  h.Run("HELLO 2 auth default secret SETNAME me");
  EXPECT_EQ(ArgumentsOfNewest(h),
            "*7\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$4\r\nauth\r\n$10\r\n(redacted)\r\n$10\r\n(redacted)"
            "\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n");
  h.Run("CONFIG SET timeout 0 requirepass \"\"");
  EXPECT_EQ(ArgumentsOfNewest(h),
            "*6\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$7\r\ntimeout\r\n$1\r\n0\r\n$11\r\nrequirepass\r\n"
            "$10\r\n(redacted)\r\n");
}

TEST(SlowLogCommandTest, KeepsToItsLength) {
  Harness h = LogAll();
  for (int i = 0; i < 5; ++i) h.Run("PING");
  h.Run("CONFIG SET slowlog-max-len 2");
  EXPECT_EQ(h.Run("SLOWLOG LEN"), ":2\r\n");
  EXPECT_EQ(h.Run("SLOWLOG GET -1").substr(0, 4), "*2\r\n");
  EXPECT_EQ(h.Run("SLOWLOG GET 0"), "*0\r\n");
}

TEST(SlowLogCommandTest, DebugSleepCountsAsWork) {
  Harness h({.config = {{"enable-debug-command", "yes"}, {"latency-monitor-threshold", "20"}}});
  h.Run("DEBUG SLEEP 0.02");
  h.Advance(20ms);
  EXPECT_EQ(h.Send(""), "+OK\r\n");
  EXPECT_NE(h.Run("SLOWLOG GET").find(":20000\r\n*3\r\n$5\r\nDEBUG\r\n$5\r\nSLEEP\r\n"),
            std::string::npos);
  EXPECT_NE(h.Run("LATENCY LATEST").find("*4\r\n$7\r\ncommand\r\n"), std::string::npos);
}

TEST(SlowLogCommandTest, ChecksItsArguments) {
  Harness h;
  for (const char* count : {"x", "-2", "99999999999999999999"}) {
    EXPECT_EQ(h.Run({"SLOWLOG", "GET", count}),
              "-ERR count should be greater than or equal to -1\r\n");
  }
  EXPECT_EQ(
      h.Run("SLOWLOG get 1 2"),
      "-ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.\r\n");
}

}  // namespace
}  // namespace larder::server
