#include "store/expiry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <unordered_map>
#include <vector>

namespace larder::store {
namespace {

constexpr UnixMs kStart = 1'700'000'000'123;
constexpr int64_t kSecond = 1000;
constexpr int64_t kDay = 24 * 3600 * kSecond;
constexpr int64_t kYear = 365 * kDay;
constexpr size_t kAll = SIZE_MAX;

// A shard as the wheel sees it: keys with deadlines, found by hash bits, and memory that counts
// every byte.
class FakeShard final : public KeyDeadlines {
 public:
  ~FakeShard() {
    wheel.FreeAll(memory);
    EXPECT_TRUE(blocks_.empty()) << "the wheel kept memory";
  }

  // What a shard does when a key gets a deadline.
  void SetDeadline(uint32_t hash_bits, int key, UnixMs deadline) {
    const auto [entry, inserted] = keys_[hash_bits].try_emplace(key, deadline);
    volatile_keys += inserted;
    if (inserted || deadline < entry->second) {
      wheel.Arm(memory, hash_bits, deadline, clock.Now());
      ++armed;
    }
    entry->second = deadline;
    Compact();
  }
  void SetDeadline(uint32_t key, UnixMs deadline) { SetDeadline(key, 0, deadline); }

  void Erase(uint32_t hash_bits, int key = 0) {
    const auto bucket = keys_.find(hash_bits);
    if (bucket == keys_.end()) return;
    volatile_keys -= bucket->second.erase(key);
    if (bucket->second.empty()) keys_.erase(bucket);
    Compact();
  }

  bool Has(uint32_t hash_bits, int key = 0) const {
    const auto bucket = keys_.find(hash_bits);
    return bucket != keys_.end() && bucket->second.contains(key);
  }

  size_t Advance(size_t records_max = kAll) {
    return wheel.Advance(memory, clock.Now(), records_max, *this);
  }

  void Prefetch(std::span<const uint32_t> hash_bits) override {
    EXPECT_LE(hash_bits.size(), 15u);
    hints += hash_bits.size();
  }

  UnixMs Expire(uint32_t hash_bits, UnixMs now) override {
    ++expire_calls;
    if (const auto bucket = keys_.find(hash_bits); bucket != keys_.end()) {
      volatile_keys -=
          std::erase_if(bucket->second, [now](const auto& entry) { return entry.second < now; });
      if (bucket->second.empty()) keys_.erase(bucket);
    }
    return Earliest(hash_bits);
  }

  UnixMs Earliest(uint32_t hash_bits) override {
    const auto bucket = keys_.find(hash_bits);
    if (bucket == keys_.end()) return kNoDeadline;
    UnixMs earliest = DeadlineWheel::kNever;
    for (const auto& [key, deadline] : bucket->second) earliest = std::min(earliest, deadline);
    return earliest;
  }

  UnixMs EarliestOfAll() {
    UnixMs earliest = DeadlineWheel::kNever;
    for (const auto& [hash_bits, keys] : keys_) earliest = std::min(earliest, Earliest(hash_bits));
    return earliest;
  }

  bool compacts = true;
  size_t volatile_keys = 0;
  size_t armed = 0;
  size_t expire_calls = 0;
  size_t hints = 0;
  size_t bytes = 0;
  size_t bytes_max = 0;
  ManualClock clock{kStart};
  DeadlineWheel wheel;
  const WheelMemory memory{
      .allocate = [](void* shard,
                     size_t size) { return static_cast<FakeShard*>(shard)->Add(size); },
      .free = [](void* shard, void* block,
                 size_t size) { static_cast<FakeShard*>(shard)->Remove(block, size); },
      .context = this};

 private:
  void Compact() {
    if (compacts && wheel.NeedsCompaction(volatile_keys)) {
      wheel.CompactStep(memory, DeadlineWheel::kCompactRecords, *this);
    }
  }

