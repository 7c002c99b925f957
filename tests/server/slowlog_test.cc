#include "server/slowlog.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace larder::server {
namespace {

SlowLogEntry Took(int64_t microseconds) { return {.microseconds = microseconds}; }

TEST(SlowLogTest, KeepsTheNewestAndCountsOn) {
  SlowLog log;
  for (int i = 0; i < 5; ++i) log.Add(Took(i), 3);
  const std::vector<SlowLogEntry> newest = log.Newest(2);
  ASSERT_EQ(newest.size(), 2u);
  EXPECT_EQ(newest[0].microseconds, 4);
  EXPECT_EQ(newest[0].id, 4);
  EXPECT_EQ(newest[1].id, 3);
  EXPECT_EQ(log.size(), 3u);
  log.Reset();
  EXPECT_EQ(log.size(), 0u);
  log.Add(Took(9), 3);
  EXPECT_EQ(log.Newest(10)[0].id, 5);
  log.Add(Took(9), 0);
  EXPECT_EQ(log.size(), 0u);
}

TEST(ShownArgumentsTest, LeavesOutWhatIsTooMuch) {
  const std::string longest(128, 'x');
  const std::vector<std::string_view> args(33, "a");
  auto shown = ShownArguments({}, args);
  ASSERT_EQ(shown.size(), 32u);
  EXPECT_EQ(shown[30], "a");
  EXPECT_EQ(shown[31], "... (2 more arguments)");
  EXPECT_EQ(ShownArguments({}, std::span(args).first(32)).back(), "a");

  const std::string longer = longest + "yz";
  const std::string_view two[] = {longest, longer};
  EXPECT_EQ(ShownArguments({}, two)[0], longest);
  EXPECT_EQ(ShownArguments({}, two)[1], longest + "... (2 more bytes)");
}

TEST(ShownArgumentsTest, HidesSecrets) {
  const CommandSpec spec{.is_secret = [](std::span<const std::string_view> args, size_t i) {
    return args[i] == "pw";
  }};
  const std::string_view args[] = {"pw", "open", "pw"};
  EXPECT_EQ(ShownArguments(spec, args), (std::vector<std::string>{"pw", "open", "(redacted)"}));
}

}  // namespace
}  // namespace larder::server
