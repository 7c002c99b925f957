// Carries the eviction settings from the configuration to the keyspace, now and whenever CONFIG SET
// changes one of them.
//
// To be called once, before traffic; both outlive the traffic.
#pragma once

#include "server/config.h"
#include "store/keyspace.h"

namespace larder::server {

void ApplyEvictionOptions(Config& config, store::Keyspace& keyspace);

}  // namespace larder::server
