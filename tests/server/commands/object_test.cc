#include <gtest/gtest.h>

#include <string>

#include "tests/support/command_test.h"
#include "tests/support/store_fixture.h"

namespace larder::server {
namespace {

using test_support::CommandTest;
using namespace std::chrono_literals;

class ObjectTest : public CommandTest {};

INSTANTIATE_TEST_SUITE_P(EveryMap, ObjectTest, testing::ValuesIn(test_support::AllMapKinds()),
                         test_support::ParamName);

TEST_P(ObjectTest, EncodingFollowsTheHistoryOfTheValue) {
  const std::string at_limit(44, 'x');
  const std::string above_limit(45, 'x');
  h_.Run({"SET", "short", at_limit});
  h_.Run({"SET", "long", above_limit});
  h_.Run({"SET", "huge", std::string(10'000, 'x')});
  Play({
      {"OBJECT ENCODING short", "$6\r\nembstr\r\n"},
      {"OBJECT ENCODING long", "$3\r\nraw\r\n"},
      {"OBJECT ENCODING huge", "$3\r\nraw\r\n"},
      {"SET n -9223372036854775808", "+OK\r\n"},
      {"OBJECT ENCODING n", "$3\r\nint\r\n"},
      {"SET n 9223372036854775808", "+OK\r\n"},
      {"OBJECT ENCODING n", "$6\r\nembstr\r\n"},
      {"SET n 007", "+OK\r\n"},
      {"OBJECT ENCODING n", "$6\r\nembstr\r\n"},
      {"SET n \"\"", "+OK\r\n"},
      {"OBJECT ENCODING n", "$6\r\nembstr\r\n"},
      {"INCR counter", ":1\r\n"},
      {"OBJECT ENCODING counter", "$3\r\nint\r\n"},
      {"APPEND counter 0", ":2\r\n"},
      {"OBJECT ENCODING counter", "$3\r\nraw\r\n"},
      {"RENAME counter moved", "+OK\r\n"},
      {"EXPIRE moved 100", ":1\r\n"},
      {"OBJECT ENCODING moved", "$3\r\nraw\r\n"},
      {"INCR moved", ":11\r\n"},
      {"OBJECT ENCODING moved", "$3\r\nint\r\n"},
      {"APPEND appended 12", ":2\r\n"},
      {"OBJECT ENCODING appended", "$3\r\nint\r\n"},
      {"APPEND appended \"\"", ":2\r\n"},
      {"OBJECT ENCODING appended", "$3\r\nraw\r\n"},
      {"SETRANGE fresh 0 12", ":2\r\n"},
      {"OBJECT ENCODING fresh", "$3\r\nraw\r\n"},
      {"OBJECT ENCODING absent", "$-1\r\n"},
  });
}

TEST_P(ObjectTest, IdleTimeIsThatSinceTheLastUse) {
  h_.Run("SET k v");
  h_.Advance(5s);
  Play({{"OBJECT IDLETIME k", ":5\r\n"},
        {"TTL k", ":-1\r\n"},
        {"EXISTS k", ":1\r\n"},
        {"TYPE k", "+string\r\n"},
        {"OBJECT ENCODING k", "$6\r\nembstr\r\n"},
        {"OBJECT IDLETIME k", ":5\r\n"},
        {"GET k", "$1\r\nv\r\n"},
        {"OBJECT IDLETIME k", ":0\r\n"}});
  h_.Advance(7s);
  Play({{"OBJECT IDLETIME k", ":7\r\n"},
        {"TOUCH k absent k", ":2\r\n"},
        {"OBJECT IDLETIME k", ":0\r\n"},
        {"OBJECT IDLETIME absent", "$-1\r\n"},
        {"OBJECT FREQ absent", "$-1\r\n"}});
  h_.Advance(3s);
  Play({{"RENAME k moved", "+OK\r\n"}, {"OBJECT IDLETIME moved", ":0\r\n"}});
  EXPECT_TRUE(h_.Run("OBJECT FREQ moved").starts_with("-ERR An LFU maxmemory policy is not"));
}

TEST_P(ObjectTest, FreqCountsUseUnderLfu) {
  h_.Run("CONFIG SET maxmemory-policy allkeys-lfu");
  Play({{"SET k v", "+OK\r\n"}, {"OBJECT FREQ k", ":5\r\n"}, {"GET k", "$1\r\nv\r\n"}});
  const auto freq = [&] { return std::stoi(h_.Run("OBJECT FREQ k").substr(1)); };
  EXPECT_EQ(freq(), 6);
  h_.Run("CONFIG SET lfu-log-factor 0");
  for (int i = 0; i < 10; ++i) h_.Run("GET k");
  EXPECT_EQ(freq(), 16);
  h_.Run("SET k w");
  EXPECT_EQ(freq(), 17) << "a count outlives the value";
  h_.Advance(2min);
  EXPECT_EQ(freq(), 15);
  h_.Run("CONFIG SET lfu-decay-time 0");
  EXPECT_EQ(freq(), 17);
  EXPECT_TRUE(h_.Run("OBJECT IDLETIME k").starts_with("-ERR An LFU maxmemory policy is selected"));
}

TEST_P(ObjectTest, RefCountIsThatOfRedis) {
  Play({{"MSET small 9999 large 10000 text v", "+OK\r\n"},
        {"OBJECT REFCOUNT small", ":2147483647\r\n"},
        {"OBJECT REFCOUNT large", ":1\r\n"},
        {"OBJECT REFCOUNT text", ":1\r\n"},
        {"OBJECT REFCOUNT absent", "$-1\r\n"},
        {"CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru", "+OK\r\n"},
        {"OBJECT REFCOUNT small", ":1\r\n"}});
}

TEST_P(ObjectTest, Errors) {
  Play({{"OBJECT", "-ERR wrong number of arguments for 'object' command\r\n"},
        {"OBJECT nosuch", "-ERR unknown subcommand 'nosuch'. Try OBJECT HELP.\r\n"},
        {"OBJECT FREQ", "-ERR wrong number of arguments for 'object|freq' command\r\n"},
        {"OBJECT ENCODING a b", "-ERR wrong number of arguments for 'object|encoding' command\r\n"},
        {"TOUCH", "-ERR wrong number of arguments for 'touch' command\r\n"}});
}

}  // namespace
}  // namespace larder::server
