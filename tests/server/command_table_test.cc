#include "server/command_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "server/command.h"

namespace larder::server {
namespace {

using Args = std::vector<std::string_view>;

void Nop(Call&, protocol::ReplyWriter&) {}

// A row with what every row needs.
constexpr CommandSpec Row(std::string_view name, int arity) {
  return {.name = name, .arity = arity, .since = "1.0.0", .summary = "Do it", .handler = Nop};
}

constexpr CommandSpec With(CommandSpec row, CommandFlags flags, AclCategory acl = kAclNone) {
  row.flags = flags;
  row.acl = acl;
  return row;
}

constexpr CommandSpec WithKeys(CommandSpec row, std::span<const KeySpec> keys) {
  row.keys = keys;
  return row;
}

constexpr CommandSpec Container(std::string_view name, std::span<const CommandSpec> subcommands,
                                CommandFlags flags = kNoFlags) {
  CommandSpec row = Row(name, -2);
  row.flags = flags;
  row.subcommands = subcommands;
  if ((flags & kUnlistedSubcommands) == 0) row.handler = nullptr;
  return row;
}

constexpr CommandSpec WithHelp(CommandSpec row, std::string_view syntax, std::string_view help) {
  row.syntax = syntax;
  row.help = help;
  return row;
}

constexpr KeySpec kTwoKeys[] = {{.flags = kKeyRw}, {.flags = kKeyOw, .index = 2}};
constexpr KeySpec kNumbered[] = {
    {.flags = kKeyRo, .find = KeySpec::Find::kKeyNum, .step = 1, .keynum = 0, .first = 1}};
constexpr KeySpec kDestinationAndNumbered[] = {
    {.flags = kKeyOw},
    {.flags = kKeyRo, .index = 2, .find = KeySpec::Find::kKeyNum, .keynum = 0, .first = 1}};
constexpr KeySpec kStreams[] = {{.flags = kKeyRo,
                                 .begin = KeySpec::Begin::kKeyword,
                                 .keyword = "STREAMS",
                                 .last = -1,
                                 .limit = 2}};
constexpr KeySpec kKeysFromEnd[] = {{.flags = kKeyRm,
                                     .begin = KeySpec::Begin::kKeyword,
                                     .index = -2,
                                     .keyword = "KEYS",
                                     .last = -1}};
constexpr KeySpec kAllButLast[] = {{.flags = kKeyRw, .last = -2}};
constexpr KeySpec kChannel[] = {{.flags = kKeyNotKey}};

bool FindLast(std::span<const std::string_view> args, std::vector<KeyRef>* keys) {
  keys->push_back({args.size() - 1, kKeyOw});
  return args.size() > 2;
}

constexpr CommandSpec WithFinder(CommandSpec row, KeyFinder find_keys) {
  row.find_keys = find_keys;
  return row;
}

constexpr CommandSpec kPlainRows[] = {
    With(WithKeys(Row("GET", 2), kFirstKey<kKeyRo>), kReadonly | kFast),
    With(WithKeys(Row("SET", -3), kFirstKey<kKeyOw>), kWrite | kDenyOom),
    WithKeys(Row("MSET", -3), kKeyPairs<kKeyOw>),
    WithKeys(Row("DEL", -2), kAllKeys<kKeyRm>),
    WithKeys(Row("RENAME", 3), kTwoKeys),
    WithKeys(Row("ZUNION", -3), kNumbered),
    WithKeys(Row("ZUNIONSTORE", -4), kDestinationAndNumbered),
    WithKeys(Row("XREAD", -2), kStreams),
    WithKeys(Row("MIGRATE", -2), kKeysFromEnd),
    WithKeys(Row("BLPOP", -3), kAllButLast),
    WithKeys(Row("SPUBLISH", 3), kChannel),
    WithFinder(WithKeys(Row("SORT", -2), kFirstKey<kKeyRo>), FindLast),
    Row("GEORADIUSBYMEMBER", -6),
    Row("A", 1),
    Row("AB", 1),
    Row("ABC-DEF", 1),
    Row("ABC-DEF-9", 1),
    Row("ABCDEFGHIJKLMNOPQRSTUVWX", 1),
};
static_assert(Valid(kPlainRows));

constexpr CommandSpec kConfigRows[] = {
    WithHelp(With(Row("GET", -3), kAdmin | kLoading), "parameter ...", ""),
    WithHelp(Row("SET", -4), "", "SET <directive> <value>\n    Set it."),
    HelpRow("5.0.0"),
};
constexpr CommandSpec kDebugRows[] = {Row("SLEEP", 3), HelpRow("5.0.0")};
constexpr CommandSpec kServerRows[] = {
    Container("CONFIG", kConfigRows),
    Container("DEBUG", kDebugRows, kUnlistedSubcommands | kAdmin),
    With(Row("FLUSHALL", -1), kWrite, kAclKeyspace | kAclDangerous),
    With(Row("EVAL-RO", -3), kReadonly, kAclScripting),
    With(Row("BLPOP2", -3), kBlocking | kPubSub | kAdmin),
};
static_assert(Valid(kServerRows));

constexpr CommandFamily kFamilies[] = {
    {.group = "string", .acl = kAclString, .rows = kPlainRows},
    {.group = "server", .acl = kAclConnection, .rows = kServerRows},
};

class CommandTableTest : public testing::Test {
 protected:
  // Positions of the keys, or "-" if the arguments are refused.
  std::string Keys(const Args& args) {
    std::vector<KeyRef> keys;
    if (!FindKeys(*table_.Resolve(args), args, &keys)) return "-";
    std::string text;
    for (const KeyRef& key : keys) text += (text.empty() ? "" : " ") + std::to_string(key.index);
    return text;
  }

