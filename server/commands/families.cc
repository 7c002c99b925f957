#include "server/commands/families.h"

#include <array>

namespace larder::server {

std::span<const CommandFamily> AllFamilies() {
  static const std::array kFamilies = {
      StringCommands(), GenericCommands(),    GenericExpireCommands(), GenericScanCommands(),
      ObjectCommands(), ConnectionCommands(), ClientCommands(),        ServerCommands(),
      ConfigCommands(), CommandCommands(),    LarderCommands(),
  };
  return kFamilies;
}

}  // namespace larder::server
