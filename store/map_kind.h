// The kinds of guard that a shard's map may have; `--map` names one.
//
//   plain     nothing: one I/O thread only
//   mutex     one exclusive lock for readers and writers
//   rwmutex   shared lock for readers, exclusive for writers
//   sync      sync.Map's two tables, read and dirty: single-key reads take no lock, writers do
//   rcu       one table: single-key reads take no lock, writers do
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace larder::store {

enum class MapKind : uint8_t { kPlain, kMutex, kRwMutex, kSync, kRcu };

inline constexpr std::array kMapKinds = {MapKind::kPlain, MapKind::kMutex, MapKind::kRwMutex,
                                         MapKind::kSync, MapKind::kRcu};

constexpr std::string_view Name(MapKind kind) {
  constexpr std::string_view kNames[] = {"plain", "mutex", "rwmutex", "sync", "rcu"};
  return kNames[static_cast<uint8_t>(kind)];
}

// Single-key reads of these kinds take no lock: the reader holds an epoch pin instead.
constexpr bool IsLockFree(MapKind kind) { return kind == MapKind::kSync || kind == MapKind::kRcu; }

}  // namespace larder::store
