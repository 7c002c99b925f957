// Epochs under every schedule of a few short programs.
//
// Property: a block that a client has found in a cell under a pin is intact for as long as it is
// pinned; and when nobody is pinned any more, everything retired is freed within a few collects.
//
// Each client has a cell that it stores to and that the others read: a pointer to a block. Freed
// blocks are filled with poison and never handed out again, so that a block's text tells whether it
// was used too late. What the clients run on is the domain of store/epoch_domain.h itself, with an
// atomic that lets the explorer drive (tests/support/schedule.h).
//
// The domains with a fault show that the explorer would find it: they differ from the right one by
// what their names say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/epoch_domain.h"
#include "tests/support/schedule.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::Exploration;
using test_support::MakeScenario;
using test_support::Scenario;
using test_support::ScheduledAtomic;
namespace schedule = test_support::schedule;

constexpr const char* kUsedFreed = "a freed block is used";
constexpr const char* kNeverFreed = "retired blocks are never freed";

struct Block {
  static constexpr uint64_t kIntact = 0x600DB10C;
  static constexpr uint64_t kPoison = 0xDEADB10C;
  uint64_t text = kIntact;
};

struct RightDomain : BasicEpochDomain<ScheduledAtomic> {
  static constexpr bool kSealsBeforeUnlinking = false;
};

struct PinsWithoutBarrier : RightDomain {
  void Pin(Slot& slot) { slot.pinned.store(current(), std::memory_order_release); }
};

struct SealsWithoutBarrier : RightDomain {
  uint64_t Seal(Slot&) { return current(); }
};

struct SealsBeforeUnlinking : RightDomain {
  static constexpr bool kSealsBeforeUnlinking = true;
};

struct FreesAnEpochEarly : RightDomain {
  static bool MayFree(uint64_t sealed, uint64_t epoch) { return sealed + 1 <= epoch; }
};

struct NeverUnpins : RightDomain {
  static void Unpin(Slot&) {}
};

// A program is a text, a letter a step:
//   ( )  pins, unpins
//   r    reads the cells of the others, once pinned, and keeps the blocks it finds
//   u    uses all blocks that it has kept since it pinned
//   w    puts a new block in its own cell and retires the old one
//   s    seals what is retired, as a client does that has retired much
//   c    collects: seals what is retired, lets the epoch move on, frees what is old enough
template <typename Domain>
class Clients : public Scenario {
 public:
  explicit Clients(const std::vector<std::string_view>& programs)
      : programs_(programs), clients_(programs.size()) {
    for (Client& client : clients_) client.cell.store(NewBlock(), std::memory_order_release);
  }

  void Run(int thread) override {
    Client& self = clients_[static_cast<size_t>(thread)];
    self.slot = &domain_.TakeSlot();
    for (const char step : programs_[static_cast<size_t>(thread)]) DoStep(self, step);
  }

  std::string Finish() override {
    for (int i = 0; i < 3; ++i) {
      for (Client& client : clients_) Collect(client);
    }
    for (const Client& client : clients_) {
      if (!client.sealed.empty()) return kNeverFreed;
    }
    return {};
  }

 private:
  struct Client {
    ScheduledAtomic<Block*> cell;
    typename Domain::Slot* slot = nullptr;
    std::vector<const Block*> kept;
    std::vector<Block*> retired;
    std::deque<std::pair<uint64_t, std::vector<Block*>>> sealed;
  };

  void DoStep(Client& self, char step) {
    switch (step) {
      case '(':
        domain_.Pin(*self.slot);
        break;
      case ')':
        self.kept.clear();
        domain_.Unpin(*self.slot);
        break;
      case 'r':
        for (const Client& other : clients_) {
          if (&other != &self) self.kept.push_back(other.cell.load(std::memory_order_acquire));
        }
        break;
      case 'u':
        schedule::Point("uses what it has found");
        for (const Block* block : self.kept) {
          if (block->text != Block::kIntact) schedule::Violated(kUsedFreed);
        }
        break;
      case 'w':
        Replace(self);
        break;
      case 's':
        Seal(self);
        break;
      case 'c':
        Collect(self);
        break;
    }
  }

  void Replace(Client& self) {
    self.retired.push_back(self.cell.load(std::memory_order_relaxed));
    if (Domain::kSealsBeforeUnlinking) Seal(self);
    self.cell.store(NewBlock(), std::memory_order_release);
  }

