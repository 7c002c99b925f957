#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;
using namespace std::chrono_literals;

size_t CountLines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

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

TEST(ClientListTest, ShowsEveryClient) {
  Harness h;
  Harness::Session& second = h.Connect();
  second.Run("SELECT 2");
  h.Advance(3000ms);
  std::string list = h.Run("CLIENT LIST");
  EXPECT_NE(list.find("id=1 addr=127.0.0.1:50001 laddr=127.0.0.1:6379 fd=-1 name= age=3 idle=0 "
                      "flags=N db=0 sub=0"),
            std::string::npos)
      << list;
  EXPECT_NE(list.find("\nid=2 addr=127.0.0.1:50002"), std::string::npos) << list;
  EXPECT_NE(list.find(" age=3 idle=3 flags=N db=2"), std::string::npos) << list;
  EXPECT_NE(list.find("cmd=client|list user=default redir=-1 resp=2"), std::string::npos) << list;
}

TEST(ClientListTest, Filters) {
  Harness h;
  h.Connect();
  h.Connect();
  EXPECT_EQ(h.Run("CLIENT LIST TYPE pubsub"), "$0\r\n\r\n");
  EXPECT_EQ(CountLines(h.Run("CLIENT LIST TYPE NORMAL")), 3 + 2u);
  std::string list = h.Run("CLIENT LIST ID 3 99 1");
  EXPECT_LT(list.find("id=3"), list.find("id=1 "));
  EXPECT_EQ(list.find("id=2 "), std::string::npos);
  EXPECT_EQ(h.Run("CLIENT LIST TYPE nope"), "-ERR Unknown client type 'nope'\r\n");
  EXPECT_EQ(h.Run("CLIENT LIST ID x"), "-ERR Invalid client ID\r\n");
  EXPECT_EQ(h.Run("CLIENT LIST ID"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("CLIENT LIST NOPE x"), "-ERR syntax error\r\n");
}

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

TEST(ClientTest, HasNoSubcommandsOfLaterReleases) {
  Harness h;
  EXPECT_EQ(h.Run("CLIENT NO-TOUCH on"),
            "-ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP.\r\n");
}

}  // namespace
}  // namespace larder::server
