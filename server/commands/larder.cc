// LARDER: what is larder's own. SHARDS shows how each shard's guard fares, the figures on which the
// choice of a map rests; their sums are in INFO larder. MAP makes that choice for one shard.
#include "server/commands/larder.h"

#include <spdlog/fmt/fmt.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/version.h"
#include "store/keyspace.h"
#include "store/map_evidence.h"
#include "store/map_kind.h"
#include "store/mutex.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

// How many waits took less than so many microseconds, without the classes that are empty.
void ReplyWaits(ReplyWriter& reply, const store::WaitCounts& waits) {
  const auto empty = std::count(waits.begin(), waits.end(), 0);
  reply.Map(waits.size() - static_cast<size_t>(empty));
  for (size_t i = 0; i < waits.size(); ++i) {
    if (waits[i] == 0) continue;
    reply.Integer(int64_t{1} << i);
    reply.Integer(static_cast<int64_t>(waits[i]));
  }
}

// One map a shard, all databases together.
void LarderShards(Call& call, ReplyWriter& reply) {
  const store::Keyspace& keyspace = call.keyspace();
  const std::vector<store::MapEvidence> recent = keyspace.RecentEvidence();
  reply.Array(static_cast<size_t>(keyspace.shards()));
  for (int i = 0; i < keyspace.shards(); ++i) {
    store::ShardFigures shard = keyspace.FiguresOfShard(i);
    auto figure = [&reply](std::string_view name, uint64_t value) {
      reply.Bulk(name);
      reply.Integer(static_cast<int64_t>(value));
    };
    reply.Map(16);
    figure("shard", static_cast<uint64_t>(i));
    reply.Bulk("kind");
    reply.Bulk(store::Name(shard.kind));
    figure("keys", shard.keys);
    figure("loads", shard.reads.loads);
    figure("hits", shard.reads.hits);
    figure("stores", shard.counts.stores);
    figure("deletes", shard.counts.deletes);
    reply.Bulk("read_share");
    ReplyPercent(reply, recent[static_cast<size_t>(i)].read_share());
    figure("lock_acquisitions", shard.lock.acquisitions);
    figure("contended", shard.lock.contended);
    figure("waited_us", shard.lock.waited_ns / 1000);
    reply.Bulk("waits");
    ReplyWaits(reply, shard.lock.waits);
    figure("promotions", shard.promotions);
    figure("misses", shard.misses);
    figure("expunged", shard.expunged);
    figure("memory", static_cast<uint64_t>(shard.memory_bytes));
  }
}

// Commands' arguments come in any case.
std::optional<store::MapKind> FindMap(std::string_view name) {
  for (const store::MapKind kind : store::kMapKinds) {
    if (EqualsIgnoreCase(name, store::Name(kind))) return kind;
  }
  return std::nullopt;
}

// Answers at once: the shard changes while others are served (Keyspace::OrderMap).
void LarderMap(Call& call, ReplyWriter& reply) {
  store::Keyspace& keyspace = call.keyspace();
  const std::optional<int64_t> shard = protocol::ParseInt64(call.args[2]);
  if (!shard || *shard < 0 || *shard >= keyspace.shards())
    return reply.Error(protocol::NoSuchShard(keyspace.shards()));
  const std::optional<store::MapKind> map = FindMap(call.args[3]);
  if (!map) return reply.Error(protocol::UnknownMap(call.args[3]));
  const auto index = static_cast<int>(*shard);
  if (keyspace.map_of(index) == store::MapKind::kPlain) return reply.Error(protocol::kMapIsPlain);
  if (*map == store::MapKind::kPlain) return reply.Error(protocol::kNotToPlain);
  keyspace.OrderMap(index, *map);
  reply.Ok();
}

constexpr CommandFlags kOperator = kAdmin | kNoScript | kLoading | kStale;

constexpr std::string_view kVaries[] = {"nondeterministic_output"};

constexpr CommandSpec kSubcommands[] = {
    {.name = "HOTKEYS",
     .arity = -2,
     .flags = kOperator,
     .syntax = "[count]",
     .since = kLarderVersion,
     .complexity = "O(N) where N is the number of I/O threads",
     .summary = "Returns the keys that are used most",
     .tips = kVaries,
     .help = "HOTKEYS [<count>]\n"
             "    Return the <count> (10) keys that commands of the last seconds used most, by a\n"
             "    sample of all uses: key, db, percentage of the uses (share), uses per second,\n"
             "    and how many percent more it may be of a thread's sample (error).",
     .handler = LarderHotKeys},
    {.name = "MAP",
     .arity = 4,
     .flags = kOperator,
     .syntax = "shard map",
     .since = kLarderVersion,
     .complexity = "O(1); the change itself follows in the background, O(N) in the shard's keys",
     .summary = "Changes what guards one shard",
     .help = "MAP <shard> mutex|rwmutex|sync|rcu\n"
             "    Have one shard changed to another map. Replies at once; the change follows\n"
             "    within some tens of milliseconds, in steps, while commands go on: SHARDS shows\n"
             "    when it is done. CONFIG SET map changes all shards. Under map auto the shard's\n"
             "    own load may move it again.",
     .handler = LarderMap},
    {.name = "PROFILE",
     .arity = -2,
     .flags = kOperator,
     .syntax = "[seconds]",
     .since = kLarderVersion,
     .complexity = "O(N) where N is the number of shards",
     .summary = "Returns a report on the load and on which map suits it",
     .tips = kVaries,
     .help = "PROFILE [<seconds>]\n"
             "    Report in words how the load of the last ten seconds, or of the <seconds> from\n"
             "    now on (1 to 3600; only this client waits), gets on with the shards' maps, and\n"
             "    which map suits it better.",
     .handler = LarderProfile},
    {.name = "SHARDS",
     .arity = 2,
     .flags = kLoading | kStale,
     .since = kLarderVersion,
     .complexity = "O(N) where N is the number of shards",
     .summary = "Returns what each shard holds and how its guard fares",
     .tips = kVaries,
     .help = "SHARDS\n"
             "    Return one map of figures for each shard: its kind, keys, loads, hits, stores,\n"
             "    deletes, the percentage of reads in the last ten seconds (read_share), lock\n"
             "    acquisitions, how many of them were contended and how long they waited, how\n"
             "    many waited for less than 1, 2, 4 ... 32768 us (waits; what took longer is in\n"
             "    the last), promotions, misses, expunged entries, memory.",
     .handler = LarderShards},
    HelpRow(kLarderVersion),
};

constexpr CommandSpec kRows[] = {
    {.name = "LARDER",
     .arity = -2,
     .since = kLarderVersion,
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands of larder's own",
     .subcommands = kSubcommands},
};
static_assert(Valid(kRows));

}  // namespace

void ReplyPercent(ReplyWriter& reply, double share) {
  const std::string digits = fmt::format("{}", std::round(share * 10'000) / 100);
  if (reply.version() == protocol::RespVersion::kResp2) return reply.Bulk(digits);
  reply.Raw("," + digits + "\r\n");
}

CommandFamily LarderCommands() { return {.group = "server", .acl = kAclNone, .rows = kRows}; }

}  // namespace larder::server
