// The bytes that code which writes replies has written, for tests to compare.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/reply_buffer.h"
#include "protocol/reply_writer.h"
#include "protocol/resp_version.h"

namespace larder::test_support {

// Everything unwritten in `buffer`, which is empty then.
inline std::string TakeBytes(protocol::ReplyBuffer& buffer) {
  std::string bytes;
  std::array<std::string_view, 1> piece;
  while (buffer.Gather(piece) != 0) {
    bytes.append(piece[0]);
    buffer.Consume(piece[0].size());
  }
  return bytes;
}

using Write = std::function<void(protocol::ReplyWriter&)>;

inline std::string Written(protocol::RespVersion version, const Write& write) {
  protocol::ReplyBuffer buffer;
  {
    protocol::ReplyWriter reply(buffer, version);
    write(reply);
  }
  return TakeBytes(buffer);
}

// The same with LF for CRLF: long replies are easier to read so.
inline std::string WrittenWithLf(protocol::RespVersion version, const Write& write) {
  std::string text = Written(version, write);
  std::erase(text, '\r');
  return text;
}

}  // namespace larder::test_support
