#include "store/hot_keys.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace larder::store {

void HotKeySketch::Count(const KeyAt& at) {
  if (at.key.bytes.size() > kKeyBytesMax) return;
  MutexLock lock(mu_);
  ++total_;
  if (CountKnown(at)) return;
  const size_t index = SmallestCounter();
  Holder& holder = holders_[index];
  hashes_[index] = at.key.hash;
  holder.key.assign(at.key.bytes);
  holder.db = at.db;
  holder.error = counts_[index];
  ++counts_[index];
}

bool HotKeySketch::CountKnown(const KeyAt& at) {
  for (size_t i = 0; i < kCounters; ++i) {
    if (hashes_[i] != at.key.hash || counts_[i] == 0) continue;
    if (holders_[i].db != at.db || holders_[i].key != at.key.bytes) continue;
    ++counts_[i];
    return true;
  }
  return false;
}

size_t HotKeySketch::SmallestCounter() const {
  // Two loops that compilers turn into vector instructions, where std::min_element is none.
  uint32_t smallest = UINT32_MAX;
  for (const uint32_t count : counts_) smallest = std::min(smallest, count);
  return static_cast<size_t>(std::find(counts_.begin(), counts_.end(), smallest) - counts_.begin());
}

void HotKeySketch::Age(UnixMs now) {
  MutexLock lock(mu_);
  if (halved_at_ == 0) halved_at_ = now;
  if (now - halved_at_ < kHalveMs) return;
  seconds_ = (seconds_ + static_cast<double>(now - halved_at_) / 1000) / 2;
  halved_at_ = now;
  total_ /= 2;
  for (uint32_t& count : counts_) count /= 2;
  for (Holder& holder : holders_) holder.error /= 2;
}

void HotKeySketch::Read(UnixMs now, HotKeySamples& samples) const {
  MutexLock lock(mu_);
  for (size_t i = 0; i < kCounters; ++i) {
    if (counts_[i] == 0) continue;
    const Holder& holder = holders_[i];
    samples.keys.push_back({holder.key, holder.db, static_cast<double>(counts_[i]),
                            static_cast<double>(holder.error)});
  }
  samples.total += total_;
  // Sketches are read of the same time: all threads began together.
  if (halved_at_ == 0) return;
  samples.seconds =
      std::max(samples.seconds, seconds_ + static_cast<double>(now - halved_at_) / 1000);
}

std::vector<HotKey> HottestOf(HotKeySamples samples, size_t count) {
  constexpr double kSamplesMin = 3;
  constexpr double kShareMin = 0.001;
  std::map<std::pair<int, std::string_view>, size_t> places;
  std::vector<HotKey> merged;
  for (const HotKey& each : samples.keys) {
    const auto [place, is_new] = places.try_emplace({each.db, each.key}, merged.size());
    if (is_new) {
      merged.push_back(each);
    } else {
      merged[place->second].count += each.count;
      merged[place->second].error += each.error;
    }
  }
  std::erase_if(merged, [&](const HotKey& each) {
    return each.certain() < std::max(kSamplesMin, samples.total * kShareMin);
  });
  std::sort(merged.begin(), merged.end(),
            [](const HotKey& a, const HotKey& b) { return a.certain() > b.certain(); });
  if (merged.size() > count) merged.resize(count);
  return merged;
}

}  // namespace larder::store
