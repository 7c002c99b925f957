// One bucket: its control word, and what lock-free readers see of it under every schedule (of up to
// four preemptions) of a few short programs; and of two buckets between which an entry moves, as
// Table and SyncMap move it.
//
// Properties: an entry that is there throughout is found, or the reader is told to look again; what
// was found once is found by later looks too, and never an older state of it. Entries are words
// here: nothing looks into them.
//
// The buckets with a fault show that the explorer (tests/support/schedule.h) would find it: they
// differ from the right one by what their names say.
#include "store/bucket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "store/layout_version.h"
#include "tests/support/schedule.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::Scenario;
using test_support::ScheduledAtomic;
namespace schedule = test_support::schedule;

// --- The control word

TEST(BucketControlTest, FingerprintsMatchInTakenSlotsOnly) {
  for (int slot = 0; slot < Bucket::kSlots; ++slot) {
    for (const int fingerprint : {0, 1, 0x7F, 0x80, 0x81, 0xFF}) {
      const auto wanted = static_cast<uint8_t>(fingerprint);
      const auto other = static_cast<uint8_t>(fingerprint ^ 0x80);
      BucketControl control(0);
      EXPECT_EQ(control.Matches(wanted), 0u);
      for (int i = 0; i < Bucket::kSlots; ++i)
        control = control.With(i, i == slot ? wanted : other);
      EXPECT_EQ(control.Matches(wanted), uint64_t{0x80} << (8 * slot));
      EXPECT_EQ(control.Without(slot).Matches(wanted), 0u);
      EXPECT_EQ(control.fingerprint(slot), wanted);
      EXPECT_EQ(control.Chained().Matches(wanted) != 0, slot != Bucket::kChainSlot);
    }
  }
}

TEST(BucketControlTest, AChainTakesTheLastSlot) {
  BucketControl control(0);
  for (int i = 0; i < Bucket::kSlots; ++i) control = control.With(i, 1);
  EXPECT_EQ(control.taken(), 0x7Fu);
  EXPECT_TRUE(control.Chained().chained());
  EXPECT_EQ(control.Chained().taken(), 0x3Fu);
  EXPECT_FALSE(control.Chained().Unchained().chained());
  EXPECT_EQ(control.Chained().Unchained().taken(), 0x3Fu);
}

// --- With real threads

// Whoever sees entry n in the slot finds the slot taken in the control word, unless entry n has
// been erased again.
TEST(BucketTest, AnEntryInItsSlotIsInTheControlWordToo) {
  Bucket bucket;
  std::atomic<uint64_t> erasing{0};
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done.load()) {
      const uint64_t seen = bucket.slot(0).word() >> 3;
      const bool taken = bucket.control().taken() != 0;
      if (!taken && seen != 0) {
        ASSERT_GE(erasing.load(), seen);
      }
    }
  });
  const auto rounds = static_cast<uint64_t>(test_support::Scaled(1'000'000));
  for (uint64_t n = 1; n <= rounds; ++n) {
    bucket.Put(0, 1, Slot::FromWord(n << 3));
    erasing.store(n);
    bucket.Remove(0);
  }
  done.store(true);
  reader.join();
}

// --- Under every schedule

constexpr const char* kMissed = "an entry was missed";
constexpr const char* kLost = "what one look found, the next did not";
constexpr const char* kOlder = "a later look found an older entry";
constexpr uint8_t kFingerprint = 1;  // of all keys that matter: each is looked at

// Version `version` of a key's entry.
Slot EntryOf(uint64_t key, uint64_t version = 0) {
  return Slot::FromWord(key << 16 | version << 3);
}
uint64_t KeyIn(const Entry* entry) { return reinterpret_cast<uintptr_t>(entry) >> 16; }
uint64_t VersionIn(const Entry* entry) { return reinterpret_cast<uintptr_t>(entry) >> 3 & 0x1FFF; }

struct RightBucket : BasicBucket<ScheduledAtomic> {};

struct PublishesBeforeTaking : RightBucket {
  void Put(int i, uint8_t fingerprint, Slot content) {
    SetSlot(i, content);
    SetControl(control().With(i, fingerprint));
  }
};

struct ShowsWhatWasThere : RightBucket {
  void Put(int i, uint8_t fingerprint, Slot content) {
    SetControl(control().With(i, fingerprint));
    SetSlot(i, content);
  }
};

struct ChainsBeforeCopying : RightBucket {
  void ChainTo(RightBucket* overflow) {
    const Control before = control();
    const Slot displaced = slot(kChainSlot);
    SetSlot(kChainSlot, Slot::Chain(overflow));
    SetControl(before.Chained());
    overflow->Put(0, before.fingerprint(kChainSlot), displaced);
  }
};

