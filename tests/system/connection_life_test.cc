// How connections end, over real sockets: half-closed by the client, killed by themselves or by
// others in the middle of a pipeline, reset, or gone while a command of theirs is suspended.
// Replies that are due are sent; nothing runs after the end; nobody else notices.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "tests/support/server_process.h"
#include "tests/support/store_fixture.h"

namespace larder::server {
namespace {

using test_support::EncodeRequest;
using test_support::RespClient;
using test_support::RespFailure;
using test_support::ServerProcess;
using test_support::ToString;

constexpr std::chrono::seconds kSoon{10};

class ConnectionLifeTest : public testing::Test {
 protected:
  ConnectionLifeTest()
      : server_({"--threads", "2", "--enable-debug-command", "yes"}), other_(server_.Connect()) {}

  void TearDown() override {
    ASSERT_TRUE(server_.Running()) << server_.Output();
    EXPECT_EQ(ToString(server_.Connect().Command({"PING"})), "PONG");
  }

  static std::string IdOf(RespClient& client) {
    return std::to_string(client.Command({"CLIENT", "ID"}).integer);
  }

  // True if within `timeout` the server has no client but other_.
  bool IsAloneWithin(std::chrono::milliseconds timeout) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (std::chrono::steady_clock::now() < end) {
      const std::string info = other_.Command({"INFO", "clients"}).text;
      if (info.find("connected_clients:1\r\n") != std::string::npos) return true;
    }
    return false;
  }

