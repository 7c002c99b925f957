#include "server/server_info.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <climits>
#include <random>

namespace larder::server {
namespace {

std::string RandomHex(size_t digits) {
  std::random_device random;
  std::uniform_int_distribution<int> nibble(0, 15);
  std::string text;
  for (size_t i = 0; i < digits; ++i) text += "0123456789abcdef"[nibble(random)];
  return text;
}

std::string ExecutablePath() {
  char path[PATH_MAX];
  ssize_t bytes = ::readlink("/proc/self/exe", path, sizeof path);
  return bytes > 0 ? std::string(path, static_cast<size_t>(bytes)) : std::string();
}

std::string OperatingSystem() {
  utsname name{};
  if (::uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

}  // namespace

ServerInfo ServerInfo::Collect(store::UnixMs now) {
  return {.run_id = RandomHex(40),
          .executable = ExecutablePath(),
          .os = OperatingSystem(),
          .process_id = static_cast<int>(::getpid()),
          .started_at = now,
          .started = std::chrono::steady_clock::now(),
          .supervisor = "no",
          .startup_memory_bytes = 0};
}

}  // namespace larder::server
