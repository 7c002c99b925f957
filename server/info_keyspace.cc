// INFO's sections about the keys: keyspace and larder.
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "server/config.h"
#include "server/info_section.h"
#include "store/map_evidence.h"
#include "store/map_kind.h"
#include "store/mutex.h"

namespace larder::server {
namespace {

// "mutex=3,rcu=253" with the others at 0: what shards are, or are on the way to.
std::string MapsOf(const store::Keyspace& keyspace) {
  std::array<size_t, store::kMapKinds.size()> shards{};
  for (int i = 0; i < keyspace.shards(); ++i) ++shards[static_cast<size_t>(keyspace.map_of(i))];
  std::string text;
  for (const store::MapKind kind : store::kMapKinds) {
    fmt::format_to(std::back_inserter(text), "{}{}={}", text.empty() ? "" : ",", store::Name(kind),
                   shards[static_cast<size_t>(kind)]);
  }
  return text;
}

// "1=20,2=3": waits that took less than so many microseconds; the last class has the longer ones.
std::string WaitsOf(const store::WaitCounts& waits) {
  std::string text;
  for (size_t i = 0; i < waits.size(); ++i) {
    if (waits[i] == 0) continue;
    fmt::format_to(std::back_inserter(text), "{}{}={}", text.empty() ? "" : ",", uint64_t{1} << i,
                   waits[i]);
  }
  return text;
}

double RecentReadPercentage(const store::Keyspace& keyspace) {
  store::MapEvidence sum;
  for (const store::MapEvidence& shard : keyspace.RecentEvidence()) sum.Add(shard);
  return 100 * sum.read_share();
}

}  // namespace

void WriteKeyspaceInfo(InfoSource& out) {
  const store::Keyspace& keyspace = out.services.keyspace;
  for (int db = 0; db < keyspace.databases(); ++db) {
    store::DatabaseFigures figures = keyspace.FiguresOfDb(db, out.now);
    if (figures.keys == 0) continue;
    out.Line("db{}:keys={},expires={},avg_ttl={}", db, figures.keys, figures.expires,
             figures.average_ttl_ms);
  }
}

void WriteLarderInfo(InfoSource& out) {
  const store::ShardFigures& shards = out.Shards();
  const store::Keyspace& keyspace = out.services.keyspace;
  const store::MemoryFigures memory = keyspace.Memory();
  out.Line("threads:{}", out.services.config.threads());
  out.Line("map:{}", out.services.config.Text("map"));
  out.Line("map_shards:{}", MapsOf(keyspace));
  out.Line("map_changes:{}", keyspace.map_changes());
  out.Line("shards:{}", keyspace.shards());
  out.Line("keys:{}", shards.keys);
  out.Line("loads:{}", shards.reads.loads);
  out.Line("hits:{}", shards.reads.hits);
  out.Line("stores:{}", shards.counts.stores);
  out.Line("deletes:{}", shards.counts.deletes);
  out.Line("read_share_10s:{:.2f}", RecentReadPercentage(keyspace));
  out.Line("expired:{}", shards.counts.expired);
  out.Line("evicted:{}", shards.counts.evicted);
  out.Line("lock_acquisitions:{}", shards.lock.acquisitions);
  out.Line("contended:{}", shards.lock.contended);
  out.Line("waited_us:{}", shards.lock.waited_ns / 1000);
  out.Line("lock_waits_us:{}", WaitsOf(shards.lock.waits));
  out.Line("sampled_keys:{:.0f}", keyspace.SampledKeys().total);
  out.Line("promotions:{}", shards.promotions);
  out.Line("misses:{}", shards.misses);
  out.Line("expunged:{}", shards.expunged);
  out.Line("retired_memory:{}", memory.retired_bytes);
  out.Line("shard_memory:{}", shards.memory_bytes);
}

}  // namespace larder::server
