#include "server/commands/families.h"

#include <array>

namespace larder::server {

std::span<const CommandFamily> AllFamilies() {
  static const std::array kFamilies = {
      StringCommands(),         GenericCommands(),     GenericCopyCommands(), GenericDumpCommands(),
      GenericExpireCommands(),  GenericScanCommands(), GenericWaitCommands(), ConnectionCommands(),
      ClientCommands(),         ServerCommands(),      ConfigCommands(),      CommandCommands(),
      LarderCommands(),         LatencyCommands(),     MemoryCommands(),      DebugCommands(),
      ServerIdentityCommands(), SlowLogCommands(),
  };
  return kFamilies;
}

}  // namespace larder::server
