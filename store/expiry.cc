#include "store/expiry.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>

namespace larder::store {
namespace {

constexpr int kSlotBits =
    4;  // 16 slots a level: a level in use costs 128 bytes, so 1,000 keys can afford several
constexpr int kSlots = 1 << kSlotBits;
constexpr int kLevels = 15;
static_assert(DeadlineWheel::kTickBits + kLevels * kSlotBits >= 63, "must reach INT64_MAX");

// The highest level on which 32 bits tell a deadline within its slot exactly: above it, a level's
// records lose one more digit than those of the level below.
constexpr int kExactLevels = (32 - DeadlineWheel::kTickBits) / kSlotBits;

constexpr int kChunkRecords = 15;  // and the link to the next chunk: 128 bytes, two cache lines

// More records than twice the volatile keys plus this many: compact. Below it, a wheel fits in a
// few chunks anyway.
constexpr size_t kSpareRecords = 32;

// How far into a slot Draw() goes: who looks for keys to evict must not wait for a long chain.
constexpr uint32_t kDrawnChunks = 32;

// How many chunks of a slot to count before calling it large.
constexpr int kChunksProbed = 16;

// Clearing this many cells of the table of records seen costs about what examining one record
// costs.
constexpr size_t kCellsPerRecord = 32;

// Bits of a deadline below its slot digit on this level.
constexpr int WidthBits(int level) { return DeadlineWheel::kTickBits + level * kSlotBits; }

// Low bits of a deadline that a record of this level does not hold.
constexpr int LostBits(int level) {
  return level <= kExactLevels ? 0 : (level - kExactLevels) * kSlotBits;
}

constexpr int64_t TickOf(UnixMs time) {
  return std::max<UnixMs>(time, 0) >> DeadlineWheel::kTickBits;
}

}  // namespace

struct DeadlineWheel::Record {
  uint32_t hash_bits;
  uint32_t low;  // the deadline, shifted right by LostBits() of its level

  bool operator==(const Record&) const = default;
};

// Records of one slot, in no order. The first chunk of a chain is the only one that is written to.
struct DeadlineWheel::Chunk {
  uintptr_t link = 0;  // the next chunk, whose alignment leaves four bits for the count of this one
  Record records[kChunkRecords];

  Chunk* next() const { return reinterpret_cast<Chunk*>(link & ~uintptr_t{15}); }
  int count() const { return static_cast<int>(link & 15); }
  std::span<const Record> used() const { return {records, link & 15}; }
};

struct DeadlineWheel::Level {
  Chunk* slots[kSlots] = {};
};

// Where a deadline is filed, and what its record says.
struct DeadlineWheel::Place {
  int level;
  int slot;
  uint32_t low;
};

// Invariants, outside of a method:
//   - Every record is in a slot, in a draining chain or in the one chain under compaction.
//   - On level 0 the occupied slots are at or after the position's digit, above level 0 after it.
//     So the lowest occupied slot of the lowest occupied level comes first in time.
//   - A slot's bit in occupied is set while the slot has chunks, or its records are in the chain
//     under compaction. A level is allocated, and in levels_used, while it has such a bit.
struct DeadlineWheel::Core {
  int64_t tick;  // the position: all ticks before it have been fired, but for the draining chains
  size_t records = 0;  // in all
  Level* levels[kLevels] = {};
  uint16_t occupied[kLevels] = {};
  uint16_t levels_used = 0;

  // The slot that the position has reached, being fired or moved down a level. Two chains, because
  // compaction may have held part of the slot when it was reached; they have no order.
  Chunk* draining = nullptr;
  Chunk* draining_too = nullptr;
  UnixMs draining_start = 0;
  int draining_level = 0;

  // The slot under compaction: its records leave this chain and, kept, go back to the slot.
  // Meanwhile the slot can only grow, so a record found in `seen` is surely there a second time.
  // When there is no chain, level and slot are where the last compaction was.
  int compact_level = 0;
  int compact_slot = 0;
  Chunk* compacting = nullptr;
  Record* seen = nullptr;  // direct-mapped; a record of all zero bits means an empty cell
  uint32_t seen_cells = 0;
  uint32_t seen_cleared = 0;

  static Core* Make(const WheelMemory& memory, UnixMs now) {
    return new (memory.allocate(memory.context, sizeof(Core))) Core{.tick = TickOf(now)};
  }

