#include "server/rdb_payload.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::server {
namespace {

using namespace std::string_view_literals;

constexpr size_t kAny = SIZE_MAX;

// A body with the footer of version `version`.
std::string Sealed(std::string_view body, uint16_t version = 10) {
  std::string payload(body);
  payload += static_cast<char>(version);
  payload += static_cast<char>(version >> 8);
  uint64_t crc = Crc64(payload);
  for (int i = 0; i < 8; ++i, crc >>= 8) payload += static_cast<char>(crc);
  return payload;
}

// Unpacked; nothing if it holds no string that is short enough.
std::optional<std::string> DecodeStringPayload(std::string_view payload, size_t bytes_max) {
  const auto packed = PackedString::Find(payload, bytes_max);
  if (!packed) return std::nullopt;
  return packed->Unpack();
}

TEST(RdbPayloadTest, ChecksumIsJones) { EXPECT_EQ(Crc64("123456789"), 0xe9c6d914c4b8d9ca); }

// What redis-server 7.0.15 answers to DUMP.
TEST(RdbPayloadTest, EncodesAsRedisDoes) {
  const struct {
    std::string value;
    std::string_view payload;
  } cases[] = {
      {"", "\x00\x00\n\x00]\x9b\\@\x0f\x7f\xa2\xda"sv},
      {"x", "\x00\x01x\n\x00\"\x80\x86_\xbd\xe8H\xd0"sv},
      {"12", "\x00\xc0\x0c\n\x00<*\xf8Q\\\x04\xbc\xd5"sv},
      {"128", "\x00\xc1\x80\x00\n\x00\xebz\xb3\xb5\x10\xcfKe"sv},
      {"-128", "\x00\xc0\x80\n\x00\x99\x66\x32m/\x0c[\xd9"sv},
      {"-129", "\x00\xc1\x7f\xff\n\x00\x17`\x82(T\x80\x84\x80"sv},
      {"32768", "\x00\xc2\x00\x80\x00\x00\n\x00\x45\xd8.\xed\xd5\xbd\xa9\x10"sv},
      {"-2147483648", "\x00\xc2\x00\x00\x00\x80\n\x00\xc7O\x87>3U\x81\x87"sv},
      {"2147483648", "\x00\n2147483648\n\x00\xe7\xb1)\xa3L\x1dv\xee"sv},
      {"00012", "\x00\x05\x30\x30\x30\x31\x32\n\x00\xb9\x61\xcfN\x9cz\x01|"sv},
      {std::string(20, 'a'),
       "\x00\x14\x61\x61\x61\x61\x61\x61\x61\x61\x61\x61\x61\x61\x61\x61\x61"
       "\x61\x61\x61\x61\x61\n\x00\x83\xb4k^\x1b\x11\xac\xf1"sv},
      {std::string(21, 'a'),
       "\x00\xc3\x06\x15\x01\x61\x61\xe0\n\x00\n\x00\xfd\x0c\xb3h\x07\x41?h"sv},
      {std::string(64, 'a'),
       "\x00\xc3\t@@\x01\x61\x61\xe0\x33\x00\x01\x61\x61\n\x00\xc3\x65\x96\x12\xce\x1c\xc4l"sv},
  };
  for (const auto& c : cases) EXPECT_EQ(EncodeStringPayload(c.value), c.payload) << c.value;
}

TEST(RdbPayloadTest, DecodesWhatItEncodes) {
  std::string noise;
  for (uint32_t i = 0, x = 1; i < 20000; ++i, x = x * 1103515245 + 12345) {
    noise += static_cast<char>(x >> 24);
  }
  for (size_t size : {0, 1, 20, 21, 63, 64, 16383, 16384, 20000}) {
    for (const std::string& value : {noise.substr(0, size), std::string(size, 'r')}) {
      const std::string payload = EncodeStringPayload(value);
      EXPECT_TRUE(PayloadIsIntact(payload)) << size;
      EXPECT_EQ(DecodeStringPayload(payload, kAny), value) << size;
    }
  }
  for (std::string_view number :
       {"0", "-1", "127", "-32769", "2147483647", "9223372036854775807"}) {
    EXPECT_EQ(DecodeStringPayload(EncodeStringPayload(number), kAny), number);
  }
}

TEST(RdbPayloadTest, TakesLengthsInAnyForm) {
  for (std::string_view body :
       {"\x00\x02hi"sv, "\x00\x40\x02hi"sv, "\x00\x80\x00\x00\x00\x02hi"sv,
        "\x00\x81\x00\x00\x00\x00\x00\x00\x00\x02hi"sv, "\x00\x02hi and more"sv}) {
    EXPECT_EQ(DecodeStringPayload(Sealed(body), kAny), "hi");
  }
}

TEST(RdbPayloadTest, ChecksTheFooter) {
  const std::string payload = EncodeStringPayload("value");
  for (size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(PayloadIsIntact(payload.substr(0, size))) << size;
  }
  for (size_t i = 0; i < payload.size(); ++i) {
    std::string damaged = payload;
    damaged[i] ^= 1;
    EXPECT_FALSE(PayloadIsIntact(damaged)) << i;
  }
  EXPECT_TRUE(PayloadIsIntact(Sealed("\x00\x00"sv, 0)));
  EXPECT_FALSE(PayloadIsIntact(Sealed("\x00\x00"sv, 11)));
}

TEST(RdbPayloadTest, RefusesWhatIsNoString) {
  for (std::string_view body : {
           "\x01\x00"sv,                                              // a list
           "\x00\x7f\xff"sv,                                          // longer than the payload
           "\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff"sv,              // much longer
           "\x00\x82xx"sv,                                            // no such length
           "\x00\xc4xx"sv,                                            // no such encoding
           "\x00\xc3\x06\x16\x01\x61\x61\xe0\n\x00"sv,                // LZF of another size
           "\x00\xc3\x00\x00"sv,                                      // LZF of nothing
           "\x00\xc3\x03\x08\x20\x00\x00"sv,                          // refers to before the start
           "\x00\xc3\x04\x04\x00\x61\x20\x01"sv,                      // ... by one byte
           "\x00\xc3\x03\x04\x00\x61\x20"sv,                          // a reference cut short
           "\x00\xc3\x03\x0a\x00\x61\xe0"sv,                          // its length cut short
           "\x00\xc3\x02\x03\x02\x61"sv,                              // literals cut short
           "\x00\xc3\x01\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x61"sv,  // more than LZF can expand
       }) {
    EXPECT_EQ(DecodeStringPayload(Sealed(body), kAny), std::nullopt);
  }
  EXPECT_EQ(DecodeStringPayload("", kAny), std::nullopt);
}

TEST(RdbPayloadTest, KnowsTheSizeBeforeItUnpacks) {
  for (const std::string& value :
       {std::string(), std::string("-12345"), std::string("plain"), std::string(100'000, 'a')}) {
    const std::string payload = EncodeStringPayload(value);
    EXPECT_EQ(PackedString::Find(payload, kAny)->size(), value.size());
  }
}

TEST(RdbPayloadTest, RefusesLongerStringsThanAllowed) {
  for (const std::string& value : {std::string(100, 'a'), std::string("0123456789abcdefghijk")}) {
    const std::string payload = EncodeStringPayload(value);
    EXPECT_EQ(DecodeStringPayload(payload, value.size()), value);
    EXPECT_EQ(DecodeStringPayload(payload, value.size() - 1), std::nullopt);
  }
}

}  // namespace
}  // namespace larder::server
