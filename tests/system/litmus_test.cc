// Store, then load: client A writes x and reads y while client B writes y and reads x. Whatever the
// order, at least one of them must see the other's write. A store whose unlock is a plain store, or
// which pins once for a whole batch, lets both reads overtake both writes now and then, so both
// miss.
//
// One write carries many independent instances of the litmus, each on two keys of its own, so that
// the server's two threads run through them side by side at ever new distances.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/server_process.h"

namespace larder::server {
namespace {

using test_support::EncodeRequest;
using test_support::MapUnderTest;
using test_support::RespClient;
using test_support::ServerProcess;

constexpr int kInstances = 2'000;  // pairs of keys
constexpr int kRounds = 300'000;   // instances run in each test, all batches together
constexpr size_t kBatchMax = 200;  // instances in one write
constexpr size_t kFillerMax = 40;  // commands in front that shift one thread against the other

std::string Key(char name, size_t instance) {
  return std::string(1, name) + ":" + std::to_string(instance);
}

// SET mine value, GET theirs, for instances first .. first + count - 1.
std::string Requests(char mine, char theirs, size_t first, size_t count, const std::string& value) {
  std::string requests;
  for (size_t i = first; i < first + count; ++i) {
    requests += EncodeRequest({"SET", Key(mine, i), value});
    requests += EncodeRequest({"GET", Key(theirs, i)});
  }
  return requests;
}

std::string Filler(size_t commands) {
  std::string requests;
  for (size_t i = 0; i < commands; ++i) requests += EncodeRequest({"ECHO", "filler"});
  return requests;
}

// For each instance, whether the GET saw `value`.
std::vector<bool> ReadSeen(RespClient& client, size_t filler, size_t count,
                           const std::string& value) {
  for (size_t i = 0; i < filler; ++i) client.Read();
  std::vector<bool> seen;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(client.Read().IsOk());
    seen.push_back(client.Read().text == value);
  }
  return seen;
}

class LitmusTest : public testing::TestWithParam<MapUnderTest> {
 protected:
  LitmusTest() : server_({"--map", GetParam().kind, "--threads", GetParam().threads}) {}

  ServerProcess server_;
};

TEST_P(LitmusTest, StoreThenLoadNeverMissesBothWays) {
  // Of three connections on two threads at least two pairs are on different threads.
  std::vector<RespClient> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(server_.Connect());
  RespClient cleaner = server_.Connect();
  std::mt19937_64 random(std::random_device{}());

  const auto rounds = static_cast<int64_t>(kRounds * test_support::RoundsFactor());
  int64_t both_saw = 0;
  int64_t round = 0;
  for (int64_t batch = 0; round < rounds; ++batch) {
    // Every third batch starts from absent keys: a write then adds an entry, not a value.
    if (batch % 3 == 0) {
      ASSERT_TRUE(cleaner.Command({"FLUSHALL"}).IsOk());
    }
    const size_t count = 1 + random() % kBatchMax;
    const size_t first = random() % (kInstances - count);
    const size_t filler_a = random() % kFillerMax;
    const size_t filler_b = random() % kFillerMax;
    const std::string value = "batch" + std::to_string(batch);
    RespClient& a = clients[static_cast<size_t>(batch % 3)];
    RespClient& b = clients[static_cast<size_t>((batch + 1) % 3)];
    const std::string to_a = Filler(filler_a) + Requests('x', 'y', first, count, value);
    const std::string to_b = Filler(filler_b) + Requests('y', 'x', first, count, value);
    a.SendRaw(to_a);
    b.SendRaw(to_b);
    const std::vector<bool> a_saw = ReadSeen(a, filler_a, count, value);
    const std::vector<bool> b_saw = ReadSeen(b, filler_b, count, value);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(a_saw[i] || b_saw[i])
          << "both missed: instance " << first + i << " of batch " << batch;
      if (a_saw[i] && b_saw[i]) ++both_saw;
    }
    round += static_cast<int64_t>(count);
  }
  // How close the two came: 0 would mean that they never met.
  RecordProperty("both_saw_percent", std::to_string(100.0 * both_saw / round));
}

INSTANTIATE_TEST_SUITE_P(EveryMap, LitmusTest, testing::ValuesIn(test_support::MapsUnderTest()),
                         [](const auto& map) { return map.param.kind; });

}  // namespace
}  // namespace larder::server