  ServerProcess server_;
  RespClient other_;
};

TEST_F(ConnectionLifeTest, AHalfClosedClientGetsAllItsReplies) {
  constexpr int kRequests = 20'000;
  RespClient client = server_.Connect();
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += EncodeRequest({"INCR", "n"});
  client.SendRaw(requests);
  client.ShutdownWrite();
  for (int i = 1; i <= kRequests; ++i) ASSERT_EQ(client.Read().integer, i);
  EXPECT_TRUE(client.ClosedWithin(kSoon));
}

TEST_F(ConnectionLifeTest, AHalfClosedClientGetsLargeRepliesHoweverLateItReads) {
  if (test_support::TestingRedis()) GTEST_SKIP() << "Redis drops what is unsent at a half-close";
  constexpr int kRequests = 300;
  const std::string value(100'000, 'x');
  ASSERT_TRUE(other_.Command({"SET", "big", value}).IsOk());
  RespClient client = server_.Connect();
  client.SetReceiveBuffer(64 * 1024);  // a smaller window crawls: 40 ms a delayed ACK
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += EncodeRequest({"GET", "big"});
  client.SendRaw(requests);
  client.ShutdownWrite();
  // By now the server has seen the end and holds most of the replies.
  for (int i = 0; i < 50; ++i) other_.Command({"PING"});
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(client.Read().text, value);
  EXPECT_TRUE(client.ClosedWithin(kSoon));
}

// The half-close arrives while requests that waited out a suspension are served turn by turn.
TEST_F(ConnectionLifeTest, AHalfCloseBetweenTwoTurnsCutsNothingOff) {
  constexpr int kRequests = 1000;
  std::string keys;
  for (int i = 0; i < 20'000; ++i) keys += EncodeRequest({"SET", std::to_string(i), ""});
  other_.SendRaw(keys);
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(other_.Read().IsOk());
  RespClient client = server_.Connect();
  std::string requests = EncodeRequest({"DEBUG", "SLEEP", "0.01"});
  for (int i = 0; i < kRequests; ++i) requests += EncodeRequest({"KEYS", "x*"});
  client.SendRaw(requests);
  ASSERT_TRUE(client.Read().IsOk());
  client.ShutdownWrite();
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(client.Read().type, '*') << i;
  EXPECT_TRUE(client.ClosedWithin(kSoon));
}

TEST_F(ConnectionLifeTest, AnIncompleteRequestBeforeAHalfCloseIsDropped) {
  RespClient client = server_.Connect();
  client.SendRaw(EncodeRequest({"SET", "a", "1"}) + "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n");
  client.ShutdownWrite();
  EXPECT_EQ(client.ReadUntilClosed(), "+OK\r\n");
  EXPECT_EQ(other_.Command({"EXISTS", "a", "b"}).integer, 1);
}

TEST_F(ConnectionLifeTest, NothingRunsAfterQuit) {
  RespClient client = server_.Connect();
  client.SendRaw("PING\r\nQUIT\r\nSET after 1\r\n");
  EXPECT_EQ(client.ReadUntilClosed(), "+PONG\r\n+OK\r\n");
  EXPECT_EQ(other_.Command({"EXISTS", "after"}).integer, 0);
}

TEST_F(ConnectionLifeTest, NothingRunsAfterAClientKilledItselfInMidPipeline) {
  RespClient client = server_.Connect();
  const std::string id = IdOf(client);
  client.SendRaw(EncodeRequest({"PING"}) +
                 EncodeRequest({"CLIENT", "KILL", "ID", id, "SKIPME", "no"}) +
                 EncodeRequest({"SET", "after", "1"}) + EncodeRequest({"PING"}));
  EXPECT_EQ(client.ReadUntilClosed(), "+PONG\r\n:1\r\n");
  EXPECT_EQ(other_.Command({"EXISTS", "after"}).integer, 0);
}

TEST_F(ConnectionLifeTest, KillSparesTheCallerUnlessTold) {
  RespClient client = server_.Connect();
  EXPECT_EQ(client.Command({"CLIENT", "KILL", "ID", IdOf(client)}).integer, 0);
  EXPECT_EQ(ToString(client.Command({"PING"})), "PONG");
}

TEST_F(ConnectionLifeTest, AClientKilledInMidPipelineLosesATailOnly) {
  for (int round = 0; round < 20; ++round) {
    RespClient victim = server_.Connect();
    const std::string id = IdOf(victim);
    const std::string key = "counter:" + std::to_string(round);
    std::atomic<bool> killed = false;
    int64_t answered = 0;
    std::thread pipeline([&] {
      std::string requests;
      for (int i = 0; i < 200; ++i) requests += EncodeRequest({"INCR", key});
      try {
        while (true) {
          victim.SendRaw(requests);
          for (int i = 0; i < 200; ++i) {
            const int64_t reply = victim.Read().integer;
            if (reply != answered + 1) return;
            answered = reply;
          }
        }
      } catch (const RespFailure&) {
        killed = true;
      }
    });
    while (other_.Command({"EXISTS", key}).integer == 0) {
    }
    EXPECT_EQ(other_.Command({"CLIENT", "KILL", "ID", id}).integer, 1);
    pipeline.join();
    EXPECT_TRUE(killed) << "a reply was out of sequence after " << answered;
    EXPECT_GE(std::stoll(other_.Command({"GET", key}).text), answered);
    EXPECT_TRUE(other_.Command({"CLIENT", "LIST", "ID", id}).text.empty());
  }
}

TEST_F(ConnectionLifeTest, ClientsThatKillEachOtherAcrossThreads) {
  constexpr int kClients = 8;
  for (int round = 0; round < 30; ++round) {
    std::vector<RespClient> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.push_back(server_.Connect());
      // Only who has been served is sure to have reached its thread, and to be found there.
      EXPECT_EQ(clients.back().Command({"PING"}).text, "PONG");
    }
    const std::string requests = EncodeRequest({"SET", "k", "v"}) +
                                 EncodeRequest({"CLIENT", "KILL", "TYPE", "normal"}) +
                                 EncodeRequest({"GET", "k"});
    for (RespClient& client : clients) {
      try {
        client.SendRaw(requests);
      } catch (const RespFailure&) {
        // Killed by an earlier one.
      }
    }
    int survivors = 0;
    for (RespClient& client : clients) {
      try {
        for (int i = 0; i < 3; ++i) client.Read();
        if (ToString(client.Command({"PING"})) == "PONG") ++survivors;
      } catch (const RespFailure&) {
        // Killed, as all but one are.
      }
    }
    EXPECT_LE(survivors, 1);
  }
}

TEST_F(ConnectionLifeTest, ConnectionsResetWithRepliesUnderWayHarmNobody) {
  ASSERT_TRUE(other_.Command({"SET", "big", std::string(1'000'000, 'x')}).IsOk());
  for (int i = 0; i < 200; ++i) {
    RespClient client = server_.Connect();
    client.SendRaw("GET big\r\nGET big\r\nGET big\r\n");
    if (i % 2 == 0) client.SendRaw("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\nhalf");
    client.Reset();
  }
  EXPECT_EQ(ToString(other_.Command({"PING"})), "PONG");
}

TEST_F(ConnectionLifeTest, ASleepingClientMayBeKilledOrGo) {
  RespClient killed = server_.Connect();
  const std::string id = IdOf(killed);
  killed.Send({"DEBUG", "SLEEP", "0.3"});
  RespClient gone = server_.Connect();
  gone.Send({"DEBUG", "SLEEP", "0.3"});
  gone.Reset();
  RespClient patient = server_.Connect();
  patient.SendRaw("DEBUG SLEEP 0.3\r\nECHO awake\r\n");
  EXPECT_LE(other_.Command({"CLIENT", "KILL", "ID", id}).integer, 1);
  EXPECT_TRUE(patient.Read().IsOk());
  EXPECT_EQ(patient.Read().text, "awake");
}

// However much a client sends ahead, the server takes in no more than it is about to run.
TEST_F(ConnectionLifeTest, WhoSendsWithoutEndIsHeldBack) {
  if (test_support::TestingRedis()) GTEST_SKIP() << "it reads 16 KiB at a time, others wait";
  const auto rounds = static_cast<int>(test_support::Scaled(100));
  constexpr int kRequests = 10'000;
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += "PING\r\n";
  RespClient client = server_.Connect();
  std::thread sender([&] {
    for (int i = 0; i < rounds; ++i) client.SendRaw(requests);
  });
  int64_t most = 0;
  for (int i = 0; i < rounds; ++i) {
    for (int reply = 0; reply < kRequests; ++reply) ASSERT_EQ(client.Read().text, "PONG");
    const std::string list = other_.Command({"CLIENT", "LIST"}).text;
    for (size_t at = list.find("qbuf="); at != std::string::npos; at = list.find("qbuf=", at + 1)) {
      most = std::max<int64_t>(most, std::atoll(list.c_str() + at + 5));
    }
  }
  sender.join();
  EXPECT_LE(most, 1 << 20);
}

// Receiving stops at the urgent mark, whatever lies behind it.
TEST_F(ConnectionLifeTest, UrgentDataHidesNothing) {
  RespClient client = server_.Connect();
  EXPECT_EQ(client.Command({"PING"}).text, "PONG");
  for (int i = 0; i < 20; ++i) {
    client.SendRaw("PING\r\n");
    client.SendUrgent('!');
    client.SendRaw("PING\r\n");
    EXPECT_EQ(client.Read().text, "PONG");
    EXPECT_EQ(client.Read().text, "PONG");
  }
}

TEST_F(ConnectionLifeTest, ABlockedClientThatHangsUpIsLetGo) {
  if (test_support::TestingRedis()) GTEST_SKIP() << "Redis stands still in DEBUG SLEEP";
  const std::string sent_ahead(200'000, '\n');
  for (int i = 0; i < 100; ++i) {
    RespClient client = server_.Connect();
    client.SendRaw("PING\r\nDEBUG SLEEP 100000\r\n" + (i % 2 == 0 ? "" : sent_ahead));
    ASSERT_EQ(client.Read().text, "PONG");
    client.Close();
  }
  EXPECT_TRUE(IsAloneWithin(kSoon));
}

// Redis' rule for blocked clients: who shuts down the sending side only is gone as well.
TEST_F(ConnectionLifeTest, ABlockedClientThatHalfClosesIsLetGo) {
  if (test_support::TestingRedis()) GTEST_SKIP() << "Redis stands still in DEBUG SLEEP";
  for (const char* rest : {"", "ECHO awake\r\n"}) {
    RespClient client = server_.Connect();
    client.SendRaw("PING\r\nDEBUG SLEEP 100000\r\n" + std::string(rest));
    client.ShutdownWrite();
    EXPECT_EQ(client.ReadUntilClosed(), "+PONG\r\n");
  }
}

// Commands that ask all threads suspend their client too, which Redis has no need to do.
TEST_F(ConnectionLifeTest, AHalfCloseWaitsForTheAnswersOfAllThreads) {
  for (int i = 0; i < 200; ++i) {
    RespClient client = server_.Connect();
    client.SendRaw("CLIENT LIST\r\nPING\r\n");
    client.ShutdownWrite();
    EXPECT_EQ(client.Read().type, '$');
    EXPECT_EQ(client.Read().text, "PONG");
    EXPECT_TRUE(client.ClosedWithin(kSoon));
  }
}

TEST_F(ConnectionLifeTest, ASleepingClientDelaysNobodyElse) {
  if (test_support::TestingRedis()) GTEST_SKIP() << "Redis has one thread for all";
  std::vector<RespClient> sleepers;
  for (int i = 0; i < 8; ++i) {
    sleepers.push_back(server_.Connect());
    sleepers.back().Send({"DEBUG", "SLEEP", "2"});
  }
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i) {
    RespClient client = server_.Connect();
    EXPECT_EQ(ToString(client.Command({"PING"})), "PONG");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1500));
}

}  // namespace
}  // namespace larder::server