  // Where a slot begins, given that the position has not passed it.
  UnixMs SlotStart(int level, int slot) const {
    const int64_t digits = (tick << kTickBits) >> WidthBits(level);
    return ((digits & ~int64_t{kSlots - 1}) | slot) << WidthBits(level);
  }

  Place Locate(UnixMs deadline) const {
    deadline = std::max(deadline, tick << kTickBits);
    const auto differing = static_cast<uint64_t>(TickOf(deadline) ^ tick);
    const int level = differing == 0 ? 0 : (std::bit_width(differing) - 1) / kSlotBits;
    return {.level = level,
            .slot = static_cast<int>((deadline >> WidthBits(level)) & (kSlots - 1)),
            .low = static_cast<uint32_t>(deadline >> LostBits(level))};
  }

  // The earliest deadline that a record of the slot beginning at `start` may stand for.
  static UnixMs DeadlineOf(const Record& record, int level, UnixMs start) {
    const UnixMs width_mask = (UnixMs{1} << WidthBits(level)) - 1;
    return start | ((static_cast<UnixMs>(record.low) << LostBits(level)) & width_mask);
  }

  // The first slot in time, as level and slot; level -1 if no slot is occupied.
  std::pair<int, int> FirstSlot() const {
    if (levels_used == 0) return {-1, 0};
    const int level = std::countr_zero(levels_used);
    return {level, std::countr_zero(occupied[level])};
  }

  // The chain of one of the occupied slots; null if the only records left are being drained.
  const Chunk* DrawSlot(uint32_t random) const {
    if (draining != nullptr) return draining;  // what is due goes first
    int slots = 0;
    for (const uint16_t level : occupied) slots += std::popcount(level);
    if (slots == 0) return nullptr;
    int nth = static_cast<int>(uint64_t{random} * static_cast<uint64_t>(slots) >> 32);
    for (int level = 0; level < kLevels; ++level) {
      uint32_t left = occupied[level];
      const int here = std::popcount(left);
      if (nth >= here) {
        nth -= here;
        continue;
      }
      for (; nth > 0; --nth) left &= left - 1;
      const Chunk* chain = levels[level]->slots[std::countr_zero(left)];
      return chain != nullptr ? chain : compacting;
    }
    return nullptr;
  }

  // Whether the position has work in a slot on its way to `target`: to fire it, once its tick is
  // over, or to move it down.
  bool SlotDue(int64_t target) const {
    const auto [level, slot] = FirstSlot();
    if (level < 0) return false;
    const int64_t start = TickOf(SlotStart(level, slot));
    return level == 0 ? start < target : start <= target;
  }

  // Moves the position over ticks in which nothing happens.
  void SkipTo(int64_t target) {
    if (target > tick && draining == nullptr && !SlotDue(target)) tick = target;
  }

  // The first chunk of a slot, whose level is allocated if need be: the caller puts a record there.
  Chunk*& HeadOf(const WheelMemory& memory, const Place& place) {
    Level*& level = levels[place.level];
    if (level == nullptr) {
      level = new (memory.allocate(memory.context, sizeof(Level))) Level;
      levels_used |= static_cast<uint16_t>(1 << place.level);
    }
    occupied[place.level] |= static_cast<uint16_t>(1 << place.slot);
    return level->slots[place.slot];
  }

  void Push(const WheelMemory& memory, const Place& place, uint32_t hash_bits) {
    Chunk*& head = HeadOf(memory, place);
    if (head == nullptr || head->count() == kChunkRecords) {
      auto* chunk = new (memory.allocate(memory.context, sizeof(Chunk))) Chunk;
      assert((reinterpret_cast<uintptr_t>(chunk) & 15) == 0);
      chunk->link = reinterpret_cast<uintptr_t>(head);
      head = chunk;
    }
    head->records[head->count()] = {hash_bits, place.low};
    ++head->link;
  }

  // Push() unless an identical record is in the slot's first chunk; returns whether it pushed.
  bool PushNew(const WheelMemory& memory, const Place& place, uint32_t hash_bits) {
    if (const Level* level = levels[place.level]; level != nullptr) {
      const Chunk* head = level->slots[place.slot];
      const Record record{hash_bits, place.low};
      if (head != nullptr && std::ranges::find(head->used(), record) != head->used().end()) {
        return false;
      }
    }
    Push(memory, place, hash_bits);
    return true;
  }

