#include "store/epoch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "store/large_value.h"
#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

// Collects often enough for everything to be freed that nobody holds back.
void CollectAll(EpochParticipant& participant) {
  for (int i = 0; i < 4; ++i) participant.Collect();
}

class EpochTest : public testing::Test {
 protected:
  EpochDomain domain_;
  Allocator writer_memory_;
  Allocator reader_memory_;
  EpochParticipant writer_{domain_, writer_memory_};
  EpochParticipant reader_{domain_, reader_memory_};
};

TEST_F(EpochTest, RetiredMemoryIsFreedTwoEpochsLater) {
  writer_.Retire(writer_memory_.Allocate(100), 100);
  EXPECT_EQ(writer_memory_.used(), 0);
  EXPECT_GE(writer_memory_.retired(), 100);
  const uint64_t epoch = domain_.current();
  while (writer_.Collect()) {
  }
  EXPECT_EQ(writer_memory_.retired(), 0);
  EXPECT_GE(domain_.current(), epoch + 2);
}

TEST_F(EpochTest, APinnedReaderDelaysFreeingUntilItUnpins) {
  auto* block = static_cast<char*>(writer_memory_.Allocate(100));
  block[0] = 'x';
  reader_.Pin();
  writer_.Retire(block, 100);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(writer_.Collect());
  EXPECT_GE(writer_memory_.retired(), 100);
  EXPECT_EQ(block[0], 'x');  // AddressSanitizer would say so if it were gone
  reader_.Unpin();
  CollectAll(writer_);
  EXPECT_EQ(writer_memory_.retired(), 0);
  EXPECT_FALSE(writer_.Collect());
}

// A reader that pins again and again must not hold back what was retired before its latest pin for
// longer than two of them.
TEST_F(EpochTest, AReaderThatPinsAnewLetsTimePass) {
  reader_.Pin();
  writer_.Retire(writer_memory_.Allocate(100), 100);
  for (int i = 0; i < 4; ++i) {
    writer_.Collect();
    reader_.Unpin();
    reader_.Pin();
  }
  writer_.Collect();
  EXPECT_EQ(writer_memory_.retired(), 0);
  reader_.Unpin();
}

TEST_F(EpochTest, PinningTwiceKeepsTheFirstPin) {
  reader_.Pin();
  writer_.Retire(writer_memory_.Allocate(100), 100);
  CollectAll(writer_);
  reader_.Pin();  // no new pin: what was seen under the first one is still protected
  CollectAll(writer_);
  EXPECT_GE(writer_memory_.retired(), 100);
  reader_.Unpin();
  reader_.Unpin();
  CollectAll(writer_);
  EXPECT_EQ(writer_memory_.retired(), 0);
}

TEST_F(EpochTest, OneMayRetireWhilePinned) {
  writer_.Pin();
  for (int i = 0; i < 1000; ++i) writer_.Retire(writer_memory_.Allocate(16), 16);
  EXPECT_GE(writer_memory_.retired(), 16'000);
  writer_.Unpin();
  CollectAll(writer_);
  EXPECT_EQ(writer_memory_.retired(), 0);
}

TEST_F(EpochTest, OneCollectFreesABoundedAmount) {
  constexpr int kBlocks = 100'000;
  for (int i = 0; i < kBlocks; ++i) writer_.Retire(writer_memory_.Allocate(16), 16);
  const int64_t all = writer_memory_.retired();
  int collects = 0;
  int64_t most = 0;
  for (int64_t left = all; left != 0; ++collects) {
    writer_.Collect();
    most = std::max(most, left - writer_memory_.retired());
    left = writer_memory_.retired();
  }
  EXPECT_LE(most, all / 10);
  EXPECT_GT(collects, 10);
}

TEST_F(EpochTest, MappedValuesAreGivenBackInSteps) {
  constexpr size_t kBytes = size_t{64} << 20;
  LargeValue* value = LargeValue::Make(writer_memory_, kBytes, kBytes);
  const auto used = static_cast<int64_t>(value->HeapBytes());
  EXPECT_EQ(writer_memory_.used(), used);
  writer_.RetireLarge(value);
  EXPECT_EQ(writer_memory_.used(), 0);
  EXPECT_EQ(writer_memory_.retired(), used);
  int steps = 0;
  int64_t largest = 0;
  for (int64_t left = used; left != 0;) {
    EXPECT_TRUE(writer_.Collect() || writer_memory_.retired() == 0);
    const int64_t step = left - writer_memory_.retired();
    largest = std::max(largest, step);
    left -= step;
    steps += step != 0 ? 1 : 0;
  }
  EXPECT_GE(steps, 8);
  EXPECT_LE(largest, int64_t{8} << 20);
}

// The regression: 1 MB values waited for a timer, 70 MB of them on a fast machine.
TEST_F(EpochTest, AMegabyteOfRetiredValuesDoesNotWaitForTheTimer) {
  constexpr size_t kBytes = size_t{1} << 20;
  writer_.RetireLarge(LargeValue::Make(writer_memory_, kBytes, kBytes));
  EXPECT_FALSE(writer_.crowded());
  writer_.RetireLarge(LargeValue::Make(writer_memory_, kBytes, kBytes));
  EXPECT_TRUE(writer_.crowded());
  CollectAll(writer_);
  EXPECT_FALSE(writer_.crowded());
  EXPECT_EQ(writer_memory_.retired(), 0);
}

TEST_F(EpochTest, WhatIsLeftGoesWithItsParticipant) {
  {
    EpochParticipant short_lived(domain_, writer_memory_);
    short_lived.Retire(writer_memory_.Allocate(100), 100);
    short_lived.RetireLarge(LargeValue::Make(writer_memory_, 10'000, 10'000));
    short_lived.RetireLarge(
        LargeValue::Make(writer_memory_, LargeValue::kMappedBytes, LargeValue::kMappedBytes));
  }
  EXPECT_EQ(writer_memory_.retired(), 0);
  EXPECT_EQ(writer_memory_.used(), 0);
}

// Property: a reader that follows the shared pointer under a pin finds a block that holds the one
// value blocks are given. A freed one would be poisoned (ASan), reported (TSan) or overwritten: the
// writer scribbles over a block right before it is handed out anew.
TEST_F(EpochTest, ReadersNeverMeetFreedMemory) {
  constexpr int kReaders = 3;
  constexpr int64_t kMagic = 0x600DB10C;
  const int64_t rounds = test_support::Scaled(60'000);
  const auto make = [this] {
    return new (writer_memory_.Allocate(sizeof(int64_t))) int64_t(kMagic);
  };
  std::atomic<int64_t*> shared{make()};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      Allocator memory;
      EpochParticipant self(domain_, memory);
      for (int64_t n = 0; !done.load(); ++n) {
        self.Pin();
        for (int look = 0; look < 8; ++look) ASSERT_EQ(*shared.load(), kMagic);
        self.Unpin();
        if (n % 256 == 0) std::this_thread::yield();
      }
    });
  }
  for (int64_t n = 0; n < rounds; ++n) {
    writer_.Retire(shared.exchange(make()), sizeof(int64_t));
    if (n % 32 == 0) writer_.Collect();
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
  writer_.Retire(shared.load(), sizeof(int64_t));
  while (writer_memory_.retired() != 0) writer_.Collect();
  EXPECT_EQ(writer_memory_.used(), 0);
}

}  // namespace
}  // namespace larder::store
