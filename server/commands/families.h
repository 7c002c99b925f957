// The command families: one function for each file of server/commands/, which returns the rows of
// that file.
//
// They are listed here and in families.cc instead of registering themselves: a linker drops a
// library object that nobody names, and registrars run in no fixed order.
#pragma once

#include <span>

#include "server/command.h"

namespace larder::server {

CommandFamily StringCommands();
CommandFamily StringCounterCommands();
CommandFamily StringRangeCommands();
CommandFamily StringLcsCommands();
CommandFamily BitmapCommands();
CommandFamily BitFieldCommands();
CommandFamily GenericCommands();
CommandFamily GenericCopyCommands();
CommandFamily GenericDumpCommands();
CommandFamily GenericExpireCommands();
CommandFamily GenericScanCommands();
CommandFamily GenericWaitCommands();
CommandFamily ObjectCommands();
CommandFamily ConnectionCommands();
CommandFamily ClientCommands();
CommandFamily TransactionCommands();
CommandFamily DebugCommands();
CommandFamily ServerCommands();
CommandFamily ServerIdentityCommands();
CommandFamily ConfigCommands();
CommandFamily CommandCommands();
CommandFamily LarderCommands();
CommandFamily LatencyCommands();
CommandFamily MemoryCommands();
CommandFamily SlowLogCommands();

// All of the above, for CommandTable. Made once; safe from any thread.
std::span<const CommandFamily> AllFamilies();

}  // namespace larder::server
