#include "server/arg_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace larder::server {
namespace {

using Args = std::vector<std::string_view>;

TEST(ArgReaderTest, ReadsInOrder) {
  Args args = {"SET", "key", "value"};
  ArgReader reader(args, 1);
  EXPECT_EQ(reader.remaining(), 2u);
  EXPECT_EQ(reader.position(), 1u);
  EXPECT_EQ(reader.Peek(), "key");
  EXPECT_EQ(reader.Next(), "key");
  EXPECT_EQ(reader.Next(), "value");
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.error());
}

TEST(ArgReaderTest, StartsBehindTheLastArgument) {
  Args args = {"PING"};
  ArgReader reader(args, 1);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.Peek(), "");
  EXPECT_FALSE(reader.Take("EX"));
  EXPECT_FALSE(reader.error());
}

TEST(ArgReaderTest, MissingArgumentIsASyntaxError) {
  Args args = {"SET"};
  ArgReader reader(args, 1);
  EXPECT_EQ(reader.Next(), "");
  EXPECT_EQ(reader.error(), protocol::kSyntax);
}

TEST(ArgReaderTest, KeepsTheFirstErrorAndEndsLoops) {
  Args args = {"x", "12abc", "7", "EX"};
  ArgReader reader(args, 1);
  EXPECT_EQ(reader.NextInt64(), 0);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.NextInt64(), 0);  // not 7
  EXPECT_FALSE(reader.Take("EX"));
  reader.Fail(protocol::kOutOfRange);
  EXPECT_EQ(reader.error(), protocol::kNotAnInteger);
}

TEST(ArgReaderTest, ReadsIntegersStrictly) {
  struct Case {
    std::string_view text;
    bool valid;
    int64_t value;
  };
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const Case cases[] = {
      {"0", true, 0},
      {"-1", true, -1},
      {"2147483648", true, int64_t{1} << 31},
      {"9223372036854775807", true, kMax},
      {"-9223372036854775808", true, kMin},
      {"9223372036854775808", false, 0},
      {"-9223372036854775809", false, 0},
      {"", false, 0},
      {"+1", false, 0},
      {" 1", false, 0},
      {"1 ", false, 0},
      {"01", false, 0},
      {"-0", false, 0},
      {"1.0", false, 0},
      {std::string_view("1\0", 2), false, 0},
  };
  for (const Case& c : cases) {
    Args args = {c.text};
    ArgReader reader(args, 0);
    EXPECT_EQ(reader.NextInt64(), c.value) << c.text;
    EXPECT_EQ(reader.error().has_value(), !c.valid) << c.text;
  }
}

TEST(ArgReaderTest, RefusesIntegersOutsideTheRange) {
  for (std::string_view text : {"-1", "11"}) {
    Args args = {text};
    ArgReader reader(args, 0);
    EXPECT_EQ(reader.NextInt64In(0, 10, protocol::kNotPositive), 0);
    EXPECT_EQ(reader.error(), protocol::kNotPositive);
  }
  Args args = {"0", "10"};
  ArgReader reader(args, 0);
  EXPECT_EQ(reader.NextInt64In(0, 10), 0);
  EXPECT_EQ(reader.NextInt64In(0, 10), 10);
  EXPECT_FALSE(reader.error());
}

TEST(ArgReaderTest, ReadsDoubles) {
  Args args = {"1.5", "inf", "x"};
  ArgReader reader(args, 0);
  EXPECT_EQ(reader.NextDouble(), 1.5);
  EXPECT_EQ(reader.NextDouble(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(reader.NextDouble(), 0);
  EXPECT_EQ(reader.error(), protocol::kNotAFloat);
}

TEST(ArgReaderTest, TakesKeywordsInAnyCase) {
  Args args = {"eX", "NX", "nxx"};
  ArgReader reader(args, 0);
  EXPECT_FALSE(reader.Take("NX"));
  EXPECT_TRUE(reader.Take("EX"));
  EXPECT_TRUE(reader.Take("NX"));
  EXPECT_FALSE(reader.Take("NX"));
  EXPECT_EQ(reader.remaining(), 1u);
}

TEST(ArgReaderTest, TakesAnOptionOnlyWithItsValues) {
  Args args = {"EX", "10", "PX"};
  ArgReader reader(args, 0);
  EXPECT_FALSE(reader.Take("EX", 3));
  EXPECT_TRUE(reader.Take("EX", 1));
  EXPECT_EQ(reader.NextInt64(), 10);
  EXPECT_FALSE(reader.Take("PX", 1));
  EXPECT_EQ(reader.remaining(), 1u);
}

TEST(EqualsIgnoreCaseTest, FoldsAsciiLettersOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("", ""));
  EXPECT_TRUE(EqualsIgnoreCase("aZ09-", "Az09-"));
  EXPECT_FALSE(EqualsIgnoreCase("a", "ab"));
  EXPECT_FALSE(EqualsIgnoreCase("@", "`"));  // the neighbours of the letters differ by 0x20 too
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("\xc1", "\xe1"));
  EXPECT_FALSE(EqualsIgnoreCase("-", "\r"));
}

}  // namespace
}  // namespace larder::server
