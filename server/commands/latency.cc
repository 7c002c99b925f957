// LATENCY: what took long (the latency monitor), and how long each command takes (histograms).
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/call.h"
#include "server/command_table.h"
#include "server/commands/families.h"
#include "server/config.h"
#include "server/latency.h"
#include "server/latency_histogram.h"
#include "server/stats.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

void ReplySample(const LatencySample& sample, ReplyWriter& reply) {
  reply.Integer(sample.unix_seconds);
  reply.Integer(sample.milliseconds);
}

void LatencyLatest(Call& call, ReplyWriter& reply) {
  const auto events = call.services.latency.Events();
  reply.Array(events.size());
  for (const auto& event : events) {
    reply.Array(4);
    reply.Bulk(event.name);
    ReplySample(event.samples.back(), reply);
    reply.Integer(event.longest_ms);
  }
}

void LatencyHistory(Call& call, ReplyWriter& reply) {
  const auto event = call.services.latency.Find(call.args[2]);
  if (!event) return reply.Array(0);
  reply.Array(event->samples.size());
  for (const LatencySample& sample : event->samples) {
    reply.Array(2);
    ReplySample(sample, reply);
  }
}

void LatencyReset(Call& call, ReplyWriter& reply) {
  LatencyMonitor& monitor = call.services.latency;
  if (call.args.size() == 2) return reply.Integer(static_cast<int64_t>(monitor.ResetAll()));
  int64_t forgotten = 0;
  for (std::string_view event : call.args.subspan(2)) forgotten += monitor.Reset(event) ? 1 : 0;
  reply.Integer(forgotten);
}

void LatencyGraphOf(Call& call, ReplyWriter& reply) {
  const auto event = call.services.latency.Find(call.args[2]);
  if (!event) return reply.Error(protocol::NoLatencySamples(call.args[2]));
  reply.Verbatim("txt", LatencyGraph(*event, call.now() / 1000));
}

void LatencyDoctor(Call& call, ReplyWriter& reply) {
  const Config& config = call.services.config;
  reply.Verbatim(
      "txt", LatencyReport(call.services.latency.Events(), config.latency_monitor_threshold_ms(),
                           config.slowlog_slower_than_us()));
}

// Calls that took up to so many microseconds.
using CumulativeCount = std::pair<int64_t, int64_t>;

// The steps at which Redis reports its histograms: powers of two of nanoseconds, from 1024 on. A
// step ends where its own histogram, of two digits, cannot tell a time from the power of two.
std::vector<CumulativeCount> CumulativeCounts(const LatencyHistogram::Counts& counts,
                                              double ns_a_tick) {
  constexpr double kLongestNs = 1e9;  // longer counts as this
  std::vector<CumulativeCount> steps;
  const auto calls = static_cast<int64_t>(TotalOf(counts));
  int64_t seen = 0;
  int64_t reported = 0;
  size_t bucket = 0;
  for (uint64_t power = 1024; reported < calls; power *= 2) {
    const uint64_t step_ns = power + power / 128 - 1;
    const auto ns_of = [&](size_t b) {
      return std::min(static_cast<double>(LatencyHistogram::LongestIn(b)) * ns_a_tick, kLongestNs);
    };
    for (; bucket < counts.size() && ns_of(bucket) <= static_cast<double>(step_ns); ++bucket) {
      seen += static_cast<int64_t>(counts[bucket]);
    }
    if (seen > reported) steps.emplace_back(static_cast<int64_t>(step_ns / 1000), seen);
    reported = seen;
  }
  return steps;
}

void LatencyHistogramOf(Call& call, ReplyWriter& reply) {
  const CommandTable& table = call.services.commands;
  const Stats& stats = call.services.stats;
  std::vector<const Command*> asked;
  const auto add = [&](const Command& command) {
    if (!command.is_container()) asked.push_back(&command);
    for (const Command& sub : table.subcommands(command)) asked.push_back(&sub);
  };
  for (std::string_view name : call.args.subspan(2)) {
    if (const Command* command = table.FindFullName(name)) add(*command);
  }
  if (call.args.size() == 2) {
    for (const Command& command : table.top_level()) add(command);
  }

  std::vector<std::pair<const Command*, LatencyHistogram::Counts>> found;
  for (const Command* command : asked) {
    LatencyHistogram::Counts counts = stats.LatenciesOf(command->index);
    if (TotalOf(counts) > 0) found.emplace_back(command, counts);
  }
  constexpr uint64_t kManyTicks = uint64_t{1} << 40;
  const double ns_a_tick =
      stats.TicksToMicroseconds(kManyTicks) * 1000 / static_cast<double>(kManyTicks);
  reply.Map(found.size());
  for (const auto& [command, counts] : found) {
    reply.Bulk(command->full_name);
    reply.Map(2);
    reply.Bulk("calls");
    reply.Integer(static_cast<int64_t>(TotalOf(counts)));
    reply.Bulk("histogram_usec");
    const auto steps = CumulativeCounts(counts, ns_a_tick);
    reply.Map(steps.size());
    for (const auto& [microseconds, calls] : steps) {
      reply.Integer(microseconds);
      reply.Integer(calls);
    }
  }
}

constexpr std::string_view kTips[] = {"nondeterministic_output", "request_policy:all_nodes",
                                      "response_policy:special"};
constexpr std::string_view kResetTips[] = {"request_policy:all_nodes",
                                           "response_policy:all_succeeded"};

constexpr CommandFlags kOperator = kAdmin | kNoScript | kLoading | kStale;

// Redis' summary ends with a full stop here.
constexpr CommandSpec LatencyHelpRow() {
  CommandSpec row = HelpRow("2.8.13");
  row.summary = "Show helpful text about the different subcommands.";
  return row;
}

constexpr CommandSpec kSubcommands[] = {
    {.name = "DOCTOR",
     .arity = 2,
     .flags = kOperator,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Return a human readable latency analysis report.",
     .tips = kTips,
     .handler = LatencyDoctor},
    {.name = "GRAPH",
     .arity = 3,
     .flags = kOperator,
     .syntax = "event",
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Return a latency graph for the event.",
     .tips = kTips,
     .handler = LatencyGraphOf},
    {.name = "HISTOGRAM",
     .arity = -2,
     .flags = kOperator,
     .syntax = "[command ...]",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of commands with latency information being "
                   "retrieved.",
     .summary = "Return the cumulative distribution of latencies of a subset of commands or all.",
     .tips = kTips,
     .handler = LatencyHistogramOf},
    {.name = "HISTORY",
     .arity = 3,
     .flags = kOperator,
     .syntax = "event",
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Return timestamp-latency samples for the event.",
     .tips = kTips,
     .handler = LatencyHistory},
    {.name = "LATEST",
     .arity = 2,
     .flags = kOperator,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Return the latest latency samples for all events.",
     .tips = kTips,
     .handler = LatencyLatest},
    {.name = "RESET",
     .arity = -2,
     .flags = kOperator,
     .syntax = "[event ...]",
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Reset latency data for one or more events.",
     .tips = kResetTips,
     .handler = LatencyReset},
    LatencyHelpRow(),
};

constexpr CommandSpec kRows[] = {
    {.name = "LATENCY",
     .arity = -2,
     .since = "2.8.13",
     .complexity = "Depends on subcommand.",
     .summary = "A container for latency diagnostics commands",
     .subcommands = kSubcommands},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily LatencyCommands() { return {.group = "server", .acl = kAclNone, .rows = kRows}; }

}  // namespace larder::server