  // Takes the first chunk off a chain that has one.
  static Chunk* Unlink(Chunk*& chain) {
    assert(chain != nullptr);
    Chunk* chunk = std::exchange(chain, chain->next());
    if (chain != nullptr) {
      __builtin_prefetch(chain);
      __builtin_prefetch(&chain->records[kChunkRecords - 1]);
    }
    return chunk;
  }

  Chunk* UnlinkDraining() {
    Chunk* chunk = Unlink(draining);
    if (draining == nullptr) draining = std::exchange(draining_too, nullptr);
    return chunk;
  }

  // Copies a chunk's records to `out` and gives it back, so that they can be filed in memory that
  // is still in the cache.
  static std::span<const Record> Unpack(const WheelMemory& memory, Chunk* chunk, Record* out) {
    const auto used = chunk->used();
    std::ranges::copy(used, out);
    memory.free(memory.context, chunk, sizeof(Chunk));
    return {out, used.size()};
  }

  // REQUIRES: the slot has no chunk.
  void MarkEmpty(const WheelMemory& memory, int level, int slot) {
    assert(levels[level]->slots[slot] == nullptr);
    occupied[level] &= static_cast<uint16_t>(~(1 << slot));
    if (occupied[level] != 0) return;
    memory.free(memory.context, std::exchange(levels[level], nullptr), sizeof(Level));
    levels_used &= static_cast<uint16_t>(~(1 << level));
  }

  // Moves the position to the first slot, whose records begin to drain. REQUIRES: SlotDue(),
  // nothing is draining.
  void DrainFirstSlot(const WheelMemory& memory) {
    assert(draining == nullptr && draining_too == nullptr);
    const auto [level, slot] = FirstSlot();
    draining_level = level;
    draining_start = SlotStart(level, slot);
    draining = std::exchange(levels[level]->slots[slot], nullptr);
    if (compacting != nullptr && level == compact_level && slot == compact_slot) {
      (draining == nullptr ? draining : draining_too) = std::exchange(compacting, nullptr);
      FreeSeen(memory);
    }
    tick = TickOf(draining_start);
    MarkEmpty(memory, level, slot);
  }

  // Expires the due records of one draining chunk and files the others by their deadlines; returns
  // their number.
  size_t DrainChunk(const WheelMemory& memory, UnixMs now, KeyDeadlines& keys) {
    Chunk* chunk = UnlinkDraining();
    const size_t count = chunk->used().size();
    if (MoveWhole(memory, chunk, now)) return count;
    Record buffer[kChunkRecords];
    const auto records_taken = Unpack(memory, chunk, buffer);
    uint32_t due[kChunkRecords];
    size_t due_count = 0;
    for (const Record& record : records_taken) {
      if (DrainingIsDue(record, now)) {
        due[due_count++] = record.hash_bits;
      } else {
        Push(memory, Locate(DeadlineOf(record, draining_level, draining_start)), record.hash_bits);
      }
    }
    if (due_count == 0) return count;
    keys.Prefetch({due, due_count});
    for (const uint32_t hash_bits : std::span(due, due_count)) {
      const UnixMs deadline = keys.Expire(hash_bits, now);
      if (deadline == kNoDeadline || !PushNew(memory, Locate(deadline), hash_bits)) --records;
    }
    return count;
  }

  // Whether a draining record goes to the shard: it is due, or lost bits of its deadline, which the
  // shard knows.
  bool DrainingIsDue(const Record& record, UnixMs now) const {
    return LostBits(draining_level) != 0 ||
           TickOf(DeadlineOf(record, draining_level, draining_start)) < TickOf(now);
  }

  // Hands a chunk as it is to the slot that all its records go to, if there is one and it can take
  // the chunk. Keys that expire together, and keys that are alone in their slot, so go down the
  // levels without a copy.
  bool MoveWhole(const WheelMemory& memory, Chunk* chunk, UnixMs now) {
    const Place place = Locate(DeadlineOf(chunk->records[0], draining_level, draining_start));
    for (const Record& record : chunk->used()) {
      const Place other = Locate(DeadlineOf(record, draining_level, draining_start));
      if (DrainingIsDue(record, now) || other.level != place.level || other.slot != place.slot) {
        return false;
      }
    }
    Chunk*& head = HeadOf(memory, place);
    const auto count = static_cast<uintptr_t>(chunk->count());
    if (head == nullptr) {
      chunk->link = count;
      head = chunk;
      return true;
    }
    if (count < kChunkRecords) return false;
    // Behind the head, which may have room left.
    chunk->link = reinterpret_cast<uintptr_t>(head->next()) | count;
    head->link = reinterpret_cast<uintptr_t>(chunk) | static_cast<uintptr_t>(head->count());
    return true;
  }

