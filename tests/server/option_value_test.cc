#include "server/option_value.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "server/config.h"
#include "tests/support/set_case.h"

namespace larder::server {
namespace {

using test_support::SetCase;

// What redis-server 7.0.15 answered, but for larder's own options and defaults.
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
    {"map", "Sync", "", "sync"},
    {"map", "auto", "", "auto"},
    {"map", "none",
     "argument(s) must be one of the following: plain, mutex, rwmutex, sync, rcu, auto", "rcu"},
    {"shards", "2", "can't set immutable config", "256"},
    {"dir", "/", "can't set protected config", ""},
    {"dbfilename", "x", "can't set protected config", "dump.rdb"},
    {"requirepass", "secret word", "", "secret word"},
};

TEST(OptionValueTest, ValidatesAndReportsAsRedisDoes) { test_support::Check(kSetCases); }

TEST(OptionValueTest, MemorySaturates) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(ParseMemory("99999999999999999999999"), kMax);
  EXPECT_EQ(ParseMemory("99999999999gb"), kMax);
  EXPECT_EQ(ParseMemory(""), 0U);
  EXPECT_EQ(ParseMemory("kb"), 0U);
  EXPECT_FALSE(ParseMemory(" 1"));
  EXPECT_FALSE(ParseMemory("1 kb"));
  EXPECT_FALSE(ParseMemory("0x10"));
}

TEST(OptionValueTest, SplitsAtEverySpace) {
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(SplitAtSpaces(""), Pieces{});
  EXPECT_EQ(SplitAtSpaces("a"), Pieces{"a"});
  EXPECT_EQ(SplitAtSpaces("a  b"), (Pieces{"a", "", "b"}));
  EXPECT_EQ(SplitAtSpaces(" a "), (Pieces{"", "a", ""}));
}

TEST(OptionValueTest, OctalAndFileOnlyAreForTheStart) {
  Config config;
  const auto set = [&config](std::string_view name, std::vector<std::string> values) {
    return config.SetAtStart(name, values);
  };
  EXPECT_EQ(set("unixsocketperm", {"755"}), std::nullopt);
  EXPECT_EQ(config.Text("unixsocketperm"), "755");
  EXPECT_EQ(set("unixsocketperm", {"778"}),
            "unixsocketperm: argument couldn't be parsed as an octal number");
  EXPECT_EQ(set("unixsocketperm", {"1000"}),
            "unixsocketperm: argument must be between 0 and 777 inclusive");
  EXPECT_EQ(set("list-max-ziplist-value", {"64", "and", "more"}), std::nullopt);
}

}  // namespace
}  // namespace larder::server
