// The buckets of a table: one cache line each, written under the shard's lock, readable without it.
//
//   control   fp0 fp1 fp2 fp3 fp4 fp5 fp6, meta: bit i = slot i is taken, bit 7 = slot 6 is a chain
//   slots     7 entries, or 6 entries and the next bucket (tagged), if chained
//
// The control word holds a fingerprint (8 bits of the hash) for each slot and a meta byte, so that
// a look-up touches one bucket and one entry, save for chains and one false fingerprint in 37
// buckets.
//
// Readers without a lock. A reader loads the control word, then the slots it names, both acquire,
// and compares the whole key. A writer empties a free slot, takes it in the control word, then
// stores the entry, all release: the last store alone publishes, to readers with an old control
// word and with the new one at the same moment. (Slot first, control word last would show the entry
// to a reader whose control word is from before the slot's last erasure, and then not to the next
// one.) Erasing and replacing in place need no more. Moving an entry to another bucket does: see
// store/layout_version.h; and a reader whose control word is older than the slot may find a chain
// where it expected an entry or the reverse, which the tag shows: it answers "torn" and its caller
// looks again.
//
// The atomic is a parameter for tests/store/bucket_test.cc, which tries the steps of readers and
// writers in every order.
//
// Threads: Find() any that is protected (store/epoch.h); all else holders of the shard's lock.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace larder::store {

class Entry;

// What a slot holds: nothing, an entry, a chained bucket, or (in the read table of a sync map) the
// grave of an entry.
class Slot {
 public:
  constexpr Slot() = default;
  static Slot Of(const Entry* entry) { return Slot(reinterpret_cast<uintptr_t>(entry)); }
  static Slot Chain(const void* bucket) {
    return Slot(reinterpret_cast<uintptr_t>(bucket) | kChain);
  }
  // A deleted entry's slot, naming the key by its bucket bits.
  static Slot Deleted(uint32_t bucket_bits) {
    return Slot(uintptr_t{bucket_bits} << kTagBits | kDeleted);
  }
  static constexpr Slot FromWord(uintptr_t word) { return Slot(word); }

  bool is_entry() const { return (word_ & kTags) == 0 && word_ != 0; }
  bool is_chain() const { return (word_ & kTags) == kChain; }
  bool is_deleted() const { return (word_ & kTags) == kDeleted; }
  // REQUIRES: is_deleted().
  uint32_t deleted_bits() const { return static_cast<uint32_t>(word_ >> kTagBits); }

  Entry* entry() const { return reinterpret_cast<Entry*>(word_); }
  void* chain() const { return reinterpret_cast<void*>(word_ & ~kTags); }
  uintptr_t word() const { return word_; }

 private:
  static constexpr int kTagBits = 2;
  static constexpr uintptr_t kTags = 3;
  static constexpr uintptr_t kChain = 1;
  static constexpr uintptr_t kDeleted = 2;

  explicit constexpr Slot(uintptr_t word) : word_(word) {}
  uintptr_t word_ = 0;
};

// The control word of a bucket.
class BucketControl {
 public:
  explicit BucketControl(uint64_t word) : word_(word) {}
  uint64_t word() const { return word_; }
  bool chained() const { return (word_ >> 63) != 0; }
  // Bit i: slot i holds an entry (or a grave).
  uint32_t taken() const { return static_cast<uint32_t>(word_ >> 56) & (chained() ? 0x3F : 0x7F); }
  uint8_t fingerprint(int slot) const { return static_cast<uint8_t>(word_ >> (8 * slot)); }
  // One bit, at 8 * i + 7, for each taken slot i with this fingerprint (bytes compared in parallel:
  // "Bit Twiddling Hacks", haszero, in the form without false positives).
  uint64_t Matches(uint8_t fingerprint) const;
  BucketControl With(int slot, uint8_t fingerprint) const {
    const int shift = 8 * slot;
    const uint64_t cleared = word_ & ~(uint64_t{0xFF} << shift);
    return BucketControl(cleared | uint64_t{fingerprint} << shift | uint64_t{1} << (56 + slot));
  }
  BucketControl Without(int slot) const {
    return BucketControl(word_ & ~(uint64_t{1} << (56 + slot)));
  }
  BucketControl Chained() const {
    return BucketControl((word_ | uint64_t{1} << 63) & ~(uint64_t{1} << (56 + kChainSlot)));
  }
  BucketControl Unchained() const { return BucketControl(word_ & ~(uint64_t{3} << 62)); }

  static constexpr int kChainSlot = 6;

 private:
  uint64_t word_;
};

template <template <typename> class Atomic>
class alignas(64) BasicBucket {
 public:
  using Control = BucketControl;
  static constexpr int kSlots = 7;
  static constexpr int kChainSlot = Control::kChainSlot;

