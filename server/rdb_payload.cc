#include "server/rdb_payload.h"

#include <liblzf/lzf.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <limits>

#include "protocol/number.h"

namespace larder::server {
namespace {

constexpr uint16_t kRdbVersion = 10;
constexpr size_t kFooterBytes = 2 + 8;
constexpr char kTypeString = 0;

// The two top bits of a length's first byte say what follows.
constexpr unsigned kLength6Bits = 0;
constexpr unsigned kLength14Bits = 1;
constexpr unsigned kEncoded = 3;  // no length: the other six bits name an encoding
constexpr uint8_t kLength32Bits = 0x80;
constexpr uint8_t kLength64Bits = 0x81;

constexpr uint64_t kEncodingInt8 = 0;
constexpr uint64_t kEncodingInt16 = 1;
constexpr uint64_t kEncodingInt32 = 2;
constexpr uint64_t kEncodingLzf = 3;

constexpr size_t kIntegerBytesMax = 11;  // "-2147483648"
constexpr size_t kUncompressedBytesMax = 20;
constexpr size_t kCompressionGainMin = 4;
constexpr uint64_t kLzfBytesMax = std::numeric_limits<unsigned>::max();  // what liblzf counts in
// A byte of LZF below this is followed by so many bytes, and one more, that stand for themselves.
constexpr unsigned kLzfCopies = 1u << 5;

constexpr std::array<uint64_t, 256> MakeCrcTable() {
  constexpr uint64_t kPolynomial = 0x95ac9329ac4bc9b5;  // 0xad93d23594c935a9, reflected
  std::array<uint64_t, 256> table{};
  for (uint64_t byte = 0; byte < table.size(); ++byte) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<uint64_t, 256> kCrcTable = MakeCrcTable();

void AppendLittleEndian(std::string& out, uint64_t number, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(number >> (8 * i));
}

void AppendBigEndian(std::string& out, uint64_t number, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out += static_cast<char>(number >> (8 * i));
}

uint64_t LittleEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

uint64_t BigEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

void AppendLength(std::string& out, uint64_t length) {
  if (length < 1u << 6) {
    out += static_cast<char>(kLength6Bits << 6 | length);
  } else if (length < 1u << 14) {
    AppendBigEndian(out, kLength14Bits << 14 | length, 2);
  } else if (length <= std::numeric_limits<uint32_t>::max()) {
    out += static_cast<char>(kLength32Bits);
    AppendBigEndian(out, length, 4);
  } else {
    out += static_cast<char>(kLength64Bits);
    AppendBigEndian(out, length, 8);
  }
}

void AppendEncoding(std::string& out, uint64_t encoding) {
  out += static_cast<char>(kEncoded << 6 | encoding);
}

bool AppendAsInteger(std::string& out, std::string_view value) {
  if (value.size() > kIntegerBytesMax) return false;
  const std::optional<int64_t> number = protocol::ParseInt64(value);
  if (!number || *number != static_cast<int32_t>(*number)) return false;
  uint64_t encoding = kEncodingInt32;
  if (*number == static_cast<int8_t>(*number)) {
    encoding = kEncodingInt8;
  } else if (*number == static_cast<int16_t>(*number)) {
    encoding = kEncodingInt16;
  }
  AppendEncoding(out, encoding);
  AppendLittleEndian(out, static_cast<uint64_t>(*number), size_t{1} << encoding);
  return true;
}

bool AppendCompressed(std::string& out, std::string_view value) {
  if (value.size() <= kUncompressedBytesMax) return false;
  if (value.size() > kLzfBytesMax) return false;
  std::string compressed(value.size() - kCompressionGainMin, '\0');
  const unsigned size = lzf_compress(value.data(), static_cast<unsigned>(value.size()),
                                     compressed.data(), static_cast<unsigned>(compressed.size()));
  if (size == 0) return false;  // it would not have become shorter
  AppendEncoding(out, kEncodingLzf);
  AppendLength(out, size);
  AppendLength(out, value.size());
  out.append(compressed, 0, size);
  return true;
}

// Takes a payload apart from the front. After a failure everything fails.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool failed() const { return failed_; }
  bool done() const { return failed_ || rest_.empty(); }

  std::string_view Take(uint64_t size) {
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  // A length, or the number of an encoding.
  uint64_t TakeLength(bool* encoded) {
    const auto first = static_cast<uint8_t>(BigEndian(Take(1)));
    *encoded = first >> 6 == kEncoded;
    const uint64_t low_bits = first & 0x3f;
    if (*encoded || first >> 6 == kLength6Bits) return low_bits;
    if (first >> 6 == kLength14Bits) return low_bits << 8 | BigEndian(Take(1));
    if (first == kLength32Bits) return BigEndian(Take(4));
    if (first == kLength64Bits) return BigEndian(Take(8));
    failed_ = true;
    return 0;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

// `bytes`: 1, 2 or 4, little-endian, signed.
std::string IntegerText(std::string_view bytes) {
  const uint64_t bits = LittleEndian(bytes);
  switch (bytes.size()) {
    case 1:
      return std::to_string(static_cast<int8_t>(bits));
    case 2:
      return std::to_string(static_cast<int16_t>(bits));
    default:
      return std::to_string(static_cast<int32_t>(bits));
  }
}

// How many bytes LZF makes of `compressed`; nothing if it cannot. Bytes below kLzfCopies announce
// literals; others repeat what came before: their top three bits say how much (7: and the next byte
// more), the rest and one more byte from how far back.
std::optional<uint64_t> LzfUnpackedSize(std::string_view compressed) {
  uint64_t unpacked = 0;
  Reader reader(compressed);
  while (!reader.done()) {
    const uint64_t control = BigEndian(reader.Take(1));
    if (control < kLzfCopies) {
      unpacked += reader.Take(control + 1).size();
    } else {
      uint64_t length = (control >> 5) + 2;
      if (length == 7 + 2) length += BigEndian(reader.Take(1));
      const uint64_t back = ((control & 0x1f) << 8 | BigEndian(reader.Take(1))) + 1;
      if (back > unpacked) return std::nullopt;
      unpacked += length;
    }
    if (reader.failed()) return std::nullopt;
  }
  return unpacked;
}

}  // namespace

uint64_t Crc64(std::string_view bytes) {
  uint64_t crc = 0;
  for (const char byte : bytes) {
    crc = kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 0xff] ^ (crc >> 8);
  }
  return crc;
}

std::string EncodeStringPayload(std::string_view value) {
  std::string payload(1, kTypeString);
  if (!AppendAsInteger(payload, value) && !AppendCompressed(payload, value)) {
    AppendLength(payload, value.size());
    payload += value;
  }
  AppendLittleEndian(payload, kRdbVersion, 2);
  AppendLittleEndian(payload, Crc64(payload), 8);
  return payload;
}

bool PayloadIsIntact(std::string_view payload) {
  if (payload.size() < kFooterBytes) return false;
  const size_t checked = payload.size() - 8;
  return LittleEndian(payload.substr(checked - 2, 2)) <= kRdbVersion &&
         LittleEndian(payload.substr(checked)) == Crc64(payload.substr(0, checked));
}

// As in Redis the value may reach into the footer, and bytes behind it do no harm.
std::optional<PackedString> PackedString::Find(std::string_view payload, size_t bytes_max) {
  Reader reader(payload);
  if (reader.Take(1) != std::string_view(&kTypeString, 1)) return std::nullopt;
  bool encoded;
  uint64_t size = reader.TakeLength(&encoded);
  Form form = Form::kPlain;
  std::string_view bytes;
  if (!encoded) {
    bytes = reader.Take(size);
  } else if (size <= kEncodingInt32) {
    form = Form::kInteger;
    bytes = reader.Take(uint64_t{1} << size);
    size = IntegerText(bytes).size();
  } else if (size == kEncodingLzf) {
    form = Form::kCompressed;
    bool ignored;  // Redis takes the six bits of an encoding for a length here
    const uint64_t compressed_size = reader.TakeLength(&ignored);
    size = reader.TakeLength(&ignored);
    bytes = reader.Take(compressed_size);
    if (bytes.empty() || std::max<uint64_t>(size, bytes.size()) > kLzfBytesMax ||
        LzfUnpackedSize(bytes) != size) {
      return std::nullopt;
    }
  } else {
    return std::nullopt;
  }
  if (reader.failed() || size > bytes_max) return std::nullopt;
  return PackedString(form, bytes, size);
}

std::string PackedString::Unpack() const {
  if (form_ == Form::kPlain) return std::string(bytes_);
  if (form_ == Form::kInteger) return IntegerText(bytes_);
  std::string value(size_, '\0');
  [[maybe_unused]] const unsigned written =
      lzf_decompress(bytes_.data(), static_cast<unsigned>(bytes_.size()), value.data(),
                     static_cast<unsigned>(size_));
  assert(written == size_);
  return value;
}

}  // namespace larder::server