struct AnnouncesTheChainFirst : RightBucket {
  void ChainTo(RightBucket* overflow) {
    const Control before = control();
    const Slot displaced = slot(kChainSlot);
    overflow->Put(0, before.fingerprint(kChainSlot), displaced);
    SetControl(before.Chained());
    SetSlot(kChainSlot, Slot());
    SetSlot(kChainSlot, Slot::Chain(overflow));
  }
};

// What Table::Find() does with a chain.
struct Found {
  const Entry* entry = nullptr;
  bool torn = false;
};
Found FindIn(const RightBucket& head, uint64_t key) {
  const auto is_key = [key](const Entry* entry) { return KeyIn(entry) == key; };
  for (const BasicBucket<ScheduledAtomic>* bucket = &head; bucket != nullptr;) {
    const auto look = bucket->Find(kFingerprint, is_key);
    if (look.entry != nullptr || look.torn) return {look.entry, look.torn};
    bucket = look.next;
  }
  return {};
}

// Two looks of one reader for a key that is never erased, and whose entry only grows newer.
void LookTwice(const RightBucket& head, uint64_t key, bool there_throughout) {
  const Found first = FindIn(head, key);
  const Found second = FindIn(head, key);
  for (const Found& found : {first, second}) {
    if (there_throughout && found.entry == nullptr && !found.torn) schedule::Violated(kMissed);
  }
  if (first.entry == nullptr || second.torn) return;
  if (second.entry == nullptr) return schedule::Violated(kLost);
  if (VersionIn(second.entry) < VersionIn(first.entry)) schedule::Violated(kOlder);
}

template <typename Subject>
std::string Violation(int preemptions_max = 4) {
  return test_support::ExploreAll(2, preemptions_max, [] { return std::make_unique<Subject>(); })
      .violation;
}

// A slot changes hands: one key goes, another takes its place and is overwritten.
template <typename BucketT>
class SlotReuse : public Scenario {
 public:
  SlotReuse() { bucket_.Put(0, kFingerprint, EntryOf(kOld)); }
  void Run(int thread) override {
    if (thread == 1) return LookTwice(bucket_, kNew, false);
    bucket_.Remove(0);
    bucket_.Put(0, kFingerprint, EntryOf(kNew, 1));
    bucket_.SetSlot(0, EntryOf(kNew, 2));
  }

 private:
  static constexpr uint64_t kOld = 1;
  static constexpr uint64_t kNew = 2;
  BucketT bucket_;
};

// The same, looking for the key that goes: once it is gone it does not come back.
template <typename BucketT>
class Erasure : public Scenario {
 public:
  Erasure() { bucket_.Put(0, kFingerprint, EntryOf(kOld)); }
  void Run(int thread) override {
    if (thread == 1) return Read();
    bucket_.Remove(0);
    bucket_.Put(0, kFingerprint, EntryOf(kNew));
  }

 private:
  static constexpr uint64_t kOld = 1;
  static constexpr uint64_t kNew = 2;

  void Read() {
    const Found first = FindIn(bucket_, kOld);
    const Found second = FindIn(bucket_, kOld);
    if (first.entry == nullptr && second.entry != nullptr) schedule::Violated(kOlder);
  }

  BucketT bucket_;
};

// A full bucket gets a chain. Looks for the key that is displaced, or for the one that comes.
enum class Sought { kDisplaced, kNewcomer };
template <typename BucketT, Sought sought>
class Chaining : public Scenario {
 public:
  Chaining() {
    for (int i = 0; i < Bucket::kSlots; ++i)
      head_.Put(i, i < Bucket::kChainSlot ? 0 : kFingerprint,
                EntryOf(static_cast<uint64_t>(i) + 1));
  }
  void Run(int thread) override {
    if (thread == 1) {
      const bool displaced = sought == Sought::kDisplaced;
      return LookTwice(head_, displaced ? kDisplaced : kNewcomer, displaced);
    }
    head_.ChainTo(&overflow_);
    overflow_.Put(1, kFingerprint, EntryOf(kNewcomer));
  }

 private:
  static constexpr uint64_t kDisplaced = Bucket::kChainSlot + 1;
  static constexpr uint64_t kNewcomer = 100;
  BucketT head_;
  RightBucket overflow_;
};

TEST(BucketScheduleTest, ASlotMayBeUsedAgain) {
  EXPECT_EQ(Violation<SlotReuse<RightBucket>>(), "");
  EXPECT_EQ(Violation<Erasure<RightBucket>>(), "");
}

TEST(BucketScheduleTest, AWrongOrderOfPublishingIsFound) {
  EXPECT_THAT(Violation<SlotReuse<PublishesBeforeTaking>>(), testing::StartsWith(kLost));
  EXPECT_THAT(Violation<Erasure<ShowsWhatWasThere>>(), testing::StartsWith(kOlder));
}

