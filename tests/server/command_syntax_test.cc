#include "server/command_syntax.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace larder::server {
namespace {

// One line for a tree: type:name, then what is set, then the arguments within in braces.
std::string Show(const std::vector<SyntaxArgument>& arguments) {
  std::string text;
  for (const SyntaxArgument& argument : arguments) {
    if (!text.empty()) text += ' ';
    text.append(Name(argument.type)).append(":").append(argument.name);
    if (argument.token) text += " token=" + *argument.token;
    if (!argument.since.empty()) text += " since=" + argument.since;
    if (!argument.deprecated_since.empty()) text += " deprecated=" + argument.deprecated_since;
    if (argument.optional) text += " optional";
    if (argument.multiple) text += " multiple";
    if (argument.multiple_token) text += " multiple_token";
    if (argument.key_spec_index >= 0) text += " spec=" + std::to_string(argument.key_spec_index);
    if (!argument.arguments.empty()) text += " {" + Show(argument.arguments) + "}";
  }
  return text;
}

std::string Parse(std::string_view syntax, size_t key_spec_count = 0) {
  auto arguments = ParseSyntax(syntax, key_spec_count);
  return arguments ? Show(*arguments) : "error";
}

TEST(CommandSyntaxTest, ReadsTheGrammar) {
  struct Case {
    std::string_view syntax;
    std::string_view tree;
  };
  const Case cases[] = {
      {"", ""},
      {"  value  ", "string:value"},
      {"seconds increment:double", "integer:seconds double:increment"},
      {"ip:port", "string:ip:port"},
      {"EX seconds", "integer:seconds token=EX"},
      {"KEEPTTL", "pure-token:keepttl token=KEEPTTL"},
      {"\"~\"=about", "pure-token:about token=~"},
      {"\"\"=nothing", "pure-token:nothing token="},
      {"A=a value", "pure-token:a token=A string:value"},
      {"[value]", "string:value optional"},
      {"[GET@6.2.0]", "pure-token:get token=GET since=6.2.0 optional"},
      {"value ...", "string:value multiple"},
      {"[value ...]", "string:value optional multiple"},
      {"[GET pattern] ...", "pattern:pattern token=GET optional multiple multiple_token"},
      {"[ID client-id ...]", "integer:client-id token=ID optional multiple"},
      {"(field value) ...", "block:field_value multiple {string:field string:value}"},
      {"(A | B)", "oneof:a_b {pure-token:a token=A pure-token:b token=B}"},
      {"[A | B c d]=choice@7.0.0",
       "oneof:choice since=7.0.0 optional {pure-token:a token=A block:c_d {string:c token=B "
       "string:d}}"},
      {"TYPE (A | B)=kind@5.0.0",
       "oneof:kind token=TYPE since=5.0.0 {pure-token:a token=A pure-token:b token=B}"},
      {"[ID (client-id ...)=id]", "block:id token=ID optional {integer:client-id multiple}"},
      {"(ip:port~2.8.12 | [USER username])",
       "oneof:ip:port_username {string:ip:port deprecated=2.8.12 string:username token=USER "
       "optional}"},
  };
  for (const Case& c : cases) EXPECT_EQ(Parse(c.syntax), c.tree) << c.syntax;
}

TEST(CommandSyntaxTest, NumbersKeysByKeySpec) {
  EXPECT_EQ(Parse("key newkey"), "key:key key:newkey");
  EXPECT_EQ(Parse("key newkey", 2), "key:key spec=0 key:newkey spec=1");
  EXPECT_EQ(Parse("(key value) ... key", 1),
            "block:key_value multiple {key:key spec=0 string:value} key:key spec=0");
}

TEST(CommandSyntaxTest, RefusesWhatIsNotInTheGrammar) {
  for (std::string_view syntax : {"(a", "a)", "[a", "a]", "[]", "()", "[a | ]", "| a", "a | b",
                                  "=a", "@1", "...", "a@", "\"a", "A \"", "1"}) {
    EXPECT_EQ(Parse(syntax), "error") << syntax;
  }
}

TEST(CommandSyntaxTest, FormatsForPeople) {
  struct Case {
    std::string_view syntax;
    std::string_view shown;
  };
  const Case cases[] = {
      {"", ""},
      {"key ...", "key [key ...]"},
      {"[section ...]", "[section [section ...]]"},
      {"(key value) ...", "key value [key value ...]"},
      {"key value [NX | XX]=condition@2.6.12 [GET@6.2.0] [EX seconds@2.6.12 | KEEPTTL]=expiration",
       "key value [NX | XX] [GET] [EX seconds | KEEPTTL]"},
      {"(ON | OFF)", "(ON | OFF)"},
      {"[TYPE (A | B)]", "[TYPE (A | B)]"},
      {"[GET pattern] ...", "[GET pattern [GET pattern ...]]"},
      {"[LIMIT (offset count)]", "[LIMIT offset count]"},
      {"\"\"=nothing", "\"\""},
  };
  for (const Case& c : cases) {
    auto arguments = ParseSyntax(c.syntax, 0);
    ASSERT_TRUE(arguments) << c.syntax;
    EXPECT_EQ(FormatSyntax(*arguments), c.shown);
  }
}

}  // namespace
}  // namespace larder::server
