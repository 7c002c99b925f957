// Names that clients give themselves (CLIENT SETNAME, SETINFO, HELLO SETNAME). Pure, any thread.
#pragma once

#include <algorithm>
#include <string_view>

namespace larder::server {

// Printable and without spaces, so that a line of CLIENT LIST stays one line of fields. Empty is
// valid: it takes the name back.
inline bool IsValidClientName(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace larder::server