  // Turns to the next occupied slot after the one compacted last, going round; returns false if
  // there is none.
  bool BeginCompaction(const WheelMemory& memory) {
    assert(compacting == nullptr && seen == nullptr);
    // On the level of the last compaction, the slots before that one come at the very end.
    uint32_t later = ~0u << (compact_slot + 1);
    for (int i = 0; i <= kLevels; ++i, later = ~0u) {
      const int level = (compact_level + i) % kLevels;
      const uint32_t ahead = occupied[level] & later;
      if (ahead == 0) continue;
      compact_level = level;
      compact_slot = std::countr_zero(ahead);
      compacting = std::exchange(levels[level]->slots[compact_slot], nullptr);
      AllocateSeen(memory);
      return true;
    }
    return false;
  }

  // One cell for two to four records of the slot; none for one chunk, within which PushNew() finds
  // all duplicates.
  void AllocateSeen(const WheelMemory& memory) {
    int chunks = 0;
    for (const Chunk* chunk = compacting; chunk != nullptr && chunks <= kChunksProbed; ++chunks) {
      chunk = chunk->next();
    }
    if (chunks == 1) return;
    const size_t slot_records = chunks <= kChunksProbed ? chunks * kChunkRecords : records;
    seen_cells = static_cast<uint32_t>(std::bit_ceil(slot_records / 4 + 1));
    seen_cleared = 0;
    seen = static_cast<Record*>(memory.allocate(memory.context, seen_cells * sizeof(Record)));
  }

  void FreeSeen(const WheelMemory& memory) {
    if (seen == nullptr) return;
    memory.free(memory.context, std::exchange(seen, nullptr), seen_cells * sizeof(Record));
    seen_cells = 0;
  }

  // Empties up to `cells_max` cells of `seen`; returns how many it did.
  size_t ClearSeen(size_t cells_max) {
    const size_t cells = std::min<size_t>(cells_max, seen_cells - seen_cleared);
    std::memset(static_cast<void*>(seen + seen_cleared), 0, cells * sizeof(Record));
    seen_cleared += static_cast<uint32_t>(cells);
    return cells;
  }

  // Examines one chunk of the chain under compaction; returns its number of records.
  size_t CompactChunk(const WheelMemory& memory, KeyDeadlines& keys) {
    const UnixMs start = SlotStart(compact_level, compact_slot);
    Record buffer[kChunkRecords];
    const auto records_taken = Unpack(memory, Unlink(compacting), buffer);
    uint32_t hashes[kChunkRecords];
    std::ranges::transform(records_taken, hashes, &Record::hash_bits);
    keys.Prefetch({hashes, records_taken.size()});
    for (const Record& record : records_taken) {
      const UnixMs deadline = keys.Earliest(record.hash_bits);
      const UnixMs filed = DeadlineOf(record, compact_level, start);
      // Gone, or armed again with an earlier deadline, which has a record of its own. (A deadline
      // in the past was filed as the tick of that moment, so it is compared as that.)
      const bool dead = deadline == kNoDeadline || std::max(deadline, tick << kTickBits) < filed;
      if (dead || !Keep(memory, Locate(deadline), record.hash_bits)) --records;
    }
    if (compacting == nullptr) {
      FreeSeen(memory);
      if (levels[compact_level]->slots[compact_slot] == nullptr) {
        MarkEmpty(memory, compact_level, compact_slot);
      }
    }
    return records_taken.size();
  }

