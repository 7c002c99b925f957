// Every row of every family: its syntax parses, its name is the only one, and COMMAND INFO and
// COMMAND DOCS say of it what Redis 7.0.15 says (golden/commands.resp3, written by
// golden/capture_commands.py).
#include "server/commands/families.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "protocol/reply_writer.h"
#include "server/command_reply.h"
#include "server/command_syntax.h"
#include "server/command_table.h"
#include "tests/support/written.h"

namespace larder::server {
namespace {

// Commands that are not Redis 7.0's: our own, and CLIENT SETINFO and NO-TOUCH of 7.2.
bool IsOurs(const Command& command) {
  return command.full_name.starts_with("larder") || command.full_name == "client|setinfo" ||
         command.full_name == "client|no-touch";
}

// DEBUG's subcommands are no commands of their own in Redis.
bool IsUnlisted(const Command& command) {
  return command.container != nullptr && command.container->has(kUnlistedSubcommands);
}

// "info get" -> the wire text, with LF for CRLF.
std::map<std::string, std::string> ReadGolden() {
  std::ifstream file(LARDER_SOURCE_DIR "/tests/server/golden/commands.resp3");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  constexpr std::string_view kMark = "=== ";
  std::map<std::string, std::string> golden;
  for (size_t begin = text.find(kMark); begin != text.npos;) {
    size_t line_end = text.find('\n', begin);
    size_t next = text.find("\n=== ", line_end);
    size_t end = next == text.npos ? text.size() : next + 1;
    golden[text.substr(begin + kMark.size(), line_end - begin - kMark.size())] =
        text.substr(line_end + 1, end - line_end - 1);
    begin = next == text.npos ? next : next + 1;
  }
  return golden;
}

std::string WrittenAsResp3(const test_support::Write& write) {
  return test_support::WrittenWithLf(protocol::RespVersion::kResp3, write);
}

class FamiliesTest : public testing::Test {
 protected:
  const CommandTable table_{AllFamilies()};  // aborts on a name that occurs twice
};

TEST_F(FamiliesTest, SyntaxOfEveryRowParses) {
  for (const Command& command : table_.commands()) {
    EXPECT_TRUE(ParseSyntax(command.spec->syntax, command.spec->keys.size())) << command.full_name;
  }
}

TEST_F(FamiliesTest, InfoAndDocsAreThoseOfRedis) {
  const std::map<std::string, std::string> golden = ReadGolden();
  ASSERT_GT(golden.size(), 100u);
  for (const Command& command : table_.commands()) {
    if (IsOurs(command) || IsUnlisted(command)) continue;
    const std::string& name = command.full_name;
    ASSERT_TRUE(golden.contains("info " + name)) << name;
    EXPECT_EQ(
        WrittenAsResp3([&](protocol::ReplyWriter& reply) { WriteCommandInfo(command, {}, reply); }),
        golden.at("info " + name));
    EXPECT_EQ(WrittenAsResp3([&](protocol::ReplyWriter& reply) {
                reply.Map(1);
                WriteCommandDocs(command, {}, reply);
              }),
              "%1\n" + golden.at("docs " + name));
  }
}

TEST_F(FamiliesTest, EveryCommandOfTheGoldenFileIsThere) {
  for (const auto& [title, wire] : ReadGolden()) {
    std::string name = title.substr(title.find(' ') + 1);
    EXPECT_NE(table_.FindFullName(name), nullptr) << name;
  }
}

TEST_F(FamiliesTest, EveryContainerHasHelpInTheLastPlace) {
  for (const Command& command : table_.top_level()) {
    if (!command.is_container()) continue;
    EXPECT_EQ(command.spec->subcommands.back().name, "HELP") << command.full_name;
  }
}

}  // namespace
}  // namespace larder::server
