// Clients that mean harm, over real sockets: declared lengths without data, broken requests, output
// that is never read, cursors and patterns made to hurt. The server answers as Redis words it, or
// closes; it keeps its memory and its pace for everyone else.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <set>

#include "tests/support/server_process.h"

namespace larder::server {
namespace {

using test_support::EncodeRequest;
using test_support::Reply;
using test_support::RespClient;
using test_support::RespFailure;
using test_support::ServerProcess;
using test_support::ToString;

constexpr int64_t kMiB = 1 << 20;
constexpr std::chrono::seconds kSoon{10};

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void ExpectAlive(const ServerProcess& server) {
  RespClient client = server.Connect();
  EXPECT_EQ(ToString(client.Command({"PING"})), "PONG");
}

TEST(HostileInputTest, DeclaredLengthsWithoutDataTakeNoMemory) {
  constexpr size_t kConnections = 1000;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  ServerProcess server;
  std::vector<RespClient> clients;
  for (size_t i = 0; i < kConnections; ++i) {
    clients.push_back(server.Connect());
    ASSERT_EQ(ToString(clients.back().Command({"PING"})), "PONG");
  }
  const int64_t before_bytes = server.ResidentBytes();
  for (size_t i = 0; i < kConnections; ++i) {
    switch (i % 3) {
      case 0:
        clients[i].SendRaw("*1048576\r\n");
        break;
      case 1:
        clients[i].SendRaw("*2\r\n$536870912\r\n");
        break;
      default:
        clients[i].SendRaw("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nx");
        break;
    }
  }
  // The threads that read the last of these have answered by then.
  for (int i = 0; i < 8; ++i) ExpectAlive(server);
  const int64_t grown_bytes = server.ResidentBytes() - before_bytes;
  RecordProperty("grown_kib", std::to_string(grown_bytes / 1024));
  if (!test_support::Sanitized() && !test_support::TestingRedis()) {
    EXPECT_LT(grown_bytes, 4 * kMiB);
  }
}

// Neither with the connections, of which there may be many, nor with the thread.
TEST(HostileInputTest, AMillionArgumentsLeaveNoMemoryBehind) {
  constexpr int kArguments = 1'000'000;
  constexpr int64_t kBytesAConnection = 16 * kArguments;
  constexpr int kConnections = 16;
  ServerProcess server({"--threads", "1"});
  std::string request = "*" + std::to_string(kArguments + 1) + "\r\n$4\r\nPING\r\n";
  for (int i = 0; i < kArguments; ++i) request += "$1\r\nk\r\n";
  std::vector<RespClient> clients;
  for (int i = 0; i < kConnections; ++i) clients.push_back(server.Connect());
  const int64_t before_bytes = server.ResidentBytes();
  for (RespClient& client : clients) {
    client.SendRaw(request);
    EXPECT_TRUE(client.Read().IsError());
  }
  const int64_t left_bytes = server.ResidentBytes() - before_bytes;
  RecordProperty("left_kib", std::to_string(left_bytes / 1024));
  if (!test_support::Sanitized() && !test_support::TestingRedis()) {
    // The allocator keeps some of what it got back.
    EXPECT_LT(left_bytes, kConnections * kBytesAConnection / 2);
  }
}

TEST(HostileInputTest, EmptyRequestsBetweenOthersAreSkipped) {
  ServerProcess server;
  RespClient client = server.Connect();
  constexpr int kRepeats = 500;
  std::string requests;
  for (int i = 0; i < kRepeats; ++i) {
    requests +=
        "*0\r\n*-1\r\n\r\n\n*-2147483648\r\nPING a\r\n*0\r\n*2\r\n$4\r\nPING\r\n$1\r\nb\r\n";
  }
  client.SendRaw(requests);
  for (int i = 0; i < kRepeats; ++i) {
    ASSERT_EQ(client.Read().text, "a");
    ASSERT_EQ(client.Read().text, "b");
  }
  EXPECT_EQ(client.Command({"ECHO", "last"}).text, "last");
}

TEST(HostileInputTest, AProtocolErrorIsAnsweredThenTheConnectionCloses) {
  const std::pair<std::string, std::string> kCases[] = {
      {"*x\r\n", "ERR Protocol error: invalid multibulk length"},
      {"*1048577000000\r\n", "ERR Protocol error: invalid multibulk length"},
      {"*1\r\n$x\r\n", "ERR Protocol error: invalid bulk length"},
      {"*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"},
      {"*1\r\n$536870913\r\n", "ERR Protocol error: invalid bulk length"},
      {"*1\r\nPING\r\n", "ERR Protocol error: expected '$', got 'P'"},
      {"ECHO \"a\r\n", "ERR Protocol error: unbalanced quotes in request"},
      {std::string(70'000, 'a'), "ERR Protocol error: too big inline request"},
      {"*1\r\n$" + std::string(70'000, '1'), "ERR Protocol error: too big bulk count string"},
      {"*" + std::string(70'000, '1'), "ERR Protocol error: too big mbulk count string"},
  };
  ServerProcess server;
  for (const auto& [bytes, error] : kCases) {
    SCOPED_TRACE(bytes.substr(0, 40));
    RespClient client = server.Connect();
    client.SendRaw("PING\r\n" + bytes);
    EXPECT_EQ(ToString(client.Read()), "PONG");
    EXPECT_EQ(ToString(client.Read()), "(error) " + error);
    EXPECT_TRUE(client.ClosedWithin(kSoon));
  }
}

TEST(HostileInputTest, AnEndlessPipelinerWhoNeverReadsIsClosedAtItsLimit) {
  constexpr int64_t kLimit = 8 * kMiB;
  constexpr std::chrono::seconds kWithin{30};
  ServerProcess server;
  RespClient other = server.Connect();
  ASSERT_TRUE(other.Command({"SET", "big", std::string(100'000, 'x')}).IsOk());
  ASSERT_TRUE(
      other.Command({"CONFIG", "SET", "client-output-buffer-limit", "normal 8mb 0 0"}).IsOk());
  const int64_t before_bytes = server.ResidentBytes();
  int64_t most_bytes = before_bytes;
  RespClient client = server.Connect();
  client.SetReceiveBuffer(4096);
  const std::string request = EncodeRequest({"GET", "big"});
  const auto start = std::chrono::steady_clock::now();
  bool closed = false;
  while (!closed && std::chrono::steady_clock::now() - start < kWithin) {
    try {
      client.SendRaw(request);
    } catch (const RespFailure&) {
      closed = true;
    }
    most_bytes = std::max(most_bytes, server.ResidentBytes());
  }
  EXPECT_TRUE(closed);
  EXPECT_EQ(ToString(other.Command({"PING"})), "PONG");
  if (!test_support::Sanitized()) {
    EXPECT_LT(most_bytes - before_bytes, 2 * kLimit);
  }
}

TEST(HostileInputTest, AReplyAboveTheOutputLimitIsSentWhole) {
  ServerProcess server;
  RespClient other = server.Connect();
  const std::string value(static_cast<size_t>(24 * kMiB), 'x');
  ASSERT_TRUE(other.Command({"SET", "big", value}).IsOk());
  ASSERT_TRUE(
      other.Command({"CONFIG", "SET", "client-output-buffer-limit", "normal 4mb 0 0"}).IsOk());
  RespClient client = server.Connect();
  client.SetReceiveBuffer(64 * 1024);
  for (int i = 0; i < 2; ++i) {
    client.Send({"GET", "big"});
    for (int turns = 0; turns < 50; ++turns) other.Command({"PING"});
    EXPECT_EQ(client.Read().text, value);
  }
}

TEST(HostileInputTest, EveryScanCursorIsAnsweredAndNoneHarms) {
  ServerProcess server;
  RespClient client = server.Connect();
  std::set<std::string> keys;
  for (int i = 0; i < 2000; ++i) {
    keys.insert("key:" + std::to_string(i));
    client.Command({"SET", "key:" + std::to_string(i), "v"});
  }
  std::mt19937_64 random(20240607);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 5000; ++i) {
    const uint64_t cursor = random() >> (random() % 64);
    const Reply reply = client.Command({"SCAN", std::to_string(cursor), "COUNT", "10"});
    ASSERT_EQ(reply.type, '*') << cursor << ": " << ToString(reply);
    ASSERT_EQ(reply.elements.size(), 2u);
  }
  for (const char* cursor : {"18446744073709551616", "x", "1.5", " 1", "99999999999999999999"}) {
    EXPECT_EQ(ToString(client.Command({"SCAN", cursor})), "(error) ERR invalid cursor") << cursor;
  }
  EXPECT_LT(SecondsSince(start), test_support::Sanitized() ? 60 : 10);

  std::set<std::string> seen;
  std::string cursor = "0";
  do {
    const Reply reply = client.Command({"SCAN", cursor, "COUNT", "9223372036854775807"});
    ASSERT_EQ(reply.type, '*') << ToString(reply);
    cursor = reply.elements[0].text;
    for (const Reply& key : reply.elements[1].elements) seen.insert(key.text);
  } while (cursor != "0");
  EXPECT_EQ(seen, keys);
}

TEST(HostileInputTest, PatternsOfNestedStarsTakeLinearTime) {
  if (test_support::TestingRedis()) GTEST_SKIP() << "Redis 7.0 backtracks here";
  ServerProcess server;
  RespClient client = server.Connect();
  client.Command({"SET", std::string(2000, 'a'), "v"});
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "a*";
  pattern += "b";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(client.Command({"KEYS", pattern}).elements.empty());
  EXPECT_EQ(client.Command({"SCAN", "0", "COUNT", "100000", "MATCH", pattern}).elements.size(), 2u);
  EXPECT_LT(SecondsSince(start), 2.0);
}

TEST(HostileInputTest, RandomBytesOnManyConnectionsLeaveTheServerServing) {
  ServerProcess server;
  std::mt19937_64 random(std::random_device{}());
  for (int connection = 0; connection < 300; ++connection) {
    RespClient client = server.Connect();
    std::string bytes(1 + random() % 3000, '\0');
    constexpr std::string_view kLikely = "*$\r\n0123456789-PINGSETGET ";
    for (char& byte : bytes) {
      byte = random() % 2 == 0 ? kLikely[random() % kLikely.size()] : static_cast<char>(random());
    }
    try {
      client.SendRaw(bytes);
      client.SendRaw(bytes);
    } catch (const RespFailure&) {
      // Closed already: as it should be.
    }
    if (connection % 3 == 0) client.Reset();
  }
  EXPECT_TRUE(server.Running());
  ExpectAlive(server);
}

TEST(HostileInputTest, ARequestThatComesByteByByteIsServed) {
  ServerProcess server;
  RespClient client = server.Connect();
  const std::string value = "a\r\n$3\r\nb";
  for (const char byte : EncodeRequest({"SET", "k", value}) + "GET k\r\n") {
    client.SendRaw(std::string(1, byte));
  }
  EXPECT_TRUE(client.Read().IsOk());
  EXPECT_EQ(client.Read().text, value);
}

}  // namespace
}  // namespace larder::server
