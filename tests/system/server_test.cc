// The server as a process: limits, addresses, signals, and pipelines of any depth.
#include "server/server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/resp_client.h"
#include "tests/support/server_process.h"

namespace larder::server {
namespace {

using test_support::Reply;
using test_support::RespClient;
using test_support::RespFailure;
using test_support::ServerProcess;
using namespace std::chrono_literals;

TEST(ServerTest, AnswersADeepPipelineInOrder) {
  ServerProcess server({"--threads", "2"});
  RespClient client = server.Connect();
  constexpr int kRequests = 100'000;
  std::thread sender([&] {
    std::string requests;
    for (int i = 0; i < kRequests; ++i) requests += "ECHO " + std::to_string(i) + "\r\n";
    client.SendRaw(requests);
  });
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(client.Read().text, std::to_string(i));
  sender.join();
}

TEST(ServerTest, ALongPipelineDelaysNobody) {
  ServerProcess server({"--threads", "1"});
  RespClient busy = server.Connect();
  RespClient other = server.Connect();
  std::string requests;
  for (int i = 0; i < 50'000; ++i) requests += "PING\r\n";
  std::thread sender([&] { busy.SendRaw(requests); });
  EXPECT_EQ(other.Command({"ECHO", "x"}).text, "x");
  for (int i = 0; i < 50'000; ++i) ASSERT_EQ(busy.Read().text, "PONG");
  sender.join();
}

TEST(ServerTest, TakesAndReturnsLargeValues) {
  ServerProcess server;
  RespClient client = server.Connect();
  const std::string value(20 << 20, 'v');
  EXPECT_TRUE(client.Command({"SET", "k", value}).IsOk());
  EXPECT_EQ(client.Command({"GET", "k"}).text, value);
  EXPECT_EQ(client.Command({"STRLEN", "k"}).integer, int64_t(value.size()));
}

TEST(ServerTest, RefusesClientsAboveMaxclients) {
  ServerProcess server({"--maxclients", "2"});
  RespClient first = server.Connect();
  EXPECT_EQ(first.Command({"PING"}).text, "PONG");
  {
    RespClient second = server.Connect();
    EXPECT_EQ(second.Command({"PING"}).text, "PONG");
    RespClient third = server.Connect();
    EXPECT_EQ(third.ReadUntilClosed(), "-ERR max number of clients reached\r\n");
  }
  for (int i = 0; i < 200; ++i) {  // until the server has seen that the second one left
    RespClient again = server.Connect();
    again.SendRaw("PING\r\n");
    Reply reply = again.Read();
    if (!reply.IsError()) return;
    std::this_thread::sleep_for(10ms);
  }
  FAIL() << "no place was freed";
}

TEST(ServerTest, ListensOnWhenDescriptorsRunOut) {
  ServerProcess server({"--threads", "1"});
  rlimit before{};
  // Room for a few connections beyond what the server has open now.
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  rlimit few = before;
  few.rlim_cur = 24;
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  RespClient served = server.Connect();
  EXPECT_EQ(served.Command({"PING"}).text, "PONG");
  std::deque<RespClient> waiting;
  for (int i = 0; i < 40; ++i) waiting.push_back(server.Connect());
  int64_t cpu_before = server.CpuMilliseconds();
  std::this_thread::sleep_for(500ms);
  EXPECT_LT(server.CpuMilliseconds() - cpu_before, 100) << "it spins";
  EXPECT_EQ(served.Command({"PING"}).text, "PONG");
  for (int i = 0; i < 30; ++i) waiting.pop_front();
  EXPECT_EQ(waiting.back().Command({"PING"}).text, "PONG");
}

TEST(ServerTest, ClosesIdleClients) {
  ServerProcess server({"--timeout", "1"});
  RespClient idle = server.Connect();
  EXPECT_EQ(idle.Command({"PING"}).text, "PONG");
  EXPECT_TRUE(idle.ClosedWithin(4s));
}

TEST(ServerTest, MovesToAnotherPort) {
  ServerProcess server;
  ServerProcess placeholder;  // finds a port that is free
  uint16_t port = placeholder.port();
  RespClient client = server.Connect();
  EXPECT_TRUE(client.Command({"CONFIG", "SET", "port", std::to_string(port)}).IsError());
  placeholder.Stop(SIGKILL);
  EXPECT_TRUE(client.Command({"CONFIG", "SET", "port", std::to_string(port)}).IsOk());
  RespClient moved(port);
  EXPECT_EQ(moved.Command({"PING"}).text, "PONG");
  EXPECT_EQ(client.Command({"PING"}).text, "PONG") << "connections outlive their listener";
}

TEST(ServerTest, MovesBetweenTheWildcardAndOneAddress) {
  ServerProcess server;
  RespClient client = server.Connect();
  auto bind = [&](std::string_view addresses) {
    return client.Command({"CONFIG", "SET", "bind", addresses}).IsOk();
  };
  auto serves = [&](const std::string& host) {
    try {
      return RespClient(server.port(), host).Command({"PING"}).text == "PONG";
    } catch (const RespFailure&) {
      return false;
    }
  };
  EXPECT_FALSE(serves("127.0.0.2"));
  EXPECT_TRUE(bind("*"));
  EXPECT_TRUE(serves("127.0.0.2"));

  EXPECT_FALSE(bind("127.0.0.1 192.0.2.1")) << "the second is nobody's address";
  EXPECT_FALSE(bind("127.0.0.1 127.0.0.1")) << "it is taken by then";
  EXPECT_FALSE(bind("* 127.0.0.1"));
  EXPECT_TRUE(serves("127.0.0.2"));

  EXPECT_TRUE(bind("127.0.0.1"));
  EXPECT_TRUE(serves("127.0.0.1"));
  for (int i = 0; i < 200 && serves("127.0.0.2"); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(serves("127.0.0.2"));
  EXPECT_EQ(client.Command({"PING"}).text, "PONG") << "connections outlive their listener";
}

TEST(ServerTest, ASecondServerCannotShareThePort) {
  if (test_support::TestingRedis()) GTEST_SKIP() << "Redis says so in other words";
  ServerProcess server;
  RespClient client = server.Connect();
  EXPECT_TRUE(client.Command({"CONFIG", "SET", "bind", "*"}).IsOk());
  ServerProcess other;
  RespClient other_client = other.Connect();
  Reply reply = other_client.Command({"CONFIG", "SET", "port", std::to_string(server.port())});
  EXPECT_NE(reply.text.find("Address already in use"), std::string::npos) << reply.text;
}

TEST(ServerTest, SignalsAndShutdownEndItWithZero) {
  for (int signal : {SIGTERM, SIGINT}) {
    ServerProcess server;
    RespClient idle = server.Connect();
    EXPECT_EQ(idle.Command({"PING"}).text, "PONG");
    EXPECT_EQ(server.Stop(signal), 0) << signal;
    EXPECT_EQ(idle.ReadUntilClosed(), "");
  }
  ServerProcess server;
  RespClient client = server.Connect();
  client.Send({"SHUTDOWN", "NOSAVE"});
  EXPECT_EQ(client.ReadUntilClosed(), "");
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ServerTest, ShutdownSendsWhatIsPendingFirst) {
  ServerProcess server({"--threads", "1"});
  RespClient client = server.Connect();
  const std::string value(8 << 20, 'v');
  EXPECT_TRUE(client.Command({"SET", "k", value}).IsOk());
  client.Send({"GET", "k"});
  std::this_thread::sleep_for(200ms);  // the reply does not fit into the socket
  std::thread reader([&] { EXPECT_EQ(client.Read().text, value); });
  EXPECT_EQ(server.Stop(SIGTERM), 0);
  reader.join();
}

// Whichever thread the client that keeps it waiting is on.
TEST(ServerTest, ASecondSigintDoesNotWait) {
  for (size_t slow : {0, 1}) {
    ServerProcess server({"--threads", "2"});
    std::vector<RespClient> clients;
    for (int i = 0; i < 2; ++i) clients.push_back(server.Connect());
    EXPECT_TRUE(clients[0].Command({"SET", "k", std::string(32 << 20, 'v')}).IsOk());
    clients[slow].Send({"GET", "k"});
    std::this_thread::sleep_for(200ms);
    ::kill(server.pid(), SIGINT);
    std::this_thread::sleep_for(200ms);
    EXPECT_TRUE(server.Running()) << "it waits for the client to read";
    auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(server.Stop(SIGINT), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s) << slow;
  }
}

TEST(ServerTest, AnIdleConnectionIsSmallAgainAfterALargeValue) {
  if (test_support::Sanitized()) GTEST_SKIP() << "resident memory says nothing";
  ServerProcess server({"--threads", "1"});
  int64_t before = server.ResidentBytes();
  std::vector<RespClient> clients;
  const std::string value(1 << 20, 'v');
  for (int i = 0; i < 200; ++i) {
    clients.push_back(server.Connect());
    ASSERT_TRUE(clients.back().Command({"SET", "k", value}).IsOk());
  }
  EXPECT_LT(server.ResidentBytes() - before, 40 << 20) << "200 MB would be one value each";
}

}  // namespace
}  // namespace larder::server
