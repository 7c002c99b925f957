// Any bytes as a payload of RESTORE, with the footer that they come with and with a right one: no
// crash, no string above the limit, and what was decoded survives another round.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "server/rdb_payload.h"

namespace larder::server {
namespace {

constexpr size_t kBytesMax = 1 << 20;

// Unpacked; nothing if it holds no string that is short enough.
std::optional<std::string> DecodeStringPayload(std::string_view payload, size_t bytes_max) {
  const auto packed = PackedString::Find(payload, bytes_max);
  if (!packed) return std::nullopt;
  return packed->Unpack();
}

void Check(std::string_view payload) {
  static_cast<void>(PayloadIsIntact(payload));
  const auto value = DecodeStringPayload(payload, kBytesMax);
  if (!value) return;
  if (value->size() > kBytesMax) std::abort();
  const std::string again = EncodeStringPayload(*value);
  if (!PayloadIsIntact(again) || DecodeStringPayload(again, kBytesMax) != value) std::abort();
}

}  // namespace
}  // namespace larder::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  larder::server::Check(text);
  larder::server::Check(larder::server::EncodeStringPayload(text));
  return 0;
}
