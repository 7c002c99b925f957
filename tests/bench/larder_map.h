// One of larder's maps behind the interface of map_peers.h, over 8-byte integers: what a user of
// store::Map has to do, and a server does.
//
// Keys are hashed. Up to kRun operations share one pin, as those of a server's batch do; a write
// gives it up before it waits for the lock. What a write takes out is retired through the epochs
// and collected at the end of a run; so is a promotion that has become due taken on. A value is an
// entry with an integer, and overwriting it makes a new entry, as SET does (INCR would not).
//
// Threads: each has a Client of its own, made with the map.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string_view>
#include <utility>

#include "store/map.h"
#include "tests/bench/map_peers.h"

namespace larder::bench {

using store::Entry;
using store::Key;
using store::MapKind;
using store::OwnedEntry;
using store::Table;
using store::Worker;
using Number = uint64_t;  // keys and values

constexpr int kRun = 32;           // operations of a batch of the server
constexpr int kUpkeepSteps = 32;   // what its sweep does of a promotion at once
constexpr int kBucketsALock = 64;  // its longest look at one shard, about
constexpr size_t kClearedAReclaim = 1'000;

template <MapKind map_kind>
class LarderMap {
 public:
  static constexpr std::string_view kName = Name(map_kind);
  static constexpr bool kRangeBearsDelete = true;

  explicit LarderMap(int threads) {
    for (int i = 0; i < threads; ++i) clients_.emplace_back(*this, i);
  }
  ~LarderMap() { clients_.front().Clear(); }
  LarderMap(const LarderMap&) = delete;
  LarderMap& operator=(const LarderMap&) = delete;

  // What one thread has in hand; used by it alone.
  class Client {
   public:
    Client(LarderMap& owner, int index)
        : map_(owner.map_), worker_(owner.shared_, index, static_cast<uint64_t>(index) + 1) {}

    Found<Number> Load(Number number) {
      const Found<Number> found = Look(KeyOf(number));
      EndOperation();
      return found;
    }
    Found<Number> LoadOrStore(Number number, Number value);
    Found<Number> LoadAndDelete(Number number);
    void Delete(Number number) { LoadAndDelete(number); }
    void Store(Number number, Number value) { Swap(number, value); }
    Found<Number> Swap(Number number, Number value);
    bool CompareAndSwap(Number number, Number old_value, Number value);
    template <typename Visit>
    void Range(Visit&& visit);

    void Clear();

   private:
    // Holds the map for a scope.
    class Locked {
     public:
      explicit Locked(Client& client) NO_THREAD_SAFETY_ANALYSIS : client_(client) {
        client_.worker_.Unpin();  // never wait pinned
        client_.map_.Lock(client_.worker_);
      }
      ~Locked() NO_THREAD_SAFETY_ANALYSIS { client_.map_.Unlock(); }
      Locked(const Locked&) = delete;
      Locked& operator=(const Locked&) = delete;

     private:
      Client& client_;
    };

    // A look without the lock is tried first where it is one, as sync.Map does.
    static constexpr bool kLooksFirst = map_kind != MapKind::kPlain && map_kind != MapKind::kMutex;

    // The key refers to the number.
    Key KeyOf(const Number& number) const {
      return worker_.hasher()({reinterpret_cast<const char*>(&number), sizeof(number)});
    }
    OwnedEntry Make(const Key& key, Number value) {
      return Entry::MakeInteger(worker_.allocator(), key.bytes, static_cast<int64_t>(value),
                                store::kNoDeadline);
    }
    static Number ValueOf(const Entry& entry) { return static_cast<Number>(entry.integer()); }
    void Retire(Entry* entry) { worker_.epoch().Retire(entry, entry->BlockBytes()); }

    Found<Number> Look(const Key& key);
    store::Map::Place Locate(const Key& key) REQUIRES(map_);
    void Replace(const store::Map::Place& place, OwnedEntry fresh) REQUIRES(map_);
    void EndOperation() {
      if (++since_run_ >= kRun) EndRun();
    }
    void EndRun();

    store::Map& map_;
    Worker worker_;
    int since_run_ = 0;
    bool promotion_due_ = false;
  };

  Client& client(int i) { return clients_[static_cast<size_t>(i)]; }

