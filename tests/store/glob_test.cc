#include "store/glob.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace larder::store {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

// Each line was checked with redis-server 7.0.15: KEYS pattern on a database that held the one key.
constexpr Case kCases[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"**", "", false},  // the empty key is listed by "*" alone, which the command handles
    {"*", "a", true},
    {"***", "abc", true},
    {"a*", "a", true},
    {"a**", "a", true},
    {"*a", "ba", true},
    {"*a", "ab", false},
    {"a*c", "abcbc", true},
    {"a*c", "abcb", false},
    {"*ab*ba*", "xabybay", true},
    {"*ab*ba*", "xaba", false},
    {"a*b*c?", "a1b2c3c4", true},
    {"?", "a", true},
    {"?", "ab", false},
    {"??*", "a", false},
    {"*?", "a", true},
    {"h?llo", "hello", true},
    {"A", "a", false},
    // Escapes.
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"\\a", "a", true},
    {"\\\\", "\\", true},
    {"a\\", "a\\", true},
    {"a\\", "a", false},
    {"*\\", "ab\\", true},
    {"\\[a]", "[a]", true},
    // Classes.
    {"[abc]", "b", true},
    {"[abc]", "d", false},
    {"[abc]", "ab", false},
    {"[^abc]", "b", false},
    {"[^abc]", "d", true},
    {"[!a]", "b", false},  // no negation: '!' is a member like any other
    {"[!a]", "!", true},
    {"[a^]", "^", true},
    {"[a-c]", "b", true},
    {"[a-c]", "d", false},
    {"[c-a]", "b", true},
    {"[^a-c]", "d", true},
    {"[a-]", "-", false},  // a range from 'a' to ']', in a class that the pattern's end closes
    {"[a-]", "a", true},
    {"[a-]", "^", true},
    {"[-a]", "-", true},
    {"[-a]", "a", true},
    {"[a-c-e]", "-", true},
    {"[a-c-e]", "d", false},
    {"[\\]]", "]", true},
    {"[\\a-c]", "b", false},  // an escaped byte begins no range
    {"[\\a-c]", "-", true},
    {"[a-\\]", "b", false},  // the range ends at the backslash itself
    {"[a-\\]", "]", true},
    {"[]", "a", false},
    {"[]a]", "]", false},  // an empty class, then "a]"
    {"[^]", "a", true},
    {"[^]a]", "xa]", true},
    {"[", "[", false},
    {"[", "a", false},
    {"[^", "a", true},
    {"[a", "a", true},
    {"[a", "b", false},
    {"[^a", "b", true},
    {"[a-", "-", true},
    {"[a\\", "\\", true},
    {"*[b", "ab", true},
    {"[a]*[c]", "abc", true},
    // Bytes compare as signed.
    {"[a-\xff]", "b", false},
    {"[a-\xff]", "A", true},
    {"[\x80-\xff]", "\xc3", true},
    {"[\x01-\x7f]", "\xc3", false},
    {"?", "\xff", true},
    {std::string_view("a\0b", 3), std::string_view("a\0b", 3), true},
    {std::string_view("a\0*", 3), std::string_view("a\0b", 3), true},
};

TEST(GlobTest, MatchesAsRedisDoes) {
  for (const Case& c : kCases) {
    EXPECT_EQ(GlobMatch(c.pattern, c.text), c.matches)
        << "pattern " << c.pattern << " text " << c.text;
  }
}

// Checked with COMMAND LIST FILTERBY PATTERN, where Redis ignores case.
TEST(GlobTest, IgnoresCaseWhenAsked) {
  EXPECT_TRUE(GlobMatch("GeT", "get", true));
  EXPECT_TRUE(GlobMatch("\\GET", "get", true));
  EXPECT_TRUE(GlobMatch("[G]et", "get", true));
  EXPECT_TRUE(GlobMatch("[F-H]et", "get", true));
  EXPECT_TRUE(GlobMatch("*E*", "get", true));
  EXPECT_FALSE(GlobMatch("[\\G]et", "get", true));  // an escape within a class is exact
  EXPECT_FALSE(GlobMatch("[Z-a]et", "get", true));
  EXPECT_FALSE(GlobMatch("[^G]et", "get", true));
  EXPECT_FALSE(GlobMatch("GeT", "get", false));
}

// Sixteen stars on a text of a megabyte: a matcher that tries the stars one within another would
// not come back.
TEST(GlobTest, NestedStarsTakeLinearTime) {
  std::string pattern;
  for (int i = 0; i < 16; ++i) pattern += "*a";
  pattern += "*b";
  const std::string text(1 << 20, 'a');
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(GlobMatch(pattern, text));
  EXPECT_TRUE(GlobMatch(pattern, text + "b"));
  // A few milliseconds; the limit leaves room for sanitizers on a busy machine.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace larder::store
