#include "server/map_option.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <string>

#include "protocol/reply_errors.h"
#include "server/map_report.h"
#include "store/map_kind.h"

namespace larder::server {
namespace {

using store::MapKind;

// CONFIG SET puts its own words, and the error's code, before the reason.
std::string WithoutCode(std::string_view error) { return std::string(error.substr(4)); }

std::optional<std::string> Apply(const Config& config, store::Keyspace& keyspace) {
  const bool is_plain = keyspace.map_of(0) == MapKind::kPlain;
  const bool wants_plain = config.map() == MapKind::kPlain;
  if (is_plain && wants_plain) return std::nullopt;  // as a CONFIG SET that is undone finds it
  if (is_plain) return WithoutCode(protocol::kMapIsPlain);
  if (wants_plain) return WithoutCode(protocol::kNotToPlain);
  if (config.map_is_auto()) {
    keyspace.ChooseMaps();
  } else {
    keyspace.OrderMaps(config.map());
  }
  return std::nullopt;
}

}  // namespace

void FollowMapOption(Config& config, store::Keyspace& keyspace) {
  config.OnChange("map", [&config, &keyspace] { return Apply(config, keyspace); });
}

void WriteMapMoves(store::Keyspace& keyspace) {
  for (const store::MapMove& move : keyspace.TakeMapMoves()) spdlog::info(MoveInWords(move));
}

}  // namespace larder::server