  void* Add(size_t size) {
    void* block = ::operator new(size);
    blocks_[block] = size;
    bytes += size;
    bytes_max = std::max(bytes_max, bytes);
    return block;
  }

  void Remove(void* block, size_t size) {
    const auto known = blocks_.find(block);
    ASSERT_NE(known, blocks_.end());
    EXPECT_EQ(known->second, size);
    blocks_.erase(known);
    bytes -= size;
    ::operator delete(block);
  }

  // By hash bits, then by key: several keys may share the bits.
  std::unordered_map<uint32_t, std::map<int, UnixMs>> keys_;
  std::unordered_map<void*, size_t> blocks_;
};

TEST(DeadlineWheelTest, EmptyWheelIsOnePointer) {
  static_assert(sizeof(DeadlineWheel) == sizeof(void*));
  FakeShard shard;
  EXPECT_EQ(shard.wheel.NextDue(), DeadlineWheel::kNever);
  EXPECT_EQ(shard.wheel.size(), 0u);
  EXPECT_EQ(shard.Advance(), 0u);
  EXPECT_FALSE(shard.wheel.NeedsCompaction(0));
  EXPECT_EQ(shard.bytes_max, 0u);
}

TEST(DeadlineWheelTest, FiresNeverEarlyAndAtMostATickLate) {
  for (const int64_t ttl : {0, 1, 15, 16, 17, 100, 255, 256, 4095, 4096, 70'000, 1'000'003}) {
    FakeShard shard;
    const UnixMs deadline = kStart + ttl;
    shard.SetDeadline(7, deadline);
    while (shard.clock.Now() <= deadline) {
      shard.Advance();
      ASSERT_TRUE(shard.Has(7)) << "ttl " << ttl;
      // Stop at every time that the wheel names, and at the last moment of life.
      const UnixMs next = std::max(shard.wheel.NextDue(), shard.clock.Now() + 1);
      shard.clock.Set(shard.clock.Now() < deadline ? std::min(next, deadline) : deadline + 1);
    }
    shard.clock.Set(deadline + DeadlineWheel::kTickMs);
    shard.Advance();
    EXPECT_FALSE(shard.Has(7)) << "ttl " << ttl;
    EXPECT_EQ(shard.bytes, 0u);
    EXPECT_EQ(shard.hints, shard.expire_calls);
  }
}

TEST(DeadlineWheelTest, PastDeadlinesFireWithTheNextTick) {
  FakeShard shard;
  shard.SetDeadline(1, kStart - 10 * kYear);
  shard.SetDeadline(2, 0);
  shard.SetDeadline(3, -5);
  shard.SetDeadline(4, kStart);
  shard.clock.Advance(DeadlineWheel::kTickMs);
  EXPECT_LE(shard.wheel.NextDue(), shard.clock.Now());
  shard.Advance();
  EXPECT_EQ(shard.volatile_keys, 0u);
}

TEST(DeadlineWheelTest, FarDeadlinesAreExactWhenTheyCome) {
  constexpr UnixMs kLast = std::numeric_limits<UnixMs>::max();
  FakeShard shard;
  std::vector<UnixMs> deadlines;
  for (int bits = 36; bits < 63; ++bits) {
    deadlines.push_back(kStart + (UnixMs{1} << bits) + 77);
    deadlines.push_back(kStart + (UnixMs{1} << bits) + 177);
  }
  for (uint32_t i = 0; i < deadlines.size(); ++i) shard.SetDeadline(i, deadlines[i]);
  shard.SetDeadline(999, kLast);
  for (uint32_t i = 0; i < deadlines.size(); ++i) {
    shard.clock.Set(std::max(shard.clock.Now(), deadlines[i]));
    shard.Advance();
    ASSERT_TRUE(shard.Has(i)) << deadlines[i];
    // Compaction knows only a range of deadlines for these records, and keeps them.
    shard.wheel.CompactStep(shard.memory, 1000, shard);
    EXPECT_GE(shard.wheel.size(), shard.volatile_keys);
    shard.clock.Set(std::max(shard.clock.Now(), deadlines[i] + DeadlineWheel::kTickMs));
    shard.Advance();
    ASSERT_FALSE(shard.Has(i)) << deadlines[i];
  }
  shard.clock.Set(kLast);
  shard.Advance();
  EXPECT_TRUE(shard.Has(999));
  EXPECT_EQ(shard.wheel.NextDue(), DeadlineWheel::kNever);
}

TEST(DeadlineWheelTest, AJumpOfYearsFiresWhatItPassed) {
  FakeShard shard;
  for (uint32_t i = 0; i < 1000; ++i) shard.SetDeadline(i, kStart + i * kDay + i);
  shard.clock.Advance(500 * kDay);
  shard.Advance();
  EXPECT_EQ(shard.volatile_keys, 500u);
  shard.clock.Advance(100 * kYear);
  shard.Advance();
  EXPECT_EQ(shard.volatile_keys, 0u);
  EXPECT_EQ(shard.bytes, 0u);
}

TEST(DeadlineWheelTest, StepsAreBounded) {
  FakeShard shard;
  constexpr uint32_t kKeys = 100'000;
  for (uint32_t i = 0; i < kKeys; ++i) shard.SetDeadline(i, kStart + kDay + i % 3);
  shard.clock.Advance(kDay - kSecond);  // records move down level by level, none falls due
  while (shard.wheel.NextDue() <= shard.clock.Now()) {
    const size_t records = shard.Advance(100);
    ASSERT_GE(records, 1u);
    ASSERT_LE(records, 114u);
  }
  EXPECT_EQ(shard.volatile_keys, kKeys);
  EXPECT_EQ(shard.expire_calls, 0u);
  // A key armed, and one re-armed earlier, in the middle of a step's work.
  shard.clock.Advance(2 * kSecond);
  shard.Advance(100);
  shard.SetDeadline(kKeys, shard.clock.Now() + 5);
  shard.SetDeadline(5, kStart);
  while (shard.wheel.NextDue() <= shard.clock.Now()) ASSERT_LE(shard.Advance(100), 114u);
  EXPECT_EQ(shard.volatile_keys, 1u);
  EXPECT_TRUE(shard.Has(kKeys));
}

TEST(DeadlineWheelTest, ALaterDeadlineCostsNoRecord) {
  FakeShard shard;
  shard.SetDeadline(1, kStart + kSecond);
  for (int i = 0; i < 1000; ++i) {
    shard.clock.Advance(500);
    shard.SetDeadline(1, shard.clock.Now() + kSecond);  // slides on every access
    shard.Advance();
    ASSERT_EQ(shard.wheel.size(), 1u);
  }
  EXPECT_EQ(shard.armed, 1u);
  shard.clock.Advance(kSecond + DeadlineWheel::kTickMs);
  shard.Advance();
  EXPECT_FALSE(shard.Has(1));
}

TEST(DeadlineWheelTest, MemoryPerRecordIsSmall) {
  FakeShard shard;
  for (uint32_t i = 0; i < 1000; ++i) shard.SetDeadline(i, kStart + kDay + i);
  EXPECT_LE(shard.bytes, 9500u);
}

// A million re-arms of one key, of each kind, leave a handful of records.
TEST(DeadlineWheelTest, RearmingOneKeyLeavesMemoryUnchanged) {
  constexpr int kTimes = 1'000'000;
  FakeShard shard;
  const auto expect_small = [&shard](const char* what) {
    EXPECT_LE(shard.wheel.size(), 64u) << what;
    EXPECT_LE(shard.bytes_max, 4096u) << what;
  };
  for (int i = 0; i < kTimes; ++i) shard.SetDeadline(1, kStart + kDay + i);
  expect_small("later each time");
  for (int i = 0; i < kTimes; ++i) shard.SetDeadline(1, kStart + kDay - i);
  expect_small("earlier each time");
  for (int i = 0; i < kTimes; ++i) {
    shard.SetDeadline(1, kStart + kDay);
    shard.Erase(1);
  }
  expect_small("the same deadline");
  for (int i = 0; i < kTimes; ++i) {
    shard.SetDeadline(1, shard.clock.Now() + 10 * kSecond);
    shard.Erase(1);
    if (i % 100 == 0) shard.clock.Advance(1);
    shard.Advance();
  }
  expect_small("SET EX and DEL as time goes by");
  std::mt19937_64 random(1);
  for (int i = 0; i < kTimes; ++i) {
    shard.SetDeadline(1, kStart + 20 * kSecond + static_cast<int64_t>(random() % kYear));
    if (i % 2 == 0) shard.Erase(1);
  }
  expect_small("deadlines on every level");
}

// Many keys in turn get the deadline they had: every record looks alive, and only the table of seen
// records tells the duplicates.
TEST(DeadlineWheelTest, IdenticalRecordsOfManyKeysAreBounded) {
  constexpr uint32_t kKeys = 5000;
  FakeShard shard;
  for (int round = 0; round < 20; ++round) {
    for (uint32_t i = 0; i < kKeys; ++i) {
      shard.Erase(i);
      shard.SetDeadline(i, kStart + kDay);
      ASSERT_LE(shard.wheel.size(), 3 * size_t{kKeys} + 32) << "round " << round;
    }
  }
  for (uint32_t i = 0; i < kKeys; ++i) ASSERT_TRUE(shard.Has(i));
  shard.clock.Advance(kDay + DeadlineWheel::kTickMs);
  shard.Advance();
  EXPECT_EQ(shard.volatile_keys, 0u);
  EXPECT_EQ(shard.bytes, 0u);
}

TEST(DeadlineWheelTest, ErasedKeysGiveTheirRecordsBack) {
  FakeShard shard;
  std::mt19937_64 random(2);
  for (uint32_t i = 0; i < 50'000; ++i) {
    shard.SetDeadline(i, kStart + static_cast<int64_t>(random() % kDay));
  }
  for (uint32_t i = 0; i < 50'000; ++i) shard.Erase(i);
  EXPECT_LE(shard.wheel.size(), 64u);
}

TEST(DeadlineWheelTest, CompactionIsBoundedAndKeepsTheLiving) {
  FakeShard shard;
  shard.compacts = false;
  for (uint32_t i = 0; i < 10'000; ++i) shard.SetDeadline(i, kStart + kDay + i % 5000);
  for (uint32_t i = 0; i < 10'000; i += 2) shard.Erase(i);
  size_t steps = 0;
  while (shard.wheel.size() > shard.volatile_keys) {
    const size_t before = shard.wheel.size();
    const size_t dropped = shard.wheel.CompactStep(shard.memory, 100, shard);
    ASSERT_LE(dropped, 114u);
    ASSERT_EQ(shard.wheel.size(), before - dropped);
    ASSERT_LE(++steps, 400u);
  }
  shard.clock.Advance(kDay + 6 * kSecond);
  shard.Advance();
  EXPECT_EQ(shard.volatile_keys, 0u);
}

TEST(DeadlineWheelTest, FreesInStepsFromAnyState) {
  FakeShard shard;
  shard.compacts = false;
  for (uint32_t i = 0; i < 5000; ++i) shard.SetDeadline(i, kStart + kSecond + i);
  shard.wheel.CompactStep(shard.memory, 700, shard);  // holds part of a slot
  shard.clock.Advance(3 * kSecond);
  shard.Advance(500);  // and part of another is draining
  size_t left = shard.wheel.size();
  while (shard.wheel.FreeStep(shard.memory, 100)) {
    ASSERT_LE(left - shard.wheel.size(), 114u);
    left = shard.wheel.size();
  }
  EXPECT_EQ(shard.bytes, 0u);
}

// Random operations against the obvious model, a map from keys to deadlines: whenever the wheel
// says that it is done, every key that is overdue by a tick is gone, every other key is there, and
// the wheel will wake in time for the next.
class DeadlineWheelRandomTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  int64_t Below(int64_t bound) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound));
  }

  UnixMs RandomDeadline() {
    const UnixMs now = shard_.clock.Now();
    switch (Below(8)) {
      case 0:
        return now - Below(kDay);
      case 1:
        return now + Below(40);
      case 2:
      case 3:
        return now + Below(5 * kSecond);
      case 4:
        return now + Below(3600 * kSecond);
      case 5:
        return now + 300 * kSecond - now % 1000;  // the same for many keys
      case 6:
        return now + Below(5 * kYear);
      default:
        return std::numeric_limits<UnixMs>::max() - Below(kDay);
    }
  }

  int64_t RandomStep() {
    switch (Below(40)) {
      case 0:
        return Below(kDay);
      case 1:
        return Below(300 * kSecond);
      case 2:
        return Below(50) == 0 ? Below(3 * kYear) : Below(5 * kSecond);
      default:
        return Below(30);
    }
  }

  void Set(uint32_t hash_bits, int key) {
    const UnixMs deadline = RandomDeadline();
    shard_.SetDeadline(hash_bits, key, deadline);
    model_[{hash_bits, key}] = {deadline, std::max(deadline, shard_.clock.Now())};
  }

  void CheckAfterSweep() {
    const UnixMs now = shard_.clock.Now();
    const UnixMs position = now / DeadlineWheel::kTickMs * DeadlineWheel::kTickMs;
    // An Expire() that was due for another key may have removed this one up to a tick before its
    // own record fires.
    std::erase_if(model_, [&](const auto& entry) {
      const auto& [key, expected] = entry;
      const bool there = shard_.Has(key.first, key.second);
      EXPECT_TRUE(expected.due < position ? !there : there || expected.deadline < now)
          << expected.deadline << " at " << now;
      return !there;
    });
    EXPECT_EQ(model_.size(), shard_.volatile_keys);
    EXPECT_GT(shard_.wheel.NextDue(), now);
    const UnixMs earliest = shard_.EarliestOfAll();
    EXPECT_LE(shard_.wheel.NextDue(), earliest > DeadlineWheel::kNever - DeadlineWheel::kTickMs
                                          ? DeadlineWheel::kNever
                                          : std::max(earliest, position) + DeadlineWheel::kTickMs);
  }

  std::mt19937_64 random_{GetParam()};
  FakeShard shard_;
  struct Expected {
    UnixMs deadline;
    UnixMs due;  // the deadline, or when it was set, if that was later
  };
  std::map<std::pair<uint32_t, int>, Expected> model_;
};

TEST_P(DeadlineWheelRandomTest, AgreesWithTheModel) {
  const int64_t hashes = 1 + Below(400);
  for (int i = 0; i < 20'000 && !HasFailure(); ++i) {
    const auto hash_bits = static_cast<uint32_t>(Below(hashes)) * 0x01000193u;
    const int key = static_cast<int>(Below(2));
    switch (Below(10)) {
      case 0:
        shard_.Erase(hash_bits, key);
        model_.erase({hash_bits, key});
        break;
      case 1:
        shard_.wheel.CompactStep(shard_.memory, static_cast<size_t>(Below(200)), shard_);
        break;
      case 2:
        shard_.clock.Advance(RandomStep());
        break;
      case 3:  // a sweep that may be cut short
        shard_.Advance(static_cast<size_t>(1 + Below(60)));
        break;
      case 4:
        shard_.Advance();
        CheckAfterSweep();
        break;
      default:
        Set(hash_bits, key);
    }
    ASSERT_LE(shard_.wheel.size(), 4 * shard_.volatile_keys + 100);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DeadlineWheelRandomTest, ::testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace larder::store
