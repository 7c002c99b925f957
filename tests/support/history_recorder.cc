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
constexpr WeightedKind kMix[] = {
    {OpKind::kGet, 24},     {OpKind::kSet, 12},       {OpKind::kSetNx, 5},
    {OpKind::kSetXxGet, 5}, {OpKind::kGetDel, 5},     {OpKind::kDel, 5},
    {OpKind::kIncr, 8},     {OpKind::kMSet, 8},       {OpKind::kMSetNx, 3},
    {OpKind::kMGet, 10},    {OpKind::kRename, 6},     {OpKind::kCopy, 5},
    {OpKind::kExists, 5},   {OpKind::kExpireAt, 6},   {OpKind::kPersist, 4},
    {OpKind::kFlushDb, 1},  {OpKind::kExpireTime, 4}, {OpKind::kSwapDb, 2},
    {OpKind::kFlushAll, 1}, {OpKind::kWatch, 3},      {OpKind::kExec, 10}};
constexpr size_t kQueueMax = 3;

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

OperationGenerator::OperationGenerator(uint64_t seed, std::vector<std::string> keys, ProgramMix mix)
    : random_(seed), keys_(std::move(keys)), mix_(std::move(mix)) {}

std::vector<Operation> OperationGenerator::Program(int client, int ops) {
  std::vector<Operation> program;
  bool watching = false;
  for (int i = 0; i < ops; ++i) {
    const OpKind kind = program.emplace_back(Draw(client)).kind;
    watching = kind == OpKind::kWatch || (watching && kind != OpKind::kExec);
  }
  if (watching) {
    Operation& last = program.emplace_back(program.back());
    last.kind = OpKind::kUnwatch;
    last.args.clear();
    last.queued.clear();
  }
  return program;
}

std::vector<std::vector<Operation>> OperationGenerator::Programs(int clients, int ops) {
  std::vector<std::vector<Operation>> programs;
  for (int client = 0; client < clients; ++client) programs.push_back(Program(client, ops));
  return programs;
}

KeyValues OperationGenerator::InitialState() {
  KeyValues state;
  for (const std::string& key : keys_) {
    if (Below(2) == 0) state[key] = NewValue();
  }
  return state;
}

OpKind OperationGenerator::DrawKind() {
  int ticket = static_cast<int>(Below(TotalWeight()));
  for (const WeightedKind& entry : kMix) {
    ticket -= entry.weight;
    if (ticket >= 0) continue;
    return entry.kind == OpKind::kWatch && !mix_.watches ? OpKind::kGet : entry.kind;
  }
  return OpKind::kGet;
}

Operation OperationGenerator::Draw(int client) {
  Operation op;
  op.client = client;
  op.db = mix_.databases[static_cast<size_t>(client) % mix_.databases.size()];
  op.kind = DrawKind();
  op.args = DrawArgs(op.kind);
  if (op.kind == OpKind::kExec) op.queued = DrawQueue(op.db);
  return op;
}

// What may not be queued, or makes no sense there, gives way to a read.
std::vector<Operation> OperationGenerator::DrawQueue(int db) {
  std::vector<Operation> queue(1 + Below(kQueueMax));
  for (Operation& queued : queue) {
    queued.db = db;
    queued.kind = DrawKind();
    if (queued.kind == OpKind::kExec || queued.kind == OpKind::kWatch) queued.kind = OpKind::kGet;
    queued.args = DrawArgs(queued.kind);
  }
  return queue;
}

std::vector<std::string> OperationGenerator::DrawArgs(OpKind kind) {
  switch (kind) {
    case OpKind::kGet:
    case OpKind::kGetDel:
    case OpKind::kIncr:
    case OpKind::kExpireTime:
    case OpKind::kPersist:
      return {AnyKey()};
    case OpKind::kSet:
    case OpKind::kSetNx:
    case OpKind::kSetXxGet:
      return {AnyKey(), NewValue()};
    case OpKind::kExpireAt:
      return {AnyKey(), Deadline()};
    case OpKind::kRename:
    case OpKind::kCopy:
      return {AnyKey(), AnyKey()};
    case OpKind::kDel:
    case OpKind::kMGet:
    case OpKind::kExists:
    case OpKind::kWatch:
      return SeveralKeys();
    case OpKind::kMSet:
    case OpKind::kMSetNx:
      return SeveralPairs();
    case OpKind::kFlushDb:
    case OpKind::kFlushAll:
    case OpKind::kSwapDb:
    case OpKind::kUnwatch:
    case OpKind::kExec:
    case OpKind::kSweep:
      break;
  }
  return {};
}

std::string OperationGenerator::Deadline() {
  const size_t after = Below(static_cast<size_t>(mix_.deadline_span_ms));
  return std::to_string(mix_.deadline_from_ms + static_cast<int64_t>(after));
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

RunBatch OneByOne(std::function<Outcome(int client, Operation& op)> run_one) {
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
