#include "server/stats.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace larder::server {
namespace {

TEST(StatsTest, SumsOverThreadsWhileTheyCount) {
  constexpr uint64_t kCalls = 10000;
  Stats stats(2);
  std::vector<std::thread> threads;
  for (ThreadStats* each : {&stats.AddThread(), &stats.AddThread()}) {
    threads.emplace_back([each] {
      for (uint64_t i = 0; i < kCalls; ++i) {
        each->command(1).calls.Add(1);
        each->commands_processed.Add(1);
      }
    });
  }
  uint64_t seen = 0;
  for (int i = 0; i < 100; ++i) {
    uint64_t now = stats.Totals().commands[1].calls;
    EXPECT_GE(now, seen);
    seen = now;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stats.Totals().commands[1].calls, 2 * kCalls);
  EXPECT_EQ(stats.Totals().commands[0].calls, 0u);
  EXPECT_EQ(stats.Totals().commands_processed, 2 * kCalls);
}

TEST(StatsTest, ResetStartsAnewAndGoesOnCounting) {
  Stats stats(1);
  ThreadStats& thread = stats.AddThread();
  thread.command(0).failed.Add(3);
  thread.CountError("ERR");
  thread.CountError("WRONGTYPE");
  stats.CountConnection();
  stats.Reset({.hits = 5, .misses = 2, .expired = 1});
  StatsTotals totals = stats.Totals();
  EXPECT_EQ(totals.commands[0].failed, 0u);
  EXPECT_EQ(totals.connections_received, 0u);
  EXPECT_TRUE(totals.errors.empty());
  EXPECT_EQ(stats.SinceReset({.hits = 7, .misses = 2, .expired = 1}).hits, 2u);

  thread.command(0).failed.Add(1);
  thread.CountError("ERR");
  totals = stats.Totals();
  EXPECT_EQ(totals.commands[0].failed, 1u);
  EXPECT_EQ(totals.error_replies, 1u);
  EXPECT_EQ(totals.errors.at("ERR"), 1u);
}

TEST(StatsTest, ErrorKindsAreBounded) {
  Stats stats(1);
  ThreadStats& thread = stats.AddThread();
  for (int i = 0; i < 1000; ++i) thread.CountError("E" + std::to_string(i));
  StatsTotals totals = stats.Totals();
  EXPECT_LE(totals.errors.size(), 129u);
  EXPECT_EQ(totals.errors.at("OTHER"), 1000u - 128u);
}

TEST(StatsTest, RatesLookAtTheLastSamples) {
  Stats stats(1);
  ThreadStats& thread = stats.AddThread();
  EXPECT_EQ(stats.CurrentRates().commands, 0);
  stats.TakeSample(100);
  thread.commands_processed.Add(1000);
  stats.TakeSample(50);
  EXPECT_GT(stats.CurrentRates().commands, 0);
  EXPECT_EQ(stats.PeakMemory(70), 100u);
}

TEST(StatsTest, TicksBecomeMicroseconds) {
  Stats stats(1);
  uint64_t before = Ticks();
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  while (std::chrono::steady_clock::now() < end) {
  }
  double us = stats.TicksToMicroseconds(Ticks() - before);
  EXPECT_GT(us, 10'000);
  EXPECT_LT(us, 1'000'000);
}

}  // namespace
}  // namespace larder::server
