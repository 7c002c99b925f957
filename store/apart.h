// How far apart in memory things have to lie that different threads write: else each write takes
// the line from the other thread's cache, though neither is interested in the other's.
//
// Two lines, as Intel's second-level caches fetch lines in pairs ("Intel 64 and IA-32 Architectures
// Optimization Reference Manual", spatial prefetcher).
#pragma once

#include <cstddef>

namespace larder::store {

inline constexpr size_t kApart = 128;

}  // namespace larder::store
