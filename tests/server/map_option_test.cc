#include "server/map_option.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "tests/support/harness.h"
#include "tests/support/log_capture.h"
#include "tests/support/map_load.h"

namespace larder::server {
namespace {

using store::MapKind;
using test_support::Contains;
using test_support::Harness;
using test_support::ReadForASecond;
using test_support::SettleMaps;
using namespace std::chrono_literals;

TEST(MapOptionTest, PlainIsForTheStart) {
  Harness h;
  EXPECT_EQ(
      h.Run("CONFIG SET map plain"),
      "-ERR CONFIG SET failed (possibly related to argument 'map') - plain guards nothing and "
      "cannot be entered while larder runs: start it with --map plain --threads 1\r\n");
  EXPECT_EQ(h.Run("CONFIG GET map"), "*2\r\n$3\r\nmap\r\n$3\r\nrcu\r\n");
  Harness plain({.map = MapKind::kPlain});
  for (const char* map : {"rcu", "auto"}) {
    EXPECT_EQ(plain.Run({"CONFIG", "SET", "map", map}),
              "-ERR CONFIG SET failed (possibly related to argument 'map') - the map is plain, "
              "which cannot be left while larder runs: start it with another --map\r\n");
  }
  EXPECT_EQ(plain.Run("CONFIG SET map plain"), "+OK\r\n");
  EXPECT_EQ(plain.Run("CONFIG GET map"), "*2\r\n$3\r\nmap\r\n$5\r\nplain\r\n");
}

// What CONFIG SET refuses, it leaves alone: the shards that were moved by hand too.
TEST(MapOptionTest, ARefusalChangesNothing) {
  Harness h({.shards = 4});
  h.Run("LARDER MAP 2 sync");
  SettleMaps(h);
  EXPECT_TRUE(h.Run("CONFIG SET map plain").starts_with("-ERR CONFIG SET failed"));
  h.config().OnChange("port", [] { return std::optional<std::string>("it is taken"); });
  EXPECT_TRUE(h.Run("CONFIG SET map mutex port 7000").starts_with("-ERR CONFIG SET failed"));
  SettleMaps(h);
  EXPECT_TRUE(Contains(h.Run("INFO larder"), "mutex=0,rwmutex=0,sync=1,rcu=3\r\n"));
}

class MapOptionPairsTest : public testing::TestWithParam<std::tuple<MapKind, MapKind>> {};

TEST_P(MapOptionPairsTest, KeepsAllKeys) {
  const auto [from, to] = GetParam();
  constexpr int kKeys = 2000;
  Harness h({.map = from});
  for (int i = 0; i < kKeys; ++i) {
    const std::string number = std::to_string(i);
    h.Run({"SET", "k" + number, number});
  }
  const std::string name(store::Name(to));
  EXPECT_EQ(h.Run({"CONFIG", "SET", "map", name}), "+OK\r\n");
  // Some are read, changed and deleted before it is done.
  h.Run("SET k0 new");
  h.Run("DEL k1");
  EXPECT_EQ(h.Run("GET k2"), "$1\r\n2\r\n");
  SettleMaps(h);
  const std::string shards = h.Run("LARDER SHARDS");
  EXPECT_TRUE(Contains(shards, "\r\n" + name + "\r\n"));
  EXPECT_EQ(Contains(shards, "\r\n" + std::string(store::Name(from)) + "\r\n"), from == to);
  EXPECT_EQ(h.Run("DBSIZE"), ":" + std::to_string(kKeys - 1) + "\r\n");
  EXPECT_EQ(h.Run("GET k0"), "$3\r\nnew\r\n");
  EXPECT_EQ(h.Run("GET k1"), "$-1\r\n");
  for (int i = 2; i < kKeys; ++i) {
    const std::string number = std::to_string(i);
    ASSERT_EQ(h.Run({"GET", "k" + number}),
              "$" + std::to_string(number.size()) + "\r\n" + number + "\r\n");
  }
}

constexpr MapKind kGuarded[] = {MapKind::kMutex, MapKind::kRwMutex, MapKind::kSync, MapKind::kRcu};
INSTANTIATE_TEST_SUITE_P(Maps, MapOptionPairsTest,
                         testing::Combine(testing::ValuesIn(kGuarded), testing::ValuesIn(kGuarded)),
                         [](const auto& test) {
                           return test_support::MapName(std::get<0>(test.param)) + "To" +
                                  test_support::MapName(std::get<1>(test.param));
                         });

TEST(MapOptionTest, AutoMovesShardsAndLogsWhy) {
  const test_support::LogCapture log;
  Harness h({.shards = 1, .config = {{"map", "auto"}}});
  EXPECT_EQ(h.Run("CONFIG GET map"), "*2\r\n$3\r\nmap\r\n$4\r\nauto\r\n");
  h.Run("SET hot 1");
  EXPECT_TRUE(Contains(h.Run("INFO larder"), "mutex=1,"));
  for (int second = 0; second < 6; ++second) ReadForASecond(h);
  const std::string info = h.Run("INFO larder");
  EXPECT_TRUE(Contains(info, "map:auto\r\n")) << info;
  EXPECT_TRUE(Contains(info, "mutex=0,rwmutex=0,sync=0,rcu=1\r\n")) << info;
  EXPECT_TRUE(Contains(info, "map_changes:1\r\n")) << info;
  EXPECT_TRUE(Contains(log.text(),
                       "Shard 0: map mutex becomes rcu, since 100 % of 1,250 "
                       "operations/s are reads of one key (30 % are enough), and rcu reads "
                       "without a lock\n"))
      << log.text();
  EXPECT_EQ(h.Run("CONFIG SET map sync"), "+OK\r\n");
  for (int second = 0; second < 6; ++second) ReadForASecond(h);
  EXPECT_TRUE(Contains(h.Run("INFO larder"), "sync=1,rcu=0\r\n")) << "an order ends the choice";
}

}  // namespace
}  // namespace larder::server
