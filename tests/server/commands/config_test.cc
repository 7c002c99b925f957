#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

TEST(ConfigGetTest, MatchesPatterns) {
  Harness h;
  EXPECT_EQ(h.Run("CONFIG GET timeout"), "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");
  EXPECT_EQ(h.Run("CONFIG GET nosuch"), "*0\r\n");
  EXPECT_EQ(h.Run("CONFIG GET TIMEOU? timeout"), "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");
  Harness resp3({.resp = protocol::RespVersion::kResp3});
  EXPECT_EQ(resp3.Run("CONFIG GET timeout"), "%1\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");
}

TEST(ConfigSetTest, ChangesAllOrNothing) {
  Harness h;
  EXPECT_EQ(h.Run("CONFIG SET timeout 30"), "+OK\r\n");
  EXPECT_EQ(h.Run("CONFIG GET timeout"), "*2\r\n$7\r\ntimeout\r\n$2\r\n30\r\n");
  EXPECT_TRUE(h.Run("CONFIG SET timeout 40 maxclients x").starts_with("-ERR CONFIG SET failed"));
  EXPECT_EQ(h.config().timeout_s(), 30);
  EXPECT_EQ(h.Run("CONFIG SET timeout 1 hz"), "-ERR syntax error\r\n");
}

TEST(ConfigRewriteTest, NeedsAFile) {
  Harness h;
  EXPECT_EQ(h.Run("CONFIG REWRITE"), "-ERR The server is running without a config file\r\n");
  h.config().set_config_file("/nonexistent/larder.conf");
  EXPECT_EQ(h.Run("CONFIG REWRITE"), "-ERR Rewriting config file: No such file or directory\r\n");
}

TEST(ConfigRewriteTest, WritesIt) {
  Harness h;
  const std::string path = testing::TempDir() + "larder_config_rewrite.conf";
  std::ofstream(path) << "timeout 1\n";
  h.config().set_config_file(path);
  h.Run("CONFIG SET timeout 30");
  EXPECT_EQ(h.Run("CONFIG REWRITE"), "+OK\r\n");
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "timeout 30");
  std::remove(path.c_str());
}

TEST(ConfigResetStatTest, StartsTheFiguresAnew) {
  Harness h;
  h.Run("SET k v");
  h.Run("GET k");
  h.Run("NOSUCH");
  EXPECT_EQ(h.Run("CONFIG RESETSTAT"), "+OK\r\n");
  std::string info = h.Run("INFO stats commandstats errorstats");
  EXPECT_NE(info.find("keyspace_hits:0\r\n"), std::string::npos) << info;
  EXPECT_NE(info.find("total_error_replies:0\r\n"), std::string::npos) << info;
  EXPECT_EQ(info.find("cmdstat_get:"), std::string::npos) << info;
  EXPECT_EQ(info.find("errorstat_"), std::string::npos) << info;
}

}  // namespace
}  // namespace larder::server
