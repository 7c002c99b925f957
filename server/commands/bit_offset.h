// The offset of a bit, as the bitmap commands take it.
//
// On the thread that runs the call. Cost: O(1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/string_reply.h"

namespace larder::server {

// The next argument as an offset below the bit behind the longest string. With `field_bits`, "#n"
// is n times as many bits; as in Redis that product wraps, so that "#4611686018427387904" of u4 is
// bit 0.
inline uint64_t NextBitOffset(ArgReader& args, const Call& call, int field_bits = 0) {
  std::string_view text = args.Next();
  uint64_t factor = 1;
  if (field_bits > 0 && text.starts_with('#')) {
    text.remove_prefix(1);
    factor = static_cast<uint64_t>(field_bits);
  }
  const std::optional<int64_t> number = protocol::ParseInt64(text);
  const uint64_t offset = static_cast<uint64_t>(number.value_or(0)) * factor;
  // What is negative is far too large.
  const bool is_valid = number && offset / 8 < StringBytesMax(call);
  if (!is_valid) args.Fail(protocol::kBadBitOffset);
  return is_valid ? offset : 0;
}

}  // namespace larder::server
