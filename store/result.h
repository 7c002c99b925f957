// What a store operation answers when it cannot do what was asked: a value of StoreError, never a
// text.
//
// The reply text of each is chosen once, in server/call.cc.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <cstdlib>

namespace larder::store {

enum class StoreError : uint8_t {
  kWrongType,      // the key holds another type of value
  kNotAnInteger,   // the value is not a 64-bit integer in its canonical form
  kOverflow,       // an increment or decrement would leave the 64-bit range
  kStringTooLong,  // the string would exceed the caller's bound (proto-max-bulk-len)
  kNoSuchKey,      // the command needs a key that is there
};

// boost::system::result calls this, by this name, when value() is asked of an error: a bug, not an
// expected failure.
// NOLINTNEXTLINE(readability-identifier-naming)
[[noreturn]] inline void throw_exception_from_error(StoreError, const boost::source_location&) {
  std::abort();
}

template <typename T>
using Result = boost::system::result<T, StoreError>;

}  // namespace larder::store
