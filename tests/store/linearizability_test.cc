// Concurrent histories on a keyspace, without sockets: whatever the threads were told must be
// explained by one order of all their operations. LARDER_ROUNDS=20 runs it twenty times as long.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <string>
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
constexpr int kSweeper = kClients;  // a client of its own, who also moves the clock
constexpr int kSweeps = 3;

Outcome FromValue(const std::optional<std::string>& value) {
  return value ? Outcome::Text(*value) : Outcome::Nil();
}

Outcome FromNumber(const Result<int64_t>& number) {
  return number ? Outcome::Integer(*number) : Outcome::Error();
}

Outcome FromDeadline(std::optional<UnixMs> deadline) {
  if (!deadline) return Outcome::Integer(-2);
  return Outcome::Integer(*deadline == kNoDeadline ? -1 : *deadline);
}

StoreSession::Pairs PairsOf(const std::vector<std::string>& args) {
  StoreSession::Pairs pairs;
  for (size_t i = 0; i + 1 < args.size(); i += 2) pairs.emplace_back(args[i], args[i + 1]);
  return pairs;
}

Outcome RunOnStore(Keyspace& keyspace, StoreSession& session, const Operation& op);

// What MULTI and EXEC do: everything that is queued, with its keys locked.
Outcome RunTransaction(Keyspace& keyspace, StoreSession& session, const Operation& op) {
  std::vector<KeyAt> keys;
  bool all_databases = false;
  for (const Operation& queued : op.queued) {
    const bool pairs = queued.kind == OpKind::kMSet || queued.kind == OpKind::kMSetNx;
    const bool key_and_value = queued.kind == OpKind::kSet || queued.kind == OpKind::kSetNx ||
                               queued.kind == OpKind::kSetXxGet || queued.kind == OpKind::kExpireAt;
    const size_t args = key_and_value ? 1 : queued.args.size();
    for (size_t i = 0; i < args; i += pairs ? 2 : 1) {
      keys.push_back({op.db, keyspace.Hash(queued.args[i])});
    }
    all_databases |= queued.kind == OpKind::kFlushDb || queued.kind == OpKind::kFlushAll ||
                     queued.kind == OpKind::kSwapDb;
  }
  const Transaction hold(keyspace, session.worker(),
                         {.keys = keys, .all_databases = all_databases});
  std::vector<Outcome> replies;
  for (const Operation& queued : op.queued) {
    replies.push_back(RunOnStore(keyspace, session, queued));
  }
  return Outcome::Replies(std::move(replies));
}

Outcome RunOnStore(Keyspace& keyspace, StoreSession& session, const Operation& op) {
  switch (op.kind) {
    case OpKind::kGet:
      return FromValue(session.Get(op.args[0]));
    case OpKind::kSet:
      session.Set(op.args[0], op.args[1]);
      return Outcome::Ok();
    case OpKind::kSetNx:
      return session.SetNx(op.args[0], op.args[1]) ? Outcome::Ok() : Outcome::Nil();
    case OpKind::kSetXxGet:
      return FromValue(session.SetXxGet(op.args[0], op.args[1]));
    case OpKind::kGetDel:
      return FromValue(session.GetDel(op.args[0]));
    case OpKind::kDel:
      return Outcome::Integer(session.Del(op.args));
    case OpKind::kIncr:
      return FromNumber(session.Incr(op.args[0]));
    case OpKind::kMSet:
      session.MSet(PairsOf(op.args));
      return Outcome::Ok();
    case OpKind::kMSetNx:
      return Outcome::Integer(session.MSetNx(PairsOf(op.args)) ? 1 : 0);
    case OpKind::kMGet:
      return Outcome::List(session.MGet(op.args));
    case OpKind::kRename:
      return session.Rename(op.args[0], op.args[1]) ? Outcome::Ok() : Outcome::Error();
    case OpKind::kCopy:
      if (op.args[0] == op.args[1]) return Outcome::Error();
      return Outcome::Integer(session.Copy(op.args[0], op.args[1]) ? 1 : 0);
    case OpKind::kExists:
      // One key is looked up without a lock, several together.
      return Outcome::Integer(op.args.size() == 1 ? session.Exists(op.args[0])
                                                  : session.CountExisting(op.args));
    case OpKind::kExpireAt:
      return Outcome::Integer(session.SetDeadline(op.args[0], std::stoll(op.args[1])) ? 1 : 0);
    case OpKind::kExpireTime:
      return FromDeadline(session.Deadline(op.args[0]));
    case OpKind::kPersist:
      return Outcome::Integer(session.Persist(op.args[0]) ? 1 : 0);
    case OpKind::kFlushDb:
      keyspace.FlushDb(session.worker(), op.db);
      return Outcome::Ok();
    case OpKind::kFlushAll:
      keyspace.FlushAll(session.worker());
      return Outcome::Ok();
    case OpKind::kSwapDb:
      keyspace.SwapDb(session.worker(), 0, 1);
      return Outcome::Ok();
    case OpKind::kExec:
      return RunTransaction(keyspace, session, op);
    case OpKind::kSweep:
      keyspace.Maintain(session.worker(), std::chrono::milliseconds(1));
      break;
    case OpKind::kWatch:  // the server's
    case OpKind::kUnwatch:
      break;
  }
  return Outcome::Unknown();
}

