// The text of INFO: every section and field of Redis 7.0.15, each with a true answer, and a section
// of our own, "larder". Fields of features that larder does not have say so (0, "ok", "no").
//
// Any I/O thread. It asks the whole server: tens of microseconds, more with many shards.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/stats.h"
#include "store/clock.h"

namespace larder::server {

struct Services;

// `names`: the arguments of INFO, any case. None means "default"; "all" adds the sections about
// commands, "everything" also those of modules; unknown ones are passed over. Sections come in
// Redis' order, each once.
std::string InfoText(const Services& services, store::UnixMs now,
                     std::span<const std::string_view> names);

// What the store has counted since the start.
KeyspaceCounts KeyspaceTotals(const Services& services);

}  // namespace larder::server
