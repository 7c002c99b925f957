#include "server/latency.h"

#include <spdlog/fmt/fmt.h>
#include <algorithm>
#include <cmath>
#include <iterator>

namespace larder::server {
namespace {

constexpr size_t kGraphColumns = 80;
constexpr int kGraphRows = 4;
constexpr std::string_view kGraphLevels = "_o#";  // within one row

std::string Age(int64_t seconds) {
  seconds = std::max<int64_t>(seconds, 0);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 86400) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

struct Bar {
  int level;  // 0 to kGraphRows * kGraphLevels.size() - 1
  std::string label;
};

// Bars that stand next to each other, an empty line, and the labels from top to bottom.
void AppendBars(std::string& out, const std::vector<Bar>& bars, size_t begin, size_t end) {
  constexpr int kLevels = static_cast<int>(kGraphLevels.size());
  for (int row = kGraphRows - 1; row >= 0; --row) {
    for (size_t i = begin; i < end; ++i) {
      const int above = bars[i].level - row * kLevels;
      if (above >= kLevels) {
        out += '|';
      } else {
        out += above < 0 ? ' ' : kGraphLevels[static_cast<size_t>(above)];
      }
    }
    out += '\n';
  }
  out.append(end - begin, ' ') += '\n';
  size_t label_max = 0;
  for (size_t i = begin; i < end; ++i) label_max = std::max(label_max, bars[i].label.size());
  for (size_t letter = 0; letter < label_max; ++letter) {
    for (size_t i = begin; i < end; ++i) {
      out += letter < bars[i].label.size() ? bars[i].label[letter] : ' ';
    }
    out += '\n';
  }
}

struct Summary {
  double average_ms = 0;
  double deviation_ms = 0;  // mean absolute deviation
  double period_s = 0;      // between samples
};

Summary Summarise(const std::vector<LatencySample>& samples) {
  const auto count = static_cast<double>(samples.size());
  Summary summary;
  for (const auto& sample : samples) summary.average_ms += double(sample.milliseconds) / count;
  for (const auto& sample : samples) {
    summary.deviation_ms += std::abs(double(sample.milliseconds) - summary.average_ms) / count;
  }
  summary.period_s =
      double(samples.back().unix_seconds - samples.front().unix_seconds) / std::max(count - 1, 1.0);
  return summary;
}

}  // namespace

void LatencyMonitor::Add(std::string_view event, LatencySample sample) {
  store::MutexLock lock(mu_);
  auto it = events_.find(event);
  if (it == events_.end()) it = events_.emplace(event, History{}).first;
  History& history = it->second;
  history.longest_ms = std::max(history.longest_ms, sample.milliseconds);
  if (history.taken > 0) {
    LatencySample& last = history.samples[(history.taken - 1) % kSamplesMax];
    if (last.unix_seconds == sample.unix_seconds) {
      last.milliseconds = std::max(last.milliseconds, sample.milliseconds);
      return;
    }
  }
  history.samples[history.taken++ % kSamplesMax] = sample;
}

LatencyMonitor::Event LatencyMonitor::Shown(const std::string& name, const History& history) {
  Event event{.name = name, .samples = {}, .longest_ms = history.longest_ms};
  for (size_t i = history.taken - std::min(history.taken, kSamplesMax); i < history.taken; ++i) {
    event.samples.push_back(history.samples[i % kSamplesMax]);
  }
  return event;
}

std::vector<LatencyMonitor::Event> LatencyMonitor::Events() const {
  store::MutexLock lock(mu_);
  std::vector<Event> events;
  for (const auto& [name, history] : events_) events.push_back(Shown(name, history));
  return events;
}

std::optional<LatencyMonitor::Event> LatencyMonitor::Find(std::string_view event) const {
  store::MutexLock lock(mu_);
  const auto it = events_.find(event);
  if (it == events_.end()) return std::nullopt;
  return Shown(it->first, it->second);
}

bool LatencyMonitor::Reset(std::string_view event) {
  store::MutexLock lock(mu_);
  const auto it = events_.find(event);
  if (it == events_.end()) return false;
  events_.erase(it);
  return true;
}

size_t LatencyMonitor::ResetAll() {
  store::MutexLock lock(mu_);
  const size_t forgotten = events_.size();
  events_.clear();
  return forgotten;
}

std::string LatencyGraph(const LatencyMonitor::Event& event, int64_t now) {
  const auto by_length = [](const LatencySample& a, const LatencySample& b) {
    return a.milliseconds < b.milliseconds;
  };
  const auto [low, high] =
      std::minmax_element(event.samples.begin(), event.samples.end(), by_length);
  const int64_t range = std::max<int64_t>(high->milliseconds - low->milliseconds, 1);
  constexpr int kSteps = kGraphRows * static_cast<int>(kGraphLevels.size());
  std::vector<Bar> bars;
  for (const LatencySample& sample : event.samples) {
    const int64_t step = (sample.milliseconds - low->milliseconds) * kSteps / range;
    bars.push_back(
        {static_cast<int>(std::min<int64_t>(step, kSteps - 1)), Age(now - sample.unix_seconds)});
  }
  std::string out = fmt::format("{} - high {} ms, low {} ms (all time high {} ms)\n", event.name,
                                high->milliseconds, low->milliseconds, event.longest_ms);
  out.append(kGraphColumns, '-') += '\n';
  for (size_t begin = 0; begin < bars.size(); begin += kGraphColumns) {
    if (begin != 0) out += '\n';
    AppendBars(out, bars, begin, std::min(begin + kGraphColumns, bars.size()));
  }
  return out;
}

std::string LatencyReport(const std::vector<LatencyMonitor::Event>& events, int64_t threshold_ms,
                          int64_t slow_log_us) {
  if (events.empty() && threshold_ms == 0) {
    return "The latency monitor is off. To switch it on: CONFIG SET latency-monitor-threshold "
           "<milliseconds>.\n";
  }
  if (events.empty()) return fmt::format("No event has taken {} ms or more.\n", threshold_ms);
  std::string out = "Events that took longer than latency-monitor-threshold:\n\n";
  for (const LatencyMonitor::Event& event : events) {
    const Summary summary = Summarise(event.samples);
    fmt::format_to(std::back_inserter(out),
                   "- {}: {} samples, {:.0f} ms on average (mean deviation {:.0f} ms), {:.2f} s "
                   "apart; the longest ever {} ms\n",
                   event.name, event.samples.size(), summary.average_ms, summary.deviation_ms,
                   summary.period_s, event.longest_ms);
  }
  out += "\n";
  if (slow_log_us < 0 || slow_log_us / 1000 > threshold_ms) {
    fmt::format_to(std::back_inserter(out),
                   "SLOWLOG GET names the commands; to have it see all of these events: CONFIG SET "
                   "slowlog-log-slower-than {}.\n",
                   threshold_ms * 1000);
  } else {
    out += "SLOWLOG GET names the commands.\n";
  }
  return out;
}

}  // namespace larder::server
