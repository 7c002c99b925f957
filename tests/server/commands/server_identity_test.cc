#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using protocol::RespVersion;
using test_support::Harness;
using namespace std::chrono_literals;

TEST(TimeTest, IsTheWallClock) {
  Harness h;
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const int64_t before = now();
  const std::string reply = h.Run("TIME");
  EXPECT_EQ(reply.substr(0, 9), "*2\r\n$10\r\n");
  const int64_t seconds = std::stoll(reply.substr(9));
  EXPECT_GE(seconds, before);
  EXPECT_LE(seconds, now());
}

TEST(RoleTest, IsAPrimaryWithoutReplicas) {
  Harness h;
  EXPECT_EQ(h.Run("ROLE"), "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
}

TEST(LastSaveTest, IsTheStart) {
  Harness h;
  const std::string start = ":" + std::to_string(h.Now() / 1000) + "\r\n";
  h.Advance(5s);
  EXPECT_EQ(h.Run("LASTSAVE"), start);
}

TEST(LolwutTest, EndsWithTheVersion) {
  Harness h({.resp = RespVersion::kResp3});
  for (const char* line : {"LOLWUT", "LOLWUT nosuch", "LOLWUT VERSION", "LOLWUT VERSION 5 8 1 1",
                           "LOLWUT VERSION 6 8 3", "LOLWUT VERSION -1 x"}) {
    const std::string reply = h.Run(line);
    EXPECT_EQ(reply[0], '=') << line;
    EXPECT_TRUE(reply.ends_with("\nRedis ver. 7.0.15\n\r\n")) << line;
  }
}

TEST(LolwutTest, WantsNumbers) {
  Harness h;
  for (const char* line : {"LOLWUT VERSION x", "LOLWUT VERSION 5 x", "LOLWUT VERSION 5 1 1 x",
                           "LOLWUT VERSION 6 1 x"}) {
    EXPECT_EQ(h.Run(line), "-ERR value is not an integer or out of range\r\n") << line;
  }
}

}  // namespace
}  // namespace larder::server
