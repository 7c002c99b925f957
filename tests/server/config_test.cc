#include "server/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/config_file.h"

namespace larder::server {
namespace {

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

std::string Set(Config& config, const Pairs& pairs) { return config.Set(pairs).value_or("OK"); }

std::string GetOne(const Config& config, std::string_view name) {
  const std::string_view patterns[] = {name};
  const auto found = config.Get(patterns);
  return found.size() == 1 ? found[0].second : "(" + std::to_string(found.size()) + " found)";
}

std::vector<std::string> Names(const Config& config, std::vector<std::string_view> patterns) {
  std::vector<std::string> names;
  for (const auto& [name, value] : config.Get(patterns)) names.push_back(name);
  return names;
}

TEST(ConfigTest, SetNamesTheArgumentAsRedisDoes) {
  Config config;
  EXPECT_EQ(Set(config, {{"a", "b"}, {"c", "d"}}),
            "ERR Unknown option or number of arguments for CONFIG SET - 'a'");
  EXPECT_EQ(Set(config, {{"list-max-ziplist-value", "1"}}),
            "ERR Unknown option or number of arguments for CONFIG SET - 'list-max-ziplist-value'");
  // A bad value: the table's spelling. A setting that may not be changed, or twice: the client's.
  EXPECT_EQ(
      Set(config, {{"MAXCLIENTS", "x"}}),
      "ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't be "
      "parsed into an integer");
  EXPECT_EQ(
      Set(config, {{"lua-time-limit", "x"}}),
      "ERR CONFIG SET failed (possibly related to argument 'lua-time-limit') - argument couldn't "
      "be parsed into an integer");
  EXPECT_EQ(Set(config, {{"timeout", "1"}, {"TIMEOUT", "2"}}),
            "ERR CONFIG SET failed (possibly related to argument 'TIMEOUT') - duplicate parameter");
  EXPECT_EQ(
      Set(config, {{"port", "x"}, {"DATABASES", "2"}}),
      "ERR CONFIG SET failed (possibly related to argument 'DATABASES') - can't set immutable "
      "config");
}

TEST(ConfigTest, SetIsAllOrNothing) {
  Config config;
  EXPECT_NE(Set(config, {{"timeout", "7"}, {"maxclients", "5"}, {"hz", "x"}}), "OK");
  EXPECT_EQ(config.timeout_s(), 0);
  EXPECT_EQ(config.maxclients(), 10000);
  EXPECT_EQ(Set(config, {{"timeout", "7"}, {"maxclients", "5"}}), "OK");
  EXPECT_EQ(config.timeout_s(), 7);
  EXPECT_EQ(config.maxclients(), 5);
}

TEST(ConfigTest, BothNamesOfAnOptionMeanTheSame) {
  Config config;
  EXPECT_EQ(Set(config, {{"replica-priority", "1"}, {"slave-priority", "2"}}), "OK");
  EXPECT_EQ(Names(config, {"*-priority", "PORT", "port", "por[t]", "nope"}),
            (std::vector<std::string>{"PORT", "replica-priority", "slave-priority"}));
  EXPECT_EQ(GetOne(config, "replica-priority"), "2");
}

TEST(ConfigTest, CallbackSeesTheNewValueAndMayRefuse) {
  Config config;
  std::vector<int> ports;
  config.OnChange("port", [&]() -> std::optional<std::string> {
    ports.push_back(config.port());
    return std::nullopt;
  });
  config.OnChange("maxclients", [&]() -> std::optional<std::string> {
    if (config.maxclients() > 20000) return "try with 20000";
    return std::nullopt;
  });
  EXPECT_EQ(Set(config, {{"port", "6379"}}), "OK");  // no change, no call
  EXPECT_TRUE(ports.empty());
  EXPECT_EQ(Set(config, {{"port", "7000"}}), "OK");
  EXPECT_EQ(Set(config, {{"port", "7001"}, {"maxclients", "30000"}}),
            "ERR CONFIG SET failed (possibly related to argument 'maxclients') - try with 20000");
  EXPECT_EQ(ports, (std::vector<int>{7000, 7001, 7000}));
  EXPECT_EQ(config.port(), 7000);
  EXPECT_EQ(config.maxclients(), 10000);
}

TEST(ConfigTest, TheMapIsAppliedAnewThoughItIsTheSame) {
  Config config;
  int calls = 0;
  config.OnChange("map", [&]() -> std::optional<std::string> {
    ++calls;
    return std::nullopt;
  });
  EXPECT_EQ(Set(config, {{"map", "RCU"}}), "OK");
  EXPECT_EQ(calls, 1) << "single shards may be something else";
  EXPECT_FALSE(config.map_is_auto());
  EXPECT_EQ(Set(config, {{"map", "auto"}}), "OK");
  EXPECT_TRUE(config.map_is_auto());
  EXPECT_EQ(config.map(), store::MapKind::kMutex) << "what new shards begin as";
  EXPECT_EQ(GetOne(config, "map"), "auto");
  EXPECT_EQ(calls, 2);
}

TEST(ConfigTest, GetTakesPatternsInAnyCaseAndHidesTheHidden) {
  const Config config;
  EXPECT_EQ(Names(config, {"TIMEOU?"}), (std::vector<std::string>{"timeout"}));
  EXPECT_EQ(Names(config, {"key-load-delay"}), (std::vector<std::string>{"key-load-delay"}));
  EXPECT_TRUE(Names(config, {"key-load-dela*"}).empty());
  EXPECT_TRUE(Names(config, {"list-max-ziplist-entries"}).empty());
  EXPECT_TRUE(Names(config, {"nope", ""}).empty());
  const std::vector<std::string> all = Names(config, {"*", "m*", "port"});
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  constexpr size_t kRedisParameters = 192;  // CONFIG GET * of redis-server 7.0.15
  EXPECT_EQ(all.size(), kRedisParameters + 3) << "threads, map and shards are larder's own";
}

TEST(ConfigTest, NumbersFollowTheTexts) {
  Config config;
  EXPECT_GE(config.threads(), 1);
  EXPECT_EQ(config.map(), store::MapKind::kRcu);
  EXPECT_EQ(config.shards(), 256);
  EXPECT_TRUE(config.protected_mode());
  EXPECT_EQ(config.output_limit(ClientClass::kNormal).hard_bytes, 256 << 20);
  EXPECT_EQ(Set(config, {{"client-output-buffer-limit", "normal 9 8 7"}, {"protected-mode", "no"}}),
            "OK");
  EXPECT_FALSE(config.protected_mode());
  EXPECT_EQ(config.output_limit(ClientClass::kNormal).hard_bytes, 9);
  EXPECT_EQ(config.output_limit(ClientClass::kNormal).soft_bytes, 8);
  EXPECT_EQ(config.output_limit(ClientClass::kNormal).soft_seconds, 7);
  EXPECT_EQ(config.output_limit(ClientClass::kPubSub).soft_seconds, 60);
  EXPECT_EQ(Set(config, {{"loglevel", "verbose"}}), "OK");
  EXPECT_EQ(config.loglevel(), LogLevel::kVerbose);
}

TEST(ConfigTest, PasswordIsComparedAsAWhole) {
  Config config;
  EXPECT_FALSE(config.has_password());
  EXPECT_EQ(Set(config, {{"requirepass", "abc"}}), "OK");
  EXPECT_TRUE(config.has_password());
  EXPECT_TRUE(config.PasswordIs("abc"));
  for (const std::string_view wrong : {"", "a", "ab", "abcd", "abcabc", "Abc"}) {
    EXPECT_FALSE(config.PasswordIs(wrong)) << wrong;
  }
}

TEST(ConfigTest, BindAddressesMayBeOptional) {
  Config config;
  EXPECT_EQ(Set(config, {{"bind", "10.0.0.1 -::1 *"}}), "OK");
  const std::vector<BindAddress> addresses = config.bind();
  ASSERT_EQ(addresses.size(), 3U);
  EXPECT_EQ(addresses[0].host, "10.0.0.1");
  EXPECT_FALSE(addresses[0].optional);
  EXPECT_EQ(addresses[1].host, "::1");
  EXPECT_TRUE(addresses[1].optional);
  EXPECT_EQ(addresses[2].host, "*");
}

TEST(ConfigTest, PlainMapNeedsOneThread) {
  Config config;
  const auto set = [&config](std::string_view name, std::vector<std::string> values) {
    return config.SetAtStart(name, values);
  };
  EXPECT_FALSE(set("threads", {"2"}));
  EXPECT_FALSE(config.CheckAtStart());
  EXPECT_FALSE(set("map", {"plain"}));
  EXPECT_EQ(config.CheckAtStart(),
            "map plain guards nothing, so it needs threads 1, and threads is 2: add --threads 1 or "
            "choose another map");
  EXPECT_FALSE(set("threads", {"1"}));
  EXPECT_FALSE(config.CheckAtStart());
  EXPECT_EQ(set("shards", {"1000"}), "shards: argument must be a power of two");
  EXPECT_EQ(set("shards", {"131072"}), "shards: argument must be between 1 and 65536 inclusive");
  EXPECT_EQ(set("unixsocketperm", {"778"}),
            "unixsocketperm: argument couldn't be parsed as an octal number");
  EXPECT_EQ(set("unixsocketperm", {"1000"}),
            "unixsocketperm: argument must be between 0 and 777 inclusive");
}

TEST(ConfigTest, WarnsOnceOfAllThatHasNoEffect) {
  Config config;
  EXPECT_TRUE(config.StartWarnings().empty());
  ASSERT_FALSE(
      ReadConfigText("save 900 1\nappendonly yes\ncluster-enabled no\nport 7000\n"
                     "maxmemory 1mb\n",
                     "t", config));
  const std::vector<std::string> warnings = config.StartWarnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(
      warnings[0],
      "Accepted without effect, larder does not need or have it: appendonly, cluster-enabled, "
      "save");
}

}  // namespace
}  // namespace larder::server
