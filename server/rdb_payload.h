// The payload of DUMP and RESTORE: a value the way Redis writes it into an RDB file, with a footer.
//
//   type (1 byte) | value | RDB version (2 bytes, little-endian) | CRC-64 (8 bytes, little-endian)
//
// The version is 10, that of Redis 7.0; RESTORE takes older ones too. The checksum is CRC-64/Jones
// over all that precedes it. A string (type 0) is a length and its bytes, or an integer of 8, 16 or
// 32 bits, or a block that LZF compressed, whichever is the shortest. The layout is described in
// Redis' rdb.h.
//
// Pure functions, any thread. Cost: O(bytes); compression needs 512 KiB of stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::server {

// What DUMP answers for a string.
std::string EncodeStringPayload(std::string_view value);

// Whether the footer is there, of a version that is known, and the checksum right.
bool PayloadIsIntact(std::string_view payload);

// The string in an intact payload. Nothing if it holds a value of another type, is malformed, or
// the string is longer than `bytes_max`.
std::optional<std::string> DecodeStringPayload(std::string_view payload, size_t bytes_max);

// CRC-64 with Jones' polynomial, reflected, from 0 on and without a final inversion.
uint64_t Crc64(std::string_view bytes);

}  // namespace larder::server
