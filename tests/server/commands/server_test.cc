#include <gtest/gtest.h>

#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

class ServerCommandsTest : public testing::TestWithParam<store::MapKind> {
 protected:
  Harness h{{.map = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Maps, ServerCommandsTest, testing::ValuesIn(store::kMapKinds),
                         [](const auto& kind) { return test_support::MapName(kind.param); });

TEST_P(ServerCommandsTest, DbSizeCountsTheSelectedDatabase) {
  h.Run("MSET a 1 b 2 c 3");
  h.Run("SELECT 1");
  EXPECT_EQ(h.Run("DBSIZE"), ":0\r\n");
  h.Run("SET x 1");
  EXPECT_EQ(h.Run("DBSIZE"), ":1\r\n");
}

TEST_P(ServerCommandsTest, FlushDbEmptiesOneDatabase) {
  h.Run("SET a 1");
  h.Run("SELECT 1");
  h.Run("SET b 1");
  EXPECT_EQ(h.Run("FLUSHDB"), "+OK\r\n");
  EXPECT_EQ(h.Run("EXISTS b"), ":0\r\n");
  h.Run("SELECT 0");
  EXPECT_EQ(h.Run("EXISTS a"), ":1\r\n");
  EXPECT_EQ(h.Run("FLUSHDB async"), "+OK\r\n");
  EXPECT_EQ(h.Run("DBSIZE"), ":0\r\n");
}

TEST_P(ServerCommandsTest, FlushAllEmptiesAll) {
  h.Run("SET a 1");
  h.Run("SELECT 1");
  h.Run("SET b 1");
  EXPECT_EQ(h.Run("FLUSHALL SYNC"), "+OK\r\n");
  EXPECT_EQ(h.Run("DBSIZE"), ":0\r\n");
  h.Run("SELECT 0");
  EXPECT_EQ(h.Run("DBSIZE"), ":0\r\n");
}

TEST_P(ServerCommandsTest, SwapDbExchangesWhatNumbersMean) {
  h.Run("SET a zero");
  EXPECT_EQ(h.Run("SWAPDB 0 1"), "+OK\r\n");
  EXPECT_EQ(h.Run("GET a"), "$-1\r\n");
  h.Run("SELECT 1");
  EXPECT_EQ(h.Run("GET a"), "$4\r\nzero\r\n");
  EXPECT_EQ(h.Run("SWAPDB 1 1"), "+OK\r\n");
  EXPECT_EQ(h.Run("GET a"), "$4\r\nzero\r\n");
}

TEST(FlushTest, RefusesOtherOptions) {
  Harness h;
  for (const char* line : {"FLUSHDB nope", "FLUSHALL nope", "FLUSHALL SYNC ASYNC"}) {
    EXPECT_EQ(h.Run(line), "-ERR syntax error\r\n") << line;
  }
}

TEST(SwapDbTest, ChecksTheNumbers) {
  Harness h;
  EXPECT_EQ(h.Run("SWAPDB a 0"), "-ERR invalid first DB index\r\n");
  EXPECT_EQ(h.Run("SWAPDB 4294967296 b"), "-ERR invalid first DB index\r\n");
  EXPECT_EQ(h.Run("SWAPDB 0 b"), "-ERR invalid second DB index\r\n");
  EXPECT_EQ(h.Run("SWAPDB 0 16"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(h.Run("SWAPDB -1 0"), "-ERR DB index is out of range\r\n");
}

TEST(ShutdownTest, EndsTheServerWithoutAReply) {
  Harness h;
  EXPECT_EQ(h.Send("SHUTDOWN NOSAVE\r\nPING\r\n"), "");
  EXPECT_TRUE(h.first().closed());
  EXPECT_EQ(h.shutdown(), false);
  EXPECT_EQ(h.Connect().Run("SHUTDOWN NOW FORCE"), "");
  EXPECT_EQ(h.shutdown(), true);
}

TEST(ShutdownTest, RefusesWhatItCannotDo) {
  Harness h;
  EXPECT_EQ(h.Run("SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
  EXPECT_EQ(h.Run("SHUTDOWN SAVE"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
  for (const char* line : {"SHUTDOWN nope", "SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW"}) {
    EXPECT_EQ(h.Run(line), "-ERR syntax error\r\n") << line;
  }
  EXPECT_FALSE(h.shutdown().has_value());
}

}  // namespace
}  // namespace larder::server
