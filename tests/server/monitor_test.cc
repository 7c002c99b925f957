#include "server/monitor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "server/client.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

class Host final : public PushHost {
 public:
  void PushToClient(int64_t client_id, PushedBytes bytes,
                    std::shared_ptr<PushBacklog> backlog) override {
    pushed.emplace_back(client_id, *bytes);
    backlogs.push_back(std::move(backlog));
  }
  std::vector<std::pair<int64_t, std::string>> pushed;
  std::vector<std::shared_ptr<PushBacklog>> backlogs;
};

// The lines, with a T where their times were.
std::string WithoutTimes(const std::string& lines) {
  return std::regex_replace(lines, std::regex(R"(\+[0-9]+\.[0-9]{6} )"), "+T ");
}

TEST(MonitorsTest, EachGetsWhatIsPublished) {
  Monitors monitors;
  Host host;
  EXPECT_FALSE(monitors.any());
  monitors.Add(ClientHandle(host, 1));
  monitors.Add(ClientHandle(host, 2));
  monitors.Publish("a\r\n", 0);
  monitors.Remove(1);
  monitors.Publish("b\r\n", 0);
  EXPECT_TRUE(monitors.any());
  monitors.Remove(2);
  EXPECT_FALSE(monitors.any());
  const std::vector<std::pair<int64_t, std::string>> expected = {
      {1, "a\r\n"}, {2, "a\r\n"}, {2, "b\r\n"}};
  EXPECT_EQ(host.pushed, expected);
}

TEST(MonitorsTest, OneWhoseThreadIsBehindOverflows) {
  Monitors monitors;
  Host host;
  monitors.Add(ClientHandle(host, 1));
  for (int i = 0; i < 4; ++i) monitors.Publish("12345", 9);
  ASSERT_EQ(host.backlogs.size(), 2u) << "10 bytes are on their way: more than 9";
  const std::shared_ptr<PushBacklog> backlog = host.backlogs[0];
  EXPECT_EQ(backlog, host.backlogs[1]);
  EXPECT_EQ(backlog->bytes(), 10u);
  EXPECT_TRUE(backlog->overflowed());
  backlog->Remove(10);
  monitors.Publish("12345", 9);
  EXPECT_EQ(host.backlogs.size(), 2u) << "lines are missing: it gets no more";
}

// While the thread of a monitor was busy, its lines piled up without limit.
TEST(MonitorTest, WhatIsOnItsWayCountsTowardsTheOutputLimit) {
  Harness h;
  h.Run("CONFIG SET client-output-buffer-limit \"normal 100000 0 0\"");
  Harness::Session& monitor = h.Connect();
  monitor.Run("MONITOR");
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += "ECHO " + std::string(1000, 'x') + "\r\n";
  h.Send(requests);  // no message is delivered meanwhile
  EXPECT_TRUE(monitor.closed());
  EXPECT_LT(monitor.Send("").size(), 150'000u);
  EXPECT_FALSE(h.thread().services.monitors.any());
}

TEST(MonitorLineTest, IsThatOfRedis) {
  Client client;
  client.db = 9;
  client.address = "127.0.0.1:50070";
  const CommandSpec spec{.name = "SET"};
  const std::vector<std::string_view> args = {"sEt", "", std::string_view("\0\x7f\xff", 3),
                                              "\"\\\n\r\t\a\b ~'"};
  const std::chrono::system_clock::time_point time(std::chrono::microseconds(1699999999000042));
  std::string line;
  AppendMonitorLine(time, client, spec, args, &line);
  EXPECT_EQ(line,
            R"(+1699999999.000042 [9 127.0.0.1:50070] "sEt" "" "\x00\x7f\xff" "\"\\\n\r\t\a\b ~'")"
            "\r\n");
  client.is_unix = true;
  client.address = "/run/l.sock:0";
  line.clear();
  AppendMonitorLine(time, client, spec, std::span(args).first(1), &line);
  EXPECT_EQ(line, "+1699999999.000042 [9 unix:/run/l.sock] \"sEt\"\r\n");
}

TEST(MonitorTest, ShowsWhatRuns) {
  Harness h;
  Harness::Session& monitor = h.Connect();
  EXPECT_EQ(monitor.Run("MONITOR"), "+OK\r\n");
  h.Send("SET k v\r\nNOSUCH\r\nGET\r\nSELECT 3\r\nGET k\r\n");
  EXPECT_EQ(WithoutTimes(monitor.Send("")),
            "+T [0 127.0.0.1:50001] \"SET\" \"k\" \"v\"\r\n"
            "+T [3 127.0.0.1:50001] \"SELECT\" \"3\"\r\n"
            "+T [3 127.0.0.1:50001] \"GET\" \"k\"\r\n");
  EXPECT_EQ(WithoutTimes(monitor.Run("PING")), "+PONG\r\n+T [0 127.0.0.1:50002] \"PING\"\r\n");
}

TEST(MonitorTest, HidesSecretsAndOperators) {
  Harness h({.config = {{"requirepass", "pw"}}});
  Harness::Session& monitor = h.Connect();
  monitor.Run("AUTH pw");
  monitor.Run("MONITOR");
  h.Run("AUTH default pw");
  h.Run("HELLO 2 SETNAME n AUTH default pw");
  h.Run("HELLO 2 AUTH default pw SETNAME n");
  h.Run("CONFIG SET requirepass other");
  h.Run("CLIENT LIST");
  EXPECT_EQ(WithoutTimes(monitor.Send("")),
            "+T [0 127.0.0.1:50001] \"AUTH\" \"(redacted)\" \"(redacted)\"\r\n"
            "+T [0 127.0.0.1:50001] \"HELLO\" \"2\" \"SETNAME\" \"n\" \"AUTH\" \"(redacted)\" "
            "\"(redacted)\"\r\n"
            "+T [0 127.0.0.1:50001] \"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\" "
            "\"SETNAME\" \"n\"\r\n");
}

TEST(MonitorTest, EndsWithReset) {
  Harness h;
  Harness::Session& monitor = h.Connect();
  monitor.Run("MONITOR");
  EXPECT_EQ(monitor.Run("MONITOR"), "");
  EXPECT_EQ(monitor.Run("GET k"), "-ERR Replica can't interact with the keyspace\r\n");
  EXPECT_EQ(monitor.Run("RESET"), "+RESET\r\n");
  h.Run("PING");
  EXPECT_EQ(monitor.Run("GET k"), "$-1\r\n");
}

}  // namespace
}  // namespace larder::server
