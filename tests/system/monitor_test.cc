// MONITOR and CLIENT PAUSE across I/O threads, over real sockets: everybody's commands are shown in
// everybody's order; a monitor that does not read, or goes away, troubles nobody; a paused client
// waits on a thread that goes on serving others.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/server_process.h"

namespace larder::server {
namespace {

using test_support::EncodeRequest;
using test_support::Reply;
using test_support::RespClient;
using test_support::ServerProcess;
using test_support::ToString;

class MonitorTest : public testing::Test {
 protected:
  MonitorTest() : server_({"--threads", "2"}), other_(server_.Connect()) {}

  void TearDown() override {
    ASSERT_TRUE(server_.Running()) << server_.Output();
    EXPECT_EQ(ToString(server_.Connect().Command({"PING"})), "PONG");
  }

  // Waits until so many clients are connected.
  bool HasClients(int count) {
    const std::string line = "connected_clients:" + std::to_string(count) + "\r\n";
    for (int i = 0; i < 1000; ++i) {
      if (other_.Command({"INFO", "clients"}).text.find(line) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  ServerProcess server_;
  RespClient other_;
};

TEST_F(MonitorTest, ShowsTheCommandsOfAllThreadsInOrder) {
  constexpr int kClients = 4;
  constexpr int kRequests = 500;
  RespClient monitor = server_.Connect();
  ASSERT_TRUE(monitor.Command({"MONITOR"}).IsOk());
  std::vector<RespClient> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(server_.Connect());
  for (int i = 0; i < kClients; ++i) {
    std::string requests;
    for (int n = 0; n < kRequests; ++n) {
      requests += EncodeRequest({"ECHO", std::to_string(i) + ":" + std::to_string(n)});
    }
    clients[static_cast<size_t>(i)].SendRaw(requests);
  }
  std::vector<int> seen(kClients);
  for (int line = 0; line < kClients * kRequests; ++line) {
    const std::string text = monitor.Read().text;
    const size_t at = text.find("\"ECHO\" \"") + 8;
    const auto client = static_cast<size_t>(text.at(at) - '0');
    ASSERT_EQ(std::stoi(text.substr(at + 2)), seen.at(client)++) << text;
  }
}

TEST_F(MonitorTest, OneThatDoesNotReadIsClosed) {
  ASSERT_TRUE(
      other_.Command({"CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0"}).IsOk());
  RespClient monitor = server_.Connect();
  monitor.SetReceiveBuffer(4096);
  ASSERT_TRUE(monitor.Command({"MONITOR"}).IsOk());
  const std::string value(500'000, 'x');
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(other_.Command({"SET", "k", value}).IsOk());
  EXPECT_TRUE(HasClients(1));
}

TEST_F(MonitorTest, OneThatGoesIsForgotten) {
  RespClient monitor = server_.Connect();
  ASSERT_TRUE(monitor.Command({"MONITOR"}).IsOk());
  monitor.Reset();
  ASSERT_TRUE(HasClients(1));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ToString(other_.Command({"PING"})), "PONG");
}

TEST_F(MonitorTest, QuitEndsIt) {
  RespClient monitor = server_.Connect();
  ASSERT_TRUE(monitor.Command({"MONITOR"}).IsOk());
  EXPECT_TRUE(monitor.Command({"QUIT"}).IsOk());
  EXPECT_TRUE(HasClients(1));
}

TEST_F(MonitorTest, APausedClientHoldsUpNobody) {
  constexpr int kClients = 4;  // on both threads
  std::vector<RespClient> paused;
  ASSERT_TRUE(other_.Command({"CLIENT", "PAUSE", "100000", "WRITE"}).IsOk());
  for (int i = 0; i < kClients; ++i) {
    paused.push_back(server_.Connect());
    paused.back().Send({"INCR", "n"});
    paused.back().Send({"PING"});
  }
  for (int i = 0; i < kClients; ++i) EXPECT_TRUE(server_.Connect().Command({"GET", "n"}).IsNull());
  ASSERT_TRUE(other_.Command({"CLIENT", "UNPAUSE"}).IsOk());
  for (RespClient& client : paused) {
    EXPECT_EQ(client.Read().type, ':');
    EXPECT_EQ(ToString(client.Read()), "PONG");
  }
  EXPECT_EQ(other_.Command({"GET", "n"}).text, std::to_string(kClients));
}

TEST_F(MonitorTest, APausedClientThatGoesRunsNothing) {
  ASSERT_TRUE(other_.Command({"CLIENT", "PAUSE", "100000", "WRITE"}).IsOk());
  {
    RespClient client = server_.Connect();
    client.Send({"INCR", "n"});
    while (other_.Command({"INFO", "clients"}).text.find("blocked_clients:1") ==
           std::string::npos) {
    }
  }
  ASSERT_TRUE(HasClients(1));
  EXPECT_NE(other_.Command({"INFO", "clients"}).text.find("blocked_clients:0"), std::string::npos);
  ASSERT_TRUE(other_.Command({"CLIENT", "UNPAUSE"}).IsOk());
  EXPECT_TRUE(other_.Command({"GET", "n"}).IsNull());
}

}  // namespace
}  // namespace larder::server
