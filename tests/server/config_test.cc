#include "server/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/config_file.h"
#include "server/option.h"

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

struct SetCase {
  std::string_view name;
  std::string_view value;
  std::string_view reason;  // of the error; empty: it is accepted
  std::string_view shown;   // by CONFIG GET afterwards
};

// What redis-server 7.0.15 answered, but for larder's own defaults.
constexpr SetCase kSetCases[] = {
    {"timeout", "5", "", "5"},
    {"timeout", " 5", "argument couldn't be parsed into an integer", "0"},
    {"timeout", "05", "argument couldn't be parsed into an integer", "0"},
    {"timeout", "+5", "argument couldn't be parsed into an integer", "0"},
    {"timeout", "-0", "argument couldn't be parsed into an integer", "0"},
    {"timeout", "", "argument couldn't be parsed into an integer", "0"},
    {"timeout", "-1", "argument must be between 0 and 2147483647 inclusive", "0"},
    {"timeout", "2147483648", "argument must be between 0 and 2147483647 inclusive", "0"},
    {"timeout", "9223372036854775808", "argument couldn't be parsed into an integer", "0"},
    {"maxclients", "0", "argument must be between 1 and 4294967295 inclusive", "10000"},
    {"maxclients", "4294967296", "argument must be between 1 and 4294967295 inclusive", "10000"},
    {"slowlog-log-slower-than", "-1", "", "-1"},
    {"slowlog-log-slower-than", "-2",
     "argument must be between -1 and 9223372036854775807 inclusive", "10000"},
    {"hz", "0", "", "1"},
    {"hz", "1000", "", "500"},
    {"maxmemory", "", "", "0"},
    {"maxmemory", "1Kb", "", "1024"},
    {"maxmemory", "2k", "", "2000"},
    {"maxmemory", "3m", "", "3000000"},
    {"maxmemory", "3MB", "", "3145728"},
    {"maxmemory", "1g", "", "1000000000"},
    {"maxmemory", "1gb", "", "1073741824"},
    {"maxmemory", "7b", "", "7"},
    {"maxmemory", "1.5gb", "argument must be a memory value", "0"},
    {"maxmemory", "1t", "argument must be a memory value", "0"},
    {"maxmemory", "-1", "argument must be a memory value", "0"},
    {"maxmemory", "18446744073709551615", "", "18446744073709551615"},
    {"maxmemory-clients", "5%", "", "5%"},
    {"maxmemory-clients", "0%", "", "0"},
    {"maxmemory-clients", "101%", "percentage argument must be less or equal to 100", "0"},
    {"maxmemory-clients", "-5%", "argument must be a memory or percent value", "0"},
    {"maxmemory-clients", "%", "argument must be a memory or percent value", "0"},
    {"maxmemory-policy", "allkeys-LRU", "", "allkeys-lru"},
    {"maxmemory-policy", "lru",
     "argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, "
     "volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction",
     "noeviction"},
    {"proto-max-bulk-len", "1mb", "", "1048576"},
    {"proto-max-bulk-len", "1",
     "argument must be between 1048576 and 9223372036854775807 inclusive", "536870912"},
    {"loglevel", "WARNING", "", "warning"},
    {"loglevel", "nothing",
     "argument(s) must be one of the following: debug, verbose, notice, warning", "notice"},
    {"appendonly", "YES", "", "yes"},
    {"appendonly", "1", "argument must be 'yes' or 'no'", "no"},
    {"databases", "2", "can't set immutable config", "16"},
    {"threads", "2", "can't set immutable config", ""},
    {"map", "sync", "can't set immutable config", "rcu"},
    {"shards", "2", "can't set immutable config", "1024"},
    {"dir", "/", "can't set protected config", ""},
    {"dbfilename", "x", "can't set protected config", "dump.rdb"},
    {"requirepass", "secret word", "", "secret word"},
    {"bind", "127.0.0.1 -::1", "", "127.0.0.1 -::1"},
    {"bind", "", "", ""},
    {"bind", "a a a a a a a a a a a a a a a a a", "Too many bind addresses specified.",
     "127.0.0.1 -::1"},
    {"save", "900 1 300 10", "", "900 1 300 10"},
    {"save", "", "", ""},
    {"save", "10", "Invalid save parameters", ""},
    {"save", "0 1", "Invalid save parameters", ""},
    {"save", "10 -1", "Invalid save parameters", ""},
    {"save", " 900 1  300 10 ", "Invalid save parameters", ""},
    {"client-output-buffer-limit", "NORMAL 1gb 2mb 3", "",
     "normal 1073741824 2097152 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {"client-output-buffer-limit", "replica 1 2 3 pubsub 4 5 6", "",
     "normal 268435456 0 0 slave 1 2 3 pubsub 4 5 6"},
    {"client-output-buffer-limit", "normal 1 2",
     "Wrong number of arguments in buffer limit configuration.",
     "normal 268435456 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {"client-output-buffer-limit", "master 1 2 3",
     "Invalid client class specified in buffer limit configuration.",
     "normal 268435456 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {"client-output-buffer-limit", "normal 1 2 3 pubsub 1 2 -3",
     "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
     "normal 268435456 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {"oom-score-adj-values", "3 2 1", "", "3 2 1"},
    {"oom-score-adj-values", "1 2", "wrong number of arguments", "0 200 800"},
    {"oom-score-adj-values", "3000 2 3",
     "Invalid oom-score-adj-values, elements must be between -2000 and 2000.", "0 200 800"},
    {"notify-keyspace-events", "KEA", "", "AKE"},
    {"notify-keyspace-events", "nmK", "", "nKm"},
    {"notify-keyspace-events", "g$lshzxetd", "", "A"},
    {"notify-keyspace-events", "q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.", ""},
    {"latency-tracking-info-percentiles", "1e1 99.123", "", "10 99.123"},
    {"latency-tracking-info-percentiles", "", "", ""},
    {"latency-tracking-info-percentiles", "x",
     "Invalid latency-tracking-info-percentiles parameters", "50 99 99.9"},
    {"latency-tracking-info-percentiles", "101",
     "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]", "50 99 99.9"},
    {"shutdown-on-sigint", "SAVE force", "", "save force"},
    {"shutdown-on-sigint", "default now", "", "now"},
    {"shutdown-on-sigint", "save nosave",
     "shutdown options SAVE and NOSAVE can't be used simultaneously", "default"},
    {"shutdown-on-sigint", "",
     "argument(s) must be one of the following: default, save, nosave, now, force", "default"},
    {"cluster-announce-hostname", "a b",
     "Hostnames may only contain alphanumeric characters, hyphens or dots", ""},
    {"proc-title-template", "{foo}", "template format is invalid or contains unknown variables",
     "{title} {listen-addr} {server-mode}"},
    {"proc-title-template", "{{ {title}", "", "{{ {title}"},
    {"activedefrag", "yes",
     "Active defragmentation cannot be enabled: it requires a Redis server compiled with a "
     "modified "
     "Jemalloc like the one shipped by default with the Redis source distribution",
     "no"},
    {"tls-port", "1", "Unable to update TLS configuration. Check server logs.", "0"},
};

TEST(ConfigTest, SetValidatesAndReportsAsRedisDoes) {
  for (const SetCase& c : kSetCases) {
    SCOPED_TRACE(std::string(c.name) + " '" + std::string(c.value) + "'");
    Config config;
    const std::string failed =
        "ERR CONFIG SET failed (possibly related to argument '" + std::string(c.name) + "') - ";
    EXPECT_EQ(Set(config, {{c.name, c.value}}),
              c.reason.empty() ? "OK" : failed + std::string(c.reason));
    if (!c.shown.empty() || c.reason.empty()) {
      EXPECT_EQ(GetOne(config, c.name), c.shown);
    }
  }
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
  EXPECT_EQ(config.shards(), 1024);
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
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(
      warnings[0],
      "Accepted without effect, larder does not need or have it: appendonly, cluster-enabled, "
      "save");
  EXPECT_NE(warnings[1].find("maxmemory is 1048576 bytes"), std::string::npos);
}

// The table itself.

TEST(OptionTableTest, DefaultsAreValidAndReportedUnchanged) {
  for (size_t i = 0; i < OptionCount(); ++i) {
    const Option& option = OptionAt(i);
    SCOPED_TRACE(option.name);
    EXPECT_EQ(FindOption(option.name), i) << "the name occurs twice";
    EXPECT_NE(option.doc.empty(), option.Is(kIgnored) == false);
    if (option.Is(kFileOnly) || option.Is(kImmutable) || option.Is(kProtected)) continue;
    Config config;
    const std::string before = GetOne(config, option.name);
    EXPECT_EQ(Set(config, {{option.name, before}}), "OK");
    EXPECT_EQ(GetOne(config, option.name), before);
  }
}

TEST(OptionTableTest, LarderConfDocumentsEveryServedOptionWithItsDefault) {
  std::ifstream file(LARDER_SOURCE_DIR "/conf/larder.conf");
  ASSERT_TRUE(file) << "conf/larder.conf is missing";
  std::set<std::string> documented;
  std::string previous;
  for (std::string line; std::getline(file, line); previous = line) {
    // `threads` has no default to show: its line is a comment.
    const bool sample = line == "# threads 4";
    if (line.empty() || (line[0] == '#' && !sample)) continue;
    const auto arguments = SplitArguments(sample ? line.substr(2) : line);
    ASSERT_TRUE(arguments.has_value()) << line;
    const std::string& name = arguments->front();
    const auto index = FindOption(name);
    ASSERT_TRUE(index && *index < ServedOptions().size()) << line;
    EXPECT_TRUE(documented.contains(name) || previous.starts_with("# ")) << name << " has no prose";
    documented.insert(name);
  }
  for (const Option& option : ServedOptions()) {
    EXPECT_TRUE(documented.contains(std::string(option.name))) << option.name << " is missing";
  }

  Config loaded;
  const Config defaults;
  EXPECT_EQ(ReadConfigFile(LARDER_SOURCE_DIR "/conf/larder.conf", loaded), std::nullopt);
  const std::string_view everything[] = {"*"};
  EXPECT_EQ(loaded.Get(everything), defaults.Get(everything));
  EXPECT_TRUE(loaded.StartWarnings().empty());
}

TEST(OptionTableTest, SuggestsWhatWasProbablyMeant) {
  EXPECT_EQ(NearestOption("prot"), "port");
  EXPECT_EQ(NearestOption("bnid"), "bind");
  EXPECT_EQ(NearestOption("max-clients"), "maxclients");
  EXPECT_EQ(NearestOption("requirepas"), "requirepass");
  EXPECT_EQ(NearestOption("qqqqqq"), "");
  EXPECT_EQ(NearestOption(std::string(100000, 'x')), "");
}

}  // namespace
}  // namespace larder::server
