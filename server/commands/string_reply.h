// What the files of string and bitmap commands share.
//
// On the thread that runs the call. Cost: O(1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/reply_writer.h"
#include "server/call.h"
#include "server/config.h"
#include "store/result.h"

namespace larder::server {

// Replies a number, or why there is none.
template <typename Integer>
void ReplyResult(const Call& call, protocol::ReplyWriter& reply,
                 const store::Result<Integer>& result) {
  if (!result) return call.ReplyError(reply, result.error());
  reply.Integer(static_cast<int64_t>(*result));
}

// How long a string may become.
inline size_t StringBytesMax(const Call& call) {
  return static_cast<size_t>(call.services.config.proto_max_bulk_len());
}

}  // namespace larder::server
