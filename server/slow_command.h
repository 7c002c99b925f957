// Commands that took long: which they are, and who is told.
//
// A SlowWatch belongs to one dispatcher, on its thread. Asking it costs two relaxed loads and three
// comparisons a command. ReportSlowCommand() may be called by any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "server/call.h"
#include "server/config.h"

namespace larder::server {

class SlowWatch {
 public:
  explicit SlowWatch(const Services& services) : services_(services) {}

  // Whether a command that took so long may be worth a report.
  bool IsSlow(uint64_t ticks) {
    const Config& config = services_.config;
    if (config.slowlog_slower_than_us() != slow_log_us_ ||
        config.latency_monitor_threshold_ms() != monitor_ms_) [[unlikely]] {
      ReadSettings();
    }
    return ticks >= ticks_min_;
  }

 private:
  void ReadSettings();

  const Services& services_;
  int64_t slow_log_us_ = -1;  // -1: off
  int64_t monitor_ms_ = 0;    // 0: off
  uint64_t ticks_min_ = UINT64_MAX;
};

// Tells the slow log and the latency monitor, as their settings want it.
void ReportSlowCommand(const Services& services, const Client& client, const Command& command,
                       std::span<const std::string_view> args, int64_t microseconds);

}  // namespace larder::server
