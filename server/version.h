// The versions larder reports: its own, and the Redis release whose replies it matches.

#pragma once

#include <string_view>

namespace larder::server {

inline constexpr std::string_view kLarderVersion = "0.1.0";
inline constexpr std::string_view kRedisVersion = "7.0.15";

}  // namespace larder::server
