// What does not change while the server runs, and INFO and the log tell about it. Built before the
// first thread starts, constant from then on.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "store/clock.h"

namespace larder::server {

struct ServerInfo {
  std::string run_id;      // 40 hexadecimal digits, new at every start
  std::string executable;  // absolute path
  std::string os;          // "Linux 6.1.0 x86_64"
  int process_id = 0;
  store::UnixMs started_at = 0;
  std::chrono::steady_clock::time_point started;
  std::string supervisor = "no";    // "systemd": it is told when the server is ready
  size_t startup_memory_bytes = 0;  // used_memory before the first client

  // Asks the system.
  static ServerInfo Collect(store::UnixMs now);
};

}  // namespace larder::server