TEST(BucketScheduleTest, AChainMayBeginUnderAReader) {
  EXPECT_EQ((Violation<Chaining<RightBucket, Sought::kDisplaced>>()), "");
  EXPECT_EQ((Violation<Chaining<RightBucket, Sought::kNewcomer>>()), "");
}

TEST(BucketScheduleTest, AWrongOrderOfChainingIsFound) {
  EXPECT_THAT((Violation<Chaining<ChainsBeforeCopying, Sought::kDisplaced>>()),
              testing::StartsWith(kMissed));
  EXPECT_THAT((Violation<Chaining<AnnouncesTheChainFirst, Sought::kDisplaced>>()),
              testing::StartsWith(kMissed));
}

// --- An entry that moves
//
// Readers go the way of Map::Find(): the version, the table (of a sync map read, then dirty), the
// version again.

enum class MoveFault { kNone, kErasesFirst, kNoBump };

// What Table::CompactChain() does with the last entry of a chain, and Place() with the slot that
// becomes free. The reader would be right without the version: the bucket that is left keeps its
// content, and one that is on its way there may find that it is torn.
template <MoveFault fault>
class Unchaining : public Scenario {
 public:
  Unchaining() {
    for (int i = 0; i < Bucket::kSlots; ++i)
      head_.Put(i, i < Bucket::kChainSlot ? 0 : kFingerprint,
                i < Bucket::kChainSlot ? EntryOf(kOther) : EntryOf(kKey));
    head_.ChainTo(&overflow_);
    head_.Remove(0);
  }
  void Run(int thread) override {
    if (thread == 1) return Read();
    if (fault == MoveFault::kErasesFirst) head_.Unchain();
    head_.Put(0, kFingerprint, EntryOf(kKey));
    version_.EntryMoved();
    if (fault == MoveFault::kNone) head_.Unchain();
    head_.Put(Bucket::kChainSlot, kFingerprint, EntryOf(kOther));
  }

 private:
  static constexpr uint64_t kKey = 1;
  static constexpr uint64_t kOther = 2;

  void Read() const {
    const uint64_t seen = version_.Load();
    const Found found = FindIn(head_, kKey);
    if (found.entry == nullptr && !found.torn && version_.Unchanged(seen))
      schedule::Violated(kMissed);
  }

  BasicLayoutVersion<ScheduledAtomic> version_;
  RightBucket head_;
  RightBucket overflow_;
};

// What SyncMap::MoveToRead() does with an entry, and a writer afterwards.
template <MoveFault fault>
class Promotion : public Scenario {
 public:
  Promotion() { dirty_.Put(0, kFingerprint, EntryOf(kKey, 1)); }
  void Run(int thread) override {
    if (thread == 1) return Read();
    if (fault == MoveFault::kErasesFirst) dirty_.Remove(0);
    read_.Put(0, kFingerprint, EntryOf(kKey, 1));
    if (fault != MoveFault::kNoBump) version_.EntryMoved();
    if (fault != MoveFault::kErasesFirst) dirty_.Remove(0);
    read_.SetSlot(0, EntryOf(kKey, 2));
  }

 private:
  static constexpr uint64_t kKey = 1;

  // Torn: the reader was disturbed.
  Found Look() const {
    const uint64_t seen = version_.Load();
    Found found = FindIn(read_, kKey);
    if (found.entry == nullptr && !found.torn) found = FindIn(dirty_, kKey);
    return {found.entry, found.torn || !version_.Unchanged(seen)};
  }

  void Read() const {
    const Found first = Look();
    const Found second = Look();
    for (const Found& found : {first, second}) {
      if (found.entry == nullptr && !found.torn) schedule::Violated(kMissed);
    }
    if (first.torn || second.torn || first.entry == nullptr || second.entry == nullptr) return;
    if (VersionIn(second.entry) < VersionIn(first.entry)) schedule::Violated(kOlder);
  }

  BasicLayoutVersion<ScheduledAtomic> version_;
  RightBucket read_;
  RightBucket dirty_;
};

TEST(BucketScheduleTest, AnEntryThatMovesIsFound) {
  EXPECT_EQ(Violation<Unchaining<MoveFault::kNone>>(), "");
  EXPECT_EQ(Violation<Promotion<MoveFault::kNone>>(), "");
}

TEST(BucketScheduleTest, AWrongOrderOfMovingIsFound) {
  EXPECT_THAT(Violation<Unchaining<MoveFault::kErasesFirst>>(), testing::StartsWith(kMissed));
  EXPECT_THAT(Violation<Promotion<MoveFault::kErasesFirst>>(), testing::StartsWith(kMissed));
  EXPECT_THAT(Violation<Promotion<MoveFault::kNoBump>>(), testing::StartsWith(kMissed));
}

}  // namespace
}  // namespace larder::store
