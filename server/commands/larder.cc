// LARDER: what is larder's own. SHARDS shows how each shard's guard fares, the figures on which the
// choice of a map rests; their sums are in INFO larder.
#include <string_view>

#include "protocol/reply_writer.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/version.h"
#include "store/keyspace.h"
#include "store/map_kind.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

// One map a shard, all databases together.
void LarderShards(Call& call, ReplyWriter& reply) {
  const store::Keyspace& keyspace = call.keyspace();
  reply.Array(static_cast<size_t>(keyspace.shards()));
  for (int i = 0; i < keyspace.shards(); ++i) {
    store::ShardFigures shard = keyspace.FiguresOfShard(i);
    auto figure = [&reply](std::string_view name, uint64_t value) {
      reply.Bulk(name);
      reply.Integer(static_cast<int64_t>(value));
    };
    reply.Map(13);
    figure("shard", static_cast<uint64_t>(i));
    reply.Bulk("kind");
    reply.Bulk(store::Name(shard.kind));
    figure("keys", shard.keys);
    figure("loads", shard.reads.loads);
    figure("hits", shard.reads.hits);
    figure("stores", shard.counts.stores);
    figure("deletes", shard.counts.deletes);
    figure("contended", shard.lock.contended);
    figure("waited_us", shard.lock.waited_ns / 1000);
    figure("promotions", shard.promotions);
    figure("misses", shard.misses);
    figure("expunged", shard.expunged);
    figure("memory", static_cast<uint64_t>(shard.memory_bytes));
  }
}

constexpr std::string_view kVaries[] = {"nondeterministic_output"};

constexpr CommandSpec kSubcommands[] = {
    {.name = "SHARDS",
     .arity = 2,
     .flags = kLoading | kStale,
     .since = kLarderVersion,
     .complexity = "O(N) where N is the number of shards",
     .summary = "Returns what each shard holds and how its guard fares",
     .tips = kVaries,
     .help = "SHARDS\n"
             "    Return one map of figures for each shard: its kind, keys, loads, hits, stores,\n"
             "    deletes, contended lock acquisitions and the time they waited, promotions,\n"
             "    misses, expunged entries, memory.",
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

CommandFamily LarderCommands() { return {.group = "server", .acl = kAclNone, .rows = kRows}; }

}  // namespace larder::server
