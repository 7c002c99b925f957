#include "store/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace larder::store {

uint64_t Hasher::Hash(std::string_view bytes) const {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed_);
}

}  // namespace larder::store
