// MEMORY: what keys and the server as a whole take, and giving back what is free.
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/client_registry.h"
#include "server/commands/families.h"
#include "server/memory_report.h"
#include "store/allocator.h"
#include "store/expiry.h"
#include "store/keyspace.h"
#include "store/table.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;

// A string is one value: SAMPLES, how many nested ones to look at, makes no difference.
void MemoryUsage(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 3);
  while (!args.done()) {
    const bool known = args.Take("SAMPLES", 1);
    if (!known || args.NextInt64() < 0) args.Fail(protocol::kSyntax);
  }
  if (auto error = args.error()) return reply.Error(*error);
  const auto bytes = call.keyspace().Read(
      call.worker, call.db(), call.KeyAt(2), [](const Entry* entry) -> std::optional<size_t> {
        if (entry == nullptr) return std::nullopt;
        const bool has_deadline = entry->deadline() != store::kNoDeadline;
        return entry->HeapBytes() + store::Table::kBytesPerKey +
               (has_deadline ? store::DeadlineWheel::kBytesPerDeadline : 0);
      });
  if (!bytes) return reply.Null();
  reply.Integer(static_cast<int64_t>(*bytes));
}

// Calls use(report, reply) once every thread has said what its clients take.
void WithReport(Call& call, void (*use)(const MemoryReport&, ReplyWriter&)) {
  Suspension suspension = call.Suspend();
  call.services.clients.Gather<int64_t>(
      [](Client& client, int64_t& bytes) { bytes += static_cast<int64_t>(client.memory_bytes); },
      [suspension, use, report = MemoryReport::Collect(call.services, call.now())](
          std::vector<int64_t>&& parts) mutable {
        report.client_bytes = std::accumulate(parts.begin(), parts.end(), int64_t{0});
        suspension.Resume([use, report](Client&, ReplyWriter& reply) { use(report, reply); });
      });
}

void ReplyDatabase(const MemoryReport::Db& db, ReplyWriter& reply) {
  reply.Bulk("db." + std::to_string(db.index));
  reply.Map(3);
  const std::pair<std::string_view, int64_t> figures[] = {
      {"overhead.hashtable.main", db.table_bytes},
      {"overhead.hashtable.expires", db.deadline_bytes},
      {"overhead.hashtable.slot-to-keys", 0}};
  for (const auto& [name, bytes] : figures) {
    reply.Bulk(name);
    reply.Integer(bytes);
  }
}

void ReplyReport(const MemoryReport& report, ReplyWriter& reply) {
  const auto integer = [&reply](std::string_view name, int64_t value) {
    reply.Bulk(name);
    reply.Integer(value);
  };
  const auto real = [&reply](std::string_view name, double value) {
    reply.Bulk(name);
    reply.Double(value);
  };
  const int64_t keys = report.keys();
  // What the process has beyond what is allocated: pages that are free in part or all.
  const int64_t beyond = report.resident_bytes - report.allocated_bytes;
  const double ratio =
      double(report.resident_bytes) / double(std::max<int64_t>(report.allocated_bytes, 1));
  reply.Map(27 + report.dbs.size());
  integer("peak.allocated", report.peak_bytes);
  integer("total.allocated", report.used_bytes);
  integer("startup.allocated", report.startup_bytes);
  integer("replication.backlog", 0);
  integer("clients.slaves", 0);
  integer("clients.normal", report.client_bytes);
  integer("cluster.links", 0);
  integer("aof.buffer", 0);
  integer("lua.caches", 0);
  integer("functions.caches", 0);
  for (const auto& db : report.dbs) ReplyDatabase(db, reply);
  integer("overhead.total", report.overhead_bytes());
  integer("keys.count", keys);
  integer("keys.bytes-per-key", keys == 0 ? 0 : report.grown_bytes() / keys);
  integer("dataset.bytes", report.dataset_bytes());
  real("dataset.percentage",
       std::min(100.0, 100.0 * double(report.dataset_bytes()) / double(report.grown_bytes())));
  real("peak.percentage", 100.0 * double(report.used_bytes) / double(report.peak_bytes));
  integer("allocator.allocated", report.allocated_bytes);
  integer("allocator.active", report.resident_bytes);
  integer("allocator.resident", report.resident_bytes);
  real("allocator-fragmentation.ratio", ratio);
  integer("allocator-fragmentation.bytes", beyond);
  real("allocator-rss.ratio", 1);
  integer("allocator-rss.bytes", 0);
  real("rss-overhead.ratio", 1);
  integer("rss-overhead.bytes", 0);
  real("fragmentation", report.fragmentation());
  integer("fragmentation.bytes", report.resident_bytes - report.used_bytes);
}

