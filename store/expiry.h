// The deadline index of one shard: a hierarchical timing wheel (Varghese & Lauck, SOSP 1987).
//
// Threads: none of its own and no lock; the shard's lock guards it. A callback (KeyDeadlines,
// WheelMemory) must not call back into the wheel.
//
// Time is cut into ticks of 16 ms. A level has 16 slots, a slot of level k spans 16^k ticks, and a
// deadline is filed on the level of the highest hexadecimal digit in which its tick differs from
// the wheel's position, in the slot of that digit. When the position reaches a slot of level k > 0,
// its records are filed again, lower down; a tick is fired once it has passed as a whole. So a
// record fires after its deadline, never at or before it, and at most 16 ms after it, plus the time
// until the caller next calls Advance(): it may sweep every 80 ms and keep keys to 100 ms.
//
//   level       0      1     2     3     4     5     6      7    | 8 .. 14
//   slot spans  16 ms  .26s  4 s   66 s  17 m  4.7h  3 d   50 d  | 2.2 years and up
//   all 16      .26 s  4 s   66 s  17 m  4.7h  3 d   50 d  2.2 y | ... INT64_MAX
//
// A record has 8 bytes: 32 bits of its key's hash (never an address: the entry may move or die at
// any time, and a record is not told) and the 32 deadline bits below its slot's. Up to level 7
// these are all of them, so a record knows its deadline to the millisecond; above, it knows a
// range, and when its slot is reached it asks the shard for the rest.
//
// The contract with the shard:
//   - An entry gets a deadline that is earlier than the one it had, or had none: call Arm().
//   - A deadline moves later or goes away, an entry is erased or replaced: nothing. The old record
//     fires in vain, learns the new deadline from KeyDeadlines and is filed again. A key that
//     slides its TTL on every access costs the wheel one record, and one look-up a TTL.
//   - After either, if NeedsCompaction(volatile keys): CompactStep(kCompactRecords). It examines
//     more records than the command can have added, so the wheel stays within a constant factor
//     of the volatile keys.
//
// Memory: an empty wheel is one null pointer. A used one has 232 bytes, 128 a level in use, and
// records in chunks of 128 bytes holding 15: 8.5 bytes a record where slots are full. Levels and
// chunks are given back once empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include "store/clock.h"

namespace larder::store {

// Where the wheel's bytes come from: the shard counts every one of them.
struct WheelMemory {
  // Returns `bytes` bytes, aligned to 16 if they are a multiple of it; never null.
  void* (*allocate)(void* context, size_t bytes);
  // `bytes` is what was asked of allocate.
  void (*free)(void* context, void* block, size_t bytes);
  void* context;
};

// What the wheel asks of the shard's table. Several keys may share 32 hash bits: each call means
// all entries with them.
class KeyDeadlines {
 public:
  // These hash bits are about to be passed to Expire() or Earliest(): a hint, for up to 15 keys at
  // once.
  virtual void Prefetch(std::span<const uint32_t> hash_bits) = 0;
  // Removes the entries whose deadline is before `now`; returns Earliest() of what remains.
  virtual UnixMs Expire(uint32_t hash_bits, UnixMs now) = 0;
  // The earliest deadline of the entries with these hash bits; kNoDeadline if none has one.
  virtual UnixMs Earliest(uint32_t hash_bits) = 0;

 protected:
  ~KeyDeadlines() = default;
};

class DeadlineWheel {
 public:
  // A key may outlive its deadline by one tick, one sweep period and the sweep itself, 100 ms in
  // all: 16 ms leaves most of that to the other two. A finer tick wakes the sweep more often for
  // the same keys.
  static constexpr int kTickBits = 4;
  static constexpr int64_t kTickMs = 1 << kTickBits;

  // What a deadline costs here, about.
  static constexpr size_t kBytesPerDeadline = 9;

  // NextDue() of an empty wheel.
  static constexpr UnixMs kNever = std::numeric_limits<UnixMs>::max();

  // How many records a command that armed one should examine while NeedsCompaction(): two chunks.
  static constexpr size_t kCompactRecords = 30;

  DeadlineWheel() = default;
  DeadlineWheel(DeadlineWheel&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  DeadlineWheel& operator=(DeadlineWheel&&) = delete;
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;
  // REQUIRES: the wheel is empty (FreeStep).
  ~DeadlineWheel();

  // Files one record. A deadline in the past fires with the present tick. `now` is where an empty
  // wheel starts. O(1).
  void Arm(const WheelMemory& memory, uint32_t hash_bits, UnixMs deadline, UnixMs now);

  // Moves towards `now`, expiring what fell due on the way, and stops early after about
  // `records_max` records (at most 14 more), moved ones included. Returns the number of records it
  // took up. Call again while NextDue() <= now. A jump of years costs no more than the records it
  // passes: empty slots are skipped, not visited.
  size_t Advance(const WheelMemory& memory, UnixMs now, size_t records_max, KeyDeadlines& keys);

  // The earliest time at which Advance() has work (firing, or moving records down a level); kNever
  // if empty. O(1).
  UnixMs NextDue() const;

  size_t size() const;
  bool empty() const { return core_ == nullptr; }

  // Whether too many records are dead, or a compaction of a slot has begun and should be brought to
  // its end. O(1).
  bool NeedsCompaction(size_t volatile_keys) const;

  // Examines about `records_max` records (at most 14 more), going round the wheel slot by slot and
  // going on where the last call stopped. It drops records of keys that are gone or that an earlier
  // record serves, moves records of keys with a later deadline there, and of identical records
  // keeps one. Returns the number of records dropped.
  //
  // Bound: dead records vanish in the round that meets them. Identical ones (EXPIREAT to the same
  // instant and PERSIST, over and over) are recognised with a table of one cell for two to four
  // records of the slot, so some take another round: keys re-armed in turn leave at most about 3
  // records a volatile key, plus 32.
  size_t CompactStep(const WheelMemory& memory, size_t records_max, KeyDeadlines& keys);

  // Hash bits of keys whose deadlines lie near each other, drawn by `random` from all occupied
  // slots: one chunk of records, dead ones included. Returns their number, 0 if the wheel is empty.
  static constexpr size_t kDrawnMax = 15;
  size_t Draw(uint64_t random, std::span<uint32_t, kDrawnMax> hash_bits) const;

  // Gives back about `records_max` records without firing them; returns whether any are left.
  // REQUIRES: once this was called, nothing else is until it returns false.
  bool FreeStep(const WheelMemory& memory, size_t records_max);
  void FreeAll(const WheelMemory& memory);

 private:
  struct Record;
  struct Chunk;
  struct Level;
  struct Place;
  struct Core;

  void FreeCoreIfEmpty(const WheelMemory& memory);

  // The wheel of a shard that has volatile keys; null while there is no record.
  Core* core_ = nullptr;
};

}  // namespace larder::store
