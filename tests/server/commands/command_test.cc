#include <gtest/gtest.h>

#include <string>

#include "tests/support/command_test.h"

namespace larder::server {
namespace {

using test_support::Harness;
using test_support::Step;

// Replies compared with Redis 7.0.15's; what COMMAND INFO and DOCS say of each command is in
// families_test.cc.
TEST(CommandCommandTest, AnswersAsRedisDoes) {
  const Step steps[] = {
      {"COMMAND COUNT x", "-ERR wrong number of arguments for 'command|count' command\r\n"},
      {"COMMAND foo", "-ERR unknown subcommand 'foo'. Try COMMAND HELP.\r\n"},
      {"COMMAND INFO nosuch", "*1\r\n$-1\r\n"},
      {"COMMAND INFO get|x", "*1\r\n$-1\r\n"},
      {"COMMAND INFO debug|sleep", "*1\r\n$-1\r\n"},
      {"COMMAND DOCS nosuch debug|sleep", "*0\r\n"},
      {"COMMAND LIST x", "-ERR syntax error\r\n"},
      {"COMMAND LIST FILTERBY", "-ERR syntax error\r\n"},
      {"COMMAND LIST FILTERBY PATTERN", "-ERR syntax error\r\n"},
      {"COMMAND LIST FILTERBY X x", "-ERR syntax error\r\n"},
      {"COMMAND LIST FILTERBY ACLCAT read x", "-ERR syntax error\r\n"},
      {"COMMAND LIST FILTERBY ACLCAT nosuch", "*0\r\n"},
      {"COMMAND LIST FILTERBY MODULE m", "*0\r\n"},
      {"command list filterby pattern GETD?L", "*1\r\n$6\r\ngetdel\r\n"},
      {"COMMAND GETKEYS nosuch x", "-ERR Invalid command specified\r\n"},
      {"COMMAND GETKEYS config foo", "-ERR Invalid command specified\r\n"},
      {"COMMAND GETKEYS ping x", "-ERR The command has no key arguments\r\n"},
      {"COMMAND GETKEYS debug foo", "-ERR The command has no key arguments\r\n"},
      {"COMMAND GETKEYS get a b", "-ERR Invalid number of arguments specified for command\r\n"},
      {"COMMAND GETKEYS mset a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
      {"COMMAND GETKEYSANDFLAGS set a b", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n"},
      {"COMMAND GETKEYSANDFLAGS set a b get",
       "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"},
      {"COMMAND HELP x", "-ERR wrong number of arguments for 'command|help' command\r\n"},
      {"COMMAND HELP",
       "*21\r\n+COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n"
       "+(no subcommand)\r\n+    Return details about all Redis commands.\r\n"
       "+COUNT\r\n+    Return the total number of commands in this Redis server.\r\n"
       "+LIST\r\n+    Return a list of all commands in this Redis server.\r\n"
       "+INFO [<command-name> ...]\r\n+    Return details about multiple Redis commands.\r\n"
       "+    If no command names are given, documentation details for all\r\n"
       "+    commands are returned.\r\n"
       "+DOCS [<command-name> ...]\r\n"
       "+    Return documentation details about multiple Redis commands.\r\n"
       "+    If no command names are given, documentation details for all\r\n"
       "+    commands are returned.\r\n"
       "+GETKEYS <full-command>\r\n+    Return the keys from a full Redis command.\r\n"
       "+GETKEYSANDFLAGS <full-command>\r\n"
       "+    Return the keys and the access flags from a full Redis command.\r\n"
       "+HELP\r\n+    Prints this help.\r\n"},
  };
  Harness h;
  for (const Step& step : steps) EXPECT_EQ(h.Run(step.request), step.reply) << step.request;
}

// What a client library reads at start: the flags and categories are sets in RESP3.
TEST(CommandCommandTest, InfoIsARowForEachName) {
  Harness h;
  EXPECT_EQ(h.Run("COMMAND INFO GET nosuch"),
            "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n"
            "*3\r\n+@read\r\n+@string\r\n+@fast\r\n*0\r\n"
            "*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n"
            "*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n"
            "$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n"
            "*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n"
            "*0\r\n$-1\r\n");
  Harness h3({.resp = protocol::RespVersion::kResp3});
  EXPECT_TRUE(h3.Run("COMMAND INFO get").starts_with("*1\r\n*10\r\n$3\r\nget\r\n:2\r\n~2\r\n"));
  EXPECT_EQ(h3.Run("COMMAND INFO nosuch"), "*1\r\n_\r\n");
}

TEST(CommandCommandTest, CountIsTheNumberOfRows) {
  Harness h;
  std::string count = h.Run("COMMAND COUNT").substr(1);
  EXPECT_GE(std::stoi(count), 50);
  EXPECT_TRUE(h.Run("COMMAND").starts_with("*" + count));
  EXPECT_TRUE(h.Run("COMMAND INFO").starts_with("*" + count));
  EXPECT_TRUE(h.Run("COMMAND DOCS").starts_with("*" + std::to_string(2 * std::stoi(count)) + "\r"));
}

TEST(CommandCommandTest, ListNamesSubcommandsToo) {
  Harness h;
  std::string list = h.Run("COMMAND LIST");
  EXPECT_NE(list.find("\r\nget\r\n"), std::string::npos);
  EXPECT_NE(list.find("\r\nconfig|get\r\n"), std::string::npos);
  EXPECT_EQ(list.find("debug|"), std::string::npos);  // Redis' DEBUG has none to show
}

}  // namespace
}  // namespace larder::server
