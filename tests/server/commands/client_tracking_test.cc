#include <gtest/gtest.h>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

TEST(ClientTrackingTest, IsOff) {
  Harness h;
  EXPECT_EQ(h.Run("CLIENT TRACKING off"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT TRACKING off BCAST PREFIX a NOLOOP"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT GETREDIR"), ":-1\r\n");
  EXPECT_EQ(h.Run("CLIENT TRACKINGINFO"),
            "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n"
            "*0\r\n");
  EXPECT_EQ(h.Run("CLIENT CACHING yes"),
            "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN "
            "or OPTOUT mode enabled\r\n");
}

TEST(ClientTrackingTest, CannotBeSwitchedOn) {
  Harness h;
  EXPECT_EQ(h.Run("CLIENT TRACKING on"),
            "-ERR CLIENT TRACKING ON is not supported: larder sends no invalidation messages\r\n");
}

TEST(ClientTrackingTest, RefusesWrongOptions) {
  Harness h;
  EXPECT_EQ(h.Run("CLIENT TRACKING x"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("CLIENT TRACKING off PREFIX"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("CLIENT TRACKING off REDIRECT x"),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(h.Run("CLIENT TRACKING off REDIRECT 99"),
            "-ERR The client ID you want redirect to does not exist\r\n");
  EXPECT_EQ(h.Run("CLIENT TRACKING off REDIRECT 1 REDIRECT 1"),
            "-ERR A client can only redirect to a single other client\r\n");
}

}  // namespace
}  // namespace larder::server
