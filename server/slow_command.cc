#include "server/slow_command.h"

#include <algorithm>

#include "server/latency.h"
#include "server/slowlog.h"
#include "server/stats.h"

namespace larder::server {

void SlowWatch::ReadSettings() {
  slow_log_us_ = services_.config.slowlog_slower_than_us();
  monitor_ms_ = services_.config.latency_monitor_threshold_ms();
  double microseconds = 9e18;
  if (slow_log_us_ >= 0) microseconds = double(slow_log_us_);
  if (monitor_ms_ > 0) microseconds = std::min(microseconds, double(monitor_ms_) * 1000);
  // A tick's length is measured, so it is known better and better: ask a little too early.
  constexpr uint64_t kManyTicks = uint64_t{1} << 40;
  constexpr double kMargin = 0.99;
  const double tick_us =
      services_.stats.TicksToMicroseconds(kManyTicks) / static_cast<double>(kManyTicks);
  const double ticks = tick_us > 0 ? microseconds / tick_us * kMargin : 0;
  ticks_min_ = ticks < 1e18 ? static_cast<uint64_t>(ticks) : UINT64_MAX;
}

void ReportSlowCommand(const Services& services, const Client& client, const Command& command,
                       std::span<const std::string_view> args, int64_t microseconds) {
  const Config& config = services.config;
  const int64_t now = services.clock.Now() / 1000;
  const int64_t monitor_ms = config.latency_monitor_threshold_ms();
  if (monitor_ms > 0 && microseconds / 1000 >= monitor_ms) {
    services.latency.Add(command.has(kFast) ? "fast-command" : "command",
                         {now, microseconds / 1000});
  }
  const int64_t slow_log_us = config.slowlog_slower_than_us();
  if (slow_log_us < 0 || microseconds < slow_log_us || command.has(kSkipSlowlog)) return;
  services.slow_log.Add({.id = 0,
                         .unix_seconds = now,
                         .microseconds = microseconds,
                         .args = ShownArguments(*command.spec, args),
                         .address = client.address,
                         .client_name = client.name},
                        static_cast<size_t>(config.slowlog_max_len()));
}

}  // namespace larder::server
