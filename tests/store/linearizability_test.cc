// Concurrent histories on a keyspace, without sockets: whatever the threads were told must be
// explained by one order of all their operations. LARDER_ROUNDS=20 runs it twenty times as long.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/support/history_recorder.h"
#include "tests/support/linearizability.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::HistoryRecorder;
using test_support::KeyValues;
using test_support::Operation;
using test_support::OperationGenerator;
using test_support::OpKind;
using test_support::Outcome;
using test_support::StoreSession;
using test_support::StoreUnderTest;

constexpr int kClients = 3;
constexpr int kOpsPerClient = 6;

Outcome FromValue(const std::optional<std::string>& value) {
  return value ? Outcome::Text(*value) : Outcome::Nil();
}

StoreSession::Pairs PairsOf(const std::vector<std::string>& args) {
  StoreSession::Pairs pairs;
  for (size_t i = 0; i + 1 < args.size(); i += 2) pairs.emplace_back(args[i], args[i + 1]);
  return pairs;
}

Outcome RunOnStore(StoreSession& session, const Operation& op) {
  switch (op.kind) {
    case OpKind::kGet:
      return FromValue(session.Get(op.args[0]));
    case OpKind::kSet:
      session.Set(op.args[0], op.args[1]);
      return Outcome::Ok();
    case OpKind::kSetNx:
      return session.SetNx(op.args[0], op.args[1]) ? Outcome::Ok() : Outcome::Nil();
    case OpKind::kGetDel:
      return FromValue(session.GetDel(op.args[0]));
    case OpKind::kDel:
      return Outcome::Integer(session.Del(op.args));
    case OpKind::kIncr: {
      const auto result = session.Incr(op.args[0]);
      return result ? Outcome::Integer(*result) : Outcome::Error();
    }
    case OpKind::kMSet:
      session.MSet(PairsOf(op.args));
      return Outcome::Ok();
    case OpKind::kMSetNx:
      return Outcome::Integer(session.MSetNx(PairsOf(op.args)) ? 1 : 0);
    case OpKind::kMGet:
      return Outcome::List(session.MGet(op.args));
    case OpKind::kRename:
      return session.Rename(op.args[0], op.args[1]) ? Outcome::Ok() : Outcome::Error();
    case OpKind::kExists:
      // One key is looked up without a lock, several together.
      return Outcome::Integer(op.args.size() == 1 ? session.Exists(op.args[0])
                                                  : session.CountExisting(op.args));
  }
  return Outcome::Unknown();
}

class LinearizabilityTest : public testing::TestWithParam<MapKind> {
 protected:
  // Each client prefetches its keys at times, which pins it for the operations that follow.
  Outcome RunOne(int client, const Operation& op) {
    StoreSession session = store_.Session(client);
    if (op.call_ns % 3 == 0) session.Prefetch(keys_);
    Outcome outcome = RunOnStore(session, op);
    if (op.call_ns % 2 == 0) session.Unpin();
    return outcome;
  }

  void SetState(const KeyValues& initial) {
    StoreSession session = store_.Session(kClients);
    session.Del(keys_);
    for (const auto& [key, value] : initial) session.Set(key, value);
    // Neighbours come and go between rounds, so that the table has another shape in each.
    const size_t neighbours = random_() % 40;
    for (size_t i = 0; i < neighbours; ++i) session.Set("n" + std::to_string(i), "x");
    for (size_t i = 0; i < neighbours; i += 2) session.Erase("n" + std::to_string(i));
    store_.keyspace().Maintain(session.worker(), std::chrono::milliseconds(1));
  }

  void CheckRounds(int64_t rounds) {
    const uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    OperationGenerator generator(seed, keys_);
    HistoryRecorder recorder(
        kClients, test_support::OneByOne(
                      [this](int client, const Operation& op) { return RunOne(client, op); }));
    for (int64_t round = 0; round < rounds; ++round) {
      const KeyValues initial = generator.InitialState();
      SetState(initial);
      std::vector<std::vector<Operation>> programs;
      for (int client = 0; client < kClients; ++client) {
        programs.push_back(generator.Program(client, kOpsPerClient));
      }
      const auto history = recorder.Record(std::move(programs), kOpsPerClient);
      for (int client = 0; client < kClients; ++client) store_.worker(client).Unpin();
      ASSERT_EQ(recorder.failure(), "");
      const auto verdict = test_support::CheckLinearizable(history, initial);
      ASSERT_TRUE(verdict.linearizable) << "round " << round << ": " << verdict.explanation;
    }
  }

  // Workers: the clients', one for the thread that sets the state, one for a kind changer.
  StoreUnderTest store_{GetParam(), 2, kClients + 2};
  const StoreSession::Keys keys_ = {"k:1", "k:2", "k:3"};
  std::mt19937_64 random_{42};
};

INSTANTIATE_TEST_SUITE_P(EveryMap, LinearizabilityTest,
                         testing::ValuesIn(test_support::SharedMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

TEST_P(LinearizabilityTest, ConcurrentHistoriesHaveASequentialOrder) {
  CheckRounds(test_support::Scaled(1000));
}

TEST_P(LinearizabilityTest, AlsoWhileTheKindChanges) {
  std::atomic<bool> done{false};
  std::thread changer([&] {
    Worker& worker = store_.worker(kClients + 1);
    const auto kinds = test_support::SharedMapKinds();
    for (size_t i = 0; !done.load(); ++i) {
      store_.ChangeKind(worker, kinds[i % kinds.size()]);
      store_.keyspace().Maintain(worker, std::chrono::milliseconds(1));
      std::this_thread::yield();
    }
  });
  CheckRounds(test_support::Scaled(500));
  done.store(true);
  changer.join();
}

}  // namespace
}  // namespace larder::store
