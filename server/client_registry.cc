#include "server/client_registry.h"

namespace larder::server {

bool ClientRegistry::TryConnect(int64_t limit) {
  // relaxed: a count, no other memory hangs on it.
  int64_t count = connected_.load(std::memory_order_relaxed);
  do {
    if (count >= limit) return false;
    // relaxed: as above.
  } while (!connected_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed));
  return true;
}

}  // namespace larder::server
