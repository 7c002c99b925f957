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

// The string in an intact payload: looked through, so that Unpack() cannot fail, and not unpacked,
// so that nobody pays for it before its size is known. Views into the payload.
class PackedString {
 public:
  // Nothing if the payload holds a value of another type, is malformed, or the string is longer
  // than `bytes_max`.
  static std::optional<PackedString> Find(std::string_view payload, size_t bytes_max);

  size_t size() const { return size_; }
  std::string Unpack() const;

 private:
  enum class Form : uint8_t { kPlain, kInteger, kCompressed };

  PackedString(Form form, std::string_view bytes, size_t size)
      : form_(form), bytes_(bytes), size_(size) {}

  Form form_;
  std::string_view bytes_;  // as they are in the payload
  size_t size_;             // of the string
};

// CRC-64 with Jones' polynomial, reflected, from 0 on and without a final inversion.
uint64_t Crc64(std::string_view bytes);

}  // namespace larder::server
