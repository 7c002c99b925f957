#include "tests/support/schedule.h"

#include <ucontext.h>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <deque>
#include <limits>
#include <random>
#include <sstream>
#include <utility>
#include <vector>

// ThreadSanitizer wants to be told when a thread goes on with another stack.
#if defined(__SANITIZE_THREAD__)
#define LARDER_TELL_TSAN 1
#elif defined(__has_feature)  // clang
#if __has_feature(thread_sanitizer)
#define LARDER_TELL_TSAN 1
#endif
#endif
#ifdef LARDER_TELL_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace larder::test_support {
namespace {

// A stack of its own and where it was left. Switching costs 0.2 us; a real thread would cost a
// hundred times that on a busy machine.
class Fiber {
 public:
  // The one that is running already.
  Fiber() = default;
  explicit Fiber(void (*body)()) : stack_(std::make_unique_for_overwrite<char[]>(kStackBytes)) {
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_.get();
    context_.uc_stack.ss_size = kStackBytes;
    makecontext(&context_, body, 0);
#ifdef LARDER_TELL_TSAN
    tsan_fiber_ = __tsan_create_fiber(0);
#endif
  }
  ~Fiber() {
#ifdef LARDER_TELL_TSAN
    if (stack_ != nullptr) __tsan_destroy_fiber(tsan_fiber_);
#endif
  }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Leaves `this`, which is running, for `next`; returns when another switches to it again.
  void SwitchTo(Fiber& next) {
#ifdef LARDER_TELL_TSAN
    if (stack_ == nullptr) tsan_fiber_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(next.tsan_fiber_, 0);
#endif
    swapcontext(&context_, &next.context_);
  }

 private:
  static constexpr size_t kStackBytes = size_t{256} << 10;

  std::unique_ptr<char[]> stack_;  // null: that of a thread
  ucontext_t context_;
#ifdef LARDER_TELL_TSAN
  void* tsan_fiber_ = nullptr;
#endif
};

// Answers the questions of a run. Answer 0 changes least.
class Choices {
 public:
  virtual ~Choices() = default;
  // One of [0, options).
  virtual int Choose(int options) = 0;
};

// All answers in turn, depth first: repeats the answers of the run before up to the last question
// that has one left.
class AllChoices : public Choices {
 public:
  int Choose(int options) override {
    if (asked_ == made_.size()) made_.push_back({0, options});
    assert(made_[asked_].options == options);  // or the scenario is not the same in every run
    return made_[asked_++].answer;
  }
  // False if there is no other run.
  bool NextRun() {
    asked_ = 0;
    while (!made_.empty() && made_.back().answer + 1 == made_.back().options) made_.pop_back();
    if (made_.empty()) return false;
    ++made_.back().answer;
    return true;
  }

 private:
  struct Choice {
    int answer;
    int options;
  };
  std::vector<Choice> made_;
  size_t asked_ = 0;
};

class RandomChoices : public Choices {
 public:
  explicit RandomChoices(uint64_t seed) : random_(seed) {}
  int Choose(int options) override {
    // Mostly 0, so that a thread gets somewhere before the next runs.
    if (random_() % 4 != 0) return 0;
    return static_cast<int>(random_() % static_cast<uint64_t>(options));
  }

 private:
  std::mt19937_64 random_;
};

class Scheduler {
 public:
  Scheduler(int threads, int preemptions_max, const MakeScenario& make, Choices& choices);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Returns the violation, if there is one.
  std::string RunOnce();

  // Called by the thread that runs.
  void Point(const char* what);
  void Violated(const std::string& what);
  uint64_t Load(const uint64_t& cell);
  void Store(uint64_t& cell, uint64_t value, std::memory_order order);
  uint64_t Modify(uint64_t& cell, const std::function<uint64_t(uint64_t)>& change);

 private:
  struct BufferedStore {
    uint64_t* cell;
    uint64_t value;
  };
  struct Thread {
    Fiber fiber{&Scheduler::Work};
    bool has_stepped = false;
    bool is_done = false;
    std::deque<BufferedStore> buffer;  // oldest first
  };
  struct Step {
    int thread;
    const char* what;
    const uint64_t* cell;  // or null
    uint64_t value;
  };

