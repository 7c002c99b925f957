// Room under `maxmemory` for values that grow by more than their command's arguments say: the
// dispatcher has seen to those.
//
// On the thread that runs the call, before it takes a lock. Cost: nothing without a limit; else a
// read of the keys, and whatever has to be evicted. False: there is none, and the error is replied.
#pragma once

#include <cstddef>

#include "protocol/reply_writer.h"
#include "server/call.h"

namespace larder::server {

// For the value of args[1] to become `size` bytes long.
bool MakeRoomUpTo(Call& call, protocol::ReplyWriter& reply, size_t size);

// For a copy of the longest of the values of args[first] to args[last].
bool MakeRoomForCopy(Call& call, protocol::ReplyWriter& reply, size_t first, size_t last);

}  // namespace larder::server
