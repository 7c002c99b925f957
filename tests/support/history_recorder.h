// Records concurrent histories for the linearizability checker: random programs for several
// clients, run at the same time by one thread a client, with the time of every call and return.
//
// What an operation runs on is the caller's: a function object that runs a batch (over a pipelined
// socket, say), or one that runs a single operation (directly on a keyspace, say).
#pragma once

#include <barrier>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/linearizability.h"

namespace larder::test_support {

// Nanoseconds of the monotonic clock: the time base of every history.
int64_t NowNs();

// What programs are made of beside the commands that all of them have.
struct ProgramMix {
  std::vector<int> databases = {0};  // of client 0, 1, ... and again from the start
  int64_t deadline_from_ms = 0;      // deadlines lie in so many ms from here on
  int64_t deadline_span_ms = 1;
  bool watches = false;
};

// Draws random operations. Every value it writes is new, so that a reply names the write it saw;
// most are integers far apart (INCR works and stays recognisable), some are short texts (INCR
// fails), some are long (they live outside a server's inline entries).
class OperationGenerator {
 public:
  OperationGenerator(uint64_t seed, std::vector<std::string> keys, ProgramMix mix = {});

  // A program of `ops` operations for `client`, and one more if its client would still be watching.
  std::vector<Operation> Program(int client, int ops);
  // One for each of `clients`.
  std::vector<std::vector<Operation>> Programs(int clients, int ops);

  // A start for a round: each key absent or holding a new value.
  KeyValues InitialState();

  void set_deadlines_from(int64_t ms) { mix_.deadline_from_ms = ms; }
  // A number in [0, bound).
  size_t Below(size_t bound) { return static_cast<size_t>(random_() % bound); }

 private:
  OpKind DrawKind();
  Operation Draw(int client);
  std::vector<std::string> DrawArgs(OpKind kind);
  std::vector<Operation> DrawQueue(int db);
  const std::string& AnyKey() { return keys_[Below(keys_.size())]; }
  std::string NewValue();
  std::string Deadline();
  std::vector<std::string> SeveralKeys();
  std::vector<std::string> SeveralPairs();

  std::mt19937_64 random_;
  const std::vector<std::string> keys_;
  ProgramMix mix_;
  int64_t values_drawn_ = 0;
};

// Runs `batch`, the next operations of one client, and fills in call_ns, return_ns and outcome of
// each. Called from that client's own thread, for different clients at the same time.
using RunBatch = std::function<void(int client, std::span<Operation> batch)>;

// Makes a RunBatch out of a function that runs one operation and returns its outcome; it may set
// the operation's now_ms.
RunBatch OneByOne(std::function<Outcome(int client, Operation& op)> run_one);

// Owns one thread a client; they live as long as the recorder, so a round costs two barriers.
class HistoryRecorder {
 public:
  // REQUIRES: clients > 0. `run` must outlive nothing: it is copied.
  HistoryRecorder(int clients, RunBatch run);
  ~HistoryRecorder();
  HistoryRecorder(const HistoryRecorder&) = delete;
  HistoryRecorder& operator=(const HistoryRecorder&) = delete;

  // Runs program i on client i, all at the same time, in batches of `batch_ops` operations, and
  // returns the history. If `run` throws, the client stops there and the rest of its program stays
  // out of the history; failure() then says what happened.
  std::vector<Operation> Record(std::vector<std::vector<Operation>> programs, size_t batch_ops);

  const std::string& failure() const { return failure_; }

 private:
  void ClientMain(int client);
  size_t RunProgram(int client, std::span<Operation> program, std::string* failure);

  const RunBatch run_;
  // Between the two barriers a client's thread owns programs_[client], done_[client] and
  // failures_[client]; outside them the caller of Record owns everything.
  std::barrier<> start_;
  std::barrier<> finish_;
  std::vector<std::vector<Operation>> programs_;
  std::vector<size_t> done_;  // operations whose batch was at least sent
  std::vector<std::string> failures_;
  size_t batch_ops_ = 1;
  bool stopping_ = false;
  std::string failure_;
  std::vector<std::thread> threads_;
};

}  // namespace larder::test_support
