#include "server/command_reply.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "protocol/reply_writer.h"
#include "server/command.h"
#include "server/command_table.h"
#include "tests/support/written.h"

// The replies for the rows that exist are compared with Redis' in commands/families_test.cc; here
// are the shapes that no row has yet.
namespace larder::server {
namespace {

using test_support::WrittenWithLf;

void Nop(Call&, protocol::ReplyWriter&) {}

constexpr KeySpec kSpecs[] = {
    {.flags = kKeyRo,
     .notes = "note",
     .begin = KeySpec::Begin::kKeyword,
     .keyword = "STREAMS",
     .last = -1,
     .limit = 2},
    {.flags = kKeyRw | kKeyIncomplete,
     .index = 2,
     .find = KeySpec::Find::kKeyNum,
     .keynum = 0,
     .first = 1},
    {.flags = kKeyOw, .begin = KeySpec::Begin::kUnknown, .find = KeySpec::Find::kUnknown},
};
constexpr std::string_view kTips[] = {"tip"};
constexpr CommandSpec kSubcommands[] = {
    {.name = "B", .arity = 2, .since = "1.0.0", .summary = "Sub", .handler = Nop},
};
constexpr CommandSpec kRows[] = {
    {.name = "K",
     .arity = -2,
     .flags = kNoMandatoryKeys | kAllowBusy,
     .keys = kSpecs,
     .syntax = "key",
     .since = "1.0.0",
     .summary = "Old",
     .tips = kTips,
     .deprecated_since = "2.0.0",
     .replaced_by = "`L`",
     .handler = Nop},
    {.name = "C", .arity = -2, .since = "1.0.0", .summary = "Box", .subcommands = kSubcommands},
};
static_assert(Valid(kRows));
constexpr CommandFamily kFamilies[] = {{.group = "generic", .acl = kAclKeyspace, .rows = kRows}};

class CommandReplyTest : public testing::Test {
 protected:
  std::string Info(std::string_view name, protocol::RespVersion version) {
    const Command& command = *table_.Find(name);
    return WrittenWithLf(version, [&](protocol::ReplyWriter& reply) {
      WriteCommandInfo(command, table_.subcommands(command), reply);
    });
  }
  std::string Docs(std::string_view name, protocol::RespVersion version) {
    const Command& command = *table_.Find(name);
    return WrittenWithLf(version, [&](protocol::ReplyWriter& reply) {
      reply.Map(1);
      WriteCommandDocs(command, table_.subcommands(command), reply);
    });
  }

  const CommandTable table_{kFamilies};
};

constexpr auto kResp2 = protocol::RespVersion::kResp2;
constexpr auto kResp3 = protocol::RespVersion::kResp3;

TEST_F(CommandReplyTest, InfoShowsEveryKindOfKeySpec) {
  EXPECT_EQ(Info("k", kResp3),
            "*10\n$1\nk\n:-2\n~3\n+no_mandatory_keys\n+movablekeys\n+allow_busy\n:0\n:0\n:0\n"
            "~2\n+@keyspace\n+@slow\n~1\n$3\ntip\n~3\n"
            "%4\n$5\nnotes\n$4\nnote\n$5\nflags\n~1\n+RO\n"
            "$12\nbegin_search\n%2\n$4\ntype\n$7\nkeyword\n$4\nspec\n"
            "%2\n$7\nkeyword\n$7\nSTREAMS\n$9\nstartfrom\n:1\n"
            "$9\nfind_keys\n%2\n$4\ntype\n$5\nrange\n$4\nspec\n"
            "%3\n$7\nlastkey\n:-1\n$7\nkeystep\n:1\n$5\nlimit\n:2\n"
            "%3\n$5\nflags\n~2\n+RW\n+incomplete\n"
            "$12\nbegin_search\n%2\n$4\ntype\n$5\nindex\n$4\nspec\n%1\n$5\nindex\n:2\n"
            "$9\nfind_keys\n%2\n$4\ntype\n$6\nkeynum\n$4\nspec\n"
            "%3\n$9\nkeynumidx\n:0\n$8\nfirstkey\n:1\n$7\nkeystep\n:1\n"
            "%3\n$5\nflags\n~1\n+OW\n"
            "$12\nbegin_search\n%2\n$4\ntype\n$7\nunknown\n$4\nspec\n%0\n"
            "$9\nfind_keys\n%2\n$4\ntype\n$7\nunknown\n$4\nspec\n%0\n"
            "~0\n");
}

TEST_F(CommandReplyTest, InfoOfAContainerHoldsItsSubcommands) {
  EXPECT_EQ(Info("c", kResp2),
            "*10\n$1\nc\n:-2\n*0\n:0\n:0\n:0\n*1\n+@slow\n*0\n*0\n*1\n"
            "*10\n$3\nc|b\n:2\n*0\n:0\n:0\n:0\n*2\n+@keyspace\n+@slow\n*0\n*0\n*0\n");
  EXPECT_EQ(Info("c", kResp3),
            "*10\n$1\nc\n:-2\n~0\n:0\n:0\n:0\n~1\n+@slow\n~0\n~0\n*1\n"
            "*10\n$3\nc|b\n:2\n~0\n:0\n:0\n:0\n~2\n+@keyspace\n+@slow\n~0\n~0\n~0\n");
}

TEST_F(CommandReplyTest, DocsShowDeprecation) {
  EXPECT_EQ(Docs("k", kResp3),
            "%1\n$1\nk\n%7\n$7\nsummary\n$3\nOld\n$5\nsince\n$5\n1.0.0\n$5\ngroup\n$7\ngeneric\n"
            "$9\ndoc_flags\n~1\n+deprecated\n$16\ndeprecated_since\n$5\n2.0.0\n"
            "$11\nreplaced_by\n$3\n`L`\n"
            "$9\narguments\n*1\n%3\n$4\nname\n$3\nkey\n$4\ntype\n$3\nkey\n"
            "$14\nkey_spec_index\n:0\n");
}

TEST_F(CommandReplyTest, DocsOfAContainerHoldItsSubcommands) {
  EXPECT_EQ(Docs("c", kResp2),
            "*2\n$1\nc\n*8\n$7\nsummary\n$3\nBox\n$5\nsince\n$5\n1.0.0\n$5\ngroup\n$7\ngeneric\n"
            "$11\nsubcommands\n*2\n$3\nc|b\n"
            "*6\n$7\nsummary\n$3\nSub\n$5\nsince\n$5\n1.0.0\n$5\ngroup\n$7\ngeneric\n");
}

TEST(AclByNameTest, KnowsCategoriesInAnyCase) {
  EXPECT_EQ(AclByName("keyspace"), kAclKeyspace);
  EXPECT_EQ(AclByName("HyperLogLog"), kAclHyperLogLog);
  EXPECT_EQ(AclByName("@read"), kAclNone);
  EXPECT_EQ(AclByName(""), kAclNone);
}

}  // namespace
}  // namespace larder::server
