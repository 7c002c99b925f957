// Tries the steps of a few threads in every order, or in random ones: for code that takes its
// atomic as a template parameter and is given ScheduledAtomic.
//
// The threads of a scenario are fibers of the caller's thread: one of them runs at a time. Before
// each operation of a ScheduledAtomic, and at each schedule::Point(), the explorer chooses who goes
// on. It repeats the scenario until it has made every choice that the bound on preemptions allows,
// or for so many runs by random choices. (M. Musuvathi and S. Qadeer, "Iterative context bounding",
// PLDI 2007: a fault in the order of steps seldom needs more than two preemptions.)
//
// Memory is that of x86 ("total store order"). A store that is not seq_cst waits in its thread's
// buffer, and those behind it too, until a seq_cst store or a read-modify-write of this thread. A
// load or read-modify-write by another thread may find it or may not: both are tried. So a barrier
// that is missing between a store and a load of the same thread shows.
//
// What does not show: whether weaker hardware or the compiler may reorder more than that. Loads are
// never late here, stores of one thread appear in their order and a read-modify-write is a barrier
// whatever its order, so relaxed in the place of acquire or release, and acq_rel in that of seq_cst
// in an exchange, pass. Those are left to ThreadSanitizer, tests/store/litmus_test.cc and the notes
// at each operation.
//
// Threads: any; an exploration is its caller's alone. Cost: some 5 us a run, ten times that in a
// debug build; the number of runs grows with steps^preemptions.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

namespace larder::test_support {

// Programs of a few threads and what they share. The same choices must lead to the same steps, and
// every program must end whoever runs meanwhile: no loops that wait for others.
class Scenario {
 public:
  virtual ~Scenario() = default;
  // The program of one thread.
  virtual void Run(int thread) = 0;
  // After all programs: what is wrong with the final state, if anything.
  virtual std::string Finish() { return {}; }
};
using MakeScenario = std::function<std::unique_ptr<Scenario>()>;

struct Exploration {
  int64_t runs = 0;
  std::string violation;  // of the last run, with its steps; empty: there was none
};

// Each makes a new scenario for `threads` threads for every run, and stops at the first violation.
Exploration ExploreAll(int threads, int preemptions_max, const MakeScenario& make);
Exploration ExploreRandomly(int threads, int64_t runs, uint64_t seed, const MakeScenario& make);

// What the thread that runs may ask for. Outside of an exploration's threads, for example where a
// scenario is made, operations act on memory at once.
namespace schedule {

// Before a step that is no operation of a ScheduledAtomic, such as the use of plain memory. `what`
// is for the list of steps.
void Point(const char* what);
// The property that is tested does not hold. The run goes on.
void Violated(const std::string& what);

// The operations of ScheduledAtomic. A cell is stored to by one thread only; others may modify it.
uint64_t Load(const uint64_t& cell);
void Store(uint64_t& cell, uint64_t value, std::memory_order order);
uint64_t Modify(uint64_t& cell, const std::function<uint64_t(uint64_t)>& change);  // the old value

}  // namespace schedule

// The part of std::atomic that the store uses.
template <typename T>
class ScheduledAtomic {
 public:
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(uint64_t));

  ScheduledAtomic() : ScheduledAtomic(T{}) {}
  explicit(false) ScheduledAtomic(T value) : cell_(ToWord(value)) {}
  ScheduledAtomic(const ScheduledAtomic&) = delete;
  ScheduledAtomic& operator=(const ScheduledAtomic&) = delete;

  T load(std::memory_order) const { return FromWord(schedule::Load(cell_)); }
  void store(T value, std::memory_order order) { schedule::Store(cell_, ToWord(value), order); }
  T exchange(T value, std::memory_order) {
    return FromWord(schedule::Modify(cell_, [&](uint64_t) { return ToWord(value); }));
  }
  T fetch_add(T by, std::memory_order) {
    return FromWord(schedule::Modify(
        cell_, [&](uint64_t old) { return ToWord(static_cast<T>(FromWord(old) + by)); }));
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order) {
    const uint64_t wanted = ToWord(expected);
    const uint64_t old = schedule::Modify(
        cell_, [&](uint64_t word) { return word == wanted ? ToWord(desired) : word; });
    expected = FromWord(old);
    return old == wanted;
  }

 private:
  static uint64_t ToWord(T value) {
    uint64_t word = 0;
    std::memcpy(&word, &value, sizeof(T));
    return word;
  }
  static T FromWord(uint64_t word) {
    T value;
    std::memcpy(&value, &word, sizeof(T));
    return value;
  }

  uint64_t cell_;
};

}  // namespace larder::test_support
