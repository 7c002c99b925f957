#include "tests/support/history_recorder.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace larder::test_support {
namespace {

constexpr int64_t kValueStep = 1000;      // more INCRs than that never hit one key in a round
constexpr size_t kLongValueBytes = 5000;  // above the size from which values leave the entry

struct WeightedKind {
  OpKind kind;
  int weight;
};

// Single-key reads are frequent because they are what runs without a lock.
constexpr WeightedKind kMix[] = {{OpKind::kGet, 22},   {OpKind::kSet, 14},   {OpKind::kSetNx, 6},
                                 {OpKind::kGetDel, 6}, {OpKind::kDel, 6},    {OpKind::kIncr, 10},
                                 {OpKind::kMSet, 9},   {OpKind::kMSetNx, 4}, {OpKind::kMGet, 10},
                                 {OpKind::kRename, 8}, {OpKind::kExists, 5}};

constexpr int TotalWeight() {
  int total = 0;
  for (const WeightedKind& entry : kMix) total += entry.weight;
  return total;
}

}  // namespace

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

OperationGenerator::OperationGenerator(uint64_t seed, std::vector<std::string> keys)
    : random_(seed), keys_(std::move(keys)) {}

std::vector<Operation> OperationGenerator::Program(int client, int ops) {
  std::vector<Operation> program;
  program.reserve(static_cast<size_t>(ops));
  for (int i = 0; i < ops; ++i) program.push_back(Draw(client));
  return program;
}

KeyValues OperationGenerator::InitialState() {
  KeyValues state;
  for (const std::string& key : keys_) {
    if (Below(2) == 0) state[key] = NewValue();
  }
  return state;
}

Operation OperationGenerator::Draw(int client) {
  Operation op;
  op.client = client;
  int ticket = static_cast<int>(Below(TotalWeight()));
  for (const WeightedKind& entry : kMix) {
    op.kind = entry.kind;
    ticket -= entry.weight;
    if (ticket < 0) break;
  }
  switch (op.kind) {
    case OpKind::kGet:
    case OpKind::kGetDel:
    case OpKind::kIncr:
      op.args = {AnyKey()};
      break;
    case OpKind::kSet:
    case OpKind::kSetNx:
      op.args = {AnyKey(), NewValue()};
      break;
    case OpKind::kRename:
      op.args = {AnyKey(), AnyKey()};
      break;
    case OpKind::kDel:
    case OpKind::kMGet:
    case OpKind::kExists:
      op.args = SeveralKeys();
      break;
    case OpKind::kMSet:
    case OpKind::kMSetNx:
      op.args = SeveralPairs();
      break;
  }
  return op;
}

std::string OperationGenerator::NewValue() {
  const int64_t number = ++values_drawn_ * kValueStep;
  switch (Below(16)) {
    case 0: {
      std::string value = "long" + std::to_string(number) + ".";
      value.resize(kLongValueBytes, 'x');
      return value;
    }
    case 1:
    case 2:
      return "text" + std::to_string(number);
    default:
      return std::to_string(number);
  }
}

std::vector<std::string> OperationGenerator::SeveralKeys() {
  std::vector<std::string> keys(1 + Below(keys_.size()));
  for (std::string& key : keys) key = AnyKey();
  return keys;
}

std::vector<std::string> OperationGenerator::SeveralPairs() {
  std::vector<std::string> pairs;
  for (std::string& key : SeveralKeys()) {
    pairs.push_back(std::move(key));
    pairs.push_back(NewValue());
  }
  return pairs;
}

RunBatch OneByOne(std::function<Outcome(int client, const Operation& op)> run_one) {
  return [run_one = std::move(run_one)](int client, std::span<Operation> batch) {
    for (Operation& op : batch) {
      op.call_ns = NowNs();
      op.outcome = run_one(client, op);
      op.return_ns = NowNs();
    }
  };
}

HistoryRecorder::HistoryRecorder(int clients, RunBatch run)
    : run_(std::move(run)),
      start_(clients + 1),
      finish_(clients + 1),
      programs_(static_cast<size_t>(clients)),
      done_(static_cast<size_t>(clients)),
      failures_(static_cast<size_t>(clients)) {
  for (int client = 0; client < clients; ++client) {
    threads_.emplace_back(&HistoryRecorder::ClientMain, this, client);
  }
}

HistoryRecorder::~HistoryRecorder() {
  stopping_ = true;
  start_.arrive_and_wait();
  for (std::thread& thread : threads_) thread.join();
}

std::vector<Operation> HistoryRecorder::Record(std::vector<std::vector<Operation>> programs,
                                               size_t batch_ops) {
  programs.resize(programs_.size());
  programs_ = std::move(programs);
  batch_ops_ = std::max<size_t>(batch_ops, 1);
  start_.arrive_and_wait();
  finish_.arrive_and_wait();
  std::vector<Operation> history;
  for (size_t client = 0; client < programs_.size(); ++client) {
    for (size_t i = 0; i < done_[client]; ++i) history.push_back(std::move(programs_[client][i]));
    if (!failures_[client].empty()) failure_ = failures_[client];
  }
  return history;
}

void HistoryRecorder::ClientMain(int client) {
  const auto index = static_cast<size_t>(client);
  while (true) {
    start_.arrive_and_wait();
    if (stopping_) return;
    done_[index] = RunProgram(client, programs_[index], &failures_[index]);
    finish_.arrive_and_wait();
  }
}

size_t HistoryRecorder::RunProgram(int client, std::span<Operation> program, std::string* failure) {
  size_t done = 0;
  while (done < program.size()) {
    const size_t ops = std::min(batch_ops_, program.size() - done);
    try {
      run_(client, program.subspan(done, ops));
    } catch (const std::exception& error) {
      *failure = "client " + std::to_string(client) + ": " + error.what();
      return done + ops;
    }
    done += ops;
  }
  return done;
}

}  // namespace larder::test_support
