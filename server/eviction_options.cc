#include "server/eviction_options.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <string>

namespace larder::server {

void ApplyEvictionOptions(Config& config, store::Keyspace& keyspace) {
  const auto apply = [&config, &keyspace]() -> std::optional<std::string> {
    keyspace.SetEviction(config.eviction());
    return std::nullopt;
  };
  apply();
  for (const char* option :
       {"maxmemory-policy", "maxmemory-samples", "lfu-log-factor", "lfu-decay-time"}) {
    config.OnChange(option, apply);
  }
  config.OnChange("maxmemory", [&config, &keyspace, apply] {
    const auto used = static_cast<uint64_t>(keyspace.Memory().used_bytes);
    if (config.maxmemory() != 0 && config.maxmemory() < used) {
      spdlog::warn("maxmemory is now {} bytes and {} are in use: {}", config.maxmemory(), used,
                   config.eviction().kind == store::EvictionKind::kNoEviction
                       ? "commands that need memory are refused"
                       : "keys will be evicted");
    }
    return apply();
  });
}

}  // namespace larder::server
