#include "server/map_option.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <string>

#include "server/map_report.h"
#include "store/map_kind.h"

namespace larder::server {

void FollowMapOption(Config& config, store::Keyspace& keyspace) {
  config.OnChange("map", [&config, &keyspace]() -> std::optional<std::string> {
    if (config.map() == store::MapKind::kPlain) return std::nullopt;  // it was and stays plain
    if (config.map_is_auto()) {
      keyspace.ChooseMaps();
    } else {
      keyspace.OrderMaps(config.map());
    }
    return std::nullopt;
  });
}

void WriteMapMoves(store::Keyspace& keyspace) {
  for (const store::MapMove& move : keyspace.TakeMapMoves()) spdlog::info(MoveInWords(move));
}

}  // namespace larder::server