  // As EpochParticipant does it.
  void Seal(Client& self) {
    if (self.retired.empty()) return;
    self.sealed.emplace_back(domain_.Seal(*self.slot), std::move(self.retired));
    self.retired.clear();
  }

  void Collect(Client& self) {
    Seal(self);
    if (self.sealed.empty()) return;
    domain_.TryAdvance();
    const uint64_t epoch = domain_.current();
    schedule::Point("frees");
    while (!self.sealed.empty() && Domain::MayFree(self.sealed.front().first, epoch)) {
      for (Block* block : self.sealed.front().second) block->text = Block::kPoison;
      self.sealed.pop_front();
    }
  }

  Block* NewBlock() { return &blocks_.emplace_back(); }

  const std::vector<std::string_view>& programs_;
  Domain domain_;
  std::deque<Block> blocks_;
  std::deque<Client> clients_;
};

using Programs = std::vector<std::string_view>;

// What is explored whole, with how many preemptions.
struct Exploring {
  Programs programs;
  int preemptions_max;
};
std::vector<Exploring> Explorings() {
  return {
      {{"(ru)", "wcc"}, 3},            // a reader and a writer
      {{"(ru)(ru)", "wcwcc"}, 2},      // the reader pins anew
      {{"(ruuru)", "wcwcc"}, 2},       // the reader stays pinned
      {{"wcc(ru)", "wcc"}, 2},         // the reader moves the epoch on itself
      {{"(ruwsru)c", "(ruws)cc"}, 2},  // both retire and seal while pinned
      {{"(ru)", "(ru)", "wcc"}, 1},
      {{"(ru)", "wcc", "wc"}, 2},  // one writer moves the epoch on while the other unlinks
  };
}

template <typename Domain>
MakeScenario Make(const Programs& programs) {
  return [&] { return std::make_unique<Clients<Domain>>(programs); };
}

// Of all explorings, up to the first violation.
template <typename Domain>
Exploration ExploreAll() {
  Exploration result;
  for (const auto& [programs, preemptions_max] : Explorings()) {
    const auto threads = static_cast<int>(programs.size());
    const Exploration one =
        test_support::ExploreAll(threads, preemptions_max, Make<Domain>(programs));
    result.runs += one.runs;
    result.violation = one.violation;
    if (!result.violation.empty()) break;
  }
  return result;
}

TEST(EpochScheduleTest, ReadersNeverUseFreedBlocksInAnySchedule) {
  const Exploration result = ExploreAll<RightDomain>();
  EXPECT_EQ(result.violation, "");
  EXPECT_GT(result.runs, 10'000);
}

template <typename Domain>
Exploration ExploreLongPrograms(int64_t runs) {
  const Programs programs = {"(ru)wc(rur)cwcc", "wc(ruruws)c(ru)c", "(ruu)wc(ruwu)cwcc"};
  return test_support::ExploreRandomly(static_cast<int>(programs.size()), runs, 1,
                                       Make<Domain>(programs));
}

TEST(EpochScheduleTest, ReadersNeverUseFreedBlocksInRandomSchedules) {
  const Exploration result = ExploreLongPrograms<RightDomain>(test_support::Scaled(3'000));
  EXPECT_EQ(result.violation, "");
}

template <typename Domain>
class EpochScheduleFaultTest : public testing::Test {};

using FaultyDomains = testing::Types<PinsWithoutBarrier, SealsWithoutBarrier, SealsBeforeUnlinking,
                                     FreesAnEpochEarly>;
TYPED_TEST_SUITE(EpochScheduleFaultTest, FaultyDomains);

// The fault shows in what the right domain passes.
TYPED_TEST(EpochScheduleFaultTest, IsFoundByTryingEverySchedule) {
  EXPECT_THAT(ExploreAll<TypeParam>().violation, testing::StartsWith(kUsedFreed));
}

TYPED_TEST(EpochScheduleFaultTest, IsFoundByTryingRandomOnes) {
  EXPECT_THAT(ExploreLongPrograms<TypeParam>(5'000).violation, testing::StartsWith(kUsedFreed));
}

TEST(EpochScheduleTest, AReaderThatNeverUnpinsIsFoundToo) {
  EXPECT_THAT(ExploreAll<NeverUnpins>().violation, testing::StartsWith(kNeverFreed));
}

}  // namespace
}  // namespace larder::store
