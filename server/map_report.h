// The evidence about the shards' maps in words: the text of LARDER PROFILE, and the log's lines
// about shards that moved to another kind by themselves.
//
// Pure functions; any thread. Cost: O(shards).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/map_chooser.h"
#include "store/map_evidence.h"
#include "store/map_kind.h"
#include "store/mutex.h"

namespace larder::server {

struct MapProfile {
  struct Shard {
    store::MapKind map;
    store::MapEvidence evidence;
  };

  std::vector<Shard> shards;       // by index
  store::WaitCounts waits{};       // of all shards
  bool waits_since_start = false;  // or in the profile's period, as all else
  int threads = 1;
  bool automatic = false;  // `map auto`

  double seconds() const;
  // All shards as if they were one.
  store::MapEvidence Sum() const;
};

// Why AdviseMap() gives this reason for a map that is of kind `present`, with the numbers that
// tipped it; a clause that begins with a number.
std::string ReasonInWords(store::MapKind present, store::MapReason reason,
                          const store::MapEvidence& evidence);

std::string MoveInWords(const store::MapMove& move);

// LARDER PROFILE.
std::string ProfileInWords(const MapProfile& profile);

// How long the waits of class `index` took, "< 4 us".
std::string WaitClassInWords(size_t index);

}  // namespace larder::server
