#include <gtest/gtest.h>

#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using protocol::RespVersion;
using test_support::Harness;

TEST(PingTest, EchoesItsArgument) {
  Harness h;
  EXPECT_EQ(h.Run("PING"), "+PONG\r\n");
  EXPECT_EQ(h.Run("PING \"a b\""), "$3\r\na b\r\n");
  EXPECT_EQ(h.Run("PING a b"), "-ERR wrong number of arguments for 'ping' command\r\n");
}

TEST(EchoTest, IsBinarySafe) {
  Harness h;
  using namespace std::string_literals;
  EXPECT_EQ(h.Run({"ECHO", "a\r\n\0b"s}), "$5\r\na\r\n\0b\r\n"s);
}

TEST(SelectTest, ChecksTheIndex) {
  Harness h({.config = {{"databases", "4"}}});
  EXPECT_EQ(h.Run("SELECT 3"), "+OK\r\n");
  EXPECT_EQ(h.client().db, 3);
  for (const char* index : {"4", "-1", "2147483647", "-2147483648"}) {
    EXPECT_EQ(h.Run({"SELECT", index}), "-ERR DB index is out of range\r\n") << index;
  }
  for (const char* index : {"2147483648", "4294967296", "9223372036854775807"}) {
    EXPECT_EQ(h.Run({"SELECT", index}),
              "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n")
        << index;
  }
  for (const char* index : {"", "x", "1x", "+1", "9223372036854775808"}) {
    EXPECT_EQ(h.Run({"SELECT", index}), "-ERR value is not an integer or out of range\r\n")
        << index;
  }
  EXPECT_EQ(h.client().db, 3);
}

TEST(AuthTest, WithoutAPasswordAnyoneIsTheDefaultUser) {
  Harness h;
  EXPECT_TRUE(h.Run("AUTH x").starts_with("-ERR AUTH <password> called without any password"));
  EXPECT_EQ(h.Run("AUTH default anything"), "+OK\r\n");
  EXPECT_EQ(h.Run("AUTH other x"),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(h.Run("AUTH a b c"), "-ERR syntax error\r\n");
}

TEST(AuthTest, ChecksThePassword) {
  Harness h({.config = {{"requirepass", "secret"}}});
  EXPECT_EQ(h.Run("AUTH secre"),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(h.Run("AUTH default secret"), "+OK\r\n");
  EXPECT_EQ(h.Run("PING"), "+PONG\r\n");
}

TEST(HelloTest, SwitchesTheProtocol) {
  Harness h;
  EXPECT_EQ(h.Run("HELLO 3"),
            "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"
            "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
            "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
  EXPECT_EQ(h.Run("GET nokey"), "_\r\n");
  EXPECT_TRUE(h.Run("HELLO").starts_with("%7\r\n"));
  EXPECT_TRUE(h.Run("HELLO 2").starts_with("*14\r\n"));
  EXPECT_EQ(h.Run("GET nokey"), "$-1\r\n");
}

TEST(ResetTest, BeginsAnew) {
  Harness h({.config = {{"requirepass", "secret"}}});
  h.Run("HELLO 3 AUTH default secret SETNAME me");
  h.Run("SELECT 3");
  h.Run("CLIENT NO-TOUCH on");
  EXPECT_EQ(h.Run("RESET"), "+RESET\r\n");
  EXPECT_EQ(h.client().db, 0);
  EXPECT_EQ(h.client().resp, RespVersion::kResp2);
  EXPECT_EQ(h.client().name, "");
  EXPECT_FALSE(h.client().no_touch);
  EXPECT_EQ(h.Run("PING"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(h.Run("RESET x"), "-ERR wrong number of arguments for 'reset' command\r\n");
}

TEST(ResetTest, SwitchesRepliesOn) {
  Harness h;
  EXPECT_EQ(h.Send("CLIENT REPLY OFF\r\nPING\r\nRESET\r\nPING\r\n"), "+RESET\r\n+PONG\r\n");
}

TEST(HelloTest, SwitchesWithinAPipeline) {
  Harness h;
  std::string replies = h.Send("GET nokey\r\nHELLO 3\r\nGET nokey\r\n");
  EXPECT_TRUE(replies.starts_with("$-1\r\n%7\r\n"));
  EXPECT_TRUE(replies.ends_with("*0\r\n_\r\n"));
}

TEST(HelloTest, RefusesWrongArgumentsAndChangesNothing) {
  Harness h;
  EXPECT_EQ(h.Run("HELLO 4"), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(h.Run("HELLO x"), "-ERR Protocol version is not an integer or out of range\r\n");
  EXPECT_EQ(h.Run("HELLO 3 AUTH x"), "-ERR Syntax error in HELLO option 'AUTH'\r\n");
  EXPECT_EQ(h.Run("HELLO 3 nope"), "-ERR Syntax error in HELLO option 'nope'\r\n");
  EXPECT_EQ(h.Run("HELLO 3 SETNAME \"a b\""),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(h.client().resp, RespVersion::kResp2);
}

TEST(HelloTest, AuthenticatesAndNames) {
  Harness h({.config = {{"requirepass", "secret"}}});
  EXPECT_TRUE(h.Run("HELLO 3").starts_with("-NOAUTH HELLO must be called with the client"));
  EXPECT_EQ(h.Run("HELLO 3 AUTH default wrong"),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_TRUE(h.Run("HELLO 3 AUTH default secret SETNAME me").starts_with("%7\r\n"));
  EXPECT_EQ(h.Run("CLIENT GETNAME"), "$2\r\nme\r\n");
}

}  // namespace
}  // namespace larder::server