  [[noreturn]] static void Work();
  void BeforeStep();
  std::vector<int> OthersToRun() const;
  Fiber& FiberAfterThisThread();
  void Flush(int thread, size_t stores);
  void MayAppear(const uint64_t& cell);
  void Log(const char* what, const uint64_t* cell, uint64_t value) {
    steps_.push_back({running_, what, cell, value});
  }
  std::string StepsInWords() const;

  Thread& running() { return threads_[static_cast<size_t>(running_)]; }

  const int preemptions_max_;
  const MakeScenario& make_;
  Choices& choices_;

  Fiber caller_;
  std::deque<Thread> threads_;
  std::unique_ptr<Scenario> scenario_;
  int running_ = 0;
  int preemptions_left_ = 0;
  std::vector<Step> steps_;
  std::string violation_;
};

// Whose fiber this thread is running, if any.
thread_local Scheduler* running_scheduler = nullptr;

Scheduler::Scheduler(int threads, int preemptions_max, const MakeScenario& make, Choices& choices)
    : preemptions_max_(preemptions_max), make_(make), choices_(choices) {
  threads_.resize(static_cast<size_t>(threads));
}

std::string Scheduler::RunOnce() {
  scenario_ = make_();
  for (Thread& thread : threads_) thread.has_stepped = thread.is_done = false;
  preemptions_left_ = preemptions_max_;
  steps_.clear();
  violation_.clear();
  running_ = choices_.Choose(static_cast<int>(threads_.size()));
  running_scheduler = this;
  caller_.SwitchTo(running().fiber);
  running_scheduler = nullptr;
  for (running_ = 0; running_ < static_cast<int>(threads_.size()); ++running_) {
    Flush(running_, running().buffer.size());
  }
  if (violation_.empty()) violation_ = scenario_->Finish();
  if (!violation_.empty()) violation_ += StepsInWords();
  scenario_.reset();
  return std::move(violation_);
}

// A fiber's life: one program a run. It ends where it waits for the next run, so that it owns
// nothing there.
void Scheduler::Work() {
  Scheduler& of = *running_scheduler;
  Thread& self = of.running();
  const int index = of.running_;
  for (;;) {
    of.scenario_->Run(index);
    self.is_done = true;
    self.fiber.SwitchTo(of.FiberAfterThisThread());
  }
}

std::vector<int> Scheduler::OthersToRun() const {
  std::vector<int> others;
  for (int i = 0; i < static_cast<int>(threads_.size()); ++i) {
    if (i != running_ && !threads_[static_cast<size_t>(i)].is_done) others.push_back(i);
  }
  return others;
}

// Who goes on when the running thread is done costs no preemption.
Fiber& Scheduler::FiberAfterThisThread() {
  const std::vector<int> others = OthersToRun();
  if (others.empty()) return caller_;
  running_ = others[static_cast<size_t>(choices_.Choose(static_cast<int>(others.size())))];
  return running().fiber;
}

// The running thread may be preempted here. Not before its first step: it would have been the same
// not to begin with it.
void Scheduler::BeforeStep() {
  Thread& self = running();
  if (!std::exchange(self.has_stepped, true) || preemptions_left_ == 0) return;
  const std::vector<int> others = OthersToRun();
  if (others.empty()) return;
  const int choice = choices_.Choose(static_cast<int>(others.size()) + 1);
  if (choice == 0) return;
  --preemptions_left_;
  running_ = others[static_cast<size_t>(choice) - 1];
  self.fiber.SwitchTo(running().fiber);
}

// Brings the oldest stores of a thread's buffer to memory.
void Scheduler::Flush(int thread, size_t stores) {
  auto& buffer = threads_[static_cast<size_t>(thread)].buffer;
  for (; stores > 0; --stores) {
    const BufferedStore& store = buffer.front();
    *store.cell = store.value;
    steps_.push_back({thread, "store appears", store.cell, store.value});
    buffer.pop_front();
  }
}

// The running thread is about to look at `cell`: what others have stored to it may have come to
// memory, or not yet. To ask only here is enough: nobody can tell when else it came.
void Scheduler::MayAppear(const uint64_t& cell) {
  for (int i = 0; i < static_cast<int>(threads_.size()); ++i) {
    if (i == running_) continue;
    auto& buffer = threads_[static_cast<size_t>(i)].buffer;
    // How many of its stores are seen: up to one to this cell, or no more than so far.
    std::vector<size_t> seen{0};
    for (size_t n = 0; n < buffer.size(); ++n) {
      if (buffer[n].cell == &cell) seen.push_back(n + 1);
    }
    if (seen.size() == 1) continue;
    Flush(i, seen[static_cast<size_t>(choices_.Choose(static_cast<int>(seen.size())))]);
  }
}

void Scheduler::Point(const char* what) {
  BeforeStep();
  Log(what, nullptr, 0);
}

void Scheduler::Violated(const std::string& what) {
  Log("VIOLATION", nullptr, 0);
  if (violation_.empty()) violation_ = what;
}

uint64_t Scheduler::Load(const uint64_t& cell) {
  BeforeStep();
  const auto& buffer = running().buffer;
  const auto own = std::find_if(buffer.rbegin(), buffer.rend(),
                                [&](const BufferedStore& store) { return store.cell == &cell; });
  if (own == buffer.rend()) MayAppear(cell);
  const uint64_t value = own == buffer.rend() ? cell : own->value;
  Log("load", &cell, value);
  return value;
}

void Scheduler::Store(uint64_t& cell, uint64_t value, std::memory_order order) {
  BeforeStep();
  for (const Thread& thread : threads_) {
    for (const BufferedStore& store : thread.buffer) {
      if (store.cell == &cell && &thread != &running()) Violated("two threads store to a cell");
    }
  }
  running().buffer.push_back({&cell, value});
  Log("store", &cell, value);
  if (order == std::memory_order_seq_cst) Flush(running_, running().buffer.size());
}

uint64_t Scheduler::Modify(uint64_t& cell, const std::function<uint64_t(uint64_t)>& change) {
  BeforeStep();
  Flush(running_, running().buffer.size());
  MayAppear(cell);
  const uint64_t old = std::exchange(cell, change(cell));
  Log("modify", &cell, cell);
  return old;
}

// One a line: "  thread 1: load c -> 5", cells being named in the order of their appearance.
std::string Scheduler::StepsInWords() const {
  std::ostringstream text;
  std::vector<const uint64_t*> cells;
  for (const Step& step : steps_) {
    text << "\n  thread " << step.thread << ": " << step.what;
    if (step.cell == nullptr) continue;
    auto at = std::find(cells.begin(), cells.end(), step.cell);
    if (at == cells.end()) at = cells.insert(cells.end(), step.cell);
    text << " c" << at - cells.begin() << " " << step.value;
  }
  return std::move(text).str();
}

}  // namespace

