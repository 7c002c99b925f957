#include "server/slow_command.h"

#include <gtest/gtest.h>

#include <string_view>

#include "server/latency.h"
#include "server/slowlog.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

class SlowCommandTest : public testing::Test {
 protected:
  void Report(std::string_view name, int64_t microseconds) {
    const std::string_view args[] = {name};
    ReportSlowCommand(h_.thread().services, h_.client(), *h_.commands().FindFullName(name), args,
                      microseconds);
  }
  SlowLog& slow_log() { return h_.thread().services.slow_log; }
  LatencyMonitor& latency() { return h_.thread().services.latency; }

  Harness h_{{.config = {{"latency-monitor-threshold", "20"}}}};
};

TEST_F(SlowCommandTest, TellsTheSlowLogFromItsThresholdOn) {
  Report("get", 9'999);
  EXPECT_EQ(slow_log().size(), 0u);
  Report("get", 10'000);
  EXPECT_EQ(slow_log().size(), 1u);
  h_.Run("CONFIG SET slowlog-log-slower-than -1");
  Report("get", 1'000'000);
  EXPECT_EQ(slow_log().size(), 1u);
}

TEST_F(SlowCommandTest, TellsTheMonitorFromItsThresholdOn) {
  Report("get", 19'999);
  EXPECT_TRUE(latency().Events().empty());
  Report("get", 20'000);
  Report("keys", 30'999);
  EXPECT_EQ(latency().Find("fast-command")->longest_ms, 20);
  EXPECT_EQ(latency().Find("command")->longest_ms, 30);
  h_.Run("CONFIG SET latency-monitor-threshold 0");
  Report("get", 1'000'000);
  EXPECT_EQ(latency().Find("fast-command")->longest_ms, 20);
}

TEST_F(SlowCommandTest, TheWatchFollowsTheSettings) {
  SlowWatch watch(h_.thread().services);
  EXPECT_FALSE(watch.IsSlow(1));
  EXPECT_TRUE(watch.IsSlow(uint64_t{1} << 40));
  h_.Run("CONFIG SET slowlog-log-slower-than 0");
  EXPECT_TRUE(watch.IsSlow(0));
  h_.Run("CONFIG SET slowlog-log-slower-than -1 latency-monitor-threshold 0");
  EXPECT_FALSE(watch.IsSlow(uint64_t{1} << 40));
}

}  // namespace
}  // namespace larder::server
