// The access word of an entry: what the eviction policies know of how a key is used.
//
// Under the LRU policies (and where nothing is evicted) it is the time of the last access, in ticks
// of 16 ms that wrap around after 2.2 years. Under the LFU policies it is Redis' logarithmic
// counter of accesses (S. Sanfilippo, Redis 4.0): bits 0 to 7 the counter, bits 8 to 23 the minute
// of its last decrement. A change of policy does not rewrite the words: until its next access a key
// is ranked by a word of the other meaning, as in Redis.
//
// Pure functions, any thread. Cost: a few instructions.
#pragma once

#include <algorithm>
#include <cstdint>

#include "store/clock.h"

namespace larder::store {

// --- LRU

constexpr int kAccessTickBits = 4;

constexpr uint32_t AccessTick(UnixMs now) { return static_cast<uint32_t>(now >> kAccessTickBits); }

// How long ago the access was; 0 for one that another thread's clock puts ahead of ours.
constexpr int64_t IdleMs(uint32_t word, UnixMs now) {
  constexpr uint32_t kAheadTicksMax = 60'000 >> kAccessTickBits;
  const uint32_t ticks = AccessTick(now) - word;
  return ticks > UINT32_MAX - kAheadTicksMax ? 0 : int64_t{ticks} << kAccessTickBits;
}

// --- LFU

struct LfuSettings {
  uint32_t log_factor = 10;    // how many accesses a step of the counter takes: see LfuRises()
  uint32_t decay_minutes = 1;  // how long a step down takes; 0: never
};

// A new key must live long enough to be used again.
constexpr uint8_t kLfuInitial = 5;

constexpr uint32_t LfuMinutes(UnixMs now) { return static_cast<uint32_t>(now / 60'000) & 0xFFFF; }

constexpr uint32_t LfuWord(uint8_t counter, UnixMs now) { return LfuMinutes(now) << 8 | counter; }

// Minutes since the counter was last decremented, modulo 45 days.
constexpr uint32_t LfuAgeMinutes(uint32_t word, UnixMs now) {
  return (LfuMinutes(now) - (word >> 8)) & 0xFFFF;
}

// The counter as it is by now.
constexpr uint8_t LfuCounter(uint32_t word, UnixMs now, const LfuSettings& settings) {
  const uint32_t counter = word & 0xFF;
  if (settings.decay_minutes == 0) return static_cast<uint8_t>(counter);
  const uint32_t steps = LfuAgeMinutes(word, now) / settings.decay_minutes;
  return static_cast<uint8_t>(counter - std::min(counter, steps));
}

// Whether an access raises a counter: with a chance of 1 in (counter above initial) * log_factor +
// 1. `random` is uniform.
constexpr bool LfuRises(uint8_t counter, uint64_t random, const LfuSettings& settings) {
  if (counter == UINT8_MAX) return false;
  const uint64_t above = counter > kLfuInitial ? counter - kLfuInitial : 0;
  // 24 random bits: the product stays below 2^63 for every factor.
  return (random >> 40) * (above * settings.log_factor + 1) < uint64_t{1} << 24;
}

// The word after an access.
constexpr uint32_t LfuTouched(uint32_t word, UnixMs now, uint64_t random,
                              const LfuSettings& settings) {
  const uint8_t counter = LfuCounter(word, now, settings);
  const bool rises = LfuRises(counter, random, settings);
  return LfuWord(static_cast<uint8_t>(counter + (rises ? 1 : 0)), now);
}

}  // namespace larder::store
