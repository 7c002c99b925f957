// What TYPE calls the value of an entry. Pure, any thread.
#pragma once

#include <string_view>

#include "store/entry.h"

namespace larder::server {

inline std::string_view TypeName(const store::Entry&) { return "string"; }

}  // namespace larder::server
