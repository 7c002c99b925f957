#include "server/commands/families.h"

#include <array>

namespace larder::server {

std::span<const CommandFamily> AllFamilies() {
  static const std::array kFamilies = {
      StringCommands(),         StringCounterCommands(), StringRangeCommands(),
      StringLcsCommands(),      BitmapCommands(),        BitFieldCommands(),
      GenericCommands(),        GenericCopyCommands(),   GenericDumpCommands(),
      GenericExpireCommands(),  GenericScanCommands(),   GenericWaitCommands(),
      ObjectCommands(),         ConnectionCommands(),    ClientCommands(),
      TransactionCommands(),    DebugCommands(),         ServerCommands(),
      ServerIdentityCommands(), ConfigCommands(),        CommandCommands(),
      LarderCommands(),         LatencyCommands(),       MemoryCommands(),
      SlowLogCommands(),
  };
  return kFamilies;
}

}  // namespace larder::server
