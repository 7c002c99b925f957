#include "protocol/reply_errors.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace larder::protocol {
namespace {

using namespace std::string_view_literals;

// The expected texts were taken from a running Redis 7.0.15.

TEST(ReplyErrorsTest, UnknownCommandShowsTheFirst128BytesOfArguments) {
  const std::string a200(200, 'a');
  const std::string b100(100, 'b');
  const struct {
    std::vector<std::string_view> args;
    std::string expected;
  } cases[] = {
      {{"foo"}, "ERR unknown command 'foo', with args beginning with: "},
      {{"foo", "a", "b"}, "ERR unknown command 'foo', with args beginning with: 'a' 'b' "},
      {{"foo", ""}, "ERR unknown command 'foo', with args beginning with: '' "},
      {{"foo", "x\0y"sv, "z"}, "ERR unknown command 'foo', with args beginning with: 'x' 'z' "},
      {{a200, "x"},
       "ERR unknown command '" + a200.substr(0, 128) + "', with args beginning with: 'x' "},
      {{"foo", a200, "b"},
       "ERR unknown command 'foo', with args beginning with: '" + a200.substr(0, 128) + "' "},
      {{"foo", b100, a200, "c"},
       "ERR unknown command 'foo', with args beginning with: '" + b100 + "' '" +
           a200.substr(0, 25) + "' "},
  };
  for (const auto& [args, expected] : cases) EXPECT_EQ(UnknownCommand(args), expected);
}

TEST(ReplyErrorsTest, TextsWithAName) {
  EXPECT_EQ(WrongArgumentCount("config|get"),
            "ERR wrong number of arguments for 'config|get' command");
  EXPECT_EQ(InvalidExpireTime("set"), "ERR invalid expire time in 'set' command");
  EXPECT_EQ(UnknownSubcommand("CLIENT", "FOO"), "ERR unknown subcommand 'FOO'. Try CLIENT HELP.");
  EXPECT_EQ(UnknownSubcommandOrArity("DEBUG", "SLEEP"),
            "ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.");
  EXPECT_EQ(UnsupportedOption("FOO"), "ERR Unsupported option FOO");
  EXPECT_EQ(HelloSyntax("FOO"), "ERR Syntax error in HELLO option 'FOO'");
  EXPECT_EQ(UnknownClientType("foo"), "ERR Unknown client type 'foo'");
  EXPECT_EQ(NoSuchUser("foo"), "ERR No such user 'foo'");
  EXPECT_EQ(ConfigUnknownOption("foo"),
            "ERR Unknown option or number of arguments for CONFIG SET - 'foo'");
  EXPECT_EQ(ConfigSetFailed("port", "duplicate parameter"),
            "ERR CONFIG SET failed (possibly related to argument 'port') - duplicate parameter");
}

TEST(ReplyErrorsTest, WhatIsRepeatedIsBounded) {
  const std::string huge(1 << 20, 'x');
  EXPECT_LT(UnsupportedOption(huge).size(), 256u);
  EXPECT_LT(UnknownSubcommand("CONFIG", huge).size(), 256u);
}

}  // namespace
}  // namespace larder::protocol
