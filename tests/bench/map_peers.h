// The concurrent maps that larder's are measured beside, each behind the interface of Go's
// sync.Map: oneTBB's concurrent_hash_map, libcuckoo's cuckoohash_map, and the standard map behind
// one lock.
//
//   Found<V> Load(key)
//   Found<V> LoadOrStore(key, value)      the value that is there now, and if it was before
//   Found<V> LoadAndDelete(key)           the value that was there
//   void Delete(key), void Store(key, value)
//   Found<V> Swap(key, value)             the value that was there
//   bool CompareAndSwap(key, old_value, value)
//   void Range(visit)                     visit(key, value) until it answers false; it must not
//                                         touch the map
//
// Any thread may call any of them, Range of oneTBB's excepted: it has no iteration that bears a
// concurrent erase. Each is written in the way of its library that costs least.
#pragma once

#include <oneapi/tbb/concurrent_hash_map.h>

#include <cstddef>
#include <libcuckoo/cuckoohash_map.hh>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace larder::bench {

// Not an optional: that one is put together byte by byte, and passing it on in registers then costs
// as much as a look-up.
template <typename V>
struct Found {
  V value{};
  bool ok = false;
};

template <typename K, typename V, typename Hash = std::hash<K>>
class TbbMap {
 public:
  static constexpr bool kRangeBearsDelete = false;

  Found<V> Load(const K& key) {
    typename Table::const_accessor at;
    if (!table_.find(at, key)) return {};
    return {at->second, true};
  }
  Found<V> LoadOrStore(const K& key, const V& value) {
    typename Table::const_accessor at;
    const bool stored = table_.insert(at, {key, value});
    return {at->second, !stored};
  }
  Found<V> LoadAndDelete(const K& key) {
    typename Table::accessor at;
    if (!table_.find(at, key)) return {};
    const V value = at->second;
    table_.erase(at);
    return {value, true};
  }
  void Delete(const K& key) { table_.erase(key); }
  void Store(const K& key, const V& value) {
    typename Table::accessor at;
    table_.insert(at, key);
    at->second = value;
  }
  Found<V> Swap(const K& key, const V& value) {
    typename Table::accessor at;
    const bool fresh = table_.insert(at, key);
    return {std::exchange(at->second, value), !fresh};
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

  Found<V> Load(const K& key) {
    V value{};
    const bool ok = table_.find_fn(key, [&](const V& at) { value = at; });
    return {value, ok};
  }
  Found<V> LoadOrStore(const K& key, const V& value) {
    V now = value;
    const bool stored = table_.upsert(
        key, [&](V& at) { now = at; }, value);
    return {now, !stored};
  }
  Found<V> LoadAndDelete(const K& key) {
    V value{};
    const bool ok = table_.erase_fn(key, [&](V& at) {
      value = at;
      return true;
    });
    return {value, ok};
  }
  void Delete(const K& key) { table_.erase(key); }
  void Store(const K& key, const V& value) { table_.insert_or_assign(key, value); }
  Found<V> Swap(const K& key, const V& value) {
    V old{};
    const bool stored = table_.upsert(
        key, [&](V& at) { old = std::exchange(at, value); }, value);
    return {old, !stored};
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

  Found<V> Load(const K& key) {
    std::lock_guard lock(mutex_);
    const auto at = table_.find(key);
    if (at == table_.end()) return {};
    return {at->second, true};
  }
  Found<V> LoadOrStore(const K& key, const V& value) {
    std::lock_guard lock(mutex_);
    const auto [at, stored] = table_.try_emplace(key, value);
    return {at->second, !stored};
  }
  Found<V> LoadAndDelete(const K& key) {
    std::lock_guard lock(mutex_);
    const auto at = table_.find(key);
    if (at == table_.end()) return {};
    const V value = at->second;
    table_.erase(at);
    return {value, true};
  }
  void Delete(const K& key) {
    std::lock_guard lock(mutex_);
    table_.erase(key);
  }
  void Store(const K& key, const V& value) {
    std::lock_guard lock(mutex_);
    table_.insert_or_assign(key, value);
  }
  Found<V> Swap(const K& key, const V& value) {
    std::lock_guard lock(mutex_);
    const auto [at, stored] = table_.try_emplace(key, value);
    if (stored) return {};
    return {std::exchange(at->second, value), true};
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
