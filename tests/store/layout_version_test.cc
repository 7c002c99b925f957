// The version word under every schedule of short readers and writers.
//
// Property, of moves: an entry that is in one of two places throughout is found, or the reader is
// told that it was disturbed. Of writes of several keys: a reader that has seen the new value of
// one key does not see the old value of another afterwards.
//
// The reader goes the way of Map::Find (store/map.h); places and keys are single words here. The
// variants with a fault show that the explorer (tests/support/schedule.h) would find it.
#include "store/layout_version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/schedule.h"

namespace larder::store {
namespace {

using test_support::Scenario;
using test_support::ScheduledAtomic;
namespace schedule = test_support::schedule;
using Version = BasicLayoutVersion<ScheduledAtomic>;
using Word = ScheduledAtomic<uint64_t>;

constexpr const char* kMissed = "an entry was missed";
constexpr const char* kTorn = "the write of two keys was seen in part";

// Explores a writer and a reader against each other.
template <typename Subject>
std::string Violation() {
  constexpr int kPreemptionsMax = 4;
  return test_support::ExploreAll(2, kPreemptionsMax, [] { return std::make_unique<Subject>(); })
      .violation;
}

// --- An entry moves

enum class MoveFault { kNone, kNoBump, kBumpBeforePublishing, kBumpAfterClearing };

template <MoveFault fault>
class Moves : public Scenario {
 public:
  void Run(int thread) override {
    if (thread == 1) return Read();
    Move(places_[0], places_[1]);
    Move(places_[1], places_[0]);
  }

 private:
  void Move(Word& from, Word& to) {
    if (fault == MoveFault::kBumpBeforePublishing) version_.EntryMoved();
    to.store(1, std::memory_order_release);
    if (fault == MoveFault::kNone) version_.EntryMoved();
    from.store(0, std::memory_order_release);
    if (fault == MoveFault::kBumpAfterClearing) version_.EntryMoved();
  }

  void Read() {
    const uint64_t seen = version_.Load();
    for (const Word& place : places_) {
      if (place.load(std::memory_order_acquire) != 0) return;
    }
    if (version_.Unchanged(seen)) schedule::Violated(kMissed);
  }

  Version version_;
  std::array<Word, 2> places_{Word(1), Word(0)};
};

TEST(LayoutVersionTest, AnEntryThatMovesIsNotMissedInAnySchedule) {
  EXPECT_EQ(Violation<Moves<MoveFault::kNone>>(), "");
}

TEST(LayoutVersionTest, AWrongOrderOfMovingIsFound) {
  EXPECT_THAT(Violation<Moves<MoveFault::kNoBump>>(), testing::StartsWith(kMissed));
  EXPECT_THAT(Violation<Moves<MoveFault::kBumpBeforePublishing>>(), testing::StartsWith(kMissed));
  EXPECT_THAT(Violation<Moves<MoveFault::kBumpAfterClearing>>(), testing::StartsWith(kMissed));
}

// --- A write of two keys, in two shards

enum class WriteFault { kNone, kNeverOdd, kOneByOne };

template <WriteFault fault>
class TwoKeyWrites : public Scenario {
 public:
  void Run(int thread) override {
    if (thread == 1) return Read();
    for (Shard& shard : shards_) {
      if (fault == WriteFault::kNone) shard.version.BeginMultiKeyWrite();
    }
    for (Shard& shard : shards_) {
      if (fault == WriteFault::kOneByOne) shard.version.BeginMultiKeyWrite();
      shard.value.store(1, std::memory_order_release);
      if (fault == WriteFault::kOneByOne) shard.version.EndMultiKeyWrite();
    }
    for (Shard& shard : shards_) {
      if (fault == WriteFault::kNone) shard.version.EndMultiKeyWrite();
    }
  }

 private:
  struct Shard {
    Version version;
    Word value{0};
  };
  static constexpr uint64_t kDisturbed = 2;

  static uint64_t ReadOne(const Shard& shard) {
    const uint64_t seen = shard.version.Load();
    if (Version::MultiKeyWriteIn(seen)) return kDisturbed;
    const uint64_t value = shard.value.load(std::memory_order_acquire);
    return shard.version.Unchanged(seen) ? value : kDisturbed;
  }

  void Read() {
    const uint64_t first = ReadOne(shards_[0]);
    const uint64_t second = ReadOne(shards_[1]);
    const uint64_t first_again = ReadOne(shards_[0]);
    if (first == 1 && second == 0) schedule::Violated(kTorn);
    if (second == 1 && first_again == 0) schedule::Violated(kTorn);
  }

  std::array<Shard, 2> shards_;
};

TEST(LayoutVersionTest, AWriteOfTwoKeysIsSeenWholeInAnySchedule) {
  EXPECT_EQ(Violation<TwoKeyWrites<WriteFault::kNone>>(), "");
}

TEST(LayoutVersionTest, AWriteOfTwoKeysThatIsNotAnnouncedWholeIsFound) {
  EXPECT_THAT(Violation<TwoKeyWrites<WriteFault::kNeverOdd>>(), testing::StartsWith(kTorn));
  EXPECT_THAT(Violation<TwoKeyWrites<WriteFault::kOneByOne>>(), testing::StartsWith(kTorn));
}

}  // namespace
}  // namespace larder::store
