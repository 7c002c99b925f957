// The checker is checked: right histories pass, and every kind of violation it is there for is
// found. Times are small made-up numbers; {call, return} are the first two arguments of every
// operation.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "tests/support/history_recorder.h"
#include "tests/support/linearizability.h"

namespace larder::test_support {
namespace {

using History = std::vector<Operation>;
using Args = std::vector<std::string>;

Operation Op(int client, int64_t call, int64_t back, OpKind kind, Args args, Outcome outcome) {
  return {.client = client,
          .kind = kind,
          .args = std::move(args),
          .call_ns = call,
          .return_ns = back,
          .outcome = std::move(outcome)};
}

void ExpectAccepted(const History& history, const KeyValues& initial = {}) {
  const Verdict verdict = CheckLinearizable(history, initial);
  EXPECT_TRUE(verdict.linearizable) << verdict.explanation;
}

void ExpectRejected(const History& history, const KeyValues& initial = {}) {
  const Verdict verdict = CheckLinearizable(history, initial);
  EXPECT_FALSE(verdict.linearizable);
  EXPECT_FALSE(verdict.explanation.empty());
}

TEST(LinearizabilityCheckerTest, AcceptsTheEmptyHistory) { ExpectAccepted({}); }

TEST(LinearizabilityCheckerTest, AcceptsASequentialHistoryOfEveryOperation) {
  ExpectAccepted({
      Op(0, 1, 2, OpKind::kGet, {"a"}, Outcome::Nil()),
      Op(0, 3, 4, OpKind::kSet, {"a", "7"}, Outcome::Ok()),
      Op(0, 5, 6, OpKind::kSetNx, {"a", "8"}, Outcome::Nil()),
      Op(0, 7, 8, OpKind::kIncr, {"a"}, Outcome::Integer(8)),
      Op(0, 9, 10, OpKind::kMSet, {"b", "x", "c", "y"}, Outcome::Ok()),
      Op(0, 11, 12, OpKind::kMGet, {"a", "b", "d"}, Outcome::List({"8", "x", std::nullopt})),
      Op(0, 13, 14, OpKind::kIncr, {"b"}, Outcome::Error()),
      Op(0, 15, 16, OpKind::kRename, {"b", "a"}, Outcome::Ok()),
      Op(0, 17, 18, OpKind::kRename, {"b", "a"}, Outcome::Error()),
      Op(0, 19, 20, OpKind::kExists, {"a", "a", "b", "c"}, Outcome::Integer(3)),
      Op(0, 21, 22, OpKind::kMSetNx, {"d", "1", "c", "2"}, Outcome::Integer(0)),
      Op(0, 23, 24, OpKind::kMSetNx, {"d", "1", "e", "2"}, Outcome::Integer(1)),
      Op(0, 25, 26, OpKind::kGetDel, {"a"}, Outcome::Text("x")),
      Op(0, 27, 28, OpKind::kDel, {"a", "c", "d", "d"}, Outcome::Integer(2)),
  });
}

TEST(LinearizabilityCheckerTest, AcceptsOverlappingOperationsInEitherOrder) {
  for (const char* seen : {"old", "new"}) {
    ExpectAccepted({Op(0, 1, 10, OpKind::kSet, {"a", "new"}, Outcome::Ok()),
                    Op(1, 2, 9, OpKind::kGet, {"a"}, Outcome::Text(seen))},
                   {{"a", "old"}});
  }
}

TEST(LinearizabilityCheckerTest, AcceptsAReadThatReturnedAtTheInstantAWriteWasCalled) {
  ExpectAccepted({Op(0, 1, 5, OpKind::kGet, {"a"}, Outcome::Text("new")),
                  Op(1, 5, 9, OpKind::kSet, {"a", "new"}, Outcome::Ok())});
}

TEST(LinearizabilityCheckerTest, AcceptsWhatNeedsBacktracking) {
  // The INCR that returned last must come first: only its order explains the two replies.
  ExpectAccepted({Op(0, 1, 20, OpKind::kIncr, {"a"}, Outcome::Integer(1)),
                  Op(1, 2, 10, OpKind::kIncr, {"a"}, Outcome::Integer(2)),
                  Op(2, 3, 30, OpKind::kSet, {"a", "0"}, Outcome::Ok()),
                  Op(3, 21, 31, OpKind::kGet, {"a"}, Outcome::Text("0"))});
}

TEST(LinearizabilityCheckerTest, AnOperationWithoutReplyMayHaveHappenedOrNot) {
  const Operation lost =
      Op(0, 1, Operation::kNeverReturned, OpKind::kSet, {"a", "new"}, Outcome::Unknown());
  for (const char* seen : {"old", "new"}) {
    ExpectAccepted({lost, Op(1, 50, 60, OpKind::kGet, {"a"}, Outcome::Text(seen))}, {{"a", "old"}});
  }
  ExpectRejected({lost, Op(1, 50, 60, OpKind::kGet, {"a"}, Outcome::Text("other"))},
                 {{"a", "old"}});
  ExpectRejected(
      {Op(0, 1, 10, OpKind::kGet, {"a"}, Outcome::Text("new")),
       Op(1, 20, Operation::kNeverReturned, OpKind::kSet, {"a", "new"}, Outcome::Unknown())},
      {{"a", "old"}});
}

TEST(LinearizabilityCheckerTest, RejectsAStaleRead) {
  ExpectRejected({Op(0, 1, 2, OpKind::kSet, {"a", "1"}, Outcome::Ok()),
                  Op(0, 3, 4, OpKind::kSet, {"a", "2"}, Outcome::Ok()),
                  Op(1, 5, 6, OpKind::kGet, {"a"}, Outcome::Text("1"))});
}

TEST(LinearizabilityCheckerTest, RejectsAReadThatGoesBackInTime) {
  // Both reads overlap the write, but they follow each other: new, then old, cannot be.
  ExpectRejected({Op(0, 1, 20, OpKind::kSet, {"a", "new"}, Outcome::Ok()),
                  Op(1, 2, 3, OpKind::kGet, {"a"}, Outcome::Text("new")),
                  Op(2, 4, 5, OpKind::kGet, {"a"}, Outcome::Text("old"))},
                 {{"a", "old"}});
}

TEST(LinearizabilityCheckerTest, RejectsALostUpdate) {
  ExpectRejected({Op(0, 1, 10, OpKind::kIncr, {"a"}, Outcome::Integer(1)),
                  Op(1, 2, 11, OpKind::kIncr, {"a"}, Outcome::Integer(2)),
                  Op(0, 12, 13, OpKind::kGet, {"a"}, Outcome::Text("1"))});
}

TEST(LinearizabilityCheckerTest, RejectsADuplicateIncrResult) {
  ExpectRejected({Op(0, 1, 10, OpKind::kIncr, {"a"}, Outcome::Integer(1)),
                  Op(1, 2, 11, OpKind::kIncr, {"a"}, Outcome::Integer(1))});
}

TEST(LinearizabilityCheckerTest, RejectsAHalfSeenMSet) {
  const Operation mset = Op(0, 1, 20, OpKind::kMSet, {"a", "1", "b", "1"}, Outcome::Ok());
  ExpectRejected({mset, Op(1, 2, 19, OpKind::kMGet, {"a", "b"}, Outcome::List({"1", "0"}))},
                 {{"a", "0"}, {"b", "0"}});
  // Also when it is two single reads that follow each other: the keys are one object.
  ExpectRejected({mset, Op(1, 2, 3, OpKind::kGet, {"a"}, Outcome::Text("1")),
                  Op(1, 4, 5, OpKind::kGet, {"b"}, Outcome::Text("0"))},
                 {{"a", "0"}, {"b", "0"}});
}

TEST(LinearizabilityCheckerTest, RejectsAHalfDoneMSetNx) {
  ExpectRejected({Op(0, 1, 20, OpKind::kMSetNx, {"a", "1", "b", "1"}, Outcome::Integer(0)),
                  Op(1, 2, 30, OpKind::kGet, {"a"}, Outcome::Text("1"))},
                 {{"b", "0"}});
}

TEST(LinearizabilityCheckerTest, RejectsANonAtomicRename) {
  const Operation rename = Op(0, 1, 20, OpKind::kRename, {"a", "b"}, Outcome::Ok());
  ExpectRejected({rename, Op(1, 2, 19, OpKind::kExists, {"a", "b"}, Outcome::Integer(0))},
                 {{"a", "1"}});
  ExpectRejected({rename, Op(1, 2, 19, OpKind::kMGet, {"a", "b"}, Outcome::List({"1", "1"}))},
                 {{"a", "1"}});
}

TEST(LinearizabilityCheckerTest, RejectsAResurrectedKey) {
  ExpectRejected({Op(0, 1, 2, OpKind::kDel, {"a"}, Outcome::Integer(1)),
                  Op(1, 3, 4, OpKind::kGet, {"a"}, Outcome::Nil()),
                  Op(1, 5, 6, OpKind::kGet, {"a"}, Outcome::Text("1"))},
                 {{"a", "1"}});
}

TEST(LinearizabilityCheckerTest, RejectsTwoWinnersOfOneKey) {
  ExpectRejected({Op(0, 1, 10, OpKind::kSetNx, {"a", "x"}, Outcome::Ok()),
                  Op(1, 2, 11, OpKind::kSetNx, {"a", "y"}, Outcome::Ok())});
  ExpectRejected({Op(0, 1, 10, OpKind::kGetDel, {"a"}, Outcome::Text("1")),
                  Op(1, 2, 11, OpKind::kGetDel, {"a"}, Outcome::Text("1"))},
                 {{"a", "1"}});
  ExpectRejected({Op(0, 1, 10, OpKind::kDel, {"a", "b"}, Outcome::Integer(2)),
                  Op(1, 2, 11, OpKind::kDel, {"b"}, Outcome::Integer(1))},
                 {{"a", "1"}, {"b", "1"}});
}

TEST(LinearizabilityCheckerTest, RejectsAViolationOfRealTimeOrder) {
  // Each client alone is fine; the write had returned before the other client even asked.
  ExpectRejected({Op(0, 1, 2, OpKind::kSet, {"a", "1"}, Outcome::Ok()),
                  Op(1, 3, 4, OpKind::kGet, {"a"}, Outcome::Nil())});
}

TEST(LinearizabilityCheckerTest, RejectsAPipelineExecutedOutOfOrder) {
  ExpectRejected({Op(0, 1, 10, OpKind::kSet, {"a", "1"}, Outcome::Ok()),
                  Op(0, 1, 11, OpKind::kGet, {"a"}, Outcome::Nil())});
}

TEST(LinearizabilityCheckerTest, RejectsStoreThenLoadThatMissesBothWays) {
  ExpectRejected({Op(0, 1, 10, OpKind::kSet, {"x", "1"}, Outcome::Ok()),
                  Op(0, 1, 11, OpKind::kGet, {"y"}, Outcome::Nil()),
                  Op(1, 1, 10, OpKind::kSet, {"y", "1"}, Outcome::Ok()),
                  Op(1, 1, 11, OpKind::kGet, {"x"}, Outcome::Nil())});
}

Operation Exec(int client, int64_t call, int64_t back, History queued,
               std::optional<std::vector<Outcome>> replies) {
  Operation exec = Op(client, call, back, OpKind::kExec, {},
                      replies ? Outcome::Replies(*std::move(replies)) : Outcome::Nil());
  exec.queued = std::move(queued);
  return exec;
}

Operation Queued(OpKind kind, Args args) { return Op(0, 0, 0, kind, std::move(args), {}); }

TEST(LinearizabilityCheckerTest, RejectsAHalfSeenTransaction) {
  const Operation exec =
      Exec(0, 1, 20, {Queued(OpKind::kSet, {"a", "1"}), Queued(OpKind::kSet, {"b", "1"})},
           {{Outcome::Ok(), Outcome::Ok()}});
  ExpectAccepted({exec, Op(1, 2, 3, OpKind::kGet, {"a"}, Outcome::Text("1")),
                  Op(1, 4, 5, OpKind::kGet, {"b"}, Outcome::Text("1"))});
  ExpectRejected({exec, Op(1, 2, 3, OpKind::kGet, {"a"}, Outcome::Text("1")),
                  Op(1, 4, 5, OpKind::kGet, {"b"}, Outcome::Nil())});
}

TEST(LinearizabilityCheckerTest, RejectsATransactionThatLostARace) {
  const Operation watch = Op(0, 1, 2, OpKind::kWatch, {"a"}, Outcome::Ok());
  const Operation set = Op(1, 3, 4, OpKind::kSet, {"a", "1"}, Outcome::Ok());
  const History queued = {Queued(OpKind::kIncr, {"a"})};
  ExpectAccepted({watch, set, Exec(0, 5, 6, queued, std::nullopt)});
  ExpectRejected({watch, set, Exec(0, 5, 6, queued, {{Outcome::Integer(2)}})});
  // And one that was refused although nobody touched its key.
  ExpectRejected({watch, Exec(0, 5, 6, queued, std::nullopt)});
}

TEST(LinearizabilityCheckerTest, RejectsAHalfSeenFlushOrSwap) {
  for (const OpKind kind : {OpKind::kFlushAll, OpKind::kFlushDb, OpKind::kSwapDb}) {
    const Operation flush = Op(0, 1, 20, kind, {}, Outcome::Ok());
    ExpectAccepted({flush, Op(1, 2, 3, OpKind::kGet, {"a"}, Outcome::Nil()),
                    Op(1, 4, 5, OpKind::kGet, {"b"}, Outcome::Nil())},
                   {{"a", "1"}, {"b", "1"}});
    ExpectRejected({flush, Op(1, 2, 3, OpKind::kGet, {"a"}, Outcome::Nil()),
                    Op(1, 4, 5, OpKind::kGet, {"b"}, Outcome::Text("1"))},
                   {{"a", "1"}, {"b", "1"}});
  }
}

TEST(LinearizabilityCheckerTest, RejectsACopyThatIsSeenAndThenNot) {
  ExpectRejected({Op(0, 1, 20, OpKind::kCopy, {"a", "b"}, Outcome::Integer(1)),
                  Op(1, 2, 3, OpKind::kGet, {"b"}, Outcome::Text("1")),
                  Op(1, 4, 5, OpKind::kExists, {"b"}, Outcome::Integer(0))},
                 {{"a", "1"}});
}

Operation At(int64_t now_ms, Operation op) {
  op.now_ms = now_ms;
  return op;
}

TEST(LinearizabilityCheckerTest, RejectsADeadKeyThatIsSeenAgain) {
  const Operation expire = Op(0, 1, 2, OpKind::kExpireAt, {"a", "100"}, Outcome::Integer(1));
  const Operation dead = At(101, Op(0, 3, 4, OpKind::kGet, {"a"}, Outcome::Nil()));
  // The other client's time is older, so it may find the key, but only before the first has not.
  ExpectAccepted({expire, dead, At(100, Op(1, 3, 5, OpKind::kGet, {"a"}, Outcome::Text("1")))},
                 {{"a", "1"}});
  ExpectRejected({expire, dead, At(100, Op(1, 5, 6, OpKind::kGet, {"a"}, Outcome::Text("1")))},
                 {{"a", "1"}});
}

TEST(LinearizabilityCheckerTest, RejectsAKeyThatDiesBeforeItsTime) {
  const Operation expire = Op(0, 1, 2, OpKind::kExpireAt, {"a", "100"}, Outcome::Integer(1));
  const Operation gone = At(100, Op(0, 5, 6, OpKind::kGet, {"a"}, Outcome::Nil()));
  const Operation sweep = Op(1, 3, 4, OpKind::kSweep, {}, {});
  ExpectRejected({expire, At(100, sweep), gone}, {{"a", "1"}});
  ExpectAccepted({expire, At(101, sweep), gone}, {{"a", "1"}});
  // A sweep removes nothing before it was called.
  Operation later = At(101, sweep);
  later.call_ns = 7;
  ExpectRejected({expire, gone, later}, {{"a", "1"}});
}

// A right server behind a mutex, and a wrong one that drops the lock between the keys of a
// multi-key command or between the read and the write of INCR.
class ToyServer {
 public:
  explicit ToyServer(bool atomic) : atomic_(atomic) {}

