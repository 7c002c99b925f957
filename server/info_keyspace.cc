// INFO's sections about the keys: keyspace and larder.
#include "server/config.h"
#include "server/info_section.h"

namespace larder::server {

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
  store::MemoryFigures memory = out.services.keyspace.Memory();
  out.Line("threads:{}", out.services.config.threads());
  out.Line("map:{}", out.services.config.Text("map"));
  out.Line("shards:{}", out.services.keyspace.shards());
  out.Line("keys:{}", shards.keys);
  out.Line("loads:{}", shards.reads.loads);
  out.Line("hits:{}", shards.reads.hits);
  out.Line("stores:{}", shards.counts.stores);
  out.Line("deletes:{}", shards.counts.deletes);
  out.Line("expired:{}", shards.counts.expired);
  out.Line("evicted:{}", shards.counts.evicted);
  out.Line("lock_acquisitions:{}", shards.lock.acquisitions);
  out.Line("contended:{}", shards.lock.contended);
  out.Line("waited_us:{}", shards.lock.waited_ns / 1000);
  out.Line("promotions:{}", shards.promotions);
  out.Line("misses:{}", shards.misses);
  out.Line("expunged:{}", shards.expunged);
  out.Line("retired_memory:{}", memory.retired_bytes);
  out.Line("shard_memory:{}", shards.memory_bytes);
}

}  // namespace larder::server