  // Files a record that compaction keeps; returns false if it is there already.
  bool Keep(const WheelMemory& memory, const Place& place, uint32_t hash_bits) {
    if (seen == nullptr || place.level != compact_level || place.slot != compact_slot) {
      return PushNew(memory, place, hash_bits);
    }
    const Record record{hash_bits, place.low};
    const uint64_t mixed = (uint64_t{hash_bits} << 32 | place.low) * 0x9E3779B97F4A7C15u;
    Record& cell = seen[(mixed >> 32) & (seen_cells - 1)];
    if (cell == record && record != Record{}) return false;
    cell = record;
    Push(memory, place, hash_bits);
    return true;
  }
};

DeadlineWheel::~DeadlineWheel() { assert(core_ == nullptr); }

void DeadlineWheel::FreeCoreIfEmpty(const WheelMemory& memory) {
  if (core_->records != 0) return;
  assert(core_->levels_used == 0 && core_->draining == nullptr && core_->seen == nullptr);
  memory.free(memory.context, std::exchange(core_, nullptr), sizeof(Core));
}

void DeadlineWheel::Arm(const WheelMemory& memory, uint32_t hash_bits, UnixMs deadline,
                        UnixMs now) {
  static_assert(sizeof(Record) == 8);
  static_assert(sizeof(Chunk) == 128);
  static_assert(sizeof(Core) <= 232);
  if (core_ == nullptr) core_ = Core::Make(memory, now);
  core_->SkipTo(TickOf(now));
  if (core_->PushNew(memory, core_->Locate(deadline), hash_bits)) ++core_->records;
}

size_t DeadlineWheel::Advance(const WheelMemory& memory, UnixMs now, size_t records_max,
                              KeyDeadlines& keys) {
  if (core_ == nullptr) return 0;
  const int64_t target = TickOf(now);
  size_t taken = 0;
  while (taken < records_max) {
    if (core_->draining == nullptr) {
      if (!core_->SlotDue(target)) break;
      core_->DrainFirstSlot(memory);
    }
    taken += core_->DrainChunk(memory, now, keys);
  }
  core_->SkipTo(target);
  FreeCoreIfEmpty(memory);
  return taken;
}

UnixMs DeadlineWheel::NextDue() const {
  if (core_ == nullptr) return kNever;
  const UnixMs position = core_->tick << kTickBits;
  if (core_->draining != nullptr) return position;
  const auto [level, slot] = core_->FirstSlot();
  const UnixMs start = core_->SlotStart(level, slot);
  if (level > 0) return start;
  // The last tick of all is never over.
  return start > kNever - kTickMs ? kNever : start + kTickMs;
}

size_t DeadlineWheel::size() const { return core_ == nullptr ? 0 : core_->records; }

bool DeadlineWheel::NeedsCompaction(size_t volatile_keys) const {
  if (core_ == nullptr) return false;
  return core_->records > 2 * volatile_keys + kSpareRecords || core_->compacting != nullptr;
}

size_t DeadlineWheel::CompactStep(const WheelMemory& memory, size_t records_max,
                                  KeyDeadlines& keys) {
  if (core_ == nullptr) return 0;
  const size_t records_before = core_->records;
  size_t examined = 0;
  while (examined < records_max && core_->records > 0) {
    if (core_->compacting == nullptr && !core_->BeginCompaction(memory)) break;
    if (core_->seen_cleared < core_->seen_cells) {
      const size_t cells = core_->ClearSeen((records_max - examined) * kCellsPerRecord);
      examined += (cells + kCellsPerRecord - 1) / kCellsPerRecord;
    } else {
      examined += core_->CompactChunk(memory, keys);
    }
  }
  const size_t dropped = records_before - core_->records;
  FreeCoreIfEmpty(memory);
  return dropped;
}

size_t DeadlineWheel::Draw(uint64_t random, std::span<uint32_t, kDrawnMax> hash_bits) const {
  static_assert(kDrawnMax == kChunkRecords);
  const Chunk* first = core_ == nullptr ? nullptr : core_->DrawSlot(static_cast<uint32_t>(random));
  if (first == nullptr) return 0;
  const Chunk* chunk = first;
  for (auto hops = static_cast<uint32_t>(random >> 32) % kDrawnChunks; hops > 0; --hops) {
    chunk = chunk->next() == nullptr ? first : chunk->next();
  }
  std::ranges::transform(chunk->used(), hash_bits.begin(), &Record::hash_bits);
  return chunk->used().size();
}

bool DeadlineWheel::FreeStep(const WheelMemory& memory, size_t records_max) {
  if (core_ == nullptr) return false;
  Record buffer[kChunkRecords];
  for (size_t freed = 0; freed < records_max && core_->records > 0;) {
    if (core_->draining == nullptr) core_->DrainFirstSlot(memory);
    const size_t count = Core::Unpack(memory, core_->UnlinkDraining(), buffer).size();
    freed += count;
    core_->records -= count;
  }
  FreeCoreIfEmpty(memory);
  return core_ != nullptr;
}

void DeadlineWheel::FreeAll(const WheelMemory& memory) {
  while (FreeStep(memory, std::numeric_limits<size_t>::max())) {
  }
}

}  // namespace larder::store
