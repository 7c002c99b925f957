// The dialect a client speaks: RESP2 until it sends HELLO 3. Plain value, any thread.
#pragma once

#include <cstdint>

namespace larder::protocol {

enum class RespVersion : uint8_t { kResp2 = 2, kResp3 = 3 };

}  // namespace larder::protocol
