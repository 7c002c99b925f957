#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using protocol::RespVersion;
using test_support::Harness;
using namespace std::chrono_literals;

// A harness that has seen two sleeps, of 30 and of 10 ms, in two seconds.
class LatencyCommandTest : public testing::Test {
 protected:
  LatencyCommandTest() {
    for (const char* seconds : {"0.03", "0.01"}) {
      h.Run({"DEBUG", "SLEEP", seconds});
      h.Advance(1s);
      h.Send("");
    }
  }

  Harness h{{.config = {{"enable-debug-command", "yes"}, {"latency-monitor-threshold", "10"}}}};
};

TEST_F(LatencyCommandTest, ShowsSamples) {
  const std::string first = h.Run("LATENCY HISTORY command");
  EXPECT_EQ(first.substr(0, 8), "*2\r\n*2\r\n");
  EXPECT_NE(first.find(":30\r\n"), std::string::npos);
  const std::string latest = h.Run("LATENCY LATEST");
  EXPECT_EQ(latest.substr(0, 8), "*1\r\n*4\r\n");
  EXPECT_TRUE(latest.ends_with(":10\r\n:30\r\n")) << latest;
  EXPECT_EQ(h.Run("LATENCY HISTORY nosuch"), "*0\r\n");
}

TEST_F(LatencyCommandTest, DrawsAndReports) {
  EXPECT_NE(h.Run("LATENCY GRAPH command").find("command - high 30 ms, low 10 ms"),
            std::string::npos);
  EXPECT_EQ(h.Run("LATENCY GRAPH nosuch"), "-ERR No samples available for event 'nosuch'\r\n");
  EXPECT_NE(h.Run("LATENCY DOCTOR").find("command: 2 samples"), std::string::npos);
}

TEST_F(LatencyCommandTest, Resets) {
  EXPECT_EQ(h.Run("LATENCY RESET nosuch command"), ":1\r\n");
  EXPECT_EQ(h.Run("LATENCY RESET"), ":0\r\n");
  EXPECT_EQ(h.Run("LATENCY LATEST"), "*0\r\n");
}

TEST(LatencyHistogramCommandTest, CountsCalls) {
  Harness h({.resp = RespVersion::kResp3});
  EXPECT_EQ(h.Run("LATENCY HISTOGRAM get"), "%0\r\n");
  h.Run("GET k");
  h.Run("GET k");
  h.Run("CONFIG GET nosuch");
  const std::string of_get = h.Run("LATENCY HISTOGRAM get nosuch");
  EXPECT_TRUE(of_get.starts_with("%1\r\n$3\r\nget\r\n%2\r\n$5\r\ncalls\r\n:2\r\n")) << of_get;
  const std::string container = h.Run("LATENCY HISTOGRAM CONFIG");
  EXPECT_EQ(container.substr(0, 22), "%1\r\n$10\r\nconfig|get\r\n%");
  EXPECT_EQ(container, h.Run("LATENCY HISTOGRAM config|get"));
  EXPECT_EQ(h.Run("LATENCY HISTOGRAM").substr(0, 4), "%3\r\n");
}

}  // namespace
}  // namespace larder::server