class LinearizabilityTest : public testing::TestWithParam<MapKind> {
 protected:
  // A batch of one: its time is read first. Each client prefetches its keys at times, which pins it
  // for the operations that follow.
  Outcome RunOne(int client, Operation& op) {
    StoreSession session = store_.Session(client, op.db);
    if (client == kSweeper) store_.clock().Advance(1);
    session.worker().set_now(store_.now());
    op.now_ms = session.worker().now();
    if (op.call_ns % 3 == 0) session.Prefetch(keys_);
    Outcome outcome = RunOnStore(store_.keyspace(), session, op);
    if (op.call_ns % 2 == 0) session.Unpin();
    return outcome;
  }

  void SetState(const KeyValues& initial) {
    StoreSession session = store_.Session(kClients);
    for (const int db : {1, 0}) {
      session.Select(db);
      session.Del(keys_);
    }
    for (const auto& [key, value] : initial) session.Set(key, value);
    // Neighbours come and go between rounds, so that the table has another shape in each.
    const size_t neighbours = random_() % 40;
    for (size_t i = 0; i < neighbours; ++i) session.Set("n" + std::to_string(i), "x");
    for (size_t i = 0; i < neighbours; i += 2) session.Erase("n" + std::to_string(i));
    store_.keyspace().Maintain(session.worker(), std::chrono::milliseconds(1));
  }

  static std::vector<Operation> SweeperProgram() {
    Operation sweep;
    sweep.client = kSweeper;
    sweep.kind = OpKind::kSweep;
    return std::vector<Operation>(kSweeps, sweep);
  }

  void CheckRounds(int64_t rounds) {
    const uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    OperationGenerator generator(
        seed, keys_, {.databases = {0, 0, 1}, .deadline_from_ms = 0, .deadline_span_ms = kSweeps});
    HistoryRecorder recorder(
        kClients + 1,
        test_support::OneByOne([this](int client, Operation& op) { return RunOne(client, op); }));
    for (int64_t round = 0; round < rounds; ++round) {
      const KeyValues initial = generator.InitialState();
      SetState(initial);
      generator.set_deadlines_from(store_.now());
      auto programs = generator.Programs(kClients, kOpsPerClient);
      programs.push_back(SweeperProgram());
      const auto history = recorder.Record(std::move(programs), kOpsPerClient);
      for (int client = 0; client <= kClients; ++client) store_.worker(client).Unpin();
      ASSERT_EQ(recorder.failure(), "");
      const auto verdict = test_support::CheckLinearizable(history, initial);
      ASSERT_TRUE(verdict.linearizable) << "round " << round << ": " << verdict.explanation;
    }
  }

  // Workers: the clients', one for the thread that sweeps (and, between rounds, sets the state),
  // one for a kind changer.
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
