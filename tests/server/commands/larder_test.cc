#include <gtest/gtest.h>

#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

TEST(LarderShardsTest, ShowsEveryShard) {
  Harness h({.map = store::MapKind::kSync, .shards = 4});
  h.Run("MSET a 1 b 2 c 3 d 4");
  std::string shards = h.Run("LARDER SHARDS");
  EXPECT_TRUE(shards.starts_with("*4\r\n*26\r\n$5\r\nshard\r\n:0\r\n$4\r\nkind\r\n$4\r\nsync\r\n"))
      << shards;
  Harness resp3({.resp = protocol::RespVersion::kResp3, .shards = 1});
  EXPECT_TRUE(resp3.Run("LARDER SHARDS").starts_with("*1\r\n%13\r\n"));
}

TEST(LarderTest, IsInInfo) {
  Harness h;
  h.Run("SET a 1");
  std::string info = h.Run("INFO larder");
  EXPECT_NE(info.find("map:rcu\r\n"), std::string::npos) << info;
  EXPECT_NE(info.find("keys:1\r\n"), std::string::npos) << info;
}

}  // namespace
}  // namespace larder::server
