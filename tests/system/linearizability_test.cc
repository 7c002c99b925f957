// Concurrent clients on a few keys over real sockets: whatever they were told must be explained by
// one order of all their commands. Runs for every map kind; LARDER_ROUNDS=20 runs it twenty times
// as long.
//
// Each client sends a batch of commands in one write: that makes the server's threads meet in the
// store far more often than one command at a time would, and its I/O code pipeline them.
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/history_recorder.h"
#include "tests/support/linearizability.h"
#include "tests/support/server_process.h"

namespace larder::server {
namespace {

using test_support::HistoryRecorder;
using test_support::KeyValues;
using test_support::MapUnderTest;
using test_support::Operation;
using test_support::OperationGenerator;
using test_support::OpKind;
using test_support::Outcome;
using test_support::Reply;
using test_support::RespClient;
using test_support::RespFailure;
using test_support::ServerProcess;

constexpr int kClients = 4;
constexpr int kOpsPerClient = 8;
constexpr double kSecondsPerKind = 4.0;
constexpr int64_t kFarFuture = 4'102'444'800'000;  // of deadlines: the year 2100

std::string Encode(const Operation& op) {
  std::string request = test_support::EncodeRequest(test_support::WordsOf(op));
  if (op.kind != OpKind::kExec) return request;
  std::string before = test_support::EncodeRequest({"MULTI"});
  for (const Operation& queued : op.queued) {
    before += test_support::EncodeRequest(test_support::WordsOf(queued));
  }
  return before + request;
}

Outcome ToOutcome(const Operation& op, const Reply& reply) {
  switch (reply.type) {
    case '_':
      return Outcome::Nil();
    case ':':
      return Outcome::Integer(reply.integer);
    case '-':
      return Outcome::Error();
    case '$':
      return Outcome::Text(reply.text);
    case '*': {
      if (op.kind == OpKind::kExec) {
        std::vector<Outcome> replies;
        for (size_t i = 0; i < op.queued.size(); ++i) {
          replies.push_back(ToOutcome(op.queued[i], reply.elements.at(i)));
        }
        return Outcome::Replies(std::move(replies));
      }
      std::vector<std::optional<std::string>> values;
      for (const Reply& element : reply.elements) {
        values.push_back(element.IsNull() ? std::nullopt : std::optional(element.text));
      }
      return Outcome::List(std::move(values));
    }
    default:
      if (reply.IsOk()) return Outcome::Ok();
      throw RespFailure("unexpected reply: " + test_support::ToString(reply));
  }
}

void RunPipelined(RespClient& client, std::span<Operation> batch) {
  std::string requests;
  for (const Operation& op : batch) requests += Encode(op);
  const int64_t call_ns = test_support::NowNs();
  for (Operation& op : batch) op.call_ns = call_ns;
  client.SendRaw(requests);
  for (Operation& op : batch) {
    if (op.kind == OpKind::kExec) {
      for (size_t i = 0; i <= op.queued.size(); ++i) client.Read();  // OK, QUEUED...
    }
    const Reply reply = client.Read();
    op.return_ns = test_support::NowNs();
    op.outcome = ToOutcome(op, reply);
  }
}

void SetState(RespClient& client, const std::vector<std::string>& keys, const KeyValues& state) {
  std::vector<std::string> del = {"DEL"};
  del.insert(del.end(), keys.begin(), keys.end());
  std::string requests;
  for (const char* db : {"1", "0"}) {
    requests += test_support::EncodeRequest({"SELECT", db}) + test_support::EncodeRequest(del);
  }
  for (const auto& [key, value] : state) {
    requests += test_support::EncodeRequest({"SET", key, value});
  }
  client.SendRaw(requests);
  for (size_t i = 0; i < 4 + state.size(); ++i) ASSERT_NE(client.Read().type, '-');
}

class LinearizabilityTest : public testing::TestWithParam<MapUnderTest> {};

TEST_P(LinearizabilityTest, ConcurrentHistoriesHaveASequentialOrder) {
  ServerProcess server({"--map", GetParam().kind, "--threads", GetParam().threads});
  std::vector<RespClient> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(server.Connect());
  ASSERT_TRUE(clients.back().Command({"SELECT", "1"}).IsOk());
  RespClient setup = server.Connect();
  const std::vector<std::string> keys = {"k:1", "k:2", "k:3"};
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  OperationGenerator generator(seed, keys,
                               {.databases = {0, 0, 0, 1},
                                .deadline_from_ms = kFarFuture,
                                .deadline_span_ms = 1000,
                                .watches = true});
  HistoryRecorder recorder(kClients, [&clients](int client, std::span<Operation> batch) {
    RunPipelined(clients[static_cast<size_t>(client)], batch);
  });

  const double seconds = kSecondsPerKind * test_support::RoundsFactor();
  const int64_t end_ns = test_support::NowNs() + static_cast<int64_t>(seconds * 1e9);
  int rounds = 0;
  for (; test_support::NowNs() < end_ns; ++rounds) {
    const KeyValues initial = generator.InitialState();
    SetState(setup, keys, initial);
    auto programs = generator.Programs(kClients, kOpsPerClient);
    const size_t batch_ops = size_t{1} << generator.Below(4);  // 1, 2, 4 or the whole program
    const std::vector<Operation> history = recorder.Record(std::move(programs), batch_ops);
    ASSERT_EQ(recorder.failure(), "");
    const test_support::Verdict verdict = test_support::CheckLinearizable(history, initial);
    ASSERT_TRUE(verdict.linearizable) << "round " << rounds << ": " << verdict.explanation;
  }
  RecordProperty("rounds", rounds);
  EXPECT_GT(rounds, 10);
}

INSTANTIATE_TEST_SUITE_P(EveryMap, LinearizabilityTest,
                         testing::ValuesIn(test_support::MapsUnderTest()),
                         [](const auto& map) { return map.param.kind; });

}  // namespace
}  // namespace larder::server
