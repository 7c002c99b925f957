#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using protocol::RespVersion;
using test_support::Harness;
using namespace std::chrono_literals;

class MemoryCommandTest : public test_support::CommandTest {
 protected:
  int64_t UsageOf(std::string_view key) {
    const std::string reply = h_.Run({"MEMORY", "USAGE", key});
    return std::stoll(reply.substr(1));
  }
};
INSTANTIATE_TEST_SUITE_P(AllMaps, MemoryCommandTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(MemoryCommandTest, UsageGrowsWithTheValue) {
  Play({{"MEMORY USAGE none", "$-1\r\n"}, {"SET a 1", "+OK\r\n"}});
  const int64_t small = UsageOf("a");
  EXPECT_GT(small, 12);
  EXPECT_LT(small, 100);
  h_.Run("PEXPIRE a 100000");
  EXPECT_GT(UsageOf("a"), small);
  h_.Run({"SET", "large", std::string(100'000, 'x')});
  EXPECT_GT(UsageOf("large"), 100'000);
  EXPECT_LT(UsageOf("large"), 130'000);
}

TEST_P(MemoryCommandTest, UsageChecksItsArguments) {
  h_.Run("SET a 1");
  Play({{"MEMORY USAGE a SAMPLES -1", "-ERR syntax error\r\n"},
        {"MEMORY USAGE a SAMPLES x", "-ERR value is not an integer or out of range\r\n"},
        {"MEMORY USAGE none SAMPLES", "-ERR syntax error\r\n"},
        {"MEMORY USAGE a NOSUCH 1", "-ERR syntax error\r\n"}});
  EXPECT_EQ(h_.Run("MEMORY USAGE a SAMPLES 0 samples 3"), h_.Run("MEMORY USAGE a"));
}

TEST_P(MemoryCommandTest, PurgeKeepsTheData) {
  h_.Run("SET a 1");
  Play({{"MEMORY PURGE", "+OK\r\n"}, {"GET a", "$1\r\n1\r\n"}});
}

TEST(MemoryStatsTest, HasAMapForEachDatabaseWithKeys) {
  Harness h({.resp = RespVersion::kResp3});
  EXPECT_EQ(h.Run("MEMORY STATS").substr(0, 5), "%27\r\n");
  h.Run("SET a 1 EX 100");
  h.Run("SELECT 3");
  h.Run("SET b 1");
  const std::string stats = h.Run("MEMORY STATS");
  EXPECT_EQ(stats.substr(0, 5), "%29\r\n");
  EXPECT_NE(stats.find("$4\r\ndb.0\r\n%3\r\n$23\r\noverhead.hashtable.main\r\n:12\r\n"
                       "$26\r\noverhead.hashtable.expires\r\n:9\r\n"),
            std::string::npos);
  EXPECT_NE(stats.find("$4\r\ndb.3\r\n"), std::string::npos);
  EXPECT_NE(stats.find("$10\r\nkeys.count\r\n:2\r\n"), std::string::npos);
}

TEST(MemoryTextTest, AreVerbatim) {
  Harness h({.resp = RespVersion::kResp3});
  EXPECT_EQ(h.Run("MEMORY DOCTOR")[0], '=');
  const std::string statistics = h.Run("MEMORY MALLOC-STATS");
  EXPECT_EQ(statistics[0], '=');
  EXPECT_GT(statistics.size(), 20u);
}

}  // namespace
}  // namespace larder::server