  const CommandTable table_{kFamilies};
};

TEST_F(CommandTableTest, FindsEveryNameInAnyCase) {
  for (const Command& command : table_.top_level()) {
    std::string name(command.spec->name);
    EXPECT_EQ(table_.Find(name), &command);
    EXPECT_EQ(table_.Find(command.full_name), &command);
    for (size_t i = 0; i < name.size(); i += 2) name[i] = static_cast<char>(std::tolower(name[i]));
    EXPECT_EQ(table_.Find(name), &command) << name;
  }
}

TEST_F(CommandTableTest, FindsNoOtherName) {
  using std::string_view_literals::operator""sv;
  for (std::string_view name :
       {""sv, "g"sv, "ge"sv, "gett"sv, "gat"sv, "get\0"sv, "\0get"sv, "config|get"sv, "sleep"sv,
        "abc\rdef"sv,
        "abc\x0d"
        "def-9"sv,
        "abc-def-\x19"sv, "\x41\xe2"sv, "abcdefghijklmnopqrstuvwxy"sv, "a\0"sv, "aa"sv, "!"sv}) {
    EXPECT_EQ(table_.Find(name), nullptr) << name;
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char name[] = {'G', 'E', static_cast<char>(byte)};
    bool is_get = byte == 't' || byte == 'T';
    EXPECT_EQ(table_.Find({name, 3}) != nullptr, is_get) << byte;
  }
}

TEST_F(CommandTableTest, FindsSubcommands) {
  const Command* config = table_.Find("config");
  const Command* get = table_.FindSub(*config, "gEt");
  ASSERT_NE(get, nullptr);
  EXPECT_EQ(get->full_name, "config|get");
  EXPECT_EQ(get->container, config);
  EXPECT_EQ(table_.FindFullName("CONFIG|get"), get);
  EXPECT_EQ(table_.FindFullName("config"), config);
  EXPECT_NE(get, table_.Find("get"));
  for (std::string_view name :
       {"config|", "config|nosuch", "config|get|x", "|", "|get", "get|get", "nosuch|get"}) {
    EXPECT_EQ(table_.FindFullName(name), nullptr) << name;
  }
}

TEST_F(CommandTableTest, IndexIsDense) {
  std::set<std::string> names;
  for (size_t i = 0; i < table_.commands().size(); ++i) {
    EXPECT_EQ(table_.commands()[i].index, i);
    names.insert(table_.commands()[i].full_name);
  }
  EXPECT_EQ(names.size(), table_.commands().size());
  EXPECT_EQ(table_.commands().size(), std::size(kPlainRows) + std::size(kServerRows) + 3 + 2);
  std::span<const Command> subs = table_.subcommands(*table_.Find("debug"));
  ASSERT_EQ(subs.size(), 2u);
  EXPECT_EQ(subs[0].full_name, "debug|sleep");
  EXPECT_TRUE(table_.subcommands(*table_.Find("get")).empty());
}

TEST_F(CommandTableTest, ResolvesWhatARequestRuns) {
  auto resolve = [&](const Args& args) {
    const Command* command = table_.Resolve(args);
    return command != nullptr ? command->full_name : "";
  };
  EXPECT_EQ(resolve({"Get", "k"}), "get");
  EXPECT_EQ(resolve({"config"}), "config");
  EXPECT_EQ(resolve({"config", "SET"}), "config|set");
  EXPECT_EQ(resolve({"config", "nosuch"}), "");
  EXPECT_EQ(resolve({"nosuch"}), "");
  EXPECT_EQ(resolve({"debug", "sleep", "0"}), "debug|sleep");
  EXPECT_EQ(resolve({"debug", "sleep"}), "debug");
  EXPECT_EQ(resolve({"debug", "nosuch"}), "debug");
}

TEST_F(CommandTableTest, ChecksArity) {
  EXPECT_TRUE(table_.Find("get")->AcceptsArgc(2));
  EXPECT_FALSE(table_.Find("get")->AcceptsArgc(1));
  EXPECT_FALSE(table_.Find("get")->AcceptsArgc(3));
  EXPECT_TRUE(table_.Find("set")->AcceptsArgc(3));
  EXPECT_TRUE(table_.Find("set")->AcceptsArgc(300));
  EXPECT_FALSE(table_.Find("set")->AcceptsArgc(2));
}

TEST_F(CommandTableTest, NamesWhatIsUnknown) {
  EXPECT_EQ(table_.LookupError(Args{"foo", "a", "b"}),
            "ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
  EXPECT_EQ(table_.LookupError(Args{"config", "Foo"}),
            "ERR unknown subcommand 'Foo'. Try CONFIG HELP.");
}

TEST_F(CommandTableTest, DerivesAclCategories) {
  EXPECT_EQ(table_.Find("get")->acl, kAclString | kAclRead | kAclFast);
  EXPECT_EQ(table_.Find("set")->acl, kAclString | kAclWrite | kAclSlow);
  EXPECT_EQ(table_.Find("config")->acl, kAclSlow);  // a container is in no category of its family
  EXPECT_EQ(table_.FindFullName("config|get")->acl,
            kAclConnection | kAclAdmin | kAclDangerous | kAclSlow);
  EXPECT_EQ(table_.Find("flushall")->acl,
            kAclConnection | kAclKeyspace | kAclDangerous | kAclWrite | kAclSlow);
  EXPECT_EQ(table_.Find("eval-ro")->acl, kAclConnection | kAclScripting | kAclSlow);
  EXPECT_EQ(table_.Find("blpop2")->acl,
            kAclConnection | kAclBlocking | kAclPubSub | kAclAdmin | kAclDangerous | kAclSlow);
}

TEST_F(CommandTableTest, DerivesFirstLastStep) {
  struct Case {
    std::string_view name;
    int first, last, step;
    bool movable;
  };
  const Case cases[] = {
      {"get", 1, 1, 1, false},    {"mset", 1, -1, 2, false},  {"del", 1, -1, 1, false},
      {"rename", 1, 2, 1, false}, {"zunion", 0, 0, 0, true},  {"zunionstore", 1, 1, 1, true},
      {"xread", 0, 0, 0, true},   {"blpop", 1, -2, 1, false}, {"a", 0, 0, 0, false},
  };
  for (const Case& c : cases) {
    const Command& command = *table_.Find(c.name);
    EXPECT_EQ(command.first_key, c.first) << c.name;
    EXPECT_EQ(command.last_key, c.last) << c.name;
    EXPECT_EQ(command.key_step, c.step) << c.name;
    EXPECT_EQ(command.movable_keys, c.movable) << c.name;
  }
  EXPECT_TRUE(table_.Find("get")->has_keys);
  EXPECT_FALSE(table_.Find("a")->has_keys);
  EXPECT_FALSE(table_.Find("spublish")->has_keys);
}

TEST_F(CommandTableTest, FindsKeysOfRequests) {
  struct Case {
    Args args;
    std::string_view keys;
  };
  const Case cases[] = {
      {{"get", "k"}, "1"},
      {{"mset", "a", "1", "b", "2"}, "1 3"},
      {{"mset", "a", "1", "b"}, "1 3"},
      {{"del", "a", "b", "c"}, "1 2 3"},
      {{"rename", "a", "b"}, "1 2"},
      {{"blpop", "a", "b", "0"}, "1 2"},
      {{"zunion", "2", "a", "b"}, "2 3"},
      {{"zunion", "1", "a", "b"}, "2"},
      {{"zunion", "0", "a"}, ""},
      {{"zunion", "3", "a", "b"}, "-"},
      {{"zunion", "-1", "a"}, "-"},
      {{"zunion", "x", "a"}, "-"},
      {{"zunion", "9223372036854775807", "a"}, "-"},
      {{"zunionstore", "d", "2", "a", "b"}, "1 3 4"},
      {{"xread", "count", "1", "streams", "a", "b", "0", "0"}, "4 5"},
      {{"xread", "Streams", "a", "0"}, "2"},
      {{"xread", "count", "1"}, ""},
      {{"xread", "streams"}, ""},
      {{"migrate", "x", "keys", "a", "b"}, "3 4"},
      {{"migrate", "x", "keys"}, ""},
      {{"spublish", "c", "m"}, ""},
      {{"sort", "a", "b"}, "2"},
      {{"sort", "a"}, "-"},
      {{"a"}, ""},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Keys(c.args), c.keys) << c.args[0] << " of " << c.args.size();
  }
}

TEST_F(CommandTableTest, WritesHelp) {
  EXPECT_EQ(HelpLines(table_, *table_.Find("config")),
            (std::vector<std::string>{
                "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                "GET parameter [parameter ...]", "    Do it.", "SET <directive> <value>",
                "    Set it.", "HELP", "    Prints this help."}));
}

TEST_F(CommandTableTest, ListsItselfInMarkdown) {
  std::string text = CommandsAsMarkdown(table_);
  EXPECT_NE(text.find("### string\n\n| command | |\n|---|---|\n| `GET` | Do it |\n"), text.npos);
  EXPECT_NE(text.find("| `CONFIG GET parameter [parameter ...]` | Do it |\n"), text.npos);
  EXPECT_EQ(text.find("| `CONFIG` |"), text.npos);  // not a command without a subcommand
  EXPECT_EQ(text.find("| `DEBUG` |"), text.npos);
}

using CommandTableDeathTest = CommandTableTest;

TEST_F(CommandTableDeathTest, RefusesTwoRowsWithOneName) {
  const CommandFamily twice[] = {kFamilies[0], kFamilies[0]};
  EXPECT_DEATH(CommandTable{twice}, "");
}

TEST_F(CommandTableDeathTest, RefusesWrongHandlers) {
  auto make_table = [](CommandSpec row) {
    const CommandFamily families[] = {{.group = "g", .acl = kAclNone, .rows = {&row, 1}}};
    CommandTable table(families);
  };
  CommandSpec without_handler = Row("GET", 2);
  without_handler.handler = nullptr;
  EXPECT_DEATH(make_table(without_handler), "");
  CommandSpec container = Container("CONFIG", kConfigRows);
  container.handler = Nop;
  EXPECT_DEATH(make_table(container), "");
  container.arity = -1;  // COMMAND: can be called alone
  make_table(container);
}

TEST(ValidTest, RefusesBadRows) {
  EXPECT_TRUE(ValidRow(Row("GET", 2), false));
  EXPECT_FALSE(ValidRow(Row("get", 2), false));  // lower case
  EXPECT_FALSE(ValidRow(Row("", 2), false));
  EXPECT_FALSE(ValidRow(Row("GET", 0), false));
  EXPECT_FALSE(ValidRow(Row("GET", 1), true));  // a subcommand has two names at least
  EXPECT_FALSE(ValidRow(With(Row("GET", 2), kReadonly | kWrite), false));
  EXPECT_FALSE(ValidRow(WithKeys(With(Row("GET", 2), kReadonly), kFirstKey<kKeyOw>), false));
  EXPECT_FALSE(ValidRow(WithKeys(Row("GET", 2), kFirstKey<kKeyRo | kKeyRw>), false));
  EXPECT_FALSE(ValidRow(WithKeys(Row("GET", 2), kFirstKey<kKeyAccess>), false));
  EXPECT_FALSE(ValidRow(WithFinder(Row("GET", 2), FindLast), false));  // what would INFO show?
}

TEST(CommandRenameTest, GivesAnotherNameOrNone) {
  const std::string long_name(40, 'X');
  const CommandRename renames[] = {{"get", "Fetch"},      {"FETCH", "load"}, {"del", ""},
                                   {"config", long_name}, {"set", "get"},    {"mset", "MSET"}};
  const CommandTable table(kFamilies, renames);
  EXPECT_EQ(table.Find("load")->full_name, "get");
  EXPECT_EQ(table.Find("fetch"), nullptr);
  EXPECT_EQ(table.Find("GET")->full_name, "set");
  EXPECT_EQ(table.Find("del"), nullptr);
  EXPECT_EQ(table.Find("config"), nullptr);
  EXPECT_EQ(table.FindFullName(std::string(40, 'x') + "|get")->full_name, "config|get");
  EXPECT_EQ(table.Find(std::string(41, 'x')), nullptr);
  EXPECT_EQ(table.top_level().size(), std::size(kPlainRows) + std::size(kServerRows) - 1);
  for (size_t i = 0; i < table.commands().size(); ++i) EXPECT_EQ(table.commands()[i].index, i);
}

TEST(CommandRenameTest, RefusesWhatIsImpossible) {
  const auto fails = [](std::vector<CommandRename> renames) {
    EXPECT_THROW(CommandTable(kFamilies, renames), std::runtime_error) << renames.back().from;
  };
  fails({{"nosuch", "x"}});
  fails({{"get", "set"}});
  fails({{"get", ""}, {"get", "x"}});
  fails({{"config|get", "x"}});
}

}  // namespace
}  // namespace larder::server
