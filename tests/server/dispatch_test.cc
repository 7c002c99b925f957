// The pipeline that every request takes, seen from outside: bytes in, bytes out.
#include "server/dispatch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;
using namespace std::chrono_literals;

TEST(DispatcherTest, AnswersInOrderHoweverDeepThePipeline) {
  Harness h;
  std::string requests, replies;
  for (int i = 0; i < 1000; ++i) {
    requests += "ECHO m" + std::to_string(i) + "\r\n";
    std::string text = "m" + std::to_string(i);
    replies += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  EXPECT_EQ(h.Send(requests), replies);
}

TEST(DispatcherTest, TakesRequestsCutAtAnyByte) {
  const std::string requests =
      "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\nGET k\r\n*2\r\n$6\r\nSTRLEN\r\n$1\r\nk\r\n";
  const std::string replies = "+OK\r\n$5\r\nhello\r\n:5\r\n";
  for (size_t cut = 0; cut <= requests.size(); ++cut) {
    Harness h;
    std::string got = h.Send(requests.substr(0, cut));
    got += h.Send(requests.substr(cut));
    EXPECT_EQ(got, replies) << "cut at " << cut;
  }
}

TEST(DispatcherTest, RefusesWhatIsNoCommand) {
  Harness h;
  EXPECT_EQ(h.Run("NOSUCH a b"),
            "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \r\n");
  EXPECT_EQ(h.Run("CONFIG NOSUCH"), "-ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.\r\n");
  EXPECT_EQ(h.Run("GET"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(h.Run("CONFIG GET"), "-ERR wrong number of arguments for 'config|get' command\r\n");
}

TEST(DispatcherTest, RunsWhatCameBeforeAProtocolErrorThenCloses) {
  Harness h;
  EXPECT_EQ(h.Send("PING\r\n*1\r\n$x\r\nPING\r\n"),
            "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n");
  EXPECT_TRUE(h.first().closed());
}

TEST(DispatcherTest, AProtocolErrorIsSilentWhereRepliesAre) {
  for (const char* mode : {"CLIENT REPLY OFF\r\n", "CLIENT REPLY SKIP\r\n"}) {
    Harness h;
    EXPECT_EQ(h.Send(std::string(mode) + "*1\r\n$x\r\nPING\r\n"), "") << mode;
    EXPECT_TRUE(h.first().closed());
  }
}

TEST(DispatcherTest, HangsUpOnHttp) {
  Harness h;
  for (const char* request : {"POST / HTTP/1.1\r\nSET k v\r\n", "host: x\r\nSET k v\r\n"}) {
    Harness::Session& browser = h.Connect();
    EXPECT_EQ(browser.Send(request), "");
    EXPECT_TRUE(browser.closed());
  }
  EXPECT_EQ(h.Run("EXISTS k"), ":0\r\n");
}

TEST(DispatcherTest, QuitDropsWhatFollows) {
  Harness h;
  EXPECT_EQ(h.Send("PING\r\nQUIT\r\nSET k v\r\n"), "+PONG\r\n+OK\r\n");
  EXPECT_TRUE(h.first().closed());
  EXPECT_EQ(h.Connect().Run("EXISTS k"), ":0\r\n");
}

TEST(DispatcherTest, AsksForThePasswordFirst) {
  Harness h({.config = {{"requirepass", "secret"}}});
  EXPECT_EQ(h.Run("GET k"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(h.Run("NOSUCH"), "-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
  EXPECT_EQ(h.Send("PING\r\nAUTH wrong\r\nAUTH secret\r\nPING\r\n"),
            "-NOAUTH Authentication required.\r\n"
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
            "+OK\r\n+PONG\r\n");
}

TEST(DispatcherTest, LimitsWhatAnUnauthenticatedClientMaySend) {
  Harness h({.config = {{"requirepass", "secret"}}});
  EXPECT_EQ(h.Send("*11\r\n"), "-ERR Protocol error: unauthenticated multibulk length\r\n");
  EXPECT_EQ(h.Connect().Send("*2\r\n$3\r\nGET\r\n$16385\r\n"),
            "-ERR Protocol error: unauthenticated bulk length\r\n");
  // The limits are gone for the request right behind AUTH.
  std::string mget = "*12\r\n$4\r\nMGET\r\n";
  std::string nulls = "*11\r\n";
  for (int i = 0; i < 11; ++i) {
    mget += "$1\r\nk\r\n";
    nulls += "$-1\r\n";
  }
  EXPECT_EQ(h.Connect().Send("AUTH secret\r\n" + mget), "+OK\r\n" + nulls);
}

TEST(DispatcherTest, ASuspendedClientWaitsAndNobodyElse) {
  Harness h({.config = {{"enable-debug-command", "yes"}}});
  EXPECT_EQ(h.Send("PING\r\nDEBUG SLEEP 0.5\r\nECHO later\r\n"), "+PONG\r\n");
  EXPECT_EQ(h.Connect().Run("PING"), "+PONG\r\n");
  h.Advance(499ms);
  EXPECT_EQ(h.Send(""), "");
  h.Advance(1ms);
  EXPECT_EQ(h.Send(""), "+OK\r\n$5\r\nlater\r\n");
}

TEST(DispatcherTest, CountsCallsFailuresAndRefusals) {
  Harness h;
  h.Run("SET k v");
  h.Run("INCR k");
  h.Run("INCR");
  h.Run("NOSUCH");
  std::string info = h.Run("INFO commandstats errorstats");
  EXPECT_NE(info.find("cmdstat_set:calls=1,"), std::string::npos) << info;
  EXPECT_NE(info.find("cmdstat_incr:calls=1,"), std::string::npos) << info;
  EXPECT_NE(info.find("rejected_calls=1,failed_calls=1\r\n"), std::string::npos) << info;
  EXPECT_NE(info.find("errorstat_ERR:count=3\r\n"), std::string::npos) << info;
}

TEST(DispatcherTest, DebugNeedsToBeEnabled) {
  Harness h;
  EXPECT_TRUE(h.Run("DEBUG SLEEP 0").starts_with("-ERR DEBUG command not allowed."));
  EXPECT_TRUE(h.Run("DEBUG NOSUCH").starts_with("-ERR DEBUG command not allowed."));
  Harness local({.config = {{"enable-debug-command", "local"}}});
  EXPECT_EQ(local.Run("DEBUG SLEEP 0"), "+OK\r\n");
  Harness::Session& far_away = local.Connect();
  far_away.client().is_local = false;
  EXPECT_TRUE(far_away.Run("DEBUG SLEEP 0").starts_with("-ERR DEBUG command not allowed."));
}

}  // namespace
}  // namespace larder::server
