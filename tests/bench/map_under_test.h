// The maps that map_bench.cc puts its loads on: a whole keyspace under one kind, as the server uses
// it, and the peers of map_peers.h. Keys are 16 bytes, values 32.
//
// Threads: each has a Hand of its own, made before any is used. A call through it runs a batch, so
// that its being virtual costs nothing.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "store/apart.h"
#include "store/keyspace.h"
#include "tests/bench/key_text.h"
#include "tests/bench/map_peers.h"

namespace larder::bench {

using store::Entry;
using store::Key;
using store::KeyAt;
using store::Keyspace;
using store::MapKind;
using store::UnixMs;
using store::Worker;

constexpr size_t kBatch = 16;
constexpr std::string_view kText = "0123456789abcdef0123456789abcdef";
using Value = std::array<char, kText.size()>;
// The server looks in every few milliseconds, and a look frees at most this many retired entries.
constexpr size_t kOperationsAMaintenance = 4096;
constexpr std::chrono::microseconds kMaintenanceBudget{500};
constexpr size_t kScanKeys = 1000;
constexpr uint64_t kAbsent = uint64_t{1} << 60;  // keys from here on are never set

enum class Pace { kSingle, kPipelined, kPrefetched };

struct Operation {
  KeyText text{0};
  KeyText due{kAbsent};  // which key goes when this one comes
  UnixMs deadline = store::kNoDeadline;
  bool is_write = false;
};

// What one thread has of a map; apart from what others write, whoever's map it is.
class alignas(store::kApart) Hand {
 public:
  Hand() = default;
  Hand(const Hand&) = delete;
  Hand& operator=(const Hand&) = delete;
  virtual ~Hand() = default;
  virtual void Run(std::span<const Operation> batch, Pace pace) = 0;
  virtual void VisitAll() = 0;
};

class MapUnderTest {
 public:
  MapUnderTest() = default;
  MapUnderTest(const MapUnderTest&) = delete;
  MapUnderTest& operator=(const MapUnderTest&) = delete;
  virtual ~MapUnderTest() = default;
  // One for each thread, before any is used.
  virtual std::unique_ptr<Hand> NewHand() = 0;

  store::ManualClock clock;
};

class KeyspaceHand final : public Hand {
 public:
  KeyspaceHand(Keyspace& keyspace, store::Clock& clock)
      : keyspace_(keyspace), clock_(clock), worker_(keyspace.AddWorker()) {}

  void Run(std::span<const Operation> batch, Pace pace) override;
  void VisitAll() override;

 private:
  void Get(const Key& key);
  void Set(const Key& key, UnixMs deadline);
  void Copy(const Entry& entry);
  void Maintain();

  Keyspace& keyspace_;
  store::Clock& clock_;
  Worker& worker_;
  uint64_t since_maintenance_ = 0;
  UnixMs maintain_at_ = 0;
  std::array<KeyAt, kBatch> keys_;
  Value reply_;
};

inline void KeyspaceHand::Run(std::span<const Operation> batch, Pace pace) {
  worker_.set_now(clock_.Now());
  if (pace == Pace::kPrefetched) {
    for (size_t i = 0; i < batch.size(); ++i) keys_[i] = {0, keyspace_.Hash(batch[i].text.view())};
    keyspace_.Prefetch(worker_, std::span(keys_).first(batch.size()));
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    if (pace != Pace::kPrefetched) keys_[i] = {0, keyspace_.Hash(batch[i].text.view())};
    if (batch[i].is_write) {
      Set(keys_[i].key, batch[i].deadline);
    } else {
      Get(keys_[i].key);
    }
    if (pace == Pace::kSingle) worker_.Unpin();
  }
  worker_.Unpin();
  since_maintenance_ += batch.size();
  if (since_maintenance_ >= kOperationsAMaintenance || worker_.now() >= maintain_at_) Maintain();
}

inline void KeyspaceHand::Get(const Key& key) {
  keyspace_.Read(worker_, 0, key, [&](const Entry* entry) {
    if (entry != nullptr) Copy(*entry);
  });
  benchmark::DoNotOptimize(reply_);
}

inline void KeyspaceHand::Set(const Key& key, UnixMs deadline) {
  store::OwnedEntry entry = Entry::MakeString(worker_.allocator(), key.bytes, kText, deadline);
  keyspace_.Write(worker_, 0, key, [&](store::KeyEditor& editor) { editor.Put(std::move(entry)); });
}

inline void KeyspaceHand::VisitAll() {
  uint64_t cursor = 0;
  do {
    cursor = keyspace_.Scan(worker_, 0, cursor, kScanKeys, [&](const Entry& entry) {
      Copy(entry);
      benchmark::DoNotOptimize(reply_);
    });
  } while (cursor != 0);
}

inline void KeyspaceHand::Copy(const Entry& entry) {
  store::IntegerText text;
  const std::string_view value = entry.value(text);
  memcpy(reply_.data(), value.data(), value.size());
}

inline void KeyspaceHand::Maintain() {
  since_maintenance_ = 0;
  maintain_at_ = keyspace_.Maintain(worker_, kMaintenanceBudget).next_at;
}

class KeyspaceUnderTest final : public MapUnderTest {
 public:
  KeyspaceUnderTest(MapKind kind, int shards, int threads)
      : keyspace_({.databases = 1, .shards = shards, .kind = kind, .threads = threads}, clock) {}
  std::unique_ptr<Hand> NewHand() override {
    return std::make_unique<KeyspaceHand>(keyspace_, clock);
  }

 private:
  Keyspace keyspace_;
};

template <typename Map>
class PeerHand final : public Hand {
 public:
  explicit PeerHand(Map& map) : map_(map) { memcpy(value_.data(), kText.data(), kText.size()); }

  void Run(std::span<const Operation> batch, Pace) override {
    for (const Operation& operation : batch) {
      key_.assign(operation.text.view());
      if (!operation.is_write) {
        if (const auto found = map_.Load(key_); found.ok) reply_ = found.value;
        benchmark::DoNotOptimize(reply_);
        continue;
      }
      map_.Store(key_, value_);
      if (operation.deadline == store::kNoDeadline) continue;
      key_.assign(operation.due.view());
      map_.Delete(key_);
    }
  }
  void VisitAll() override {
    map_.Range([&](const std::string&, const Value& value) {
      reply_ = value;
      benchmark::DoNotOptimize(reply_);
      return true;
    });
  }

 private:
  Map& map_;
  std::string key_;
  Value value_;
  Value reply_;
};

template <typename Map>
class PeerUnderTest final : public MapUnderTest {
 public:
  std::unique_ptr<Hand> NewHand() override { return std::make_unique<PeerHand<Map>>(map_); }

 private:
  alignas(store::kApart) Map map_;
};

}  // namespace larder::bench
