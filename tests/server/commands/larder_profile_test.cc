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
using test_support::ReadForASecond;
using namespace std::chrono_literals;

class LarderProfileMapsTest : public testing::TestWithParam<MapKind> {};

TEST_P(LarderProfileMapsTest, WithoutSecondsLooksBackTen) {
  Harness h({.map = GetParam()});
  h.Run("SET hot 1");
  for (int second = 0; second < 3; ++second) ReadForASecond(h);
  const std::string profile = h.Run("LARDER PROFILE");
  EXPECT_TRUE(profile.starts_with("*")) << profile;
  EXPECT_TRUE(Contains(profile, " operations/s on keys: 99.9 % reads (80 % of them hits)"))
      << profile;
  EXPECT_TRUE(
      Contains(profile, "\r\n+Maps       16 " + std::string(store::Name(GetParam())) + "\r\n"))
      << profile;
  EXPECT_TRUE(Contains(profile, "since the server started.\r\n")) << profile;
  EXPECT_TRUE(Contains(profile, "What to do: ")) << profile;
}

INSTANTIATE_TEST_SUITE_P(Maps, LarderProfileMapsTest, testing::ValuesIn(store::kMapKinds),
                         [](const auto& test) { return test_support::MapName(test.param); });

TEST(LarderProfileTest, WithSecondsMeasuresThemAndHoldsBackOneClient) {
  Harness h({.map = MapKind::kMutex, .resp = protocol::RespVersion::kResp3, .shards = 1});
  for (int i = 0; i < 5000; ++i) h.Run("SET a 1");
  h.Advance(1000ms);
  EXPECT_EQ(h.Run("LARDER PROFILE 2"), "");
  EXPECT_EQ(h.Run("GET a"), "") << "its next commands wait";
  Harness::Session& other = h.Connect();
  for (int i = 0; i < 599; ++i) other.Run("GET a");
  EXPECT_EQ(other.Run("GET a"), "$1\r\n1\r\n");
  h.Advance(1999ms);
  EXPECT_EQ(h.Send(""), "");
  h.Advance(1ms);
  const std::string profile = h.Send("");
  EXPECT_TRUE(profile.starts_with("*")) << profile;
  EXPECT_TRUE(Contains(profile, "\r\n+The last 2.0 s: ")) << profile;
  EXPECT_TRUE(Contains(profile, "Load       300 operations/s on keys: 100 % reads")) << profile;
  EXPECT_TRUE(Contains(profile, "in this time.\r\n")) << profile;
  EXPECT_TRUE(Contains(profile, "What to do: CONFIG SET map rcu\r\n$1\r\n1\r\n")) << profile;
}

TEST(LarderProfileTest, SaysWhatIsWrong) {
  Harness h;
  for (const char* seconds : {"0", "-1", "3601", "x", "1.5", ""}) {
    EXPECT_EQ(h.Run({"LARDER", "PROFILE", seconds}),
              "-ERR seconds must be an integer from 1 to 3600\r\n");
  }
  EXPECT_EQ(h.Run("LARDER PROFILE 1 2"), "-ERR syntax error\r\n");
}

TEST(LarderHotKeysTest, FindsTheHotKey) {
  Harness h({.resp = protocol::RespVersion::kResp3});
  h.Advance(1000ms);
  EXPECT_EQ(h.Run("LARDER HOTKEYS"), "*0\r\n");
  for (int second = 0; second < 40; ++second) ReadForASecond(h);
  h.Run("SELECT 1");
  for (int i = 0; i < 8000; ++i) h.Run("GET hot");
  const std::string all = h.Run("LARDER HOTKEYS");
  EXPECT_TRUE(Contains(all, "%5\r\n$3\r\nkey\r\n$3\r\nhot\r\n$2\r\ndb\r\n:1\r\n")) << all;
  const std::string one = h.Run("LARDER HOTKEYS 1");
  EXPECT_TRUE(
      one.starts_with("*1\r\n%5\r\n$3\r\nkey\r\n$3\r\nhot\r\n$2\r\ndb\r\n:0\r\n$5\r\nshare\r\n,"))
      << one;
  for (const char* count : {"0", "129", "x"}) {
    EXPECT_EQ(h.Run({"LARDER", "HOTKEYS", count}),
              "-ERR count must be an integer from 1 to 128\r\n");
  }
}

}  // namespace
}  // namespace larder::server
