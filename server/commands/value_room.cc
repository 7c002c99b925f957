#include "server/commands/value_room.h"

#include <algorithm>

#include "store/entry.h"
#include "store/keyspace.h"
#include "store/string_value.h"

namespace larder::server {
namespace {

size_t ValueSize(Call& call, size_t i) {
  return call.keyspace().Read(call.worker, call.db(), call.KeyAt(i), [](const store::Entry* entry) {
    return entry == nullptr ? 0 : entry->value_size();
  });
}

}  // namespace

bool MakeRoomUpTo(Call& call, protocol::ReplyWriter& reply, size_t size) {
  if (!call.keyspace().has_memory_limit() || size <= ValueSize(call, 1)) return true;
  return call.MakeRoom(reply, store::GrownBytes(size));
}

bool MakeRoomForCopy(Call& call, protocol::ReplyWriter& reply, size_t first, size_t last) {
  if (!call.keyspace().has_memory_limit()) return true;
  size_t longest = 0;
  for (size_t i = first; i <= last; ++i) longest = std::max(longest, ValueSize(call, i));
  return call.MakeRoom(reply, store::GrownBytes(longest));
}

}  // namespace larder::server
