// The keys that are used most, found in bounded memory: LARDER HOTKEYS.
//
// The Space-Saving algorithm (A. Metwally, D. Agrawal, A. El Abbadi, "Efficient computation of
// frequent and top-k elements in data streams", ICDT 2005): kCounters keys have a counter; a key
// without one takes over the smallest counter, and remembers what it inherited as its error. Each
// key that makes up more than 1 / kCounters of the stream has a counter then.
//
// One key in kSampleEvery is looked at, at distances drawn at random, so that no pipeline with a
// rhythm of its own goes unseen. Counts are halved every kHalveMs: what was hot an hour ago is not
// hot.
//
// Threads: each has a sketch of its own, which it alone feeds; Read() any. Cost: a subtraction a
// batch, and up to 1 us a sampled key: the sketch is seldom in the cache. Memory: 8 KiB, and what
// keys of over 15 bytes take.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/clock.h"
#include "store/hash.h"
#include "store/mutex.h"

namespace larder::store {

// One key of a sketch. Of `count` samples as many as `error` may have been other keys'.
struct HotKey {
  std::string key;
  int db = 0;
  double count = 0;
  double error = 0;

  double certain() const { return count - error; }
};

// What one sketch holds, or several together.
struct HotKeySamples {
  std::vector<HotKey> keys;  // in no order
  double total = 0;          // samples, of all keys
  double seconds = 0;        // the time in which there were so many
};

class HotKeySketch {
 public:
  static constexpr size_t kCounters = 128;
  static constexpr uint32_t kSampleEvery = 512;
  static constexpr int64_t kHalveMs = 10'000;
  // Longer keys are not looked at: a sketch is no place for megabytes.
  static constexpr size_t kKeyBytesMax = 1024;

  // Looks at some of the keys that are about to be used. Owner only. `random`: of a sampler.
  template <typename Random>
  void Sample(std::span<const KeyAt> keys, Random&& random) {
    while (keys.size() > skip_) [[unlikely]] {
        Count(keys[skip_]);
        keys = keys.subspan(skip_ + 1);
        skip_ = random() % (2 * kSampleEvery - 1);
      }
    skip_ -= keys.size();
  }
  // Halves the counts if it is time. Owner only.
  void Age(UnixMs now);

  // Adds what the sketch holds to `samples`. Any thread.
  void Read(UnixMs now, HotKeySamples& samples) const;

 private:
  struct Holder {
    std::string key;
    int db = 0;
    uint32_t error = 0;
  };

  void Count(const KeyAt& at);
  bool CountKnown(const KeyAt& at) REQUIRES(mu_);
  size_t SmallestCounter() const REQUIRES(mu_);

  size_t skip_ = 0;  // keys until the next that is looked at
  mutable Mutex mu_;
  // A counter's parts stand apart: all hashes and all counts are looked through, one holder is
  // used. A counter that is free has count 0.
  std::array<uint64_t, kCounters> hashes_ GUARDED_BY(mu_){};  // of their keys
  std::array<uint32_t, kCounters> counts_ GUARDED_BY(mu_){};
  std::array<Holder, kCounters> holders_ GUARDED_BY(mu_);
  double total_ GUARDED_BY(mu_) = 0;
  double seconds_ GUARDED_BY(mu_) = 0;    // up to halved_at_
  UnixMs halved_at_ GUARDED_BY(mu_) = 0;  // 0: Age() has not been called yet
};

// The `count` keys of the highest certain count, highest first, of several sketches' samples. A key
// that was sampled less than three times for certain, or makes up less than a thousandth, is not
// hot.
std::vector<HotKey> HottestOf(HotKeySamples samples, size_t count);

}  // namespace larder::store
