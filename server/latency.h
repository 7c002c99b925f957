// The latency monitor: for each kind of event, when it last took longer than
// `latency-monitor-threshold`, and how long.
//
// Any thread. Only events above the threshold and LATENCY itself take its mutex. 160 samples an
// event, at most one a second: the longest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/mutex.h"

namespace larder::server {

struct LatencySample {
  int64_t unix_seconds = 0;
  int64_t milliseconds = 0;
};

class LatencyMonitor {
 public:
  static constexpr size_t kSamplesMax = 160;

  struct Event {
    std::string name;
    std::vector<LatencySample> samples;  // oldest first, at least one
    int64_t longest_ms = 0;              // since the last reset
  };

  void Add(std::string_view event, LatencySample sample) EXCLUDES(mu_);
  std::vector<Event> Events() const EXCLUDES(mu_);
  // Nothing if it has not occurred.
  std::optional<Event> Find(std::string_view event) const EXCLUDES(mu_);
  // Whether there was something to forget.
  bool Reset(std::string_view event) EXCLUDES(mu_);
  // How many events were forgotten.
  size_t ResetAll() EXCLUDES(mu_);

 private:
  struct History {
    std::array<LatencySample, kSamplesMax> samples;
    size_t taken = 0;
    int64_t longest_ms = 0;
  };
  static Event Shown(const std::string& name, const History& history);

  mutable store::Mutex mu_;
  std::map<std::string, History, std::less<>> events_ GUARDED_BY(mu_);
};

// LATENCY GRAPH: one column a sample, with its age below. `now` in Unix seconds.
std::string LatencyGraph(const LatencyMonitor::Event& event, int64_t now);

// LATENCY DOCTOR: what was seen, and what to look at. `slow_log_us`: slowlog-log-slower-than.
std::string LatencyReport(const std::vector<LatencyMonitor::Event>& events, int64_t threshold_ms,
                          int64_t slow_log_us);

}  // namespace larder::server
