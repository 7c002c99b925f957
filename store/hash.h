// A key and its hash: computed once a command, used for everything that needs to place the key.
//
// The hash is XXH3 (64 bits, github.com/Cyan4973/xxHash) under a seed drawn at start, so that
// nobody outside can choose keys that collide. Its bits are shared out, low to high:
//
//   0..31   bucket within the shard's table, scan order, and the name of the key's record in the
//           timing wheel
//   24..31  fingerprint in the bucket's control word, so that the wheel's record has it too (they
//           tell nothing apart any more in a shard of over 16 million buckets)
//   40..63  shard (from the top)
//
// Threads: any. Cost: 2 ns for a key of 16 bytes; SipHash-1-3, which also withstands an attacker
// who sees timings, measured 11 ns: 6 to 10 % of a batched look-up (tests/bench/store_bench.cc).
#pragma once

#include <cstdint>
#include <string_view>

#include "store/bucket.h"

namespace larder::store {

constexpr uint8_t FingerprintOf(uint32_t bucket_bits) {
  return static_cast<uint8_t>(bucket_bits >> 24);
}

class Table;

// What a prefetch has learnt on its way: where the key's chain begins, as long as the shard's
// version (store/layout_version.h) is still `layout`, but for a write of several keys that has
// begun since. Table checks that before it takes the short cut. `table` is one that lives as long
// as its keyspace.
struct ShortCut {
  const Table* table = nullptr;
  Bucket* head = nullptr;
  uint64_t layout = 0;
};

struct Key {
  std::string_view bytes;
  uint64_t hash;
  ShortCut short_cut = {};

  uint32_t bucket_bits() const { return static_cast<uint32_t>(hash); }
  uint8_t fingerprint() const { return FingerprintOf(bucket_bits()); }
  // REQUIRES: 0 <= shard_bits <= 24.
  uint32_t shard(int shard_bits) const {
    return static_cast<uint32_t>((hash >> 40) >> (24 - shard_bits));
  }
};

// A key in one of the databases.
struct KeyAt {
  int db = 0;
  Key key;
};

class Hasher {
 public:
  explicit Hasher(uint64_t seed) : seed_(seed) {}

  Key operator()(std::string_view bytes) const { return {bytes, Hash(bytes)}; }
  uint64_t Hash(std::string_view bytes) const;

 private:
  uint64_t seed_;
};

}  // namespace larder::store
