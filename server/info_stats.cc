// INFO's sections about what commands have done: stats, commandstats, errorstats, latencystats.
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "server/command_table.h"
#include "server/config.h"
#include "server/info_section.h"
#include "server/stats.h"

namespace larder::server {
namespace {

KeyspaceCounts CountsOf(const store::ShardFigures& totals, const store::EvictionFigures& eviction) {
  return {.hits = totals.reads.hits,
          .misses = totals.reads.loads - totals.reads.hits,
          .expired = totals.counts.expired,
          .evicted = totals.counts.evicted,
          .exceeded_ms = static_cast<uint64_t>(eviction.exceeded_ms)};
}

}  // namespace

void WriteStatsInfo(InfoSource& out) {
  StatsTotals stats = out.services.stats.Totals();
  Rates rates = out.services.stats.CurrentRates();
  store::EvictionFigures eviction = out.services.keyspace.Evictions(out.now);
  KeyspaceCounts counts = out.services.stats.SinceReset(CountsOf(out.Shards(), eviction));
  out.Line("total_connections_received:{}", stats.connections_received);
  out.Line("total_commands_processed:{}", stats.commands_processed);
  out.Line("instantaneous_ops_per_sec:{}", static_cast<uint64_t>(rates.commands));
  out.Line("total_net_input_bytes:{}", stats.input_bytes);
  out.Line("total_net_output_bytes:{}", stats.output_bytes);
  out.Line("total_net_repl_input_bytes:0");
  out.Line("total_net_repl_output_bytes:0");
  out.Line("instantaneous_input_kbps:{:.2f}", rates.input_bytes / 1024);
  out.Line("instantaneous_output_kbps:{:.2f}", rates.output_bytes / 1024);
  out.Line("instantaneous_input_repl_kbps:0.00");
  out.Line("instantaneous_output_repl_kbps:0.00");
  out.Line("rejected_connections:{}", stats.connections_rejected);
  out.text += "sync_full:0\r\nsync_partial_ok:0\r\nsync_partial_err:0\r\n";
  out.Line("expired_keys:{}", counts.expired);
  out.text +=
      "expired_stale_perc:0.00\r\nexpired_time_cap_reached_count:0\r\n"
      "expire_cycle_cpu_milliseconds:0\r\n";
  out.Line("evicted_keys:{}", counts.evicted);
  out.Line("evicted_clients:0");
  out.Line("total_eviction_exceeded_time:{}",
           counts.exceeded_ms + static_cast<uint64_t>(eviction.exceeded_now_ms));
  out.Line("current_eviction_exceeded_time:{}", eviction.exceeded_now_ms);
  out.Line("keyspace_hits:{}", counts.hits);
  out.Line("keyspace_misses:{}", counts.misses);
  out.text +=
      "pubsub_channels:0\r\npubsub_patterns:0\r\npubsubshard_channels:0\r\nlatest_fork_usec:0\r\n"
      "total_forks:0\r\nmigrate_cached_sockets:0\r\nslave_expires_tracked_keys:0\r\n"
      "active_defrag_hits:0\r\nactive_defrag_misses:0\r\nactive_defrag_key_hits:0\r\n"
      "active_defrag_key_misses:0\r\ntotal_active_defrag_time:0\r\n"
      "current_active_defrag_time:0\r\ntracking_total_keys:0\r\ntracking_total_items:0\r\n"
      "tracking_total_prefixes:0\r\nunexpected_error_replies:0\r\n";
  out.Line("total_error_replies:{}", stats.error_replies);
  out.Line("dump_payload_sanitizations:0");
  out.Line("total_reads_processed:{}", stats.reads);
  out.Line("total_writes_processed:{}", stats.writes);
  bool several = out.services.config.threads() > 1;
  out.Line("io_threaded_reads_processed:{}", several ? stats.reads : 0);
  out.Line("io_threaded_writes_processed:{}", several ? stats.writes : 0);
  out.text += "reply_buffer_shrinks:0\r\nreply_buffer_expands:0\r\n";
}

void WriteCommandStatsInfo(InfoSource& out) {
  StatsTotals stats = out.services.stats.Totals();
  for (const Command& command : out.services.commands.commands()) {
    const CommandTotals& totals = stats.commands[command.index];
    if (totals.calls == 0 && totals.rejected == 0 && totals.failed == 0) continue;
    double total_us = out.services.stats.TicksToMicroseconds(totals.ticks);
    out.Line(
        "cmdstat_{}:calls={},usec={:.0f},usec_per_call={:.2f},rejected_calls={},failed_calls={}",
        command.full_name, totals.calls, total_us, Ratio(total_us, double(totals.calls)),
        totals.rejected, totals.failed);
  }
}

void WriteErrorStatsInfo(InfoSource& out) {
  for (const auto& [code, count] : out.services.stats.Totals().errors) {
    out.Line("errorstat_{}:count={}", code, count);
  }
}

void WriteLatencyStatsInfo(InfoSource& out) {
  const Stats& stats = out.services.stats;
  if (!out.services.config.latency_tracking()) return;
  std::istringstream text(out.services.config.Text("latency-tracking-info-percentiles"));
  const std::vector<std::string> percentiles{std::istream_iterator<std::string>(text), {}};
  for (const Command& command : out.services.commands.commands()) {
    LatencyHistogram::Counts counts = stats.LatenciesOf(command.index);
    if (TotalOf(counts) == 0) continue;
    std::string values;
    for (const std::string& percentile : percentiles) {
      uint64_t ticks = TicksAtPercentile(counts, std::strtod(percentile.c_str(), nullptr));
      values += fmt::format("{}p{}={:.3f}", values.empty() ? "" : ",", percentile,
                            stats.TicksToMicroseconds(ticks));
    }
    out.Line("latency_percentiles_usec_{}:{}", command.full_name, values);
  }
}

KeyspaceCounts KeyspaceTotals(const Services& services) {
  return CountsOf(services.keyspace.Totals(), services.keyspace.Evictions(services.clock.Now()));
}

}  // namespace larder::server