void MemoryStats(Call& call, ReplyWriter&) { WithReport(call, ReplyReport); }

void MemoryDoctor(Call& call, ReplyWriter&) {
  WithReport(call, [](const MemoryReport& report, ReplyWriter& reply) {
    reply.Verbatim("txt", MemoryAdvice(report));
  });
}

// Each thread has a heap of its own. The reply waits until all have given back what is free as it
// is; entries and tables move out of sparse memory in the background, in a second or two.
void MemoryPurge(Call& call, ReplyWriter&) {
  constexpr int kStepsMax = 1000;  // another thread may keep the last of it from being freed
  call.worker.Unpin();
  for (int step = 0; step < kStepsMax && call.worker.Reclaim(); ++step) {
  }
  call.keyspace().AskForCompaction();
  Suspension suspension = call.Suspend();
  call.services.clients.PostToAll(store::ReleaseFreeMemory);
  call.services.clients.Gather<char>(
      [](Client&, char&) {},
      [suspension](std::vector<char>&&) {
        suspension.Resume([](Client&, ReplyWriter& reply) { reply.Ok(); });
      });
}

void MemoryMallocStats(Call&, ReplyWriter& reply) {
  reply.Verbatim("txt", store::HeapStatistics());
}

constexpr std::string_view kTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                      "response_policy:special"};
constexpr std::string_view kPurgeTips[] = {"request_policy:all_shards",
                                           "response_policy:all_succeeded"};
constexpr KeySpec kUsageKey[] = {{.flags = kKeyRo, .index = 2}};

constexpr CommandSpec kSubcommands[] = {
    {.name = "DOCTOR",
     .arity = 2,
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Outputs memory problems report",
     .tips = kTips,
     .handler = MemoryDoctor},
    {.name = "MALLOC-STATS",
     .arity = 2,
     .since = "4.0.0",
     .complexity = "Depends on how much memory is allocated, could be slow",
     .summary = "Show allocator internal stats",
     .tips = kTips,
     .handler = MemoryMallocStats},
    {.name = "PURGE",
     .arity = 2,
     .since = "4.0.0",
     .complexity = "Depends on how much memory is allocated, could be slow",
     .summary = "Ask the allocator to release memory",
     .tips = kPurgeTips,
     .handler = MemoryPurge},
    {.name = "STATS",
     .arity = 2,
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Show memory usage details",
     .tips = kTips,
     .handler = MemoryStats},
    {.name = "USAGE",
     .arity = -3,
     .flags = kReadonly,
     .keys = kUsageKey,
     .syntax = "key [SAMPLES count]",
     .since = "4.0.0",
     .complexity = "O(N) where N is the number of samples.",
     .summary = "Estimate the memory usage of a key",
     .handler = MemoryUsage},
    HelpRow("4.0.0"),
};

constexpr CommandSpec kRows[] = {
    {.name = "MEMORY",
     .arity = -2,
     .since = "4.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for memory diagnostics commands",
     .subcommands = kSubcommands},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily MemoryCommands() { return {.group = "server", .acl = kAclNone, .rows = kRows}; }

}  // namespace larder::server