Exploration ExploreAll(int threads, int preemptions_max, const MakeScenario& make) {
  AllChoices choices;
  Scheduler scheduler(threads, preemptions_max, make, choices);
  Exploration result;
  do {
    ++result.runs;
    result.violation = scheduler.RunOnce();
  } while (result.violation.empty() && choices.NextRun());
  return result;
}

Exploration ExploreRandomly(int threads, int64_t runs, uint64_t seed, const MakeScenario& make) {
  RandomChoices choices(seed);
  Scheduler scheduler(threads, std::numeric_limits<int>::max(), make, choices);
  Exploration result;
  while (result.runs < runs && result.violation.empty()) {
    ++result.runs;
    result.violation = scheduler.RunOnce();
  }
  return result;
}

namespace schedule {

void Point(const char* what) {
  if (running_scheduler != nullptr) running_scheduler->Point(what);
}

void Violated(const std::string& what) {
  assert(running_scheduler != nullptr);
  running_scheduler->Violated(what);
}

uint64_t Load(const uint64_t& cell) {
  return running_scheduler != nullptr ? running_scheduler->Load(cell) : cell;
}

void Store(uint64_t& cell, uint64_t value, std::memory_order order) {
  if (running_scheduler != nullptr) {
    running_scheduler->Store(cell, value, order);
  } else {
    cell = value;
  }
}

uint64_t Modify(uint64_t& cell, const std::function<uint64_t(uint64_t)>& change) {
  return running_scheduler != nullptr ? running_scheduler->Modify(cell, change)
                                      : std::exchange(cell, change(cell));
}

}  // namespace schedule
}  // namespace larder::test_support
