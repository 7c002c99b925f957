#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;
using namespace std::chrono_literals;

TEST(WaitTest, AnswersAtOnceWhereNoReplicaIsWanted) {
  Harness h;
  EXPECT_EQ(h.Run("WAIT 0 0"), ":0\r\n");
  EXPECT_EQ(h.Run("WAIT -1 1000"), ":0\r\n");
}

TEST(WaitTest, WaitsForTheTimeout) {
  Harness h;
  EXPECT_EQ(h.Send("WAIT 1 20\r\nPING\r\n"), "");
  EXPECT_TRUE(h.client().blocked);
  h.Advance(19ms);
  EXPECT_EQ(h.Send(""), "");
  h.Advance(1ms);
  EXPECT_EQ(h.Send(""), ":0\r\n+PONG\r\n");
  EXPECT_FALSE(h.client().blocked);
}

TEST(WaitTest, WaitsForEverWithoutATimeout) {
  for (const char* line : {"WAIT 1 0", "WAIT 1 9223372036854775807"}) {
    Harness h;
    EXPECT_EQ(h.Run(line), "");
    h.Advance(24h);
    EXPECT_EQ(h.Send(""), "");
    EXPECT_TRUE(h.client().blocked);
  }
}

TEST(WaitTest, ChecksItsArguments) {
  Harness h;
  EXPECT_EQ(h.Run("WAIT x 0"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(h.Run("WAIT 1 x"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(h.Run("WAIT 0 -5"), "-ERR timeout is negative\r\n");
}

}  // namespace
}  // namespace larder::server
