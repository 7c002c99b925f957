#include "server/watch.h"

#include <algorithm>

namespace larder::server {

using store::MutexLock;

Watcher::~Watcher() { table_.RemoveAll(*this); }

void Watcher::Watch(int db, const store::Key& key, bool exists) {
  if (table_.Add(*this, db, key, exists)) {
    keys_.push_back({db, key.hash, std::string(key.bytes)});
  }
}

bool WatchTable::Add(Watcher& watcher, int db, const store::Key& key, bool exists) {
  Stripe& stripe = StripeOf(key.hash);
  MutexLock lock(stripe.mutex);
  if (Find(stripe, key.hash, watcher, db, key.bytes) != stripe.by_hash.end()) return false;
  stripe.by_hash.emplace(key.hash, Watch{&watcher, db, std::string(key.bytes), exists});
  CountWatches(1);
  return true;
}

WatchTable::ByHash::iterator WatchTable::Find(Stripe& stripe, uint64_t hash, const Watcher& watcher,
                                              int db, std::string_view key) {
  const auto [begin, end] = stripe.by_hash.equal_range(hash);
  const auto it = std::find_if(begin, end, [&](const auto& entry) {
    const Watch& watch = entry.second;
    return watch.watcher == &watcher && watch.db == db && watch.key == key;
  });
  return it == end ? stripe.by_hash.end() : it;
}

void WatchTable::RemoveAll(Watcher& watcher) {
  for (const Watcher::WatchedKey& watched : watcher.keys_) {
    Stripe& stripe = StripeOf(watched.hash);
    MutexLock lock(stripe.mutex);
    stripe.by_hash.erase(Find(stripe, watched.hash, watcher, watched.db, watched.key));
    CountWatches(-1);
  }
}

void WatchTable::CountWatches(int64_t change) {
  MutexLock lock(count_mutex_);
  count_ += change;
  set_interested(count_ != 0);
}

void WatchTable::OnChange(int db, const store::Key& key, store::Change) {
  Stripe& stripe = StripeOf(key.hash);
  MutexLock lock(stripe.mutex);
  const auto [begin, end] = stripe.by_hash.equal_range(key.hash);
  for (auto it = begin; it != end; ++it) {
    const Watch& watch = it->second;
    if (watch.db == db && watch.key == key.bytes) watch.watcher->Touch();
  }
}

void WatchTable::OnFlush(int db) {
  for (Stripe& stripe : stripes_) {
    MutexLock lock(stripe.mutex);
    for (const auto& [hash, watch] : stripe.by_hash) {
      if (watch.db == db && watch.existed) watch.watcher->Touch();
    }
  }
}

void WatchTable::OnSwap(int a, int b, const HasKey& has) {
  for (Stripe& stripe : stripes_) {
    MutexLock lock(stripe.mutex);
    for (const auto& [hash, watch] : stripe.by_hash) {
      if (watch.db != a && watch.db != b) continue;
      const int other = watch.db == a ? b : a;
      if (watch.existed || has(other, {watch.key, hash})) watch.watcher->Touch();
    }
  }
}

}  // namespace larder::server
