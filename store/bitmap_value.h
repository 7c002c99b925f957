// The operations of bitmap commands on keys: what store/bitmap.h and store/bitfield.h do to bytes,
// done to values.
//
// Threads: inside Keyspace::Write() or WriteAll(), under the locks of the keys. An absent key
// counts as the empty string. Cost: as WritableValue for the byte or field that is written,
// O(bytes) for StoreCombination().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "store/bitfield.h"
#include "store/bitmap.h"
#include "store/key_editor.h"
#include "store/shard_set.h"

namespace larder::store {

// Sets or clears a bit and returns what it was before. The value grows to hold it, the key's
// deadline stays.
bool SetBit(KeyEditor& key, uint64_t offset, bool bit);

// One step of BITFIELD.
struct FieldStep {
  enum class Kind : uint8_t { kGet, kSet, kIncrement };

  Kind kind = Kind::kGet;
  FieldOverflow overflow = FieldOverflow::kWrap;
  FieldType type;
  uint64_t offset = 0;  // of the first bit
  int64_t operand = 0;  // the value to set or to add
  // The old value, the sum of kIncrement; nothing where an overflow made the step fail.
  std::optional<int64_t> result = {};
};

// Runs all steps, in order, as one change. The value grows to hold every field that a step may
// write, even if it does not; the key's deadline stays.
void RunFieldSteps(KeyEditor& key, std::span<FieldStep> steps);

// Makes the first key the combination of the others, without a deadline, and returns its length. An
// empty result removes the key.
size_t StoreCombination(const MultiEditor& keys, BitOperation operation);

}  // namespace larder::store
