#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "tests/support/harness.h"
#include "tests/support/map_load.h"

namespace larder::server {
namespace {

using store::MapKind;
using test_support::Contains;
using test_support::Harness;
using test_support::SettleMaps;
using namespace std::chrono_literals;

TEST(LarderShardsTest, ShowsEveryShard) {
  Harness h({.map = MapKind::kSync, .shards = 4});
  h.Run("MSET a 1 b 2 c 3 d 4");
  std::string shards = h.Run("LARDER SHARDS");
  EXPECT_TRUE(shards.starts_with("*4\r\n*32\r\n$5\r\nshard\r\n:0\r\n$4\r\nkind\r\n$4\r\nsync\r\n"))
      << shards;
  Harness resp3({.resp = protocol::RespVersion::kResp3, .shards = 1});
  resp3.Run("SET a 1");
  for (int i = 0; i < 3; ++i) resp3.Run("GET a");
  shards = resp3.Run("LARDER SHARDS");
  EXPECT_TRUE(shards.starts_with("*1\r\n%16\r\n")) << shards;
  EXPECT_TRUE(Contains(shards, "$10\r\nread_share\r\n,75\r\n$17\r\nlock_acquisitions\r\n:"))
      << shards;
  EXPECT_TRUE(Contains(shards, "$5\r\nwaits\r\n%0\r\n")) << shards;
}

TEST(LarderTest, IsInInfo) {
  Harness h;
  h.Run("SET a 1");
  std::string info = h.Run("INFO larder");
  for (const char* line : {"map:rcu\r\n", "map_shards:plain=0,mutex=0,rwmutex=0,sync=0,rcu=16\r\n",
                           "map_changes:0\r\n", "keys:1\r\n", "read_share_10s:0.00\r\n",
                           "lock_waits_us:\r\n", "sampled_keys:"}) {
    EXPECT_TRUE(Contains(info, line)) << line << " in\n" << info;
  }
}

TEST(LarderMapTest, ChangesOneShard) {
  Harness h({.shards = 4});
  h.Run("MSET a 1 b 2 c 3 d 4");
  EXPECT_EQ(h.Run("LARDER MAP 2 Sync"), "+OK\r\n");
  SettleMaps(h);
  EXPECT_TRUE(Contains(h.Run("LARDER SHARDS"), ":2\r\n$4\r\nkind\r\n$4\r\nsync\r\n"));
  const std::string info = h.Run("INFO larder");
  EXPECT_TRUE(Contains(info, "map_shards:plain=0,mutex=0,rwmutex=0,sync=1,rcu=3\r\n")) << info;
  EXPECT_TRUE(Contains(info, "map_changes:1\r\n")) << info;
  EXPECT_EQ(h.Run("CONFIG SET map rcu"), "+OK\r\n");
  SettleMaps(h);
  EXPECT_TRUE(Contains(h.Run("INFO larder"), "sync=0,rcu=4\r\n"));
}

TEST(LarderMapTest, SaysWhatIsWrong) {
  Harness h({.shards = 4});
  for (const char* shard : {"4", "-1", "x", "99999999999"}) {
    EXPECT_EQ(h.Run({"LARDER", "MAP", shard, "sync"}),
              "-ERR no such shard: they are numbered from 0 to 3\r\n");
  }
  EXPECT_EQ(h.Run("LARDER MAP 0 auto"),
            "-ERR unknown map 'auto': a shard's is one of mutex, rwmutex, sync, rcu\r\n");
  EXPECT_TRUE(h.Run("LARDER MAP 0 plain").starts_with("-ERR plain guards nothing"));
  Harness plain({.map = MapKind::kPlain});
  EXPECT_TRUE(plain.Run("LARDER MAP 0 rcu").starts_with("-ERR the map is plain"));
}

}  // namespace
}  // namespace larder::server