 private:
  Worker::Shared shared_{
      .epochs = {}, .reader_slots = {}, .hasher = store::Hasher(42), .shards = 1};
  store::SyncCounts sync_counts_;
  store::Map map_{map_kind, sync_counts_};
  std::deque<Client> clients_;
};

template <MapKind map_kind>
Found<Number> LarderMap<map_kind>::Client::Look(const Key& key) {
  const Entry* found = nullptr;
  Number value = 0;
  const auto outcome = map_.Read(worker_, key, [&](const Entry* entry) {
    found = entry;
    if (entry != nullptr) value = ValueOf(*entry);
    return true;
  });
  if (outcome == store::Map::ReadOutcome::kTakeTheLock) [[unlikely]] {
    Locked lock(*this);
    map_.AssertHeld();
    found = nullptr;
    if (const auto place = Locate(key)) {
      found = place.entry();
      value = ValueOf(*found);
    }
  } else if (outcome == store::Map::ReadOutcome::kDonePromotionDue) {
    promotion_due_ = true;
  }
  return {value, found != nullptr};
}

template <MapKind map_kind>
store::Map::Place LarderMap<map_kind>::Client::Locate(const Key& key) {
  const auto place = map_.Locate(key);
  if (map_.CountMiss(worker_, place)) [[unlikely]]
    promotion_due_ = true;
  return place;
}

template <MapKind map_kind>
void LarderMap<map_kind>::Client::Replace(const store::Map::Place& place, OwnedEntry fresh) {
  Entry* old = place.entry();
  store::Map::Replace(place, fresh.release());
  Retire(old);
  map_.Upkeep(worker_, 1);
}

template <MapKind map_kind>
Found<Number> LarderMap<map_kind>::Client::LoadOrStore(Number number, Number value) {
  const Key key = KeyOf(number);
  EndOperation();
  OwnedEntry fresh(nullptr, store::EntryDeleter{&worker_.allocator()});
  if constexpr (kLooksFirst) {
    if (const auto found = Look(key); found.ok) return found;
    fresh = Make(key, value);  // likely needed: not made under the lock
  }
  Locked lock(*this);
  map_.AssertHeld();
  if (const auto place = Locate(key)) return {ValueOf(*place.entry()), true};
  if (fresh == nullptr) fresh = Make(key, value);
  map_.Insert(worker_, key, fresh.release());
  return {value, false};
}

template <MapKind map_kind>
Found<Number> LarderMap<map_kind>::Client::LoadAndDelete(Number number) {
  const Key key = KeyOf(number);
  EndOperation();
  if constexpr (kLooksFirst) {
    if (!Look(key).ok) return {};
  }
  Locked lock(*this);
  map_.AssertHeld();
  const auto place = Locate(key);
  if (!place) return {};
  Entry* entry = place.entry();
  const Number value = ValueOf(*entry);
  map_.Erase(worker_, key, place);
  Retire(entry);
  return {value, true};
}

template <MapKind map_kind>
Found<Number> LarderMap<map_kind>::Client::Swap(Number number, Number value) {
  const Key key = KeyOf(number);
  EndOperation();
  OwnedEntry fresh = Make(key, value);
  Locked lock(*this);
  map_.AssertHeld();
  const auto place = Locate(key);
  if (!place) {
    map_.Insert(worker_, key, fresh.release());
    return {};
  }
  const Number old = ValueOf(*place.entry());
  Replace(place, std::move(fresh));
  return {old, true};
}

template <MapKind map_kind>
bool LarderMap<map_kind>::Client::CompareAndSwap(Number number, Number old_value, Number value) {
  const Key key = KeyOf(number);
  EndOperation();
  if constexpr (kLooksFirst) {
    const auto found = Look(key);
    if (!found.ok || found.value != old_value) return false;
  }
  Locked lock(*this);
  map_.AssertHeld();
  const auto place = Locate(key);
  if (!place || ValueOf(*place.entry()) != old_value) return false;
  Replace(place, Make(key, value));
  return true;
}

// As SCAN does: every key that stays is visited, the lock is given up in between.
template <MapKind map_kind>
template <typename Visit>
void LarderMap<map_kind>::Client::Range(Visit&& visit) {
  bool more = true;
  for (uint64_t position = 0; more && position != Table::kScanEnd;) {
    Locked lock(*this);
    map_.AssertHeld();
    for (int i = 0; more && i < kBucketsALock && position != Table::kScanEnd; ++i) {
      const auto at = static_cast<uint32_t>(position);
      map_.VisitBucket(Table::BucketBitsAt(at), [&](const store::Map::Place& place) {
        const Entry& entry = *place.entry();
        Number number;
        memcpy(&number, entry.key().data(), sizeof(number));
        more = more && visit(number, ValueOf(entry));
      });
      position = map_.NextScanPosition(at);
    }
  }
  EndRun();
}

template <MapKind map_kind>
void LarderMap<map_kind>::Client::EndRun() {
  since_run_ = 0;
  worker_.Unpin();
  worker_.ReclaimIfCrowded();
  if (promotion_due_) [[unlikely]] {
    promotion_due_ = false;
    Locked lock(*this);
    map_.AssertHeld();
    map_.TidyUp(worker_, kUpkeepSteps);
  }
}

template <MapKind map_kind>
void LarderMap<map_kind>::Client::Clear() {
  Locked lock(*this);
  map_.AssertHeld();
  while (!map_.MergeStep(worker_)) {
  }
  for (uint64_t position = 0; map_.size() != 0;) {
    const auto at = static_cast<uint32_t>(position);
    store::Map::Place victim;
    map_.VisitBucket(Table::BucketBitsAt(at), [&](const auto& place) { victim = place; });
    if (victim) {
      Entry* entry = victim.entry();
      map_.Erase(worker_, worker_.hasher()(entry->key()), victim);
      Retire(entry);
      if (map_.size() % kClearedAReclaim == 0) worker_.Reclaim();
    } else {
      position = map_.NextScanPosition(at) % Table::kScanEnd;
    }
  }
}

}  // namespace larder::bench