  void Reset(const KeyValues& state) { state_ = ModelState(state); }

  Outcome Run(const Operation& op) {
    if (!atomic_ && op.kind == OpKind::kMSet) {
      for (size_t i = 0; i + 1 < op.args.size(); i += 2) {
        RunLocked(Op(0, 0, 0, OpKind::kSet, {op.args[i], op.args[i + 1]}, Outcome::Unknown()));
        std::this_thread::yield();
      }
      return Outcome::Ok();
    }
    return RunLocked(op);
  }

 private:
  Outcome RunLocked(const Operation& op) {
    const std::lock_guard lock(mutex_);
    return RunOnModel(op, &state_);
  }

  const bool atomic_;
  std::mutex mutex_;
  ModelState state_;
};

// Returns how many of `rounds` recorded rounds are not linearizable.
int CountViolations(bool atomic, int rounds) {
  constexpr int kClients = 4;
  constexpr int kOps = 8;
  ToyServer server(atomic);
  OperationGenerator generator(/*seed=*/20240607, {"a", "b", "c"});
  HistoryRecorder recorder(
      kClients, OneByOne([&server](int, const Operation& op) { return server.Run(op); }));
  int violations = 0;
  for (int round = 0; round < rounds; ++round) {
    const KeyValues initial = generator.InitialState();
    server.Reset(initial);
    const History history = recorder.Record(generator.Programs(kClients, kOps), /*batch_ops=*/1);
    EXPECT_GE(history.size(), static_cast<size_t>(kClients * kOps));
    if (!CheckLinearizable(history, initial).linearizable) ++violations;
  }
  EXPECT_EQ(recorder.failure(), "");
  return violations;
}

TEST(LinearizabilityCheckerTest, AcceptsRecordedHistoriesOfARightServer) {
  EXPECT_EQ(CountViolations(/*atomic=*/true, 1000), 0);
}

TEST(LinearizabilityCheckerTest, FindsViolationsInRecordedHistoriesOfAWrongServer) {
  EXPECT_GT(CountViolations(/*atomic=*/false, 2000), 0);
}

// The worst shape: everything overlaps everything, so only replies guide the search.
TEST(LinearizabilityCheckerTest, DecidesAFullyOverlappingRoundQuickly) {
  OperationGenerator generator(/*seed=*/7, {"a", "b", "c"});
  constexpr int kRounds = 50;
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < kRounds; ++round) {
    ModelState state;
    History history;
    auto programs = generator.Programs(4, 8);
    for (int turn = 0; turn < 32; ++turn) {
      Operation op = programs[static_cast<size_t>(turn % 4)][static_cast<size_t>(turn / 4)];
      op.call_ns = 0;
      op.return_ns = 1'000'000;
      op.outcome = RunOnModel(op, &state);
      history.push_back(std::move(op));
    }
    ExpectAccepted(history);
    // The same round, one reply of it impossible: every order has to be refuted.
    history.back().outcome = Outcome::Text("never written");
    ExpectRejected(history);
  }
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  RecordProperty("ms_per_round", std::to_string(spent.count() / kRounds));
  // Far above what it takes, even under a sanitizer; an exponential search would never end.
  EXPECT_LT(spent.count() / kRounds, 1000.0);
}

}  // namespace
}  // namespace larder::test_support
