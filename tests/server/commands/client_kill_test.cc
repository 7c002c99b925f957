#include <gtest/gtest.h>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

TEST(ClientKillTest, ClosesTheOthers) {
  Harness h;
  Harness::Session& second = h.Connect();
  Harness::Session& third = h.Connect();
  EXPECT_EQ(h.Run("CLIENT KILL ID 2"), ":1\r\n");
  EXPECT_TRUE(second.closed());
  EXPECT_EQ(h.Run("CLIENT KILL ID 2"), ":0\r\n");
  EXPECT_EQ(h.Run("CLIENT KILL 127.0.0.1:50003"), "+OK\r\n");
  EXPECT_TRUE(third.closed());
  EXPECT_EQ(h.Run("CLIENT KILL 127.0.0.1:50003"), "-ERR No such client\r\n");
}

TEST(ClientKillTest, SparesOneselfUnlessTold) {
  Harness h;
  Harness::Session& second = h.Connect();
  EXPECT_EQ(h.Run("CLIENT KILL TYPE normal"), ":1\r\n");
  EXPECT_TRUE(second.closed());
  // Its own reply still comes, what was pipelined behind is dropped.
  EXPECT_EQ(h.Send("CLIENT KILL TYPE normal SKIPME no\r\nSET k v\r\n"), ":1\r\n");
  EXPECT_TRUE(h.first().closed());
  EXPECT_EQ(h.Connect().Run("EXISTS k"), ":0\r\n");
}

TEST(ClientKillTest, CombinesFilters) {
  Harness h;
  h.Connect();
  EXPECT_EQ(h.Run("CLIENT KILL ID 2 ADDR 127.0.0.1:1"), ":0\r\n");
  EXPECT_EQ(h.Run("CLIENT KILL ID 2 TYPE pubsub"), ":0\r\n");
  EXPECT_EQ(h.Run("CLIENT KILL ID 2 LADDR 127.0.0.1:6379 USER default"), ":1\r\n");
}

TEST(ClientKillTest, RefusesWrongFilters) {
  Harness h;
  for (const char* id : {"0", "-1", "x", "9223372036854775808"}) {
    EXPECT_EQ(h.Run({"CLIENT", "KILL", "ID", id}), "-ERR client-id should be greater than 0\r\n")
        << id;
  }
  EXPECT_EQ(h.Run("CLIENT KILL TYPE x"), "-ERR Unknown client type 'x'\r\n");
  EXPECT_EQ(h.Run("CLIENT KILL USER x"), "-ERR No such user 'x'\r\n");
  EXPECT_EQ(h.Run("CLIENT KILL SKIPME maybe"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("CLIENT KILL ADDR a SKIPME"), "-ERR syntax error\r\n");
}

TEST(ClientKillTest, OfSeveralTypesTheLastCounts) {
  Harness h;
  h.Connect();
  EXPECT_EQ(h.Run("CLIENT KILL TYPE normal TYPE pubsub"), ":0\r\n");
  EXPECT_EQ(h.Run("CLIENT KILL TYPE pubsub TYPE normal"), ":1\r\n");
}

TEST(ClientKillTest, MonitorsAreNormalClients) {
  Harness h;
  Harness::Session& second = h.Connect();
  second.Run("MONITOR");
  EXPECT_EQ(h.Run("CLIENT KILL TYPE replica"), ":0\r\n");
  EXPECT_EQ(h.Run("CLIENT KILL TYPE normal"), ":1\r\n");
  EXPECT_TRUE(second.closed());
}

}  // namespace
}  // namespace larder::server
