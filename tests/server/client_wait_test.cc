#include "server/client_wait.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;
using namespace std::chrono_literals;

std::string BlockedClients(Harness& h) {
  const std::string info = h.Run("INFO clients");
  const size_t at = info.find("blocked_clients:") + 16;
  return info.substr(at, info.find('\r', at) - at);
}

TEST(ClientWaitTest, ABlockedClientCountsOnce) {
  Harness h;
  Client& client = h.Connect().client();
  Block(h.thread(), client);
  EXPECT_TRUE(client.blocked);
  EXPECT_NE(client.suspension, 0u);
  EXPECT_EQ(BlockedClients(h), "1");
  for (int i = 0; i < 2; ++i) {
    EndWait(h.thread().services, client);
    EXPECT_FALSE(client.blocked);
    EXPECT_EQ(client.suspension, 0u);
    EXPECT_EQ(BlockedClients(h), "0");
  }
}

TEST(ClientWaitTest, OneThatIsOnlySuspendedDoesNotCount) {
  Harness h;
  Client& client = h.Connect().client();
  Suspend(h.thread(), client);
  EXPECT_EQ(BlockedClients(h), "0");
  const uint64_t number = client.suspension;
  EndWait(h.thread().services, client);
  Suspend(h.thread(), client);
  EXPECT_GT(client.suspension, number) << "numbers are never reused";
}

// The timers of DEBUG SLEEP and WAIT, and their copies of the arguments, once stayed until they
// fired.
TEST(ClientWaitTest, AClientThatGoesLeavesNoTimer) {
  for (const char* requests :
       {"DEBUG SLEEP 1000\r\n", "WAIT 1 1000000\r\n",
        "MULTI\r\nDEBUG SLEEP 1000\r\nDEBUG SLEEP 2000\r\nPING\r\nEXEC\r\n"}) {
    Harness h({.config = {{"enable-debug-command", "yes"}}});
    for (const bool killed : {false, true}) {
      Harness::Session& session = h.Connect();
      session.Send(requests);
      EXPECT_NE(h.timers(), 0u);
      EXPECT_EQ(BlockedClients(h), "1");
      if (killed) {
        h.Run("CLIENT KILL ID " + std::to_string(session.client().id));
      } else {
        session.HangUp();
      }
      EXPECT_TRUE(session.closed());
      EXPECT_EQ(h.timers(), 0u) << requests;
      EXPECT_EQ(BlockedClients(h), "0");
    }
    h.Advance(3000s);
  }
}

TEST(ClientWaitTest, AWaitThatHasEndedLeavesNoTimer) {
  Harness h({.config = {{"enable-debug-command", "yes"}}});
  Harness::Session& session = h.Connect();
  session.Run("DEBUG SLEEP 1000");
  h.Run("CLIENT UNBLOCK 2");
  EXPECT_EQ(h.timers(), 0u);
  EXPECT_TRUE(session.Send("MULTI\r\nDEBUG SLEEP 1\r\nDEBUG SLEEP 2\r\nPING\r\nEXEC\r\n")
                  .ends_with("*3\r\n"));
  h.Advance(2s);
  EXPECT_EQ(session.Send(""), "+OK\r\n+OK\r\n+PONG\r\n");
  EXPECT_TRUE(session.client().waits.empty());
}

}  // namespace
}  // namespace larder::server
