// LARDER PROFILE and HOTKEYS: what the load is like, and which map and keys it meets.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/larder.h"
#include "server/config.h"
#include "server/map_report.h"
#include "store/hot_keys.h"
#include "store/keyspace.h"
#include "store/map_evidence.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::MapEvidence;
using store::WaitCounts;

MapProfile ProfileOf(const Services& services, std::vector<MapEvidence> evidence,
                     const WaitCounts& waits) {
  MapProfile profile{.shards = {},
                     .waits = waits,
                     .threads = services.config.threads(),
                     .automatic = services.keyspace.chooses_maps()};
  for (size_t i = 0; i < evidence.size(); ++i)
    profile.shards.push_back({services.keyspace.map_of(static_cast<int>(i)), evidence[i]});
  return profile;
}

// A status line each, as HELP does it: redis-cli would show one long string with its line feeds
// escaped.
void ReplyLines(ReplyWriter& reply, std::string_view text) {
  reply.Array(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')));
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
    reply.SimpleString(text.substr(0, end));
}

}  // namespace

// Without seconds: the last ten of them, at once. With: this client waits for as long as it is
// measured, and nobody else.
void LarderProfile(Call& call, ReplyWriter& reply) {
  constexpr int64_t kSecondsMax = 3600;  // who wants to know more of a longer time asks again
  const store::Keyspace& keyspace = call.keyspace();
  if (call.args.size() == 2) {
    MapProfile profile =
        ProfileOf(call.services, keyspace.RecentEvidence(), keyspace.Totals().lock.waits);
    profile.waits_since_start = true;
    return ReplyLines(reply, ProfileInWords(profile));
  }
  ArgReader args(call.args, 2);
  const int64_t seconds = args.NextInt64In(1, kSecondsMax, protocol::kProfileSeconds);
  if (!args.done()) args.Fail(protocol::kSyntax);
  if (const auto error = args.error()) return reply.Error(*error);
  call.SuspendFor(
      std::chrono::seconds(seconds),
      [&services = call.services, before = keyspace.Evidence(),
       locks_before = keyspace.Totals().lock](Client&, ReplyWriter& out) {
        std::vector<MapEvidence> evidence = services.keyspace.Evidence();
        for (size_t i = 0; i < evidence.size(); ++i) evidence[i] = evidence[i].Since(before[i]);
        const store::LockStats locks = services.keyspace.Totals().lock.Since(locks_before);
        ReplyLines(out, ProfileInWords(ProfileOf(services, std::move(evidence), locks.waits)));
      });
}

void LarderHotKeys(Call& call, ReplyWriter& reply) {
  constexpr int64_t kCountMax = store::HotKeySketch::kCounters;
  constexpr double kSecondsMin = 1;  // a rate of less time says little
  ArgReader args(call.args, 2);
  const int64_t count = args.done() ? 10 : args.NextInt64In(1, kCountMax, protocol::kHotKeysCount);
  if (!args.done()) args.Fail(protocol::kSyntax);
  if (const auto error = args.error()) return reply.Error(*error);

  const store::HotKeySamples samples = call.keyspace().SampledKeys();
  const double total = std::max(samples.total, 1.0);
  const double seconds = std::max(samples.seconds, kSecondsMin);
  const std::vector<store::HotKey> keys = HottestOf(samples, static_cast<size_t>(count));
  reply.Array(keys.size());
  for (const store::HotKey& key : keys) {
    reply.Map(5);
    reply.Bulk("key");
    reply.Bulk(key.key);
    reply.Bulk("db");
    reply.Integer(key.db);
    reply.Bulk("share");
    ReplyPercent(reply, key.certain() / total);
    reply.Bulk("per_second");
    reply.Integer(
        static_cast<int64_t>(key.certain() * store::HotKeySketch::kSampleEvery / seconds));
    reply.Bulk("error");
    ReplyPercent(reply, key.error / total);
  }
}

}  // namespace larder::server
