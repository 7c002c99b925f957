// Carries the option `map` from the configuration to the keyspace whenever CONFIG SET sets it, and
// tells the log what shards do by themselves under `map auto`.
#pragma once

#include "server/config.h"
#include "store/keyspace.h"

namespace larder::server {

// To be called once, before traffic; both outlive the traffic.
void FollowMapOption(Config& config, store::Keyspace& keyspace);

void WriteMapMoves(store::Keyspace& keyspace);

// Logs each move that has been decided on since the last call, and why. For whoever has just run
// the keyspace's maintenance; any thread. Free where there was none.
inline void LogMapMoves(store::Keyspace& keyspace) {
  if (keyspace.has_map_moves()) [[unlikely]]
    WriteMapMoves(keyspace);
}

}  // namespace larder::server
