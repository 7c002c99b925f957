// The explorer of tests/support/schedule.h itself: it makes all orders, none twice, and shows what
// x86 may do to a store.
#include "tests/support/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace larder::test_support {
namespace {

// A scenario of functions.
class Programs : public Scenario {
 public:
  using Program = std::function<void()>;
  explicit Programs(std::vector<Program> programs, std::function<std::string()> finish = {})
      : programs_(std::move(programs)), finish_(std::move(finish)) {}
  void Run(int thread) override { programs_[static_cast<size_t>(thread)](); }
  std::string Finish() override { return finish_ ? finish_() : ""; }

 private:
  std::vector<Program> programs_;
  std::function<std::string()> finish_;
};

// The orders in which two threads of three steps each run, one text a run.
std::multiset<std::string> OrdersOfThreeStepsEach(int preemptions_max) {
  std::multiset<std::string> orders;
  std::string order;
  ExploreAll(2, preemptions_max, [&] {
    order.clear();
    const auto program = [&order](char name) {
      return [&order, name] {
        for (int i = 0; i < 3; ++i) {
          schedule::Point("step");
          order += name;
        }
      };
    };
    return std::make_unique<Programs>(std::vector<Programs::Program>{program('a'), program('b')},
                                      [&] {
                                        orders.insert(order);
                                        return "";
                                      });
  });
  return orders;
}

TEST(ScheduleTest, EveryOrderIsTriedOnce) {
  const std::multiset<std::string> orders = OrdersOfThreeStepsEach(5);
  EXPECT_EQ(orders.size(), 20U);  // of 6 steps, which 3 are a's
  EXPECT_EQ(std::set<std::string>(orders.begin(), orders.end()).size(), 20U);
}

TEST(ScheduleTest, ThreadsArePreemptedNoMoreOftenThanAllowed) {
  EXPECT_THAT(OrdersOfThreeStepsEach(0), testing::ElementsAre("aaabbb", "bbbaaa"));
  EXPECT_THAT(OrdersOfThreeStepsEach(1),
              testing::ElementsAre("aaabbb", "aabbba", "abbbaa", "baaabb", "bbaaab", "bbbaaa"));
}

using Int = ScheduledAtomic<int>;

TEST(ScheduleTest, ALostUpdateIsFound) {
  const auto explore = [](bool atomically) {
    return ExploreAll(2, 1, [atomically] {
      auto sum = std::make_shared<Int>(0);
      const auto add = [sum, atomically] {
        if (atomically) {
          sum->fetch_add(1, std::memory_order_relaxed);
        } else {
          const int old = sum->load(std::memory_order_relaxed);
          sum->exchange(old + 1, std::memory_order_relaxed);
        }
      };
      return std::make_unique<Programs>(std::vector<Programs::Program>{add, add}, [sum] {
        return sum->load(std::memory_order_relaxed) == 2 ? "" : "an addition is lost";
      });
    });
  };
  EXPECT_EQ(explore(true).violation, "");
  EXPECT_THAT(explore(false).violation, testing::StartsWith("an addition is lost"));
}

// Each thread stores to its own cell, then loads the other's.
std::string BothMissed(const std::function<void(Int&)>& store) {
  struct Shared {
    std::array<Int, 2> cells;
    std::array<int, 2> seen{};
  };
  return ExploreAll(2, 2,
                    [&store] {
                      auto shared = std::make_shared<Shared>();
                      const auto client = [&store, shared](size_t own) {
                        return [&store, shared, own] {
                          store(shared->cells[own]);
                          shared->seen[own] =
                              shared->cells[1 - own].load(std::memory_order_seq_cst);
                        };
                      };
                      return std::make_unique<Programs>(
                          std::vector<Programs::Program>{client(0), client(1)}, [shared] {
                            return shared->seen[0] + shared->seen[1] == 0 ? "both missed" : "";
                          });
                    })
      .violation;
}

TEST(ScheduleTest, AStoreMayBeLateForALoadUnlessItIsABarrier) {
  const auto release = [](Int& cell) { cell.store(1, std::memory_order_release); };
  const auto seq_cst = [](Int& cell) { cell.store(1, std::memory_order_seq_cst); };
  const auto exchange = [](Int& cell) { cell.exchange(1, std::memory_order_seq_cst); };
  EXPECT_THAT(BothMissed(release), testing::StartsWith("both missed"));
  EXPECT_EQ(BothMissed(seq_cst), "");
  EXPECT_EQ(BothMissed(exchange), "");
}

// One thread stores to one cell, then to another: who sees the second sees the first. And each
// thread sees its own stores at once.
TEST(ScheduleTest, StoresOfAThreadAppearInTheirOrder) {
  const Exploration result = ExploreAll(2, 3, [] {
    auto cells = std::make_shared<std::array<Int, 2>>();
    const auto writer = [cells] {
      (*cells)[0].store(1, std::memory_order_relaxed);
      (*cells)[1].store(1, std::memory_order_release);
      if ((*cells)[0].load(std::memory_order_relaxed) != 1) schedule::Violated("own store");
    };
    const auto reader = [cells] {
      const int second = (*cells)[1].load(std::memory_order_acquire);
      const int first = (*cells)[0].load(std::memory_order_acquire);
      if (second > first) schedule::Violated("out of order");
    };
    return std::make_unique<Programs>(std::vector<Programs::Program>{writer, reader});
  });
  EXPECT_EQ(result.violation, "");
}

}  // namespace
}  // namespace larder::test_support
