#include "server/info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(InfoTest, ShowsTheSectionsAskedFor) {
  Harness h;
  std::string normal = h.Run("INFO");
  for (const char* title : {"Server", "Clients", "Memory", "Persistence", "Stats", "Replication",
                            "CPU", "Modules", "Errorstats", "Cluster", "Keyspace", "Larder"}) {
    EXPECT_TRUE(Has(normal, "# " + std::string(title) + "\r\n")) << title;
  }
  EXPECT_FALSE(Has(normal, "# Commandstats"));
  EXPECT_TRUE(Has(h.Run("INFO all"), "# Commandstats"));
  std::string two = h.Run("INFO Keyspace SERVER server");
  EXPECT_LT(two.find("# Server"), two.find("# Keyspace"));
  EXPECT_EQ(two.find("# Server"), two.rfind("# Server"));
  EXPECT_FALSE(Has(two, "# Memory"));
  EXPECT_EQ(h.Run("INFO nope"), "$0\r\n\r\n");
}

TEST(InfoTest, ShowsDatabasesWithKeysOnly) {
  Harness h;
  h.Run("MSET a 1 b 2");
  h.Run("SELECT 3");
  h.Run("SET c 1 PX 5000");
  std::string info = h.Run("INFO keyspace");
  EXPECT_TRUE(Has(info, "db0:keys=2,expires=0,avg_ttl=0\r\n")) << info;
  EXPECT_TRUE(Has(info, "db3:keys=1,expires=1,avg_ttl=")) << info;
  EXPECT_FALSE(Has(info, "db1:")) << info;
}

TEST(InfoTest, CountsHitsAndMisses) {
  Harness h;
  h.Run("SET a 1");
  h.Run("GET a");
  h.Run("GET b");
  std::string info = h.Run("INFO stats");
  EXPECT_TRUE(Has(info, "keyspace_hits:1\r\n")) << info;
  EXPECT_TRUE(Has(info, "keyspace_misses:1\r\n")) << info;
}

TEST(InfoTest, ShowsLatencyPercentilesOfWhatWasCalled) {
  using testing::ContainsRegex;
  Harness h;
  h.Run("CONFIG SET latency-tracking-info-percentiles \"50 99.9\"");
  for (int i = 0; i < 10; ++i) h.Run("GET a");
  h.Run("CONFIG GET port");
  std::string info = h.Run("INFO latencystats");
  EXPECT_THAT(info, ContainsRegex("\nlatency_percentiles_usec_get:"
                                  "p50=[0-9]+[.][0-9]{3},p99[.]9=[0-9]+[.][0-9]{3}\r\n"));
  EXPECT_TRUE(Has(info, "latency_percentiles_usec_config|get:p50=")) << info;
  EXPECT_FALSE(Has(info, "latency_percentiles_usec_set:")) << info;

  h.Run("CONFIG RESETSTAT");
  EXPECT_FALSE(Has(h.Run("INFO latencystats"), "usec_get:"));
  h.Run("GET a");
  EXPECT_TRUE(Has(h.Run("INFO latencystats"), "usec_get:"));

  h.Run("CONFIG SET latency-tracking no");
  EXPECT_EQ(h.Run("INFO latencystats"), "$16\r\n# Latencystats\r\n\r\n");
}

TEST(InfoTest, UsedMemoryIsTheFirstOfItsKind) {
  Harness h;
  std::string info = h.Run("INFO memory");
  EXPECT_TRUE(Has(info, "# Memory\r\nused_memory:")) << info;
}

TEST(InfoTest, IsVerbatimTextInResp3) {
  Harness h({.resp = protocol::RespVersion::kResp3});
  EXPECT_TRUE(h.Run("INFO server").starts_with("="));
}

}  // namespace
}  // namespace larder::server
