// WATCH: which clients want to know whether a key has changed.
//
// The table listens to the store's change hook. A client's Watcher is marked as touched by the
// first change of one of its keys; EXEC asks for the mark with the locks of these keys held, so
// that no change can come in between.
//
// Threads: any. A Watcher belongs to one client, and but for touched() to its thread. Keys are
// spread over stripes, each with a lock of its own that comes after those of shards. Cost: while
// nobody watches anything, nothing; else a change looks into its key's stripe.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/change.h"
#include "store/mutex.h"

namespace larder::server {

class WatchTable;

// What one client watches.
class Watcher {
 public:
  struct WatchedKey {
    int db;
    uint64_t hash;
    std::string key;
  };

  explicit Watcher(WatchTable& table) : table_(table) {}
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Nothing if it is watched already. `exists`: whether the key is there now.
  // REQUIRES: the lock of the key's shard is held.
  void Watch(int db, const store::Key& key, bool exists);

  const std::vector<WatchedKey>& keys() const { return keys_; }
  // Whether one of the keys has changed since it was watched. Sure with their shards locked.
  bool touched() const {
    return touched_.load(std::memory_order_relaxed);  // relaxed: the shard's lock orders it
  }

 private:
  friend WatchTable;
  void Touch() { touched_.store(true, std::memory_order_relaxed); }  // relaxed: see touched()

  WatchTable& table_;
  std::vector<WatchedKey> keys_;
  std::atomic<bool> touched_{false};
};

class WatchTable final : public store::ChangeListener {
 public:
  WatchTable() = default;
  WatchTable(const WatchTable&) = delete;
  WatchTable& operator=(const WatchTable&) = delete;

  void OnChange(int db, const store::Key& key, store::Change change) override;
  // Keys that were not there before and are not there after have not changed.
  void OnFlush(int db) override;
  void OnSwap(int a, int b, const HasKey& has) override;

 private:
  friend Watcher;
  static constexpr size_t kStripes = 64;

  struct Watch {
    Watcher* watcher;
    int db;
    std::string key;
    bool existed;
  };
  using ByHash = std::unordered_multimap<uint64_t, Watch>;
  struct Stripe {
    store::Mutex mutex;
    ByHash by_hash GUARDED_BY(mutex);
  };

  // False if it is there already.
  bool Add(Watcher& watcher, int db, const store::Key& key, bool exists);
  static ByHash::iterator Find(Stripe& stripe, uint64_t hash, const Watcher& watcher, int db,
                               std::string_view key) REQUIRES(stripe.mutex);
  void RemoveAll(Watcher& watcher);
  void CountWatches(int64_t change);
  Stripe& StripeOf(uint64_t hash) { return stripes_[hash % kStripes]; }

  std::array<Stripe, kStripes> stripes_;
  store::Mutex count_mutex_;  // after a stripe's
  int64_t count_ GUARDED_BY(count_mutex_) = 0;
};

}  // namespace larder::server
