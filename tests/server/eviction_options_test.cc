// maxmemory as a client sees it: what is refused, what INFO and CONFIG say.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

constexpr std::string_view kOom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

class EvictionOptionsTest : public testing::TestWithParam<const char*> {
 protected:
  std::string Field(Harness& h, const std::string& name) {
    const std::string info = h.Run("INFO");
    const size_t at = info.find("\r\n" + name + ":");
    if (at == std::string::npos) return "no such field";
    const size_t begin = at + name.size() + 3;
    return info.substr(begin, info.find('\r', begin) - begin);
  }
};

INSTANTIATE_TEST_SUITE_P(EveryPolicy, EvictionOptionsTest,
                         testing::Values("volatile-lru", "volatile-lfu", "volatile-random",
                                         "volatile-ttl", "allkeys-lru", "allkeys-lfu",
                                         "allkeys-random"),
                         [](const auto& policy) {
                           std::string name = policy.param;
                           name[name.find('-')] = '_';
                           return name;
                         });

TEST_P(EvictionOptionsTest, MoreIsStoredThanFits) {
  Harness h({.config = {{"maxmemory", "1mb"}, {"maxmemory-policy", GetParam()}}});
  const std::string value(1000, 'v');
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(h.Run({"SET", "k" + std::to_string(i), value, "EX", "1000"}), "+OK\r\n");
  }
  EXPECT_LE(std::stoi(Field(h, "used_memory")), 1 << 20);
  EXPECT_GE(std::stoi(Field(h, "used_memory")), (1 << 20) * 9 / 10);
  EXPECT_EQ(Field(h, "maxmemory"), "1048576");
  EXPECT_EQ(Field(h, "maxmemory_human"), "1.00M");
  EXPECT_EQ(Field(h, "maxmemory_policy"), GetParam());
  EXPECT_GE(std::stoi(Field(h, "evicted_keys")), 1900);
  EXPECT_EQ(Field(h, "current_eviction_exceeded_time"), "0");
  h.Run("CONFIG RESETSTAT");
  EXPECT_EQ(Field(h, "evicted_keys"), "0");
}

TEST_P(EvictionOptionsTest, WhatIsLargerThanTheLimitIsRefusedAndEvictsNothing) {
  Harness h({.config = {{"maxmemory", "1mb"}, {"maxmemory-policy", GetParam()}}});
  for (int i = 0; i < 100; ++i) h.Run("SET k" + std::to_string(i) + " v EX 1000");
  EXPECT_EQ(h.Run({"SET", "large", std::string(2 << 20, 'v')}), kOom);
  EXPECT_EQ(h.Run({"SETRANGE", "large", "2000000", "v"}), kOom);
  EXPECT_EQ(h.Run("DBSIZE"), ":100\r\n");
  EXPECT_EQ(Field(h, "evicted_keys"), "0");
}

TEST_F(EvictionOptionsTest, NoEvictionRefusesWritesAndNothingElse) {
  Harness h({.config = {{"maxmemory", "200kb"}}});
  const std::string value(1000, 'v');
  int set = 0;
  while (set < 1000 && h.Run({"SET", "k" + std::to_string(set), value}) == "+OK\r\n") ++set;
  EXPECT_LT(set, 200);
  EXPECT_EQ(h.Run({"SET", "k", value}), kOom);
  EXPECT_EQ(h.Run({"APPEND", "k0", value}), kOom);
  EXPECT_EQ(h.Run("STRLEN k0"), ":1000\r\n");
  EXPECT_EQ(h.Run("EXPIRE k1 100"), ":1\r\n");
  EXPECT_EQ(h.Run("DEL k0 k1 k2"), ":3\r\n");
  EXPECT_EQ(h.Run({"SET", "k", value}), "+OK\r\n");
  EXPECT_NE(h.Run("INFO commandstats").find("rejected_calls="), std::string::npos);
}

TEST_F(EvictionOptionsTest, VolatilePoliciesRefuseWithoutVolatileKeys) {
  Harness h({.config = {{"maxmemory", "200kb"}, {"maxmemory-policy", "volatile-lru"}}});
  const std::string value(1000, 'v');
  int set = 0;
  while (set < 1000 && h.Run({"SET", "k" + std::to_string(set), value}) == "+OK\r\n") ++set;
  EXPECT_LT(set, 200);
  EXPECT_EQ(h.Run("CONFIG SET maxmemory-policy allkeys-random"), "+OK\r\n");
  EXPECT_EQ(h.Run({"SET", "k", value}), "+OK\r\n");
  EXPECT_EQ(h.Run("CONFIG SET maxmemory 0 maxmemory-policy noeviction"), "+OK\r\n");
  EXPECT_EQ(h.Run({"SET", "k", std::string(1 << 20, 'v')}), "+OK\r\n");
}

TEST_F(EvictionOptionsTest, ALowerLimitTakesEffectByItself) {
  Harness h({.config = {{"maxmemory-policy", "allkeys-lru"}}});
  const std::string value(1000, 'v');
  for (int i = 0; i < 1000; ++i) h.Run({"SET", "k" + std::to_string(i), value});
  EXPECT_EQ(h.Run("CONFIG SET maxmemory 500kb"), "+OK\r\n");
  h.Advance(std::chrono::milliseconds(100));
  EXPECT_LE(h.keyspace().Memory().used_bytes, 500 * 1024);
}

}  // namespace
}  // namespace larder::server