  // What a reader finds in one bucket: the entry, or where to look next. Torn: the bucket changed
  // under it.
  struct Look {
    const Entry* entry = nullptr;
    bool torn = false;
    const BasicBucket* next = nullptr;
  };

  // Looks for the entry of which is_key(const Entry*) is true.
  template <typename IsKey>
  Look Find(uint8_t fingerprint, IsKey&& is_key) const;

  Control control() const {
    return Control(control_.load(std::memory_order_acquire));
  }  // acquire [table.publish]
  Slot slot(int i) const {
    return Slot::FromWord(slots_[i].load(std::memory_order_acquire));
  }  // acquire [table.publish]
  void SetControl(Control control) {
    control_.store(control.word(), std::memory_order_release);
  }  // release [table.publish]
  void SetSlot(int i, Slot slot) {
    slots_[i].store(slot.word(), std::memory_order_release);
  }  // release [table.publish]

  // A free slot, or -1.
  int FreeSlot() const {
    const Control now = control();
    const uint32_t usable = now.chained() ? 0x3F : 0x7F;
    const uint32_t free = usable & ~now.taken();
    return free == 0 ? -1 : std::countr_zero(free);
  }
  // The bucket that follows in the chain, or null; without the lock, perhaps one of a moment ago.
  BasicBucket* Next() const {
    if (!control().chained()) return nullptr;
    const Slot next = slot(kChainSlot);
    return next.is_chain() ? static_cast<BasicBucket*>(next.chain()) : nullptr;
  }

  // Publishes an entry (or moves a grave) to a free slot; the last store does it.
  void Put(int i, uint8_t fingerprint, Slot content) {
    SetSlot(i, Slot());
    SetControl(control().With(i, fingerprint));
    SetSlot(i, content);
  }
  void Remove(int i) { SetControl(control().Without(i)); }
  // Makes room for a chain: what is in slot 6 moves to `overflow`, which is empty. REQUIRES: all
  // slots are taken, and no reader knows `overflow`.
  void ChainTo(BasicBucket* overflow) {
    const Control before = control();
    overflow->Put(0, before.fingerprint(kChainSlot), slot(kChainSlot));
    // A reader with the old control word finds the tag there and looks again.
    SetSlot(kChainSlot, Slot::Chain(overflow));
    SetControl(before.Chained());
  }
  // Forgets what follows. It keeps its content: a reader that is on its way there finds what was
  // true when it set out.
  void Unchain() { SetControl(control().Unchained()); }
  // Becomes a copy of another bucket. REQUIRES: no reader knows this one.
  void CopyFrom(const BasicBucket& other) {
    for (int i = 0; i < kSlots; ++i) SetSlot(i, other.slot(i));
    SetControl(other.control());
  }

 private:
  Atomic<uint64_t> control_{0};
  Atomic<uintptr_t> slots_[kSlots] = {};
};

using Bucket = BasicBucket<std::atomic>;
static_assert(sizeof(Bucket) == 64, "a bucket is one cache line");

inline uint64_t BucketControl::Matches(uint8_t fingerprint) const {
  constexpr uint64_t kLowBits = 0x7F7F7F7F7F7F7F7FULL;
  constexpr uint64_t kEachByte = 0x0101010101010101ULL;
  constexpr uint64_t kSlotBytes = 0x00FFFFFFFFFFFFFFULL;  // all but the meta byte
  const uint64_t difference = word_ ^ (kEachByte * fingerprint);
  const uint64_t zero_bytes = ~(((difference & kLowBits) + kLowBits) | difference | kLowBits);
  // Of absent keys 37 in 38 end here, and need not wait for the rest.
  if ((zero_bytes & kSlotBytes) == 0) return 0;
  // Spread the taken bits to bit 7 of their bytes: multiply copies the meta byte into each, the
  // mask picks one bit.
  const uint64_t copies = kEachByte * taken();
  const uint64_t one_each = copies & 0x8040201008040201ULL;
  const uint64_t taken_bytes = ((one_each + kLowBits) | one_each) & ~kLowBits;
  return zero_bytes & taken_bytes;
}

template <template <typename> class Atomic>
template <typename IsKey>
[[gnu::always_inline]] inline auto BasicBucket<Atomic>::Find(uint8_t fingerprint,
                                                             IsKey&& is_key) const -> Look {
  const Control seen = control();
  for (uint64_t matches = seen.Matches(fingerprint); matches != 0; matches &= matches - 1) {
    const Slot at = slot(std::countr_zero(matches) / 8);
    if (at.is_entry()) {
      if (is_key(at.entry())) return {.entry = at.entry()};
    } else if (at.is_chain()) {
      return {.torn = true};  // chained since the control word was loaded
    }
  }
  if (!seen.chained()) return {};
  const Slot next = slot(kChainSlot);
  if (!next.is_chain()) return {.torn = true};  // un-chained since
  return {.next = static_cast<const BasicBucket*>(next.chain())};
}

}  // namespace larder::store
