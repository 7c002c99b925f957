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

TEST(ClientListTest, FlagsWhatIsSpecial) {
  Harness h;
  auto flags = [&] {
    std::string info = h.Run("CLIENT INFO");
    size_t begin = info.find(" flags=") + 7;
    return info.substr(begin, info.find(' ', begin) - begin);
  };
  EXPECT_EQ(flags(), "N");
  h.client().is_unix = true;
  EXPECT_EQ(flags(), "U");
  h.Run("CLIENT NO-EVICT on");
  h.Run("CLIENT NO-TOUCH on");
  EXPECT_EQ(flags(), "UeT");
  h.Run("MONITOR");
  EXPECT_EQ(flags(), "OUeT");
}

TEST(ClientListTest, FlagsAndCountsTheBlocked) {
  Harness h({.config = {{"enable-debug-command", "yes"}}});
  Harness::Session& second = h.Connect();
  second.Run("DEBUG SLEEP 10");
  EXPECT_NE(h.Run("CLIENT LIST ID 2").find(" flags=b "), std::string::npos);
  EXPECT_NE(h.Run("INFO clients").find("\r\nblocked_clients:1\r\n"), std::string::npos);
  h.Advance(10s);
  EXPECT_NE(h.Run("CLIENT LIST ID 2").find(" flags=N "), std::string::npos);
  EXPECT_NE(h.Run("INFO clients").find("\r\nblocked_clients:0\r\n"), std::string::npos);
}

}  // namespace
}  // namespace larder::server
