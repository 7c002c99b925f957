// When a key shall expire, as commands say it: a number in one of four units (EXPIRE and its
// family), or an option among others (SET, GETEX).
//
// Pure functions, any thread. Deadlines are UnixMs, and the last instant at which the key is alive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/arg_reader.h"
#include "store/clock.h"

namespace larder::server {

enum class ExpireUnit : uint8_t { kSeconds, kMilliseconds, kUnixSeconds, kUnixMilliseconds };

// The deadline that `amount` means at the time `now`, which may be in the past, before 1970 even;
// nothing if it leaves the 64-bit range.
std::optional<store::UnixMs> ToDeadline(int64_t amount, ExpireUnit unit, store::UnixMs now);

// The one option of a SET or GETEX that says what becomes of the key's deadline.
struct ExpiryOption {
  enum class Kind : uint8_t { kNone, kEx, kPx, kExAt, kPxAt, kKeepTtl, kPersist };

  Kind kind = Kind::kNone;
  std::string_view amount = {};  // of the four that have one, as the client wrote it
};

// Consumes the next argument, with its amount, if it is one of EX, PX, EXAT and PXAT or the `word`
// of the command (kKeepTtl or kPersist), and no other one of them came before it. The same one may
// come again; its last amount counts.
bool TakeExpiry(ArgReader& args, ExpiryOption::Kind word, ExpiryOption* option);

// Sets *deadline to what the option asks for, kNoDeadline without an amount. Returns the error's
// text if the amount is no positive number of a time that can be stored.
std::optional<std::string> ReadDeadline(const ExpiryOption& option, store::UnixMs now,
                                        std::string_view command, store::UnixMs* deadline);

}  // namespace larder::server
