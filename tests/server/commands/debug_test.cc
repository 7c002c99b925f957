#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using protocol::RespVersion;
using test_support::Harness;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

Harness DebugHarness(RespVersion resp = RespVersion::kResp2) {
  return Harness({.resp = resp, .config = {{"enable-debug-command", "yes"}}});
}

TEST(DebugTest, SetActiveExpireStopsTheSweep) {
  Harness h = DebugHarness();
  EXPECT_EQ(h.Run("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK\r\n");
  h.Run("SET k v PX 10");
  h.Advance(1000ms);
  EXPECT_EQ(h.Run("DBSIZE"), ":1\r\n");
  EXPECT_EQ(h.Run("DEBUG SET-ACTIVE-EXPIRE 1"), "+OK\r\n");
  h.Advance(100ms);
  EXPECT_EQ(h.Run("DBSIZE"), ":0\r\n");
}

TEST(DebugTest, AnswersAnyMistakeWithOneError) {
  Harness h = DebugHarness();
  for (const char* name : {"SLEEP", "NOSUCH"}) {
    EXPECT_EQ(h.Run({"DEBUG", name}), "-ERR unknown subcommand or wrong number of arguments for '" +
                                          std::string(name) + "'. Try DEBUG HELP.\r\n");
  }
  EXPECT_EQ(h.Run("DEBUG SLEEP x"), "+OK\r\n");
}

TEST(DebugTest, ErrorAnswersWithTheText) {
  Harness h = DebugHarness();
  EXPECT_EQ(h.Run({"DEBUG", "ERROR", "CODE what"}), "-CODE what\r\n");
  EXPECT_EQ(h.Run({"DEBUG", "ERROR", ""}), "-\r\n");
  EXPECT_EQ(h.Run({"DEBUG", "ERROR", "a\r\nb\r\n"}), "-a  b  \r\n");
  EXPECT_EQ(h.Run({"DEBUG", "ERROR", "a\0b"sv}), "-a\0b\r\n"sv);
}

TEST(DebugTest, LogIsAnswered) {
  Harness h = DebugHarness();
  EXPECT_EQ(h.Run("DEBUG LOG hello"), "+OK\r\n");
}

TEST(DebugTest, ObjectShowsHowAValueIsKept) {
  Harness h = DebugHarness();
  EXPECT_EQ(h.Run("DEBUG OBJECT none"), "-ERR no such key\r\n");
  const struct {
    std::string value;
    std::string_view shown;
  } cases[] = {{"12", "encoding:int serializedlength:2 lru:"},
               {"hello", "encoding:embstr serializedlength:6 lru:"},
               {std::string(100, 'x'), "encoding:raw serializedlength:13 lru:"}};
  for (const auto& c : cases) {
    h.Run({"SET", "k", c.value});
    const std::string reply = h.Run("DEBUG OBJECT k");
    EXPECT_EQ(reply.substr(0, 10), "+Value at:");
    EXPECT_NE(reply.find(c.shown), std::string::npos) << reply;
  }
}

struct TypedCase {
  std::string_view type;
  std::string_view resp2;
  std::string_view resp3;
};

TEST(DebugTest, ProtocolHasEveryType) {
  const TypedCase cases[] = {
      {"string", "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"},
      {"INTEGER", ":12345\r\n", ":12345\r\n"},
      {"double", "$5\r\n3.141\r\n", ",3.141\r\n"},
      {"bignum", "$37\r\n1234567999999999999999999999999999999\r\n",
       "(1234567999999999999999999999999999999\r\n"},
      {"null", "$-1\r\n", "_\r\n"},
      {"array", "*3\r\n:0\r\n:1\r\n:2\r\n", "*3\r\n:0\r\n:1\r\n:2\r\n"},
      {"set", "*3\r\n:0\r\n:1\r\n:2\r\n", "~3\r\n:0\r\n:1\r\n:2\r\n"},
      {"map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
       "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"},
      {"attrib", "$39\r\nSome real reply following the attribute\r\n",
       "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"
       "$39\r\nSome real reply following the attribute\r\n"},
      {"push", "-ERR RESP2 is not supported by this command\r\n",
       ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"
       "$40\r\nSome real reply following the push reply\r\n"},
      {"verbatim", "$25\r\nThis is a verbatim\nstring\r\n",
       "=29\r\ntxt:This is a verbatim\nstring\r\n"},
      {"true", ":1\r\n", "#t\r\n"},
      {"false", ":0\r\n", "#f\r\n"},
  };
  Harness resp2 = DebugHarness();
  Harness resp3 = DebugHarness(RespVersion::kResp3);
  for (const TypedCase& c : cases) {
    EXPECT_EQ(resp2.Run({"DEBUG", "PROTOCOL", c.type}), c.resp2);
    EXPECT_EQ(resp3.Run({"DEBUG", "PROTOCOL", c.type}), c.resp3);
  }
  EXPECT_EQ(resp2.Run("DEBUG PROTOCOL nosuch"),
            "-ERR Wrong protocol type name. Please use one of the following: "
            "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false\r\n");
}

}  // namespace
}  // namespace larder::server
