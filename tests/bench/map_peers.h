// The concurrent maps that larder's are measured beside, each behind the interface of Go's
// sync.Map: oneTBB's concurrent_hash_map, libcuckoo's cuckoohash_map, and the standard map behind
// one lock.
//
//   std::optional<V> Load(key)                   the value
//   LoadOrStored<V> LoadOrStore(key, value)      the value that is there now, and if it was before
//   std::optional<V> LoadAndDelete(key)          the value that was there
//   void Delete(key), void Store(key, value)
//   std::optional<V> Swap(key, value)            the value that was there
//   bool CompareAndSwap(key, old_value, value)
//   void Range(visit)                            visit(key, value) until it answers false; it must
//                                                not touch the map
//
// Any thread may call any of them, Range of oneTBB's excepted: it has no iteration that bears a
// concurrent erase. Each is written in the way of its library that costs least.
#pragma once

#include <oneapi/tbb/concurrent_hash_map.h>

#include <cstddef>
#include <libcuckoo/cuckoohash_map.hh>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace larder::bench {

template <typename V>
struct LoadOrStored {
  V value;
  bool loaded;
};

template <typename K, typename V, typename Hash = std::hash<K>>
class TbbMap {
 public:
  static constexpr bool kRangeBearsDelete = false;

  std::optional<V> Load(const K& key) {
    typename Table::const_accessor at;
    return table_.find(at, key) ? std::optional(at->second) : std::nullopt;
  }
  LoadOrStored<V> LoadOrStore(const K& key, const V& value) {
    typename Table::const_accessor at;
    const bool stored = table_.insert(at, {key, value});
    return {at->second, !stored};
  }
  std::optional<V> LoadAndDelete(const K& key) {
    typename Table::accessor at;
    if (!table_.find(at, key)) return std::nullopt;
    const V value = at->second;
    table_.erase(at);
    return value;
  }
  void Delete(const K& key) { table_.erase(key); }
  void Store(const K& key, const V& value) {
    typename Table::accessor at;
    table_.insert(at, key);
    at->second = value;
  }
  std::optional<V> Swap(const K& key, const V& value) {
    typename Table::accessor at;
    const bool fresh = table_.insert(at, key);
    const V old = std::exchange(at->second, value);
    return fresh ? std::nullopt : std::optional(old);
  }
  bool CompareAndSwap(const K& key, const V& old_value, const V& value) {
    typename Table::accessor at;
    if (!table_.find(at, key) || at->second != old_value) return false;
    at->second = value;
    return true;
  }
  template <typename Visit>
  void Range(Visit&& visit) {
    for (const auto& [key, value] : table_) {
      if (!visit(key, value)) return;
    }
  }

 private:
  struct Compare {
    static size_t hash(const K& key) { return Hash()(key); }
    static bool equal(const K& a, const K& b) { return a == b; }
  };
  using Table = tbb::concurrent_hash_map<K, V, Compare>;
  Table table_;
};

template <typename K, typename V, typename Hash = std::hash<K>>
class CuckooMap {
 public:
  static constexpr bool kRangeBearsDelete = true;

  std::optional<V> Load(const K& key) {
    std::optional<V> found;
    table_.find_fn(key, [&](const V& at) { found = at; });
    return found;
  }
  LoadOrStored<V> LoadOrStore(const K& key, const V& value) {
    V now = value;
    const bool stored = table_.upsert(
        key, [&](V& at) { now = at; }, value);
    return {now, !stored};
  }
  std::optional<V> LoadAndDelete(const K& key) {
    std::optional<V> found;
    table_.erase_fn(key, [&](V& at) {
      found = at;
      return true;
    });
    return found;
  }
  void Delete(const K& key) { table_.erase(key); }
  void Store(const K& key, const V& value) { table_.insert_or_assign(key, value); }
  std::optional<V> Swap(const K& key, const V& value) {
    std::optional<V> found;
    table_.upsert(
        key, [&](V& at) { found = std::exchange(at, value); }, value);
    return found;
  }
  bool CompareAndSwap(const K& key, const V& old_value, const V& value) {
    bool swapped = false;
    table_.update_fn(key, [&](V& at) {
      swapped = at == old_value;
      if (swapped) at = value;
    });
    return swapped;
  }
  template <typename Visit>
  void Range(Visit&& visit) {
    for (const auto& [key, value] : table_.lock_table()) {
      if (!visit(key, value)) return;
    }
  }

 private:
  // Like the others it starts small: its own choice, room for 262,144, is what Range() would visit.
  static constexpr size_t kFirstKeys = 1024;

  libcuckoo::cuckoohash_map<K, V, Hash> table_{kFirstKeys};
};

template <typename K, typename V, typename Hash = std::hash<K>>
class LockedMap {
 public:
  static constexpr bool kRangeBearsDelete = true;

  std::optional<V> Load(const K& key) {
    std::lock_guard lock(mutex_);
    const auto at = table_.find(key);
    return at != table_.end() ? std::optional(at->second) : std::nullopt;
  }
  LoadOrStored<V> LoadOrStore(const K& key, const V& value) {
    std::lock_guard lock(mutex_);
    const auto [at, stored] = table_.try_emplace(key, value);
    return {at->second, !stored};
  }
  std::optional<V> LoadAndDelete(const K& key) {
    std::lock_guard lock(mutex_);
    const auto at = table_.find(key);
    if (at == table_.end()) return std::nullopt;
    const V value = at->second;
    table_.erase(at);
    return value;
  }
  void Delete(const K& key) {
    std::lock_guard lock(mutex_);
    table_.erase(key);
  }
  void Store(const K& key, const V& value) {
    std::lock_guard lock(mutex_);
    table_.insert_or_assign(key, value);
  }
  std::optional<V> Swap(const K& key, const V& value) {
    std::lock_guard lock(mutex_);
    const auto [at, stored] = table_.try_emplace(key, value);
    if (stored) return std::nullopt;
    return std::exchange(at->second, value);
  }
  bool CompareAndSwap(const K& key, const V& old_value, const V& value) {
    std::lock_guard lock(mutex_);
    const auto at = table_.find(key);
    if (at == table_.end() || at->second != old_value) return false;
    at->second = value;
    return true;
  }
  template <typename Visit>
  void Range(Visit&& visit) {
    std::lock_guard lock(mutex_);
    for (const auto& [key, value] : table_) {
      if (!visit(key, value)) return;
    }
  }

 private:
  std::mutex mutex_;
  std::unordered_map<K, V, Hash> table_;
};

}  // namespace larder::bench
