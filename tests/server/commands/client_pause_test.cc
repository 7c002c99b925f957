#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;
using namespace std::chrono_literals;

TEST(PauseClientsTest, HoldsWritesOnly) {
  Harness h;
  Harness::Session& second = h.Connect();
  EXPECT_EQ(h.Run("CLIENT PAUSE 100 WRITE"), "+OK\r\n");
  EXPECT_EQ(second.Send("GET k\r\nSET k v\r\nGET k\r\n"), "$-1\r\n");
  EXPECT_EQ(h.Run("GET k"), "$-1\r\n");
  EXPECT_NE(h.Run("CLIENT LIST ID 2").find(" flags=b "), std::string::npos);
  EXPECT_NE(h.Run("INFO clients").find("\r\nblocked_clients:1\r\n"), std::string::npos);
  h.Advance(100ms);
  EXPECT_EQ(second.Send(""), "+OK\r\n$1\r\nv\r\n");
  EXPECT_NE(h.Run("INFO clients").find("\r\nblocked_clients:0\r\n"), std::string::npos);
}

TEST(PauseClientsTest, HoldsEverything) {
  Harness h;
  EXPECT_EQ(h.Run("CLIENT PAUSE 100"), "+OK\r\n");
  EXPECT_EQ(h.Run("PING"), "");
  Harness::Session& second = h.Connect();
  EXPECT_EQ(second.Run("CLIENT UNPAUSE"), "");  // it waits as well, as in Redis
  EXPECT_EQ(second.Run("NOSUCH"), "");
  EXPECT_EQ(h.Connect().Run("NOSUCH"),
            "-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
  h.Advance(99ms);
  EXPECT_EQ(h.Send(""), "");
  h.Advance(1ms);
  EXPECT_EQ(h.Send(""), "+PONG\r\n");
  EXPECT_EQ(second.Send(""),
            "+OK\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
}

TEST(PauseClientsTest, EndsWithUnpause) {
  Harness h;
  Harness::Session& second = h.Connect();
  h.Run("CLIENT PAUSE 100000 WRITE");
  EXPECT_EQ(second.Run("SET k v"), "");
  EXPECT_EQ(h.Run("CLIENT UNPAUSE"), "+OK\r\n");
  EXPECT_EQ(second.Send(""), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT UNPAUSE"), "+OK\r\n");
}

// Clients that hung up during a long pause once left their entries until its end.
TEST(PauseClientsTest, ForgetsClientsThatGo) {
  Harness h;
  h.Run("CLIENT PAUSE 100000 WRITE");
  for (int i = 0; i < 100; ++i) {
    Harness::Session& session = h.Connect();
    EXPECT_EQ(session.Run("SET k v"), "");
    EXPECT_EQ(h.thread().services.pause.held(), 1u);
    session.HangUp();
    EXPECT_EQ(h.thread().services.pause.held(), 0u);
  }
  EXPECT_EQ(h.Run("CLIENT UNPAUSE"), "+OK\r\n");
  EXPECT_EQ(h.Run("GET k"), "$-1\r\n");
}

// What a timer of an earlier pause finds is a later one.
TEST(PauseClientsTest, ALaterPauseOutlivesTheTimerOfAnEarlierOne) {
  Harness h;
  h.Run("CLIENT PAUSE 100 WRITE");
  h.Run("CLIENT UNPAUSE");
  h.Run("CLIENT PAUSE 1000 WRITE");
  EXPECT_EQ(h.Run("SET k v"), "");
  h.Advance(200ms);
  EXPECT_EQ(h.Send(""), "");
  h.Advance(800ms);
  EXPECT_EQ(h.Send(""), "+OK\r\n");
}

TEST(PauseClientsTest, IsNeitherWeakenedNorCutShort) {
  Harness h;
  Harness::Session& second = h.Connect();
  h.Run("CLIENT PAUSE 1000 WRITE");
  EXPECT_EQ(h.Run("CLIENT PAUSE 1 WRITE"), "+OK\r\n");
  h.Advance(10ms);
  EXPECT_EQ(second.Run("SET k v"), "");
  EXPECT_EQ(h.Run("CLIENT PAUSE 1 ALL"), "+OK\r\n");
  h.Advance(100ms);
  EXPECT_EQ(h.Run("GET k"), "");
  h.Advance(1000ms);
  EXPECT_EQ(second.Send(""), "+OK\r\n");
}

TEST(PauseClientsTest, KeepsASkipForTheCommandThatWaits) {
  Harness h;
  h.Run("CLIENT PAUSE 100 WRITE");
  EXPECT_EQ(h.Send("CLIENT REPLY SKIP\r\nSET k v\r\nGET k\r\n"), "");
  h.Advance(100ms);
  EXPECT_EQ(h.Send(""), "$1\r\nv\r\n");
}

TEST(PauseClientsTest, KeysDoNotExpireMeanwhile) {
  Harness h;
  h.Run("SET k v PX 50");
  h.Run("CLIENT PAUSE 500 WRITE");
  h.Advance(300ms);
  EXPECT_EQ(h.Run("DBSIZE"), ":1\r\n");
  EXPECT_EQ(h.Run("CLIENT UNPAUSE"), "+OK\r\n");
  h.Advance(100ms);
  EXPECT_EQ(h.Run("DBSIZE"), ":0\r\n");
}

TEST(PauseClientsTest, SparesMonitors) {
  Harness h;
  h.Run("MONITOR");
  h.Run("CLIENT PAUSE 1000");
  EXPECT_EQ(h.Run("CLIENT UNPAUSE"), "+OK\r\n");
}

TEST(PauseClientsTest, RefusesWrongArguments) {
  Harness h;
  EXPECT_EQ(h.Run("CLIENT PAUSE x"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(h.Run("CLIENT PAUSE -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(h.Run("CLIENT PAUSE x y"), "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n");
  EXPECT_EQ(
      h.Run("CLIENT PAUSE 1 WRITE x"),
      "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.\r\n");
  for (const char* nothing : {"0", "9223372036854775807"}) {
    EXPECT_EQ(h.Run({"CLIENT", "PAUSE", nothing}), "+OK\r\n");
    EXPECT_EQ(h.Run("PING"), "+PONG\r\n") << nothing;
  }
}

TEST(UnblockClientTest, EndsAWait) {
  Harness h({.config = {{"enable-debug-command", "yes"}}});
  Harness::Session& second = h.Connect();
  second.Send("DEBUG SLEEP 10\r\nPING\r\n");
  EXPECT_EQ(h.Run("CLIENT UNBLOCK 2"), ":1\r\n");
  EXPECT_EQ(second.Send(""), "+OK\r\n+PONG\r\n");
  second.Run("DEBUG SLEEP 10");
  EXPECT_EQ(h.Run("CLIENT UNBLOCK 2 error"), ":1\r\n");
  EXPECT_EQ(second.Send(""), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  EXPECT_EQ(h.Run("CLIENT UNBLOCK 2 timeout"), ":0\r\n");
  h.Advance(10s);  // the timers of both waits find nobody
  EXPECT_EQ(second.Run("PING"), "+PONG\r\n");
}

TEST(UnblockClientTest, EndsAWaitWithoutATimeout) {
  Harness h;
  Harness::Session& second = h.Connect();
  second.Run("WAIT 1 0");
  EXPECT_EQ(h.Run("CLIENT UNBLOCK 2"), ":1\r\n");
  EXPECT_EQ(second.Send(""), ":0\r\n");
}

TEST(UnblockClientTest, EndsAllWaitsOfAnExec) {
  Harness h({.config = {{"enable-debug-command", "yes"}}});
  Harness::Session& second = h.Connect();
  second.Send("MULTI\r\nDEBUG SLEEP 10\r\nDEBUG SLEEP 20\r\n");
  EXPECT_EQ(second.Run("EXEC"), "*2\r\n");
  EXPECT_EQ(h.Run("CLIENT UNBLOCK 2"), ":1\r\n");
  EXPECT_EQ(second.Send(""), "+OK\r\n+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT UNBLOCK 2"), ":0\r\n");
}

TEST(UnblockClientTest, LeavesPausedClientsAlone) {
  Harness h;
  Harness::Session& second = h.Connect();
  h.Run("CLIENT PAUSE 100 WRITE");
  second.Run("SET k v");
  EXPECT_EQ(h.Run("CLIENT UNBLOCK 2"), ":0\r\n");
  EXPECT_EQ(second.Send(""), "");
}

TEST(UnblockClientTest, RefusesWrongArguments) {
  Harness h;
  for (const char* id : {"0", "-1", "99", "9223372036854775807"}) {
    EXPECT_EQ(h.Run({"CLIENT", "UNBLOCK", id}), ":0\r\n");
  }
  EXPECT_EQ(h.Run("CLIENT UNBLOCK x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(h.Run("CLIENT UNBLOCK x y"),
            "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
  EXPECT_EQ(
      h.Run("CLIENT UNBLOCK 1 ERROR x"),
      "-ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.\r\n");
}

}  // namespace
}  // namespace larder::server
