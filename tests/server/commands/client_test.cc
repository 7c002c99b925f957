#include <gtest/gtest.h>

#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

TEST(ClientIdTest, NumbersRise) {
  Harness h;
  Harness::Session& second = h.Connect();
  EXPECT_EQ(h.Run("CLIENT ID"), ":1\r\n");
  EXPECT_EQ(second.Run("CLIENT ID"), ":2\r\n");
}

TEST(ClientNameTest, IsSetAndTakenBack) {
  Harness h;
  EXPECT_EQ(h.Run("CLIENT GETNAME"), "$-1\r\n");
  EXPECT_EQ(h.Run("CLIENT SETNAME worker-1"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT GETNAME"), "$8\r\nworker-1\r\n");
  for (const char* bad : {"a b", "a\nb", "caf\xc3\xa9"}) {
    EXPECT_EQ(h.Run({"CLIENT", "SETNAME", bad}),
              "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  }
  EXPECT_EQ(h.Run({"CLIENT", "SETNAME", ""}), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT GETNAME"), "$-1\r\n");
}

TEST(ClientSetInfoTest, KeepsTheLibrary) {
  Harness h;
  EXPECT_EQ(h.Run("CLIENT SETINFO lib-name redis-py"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT SETINFO LIB-VER 5.0"), "+OK\r\n");
  EXPECT_NE(h.Run("CLIENT INFO").find(" lib-name=redis-py lib-ver=5.0\n"), std::string::npos);
  EXPECT_EQ(h.Run("CLIENT SETINFO nope x"), "-ERR Unrecognized option 'nope'\r\n");
  EXPECT_EQ(h.Run("CLIENT SETINFO lib-name \"a b\""),
            "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n");
}

TEST(ClientReplyTest, SwitchesReplies) {
  Harness h;
  EXPECT_EQ(h.Send("CLIENT REPLY OFF\r\nSET a 1\r\nNOSUCH\r\nPING\r\n"), "");
  EXPECT_EQ(h.Send("GET a\r\nCLIENT REPLY ON\r\nGET a\r\n"), "+OK\r\n$1\r\n1\r\n");
  EXPECT_EQ(h.Send("CLIENT REPLY SKIP\r\nPING\r\nPING\r\n"), "+PONG\r\n");
  EXPECT_EQ(h.Send("CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\n"), "+PONG\r\n");
  EXPECT_EQ(h.Send("CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\n"), "");
  EXPECT_EQ(h.Run("CLIENT REPLY ON"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT REPLY nope"), "-ERR syntax error\r\n");
}

TEST(ClientReplyTest, SkipsAReplyThatComesLater) {
  Harness h;
  EXPECT_EQ(h.Send("CLIENT REPLY SKIP\r\nCLIENT LIST\r\nPING\r\n"), "+PONG\r\n");
}

TEST(ClientSwitchTest, SetsFlagsOfTheClient) {
  Harness h;
  EXPECT_EQ(h.Run("CLIENT NO-EVICT on"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT NO-TOUCH ON"), "+OK\r\n");
  EXPECT_TRUE(h.client().no_evict);
  EXPECT_TRUE(h.client().no_touch);
  EXPECT_EQ(h.Run("CLIENT NO-EVICT off"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT NO-TOUCH off"), "+OK\r\n");
  EXPECT_FALSE(h.client().no_evict);
  EXPECT_FALSE(h.client().no_touch);
  EXPECT_EQ(h.Run("CLIENT NO-EVICT maybe"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("CLIENT NO-TOUCH maybe"), "-ERR syntax error\r\n");
}

}  // namespace
}  // namespace larder::server
