#include "server/latency.h"

#include <gtest/gtest.h>

#include <string>

namespace larder::server {
namespace {

TEST(LatencyMonitorTest, KeepsTheLongestOfEachSecond) {
  LatencyMonitor monitor;
  monitor.Add("a", {100, 5});
  monitor.Add("a", {100, 9});
  monitor.Add("a", {100, 7});
  monitor.Add("a", {101, 3});
  const auto event = monitor.Find("a");
  ASSERT_TRUE(event);
  ASSERT_EQ(event->samples.size(), 2u);
  EXPECT_EQ(event->samples[0].milliseconds, 9);
  EXPECT_EQ(event->samples[1].milliseconds, 3);
  EXPECT_EQ(event->longest_ms, 9);
  EXPECT_FALSE(monitor.Find("b"));
}

TEST(LatencyMonitorTest, ForgetsOldSamplesButNotTheLongest) {
  LatencyMonitor monitor;
  for (int64_t i = 0; i < 200; ++i) monitor.Add("a", {i, 1000 - i});
  const auto event = monitor.Find("a");
  ASSERT_EQ(event->samples.size(), LatencyMonitor::kSamplesMax);
  EXPECT_EQ(event->samples.front().unix_seconds, 40);
  EXPECT_EQ(event->samples.back().unix_seconds, 199);
  EXPECT_EQ(event->longest_ms, 1000);
}

TEST(LatencyMonitorTest, Resets) {
  LatencyMonitor monitor;
  for (const char* name : {"a", "b", "c"}) monitor.Add(name, {1, 1});
  EXPECT_TRUE(monitor.Reset("b"));
  EXPECT_FALSE(monitor.Reset("b"));
  EXPECT_EQ(monitor.Events().size(), 2u);
  EXPECT_EQ(monitor.ResetAll(), 2u);
  EXPECT_EQ(monitor.ResetAll(), 0u);
}

// As Redis 7.0.15 draws it.
TEST(LatencyGraphTest, DrawsOneColumnASample) {
  const LatencyMonitor::Event event{
      .name = "command", .samples = {{99, 30}, {100, 10}}, .longest_ms = 40};
  EXPECT_EQ(LatencyGraph(event, 100), "command - high 30 ms, low 10 ms (all time high 40 ms)\n" +
                                          std::string(80, '-') + "\n# \n| \n| \n|_\n  \n10\nss\n");
}

TEST(LatencyReportTest, SaysWhatToDo) {
  EXPECT_NE(LatencyReport({}, 0, 0).find("CONFIG SET latency-monitor-threshold"),
            std::string::npos);
  EXPECT_NE(LatencyReport({}, 5, 0).find("No event"), std::string::npos);
  const LatencyMonitor::Event event{
      .name = "command", .samples = {{10, 30}, {12, 10}}, .longest_ms = 40};
  const std::string report = LatencyReport({event}, 5, 10000);
  EXPECT_NE(report.find("2 samples, 20 ms on average (mean deviation 10 ms), 2.00 s apart"),
            std::string::npos)
      << report;
  EXPECT_NE(report.find("slowlog-log-slower-than 5000"), std::string::npos);
}

}  // namespace
}  // namespace larder::server
