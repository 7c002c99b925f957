#include "server/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

namespace larder::server {
namespace {

std::string LastError() { return std::generic_category().message(errno); }

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* Generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Removes the socket of a server that is no more. Returns why there is no room for ours.
std::optional<std::string> RemoveStale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return std::nullopt;  // or bind() will say why
  if (!S_ISSOCK(found.st_mode)) return "the path is taken by something that is no socket";
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return LastError();
  const bool refused =
      ::connect(probe, Generic(address), sizeof address) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  if (!refused) return "a server is listening there";
  if (::unlink(path.c_str()) != 0) return LastError();
  return std::nullopt;
}

}  // namespace

std::unique_ptr<UnixSocketFile> UnixSocketFile::Open(const std::string& path, mode_t permissions,
                                                     int backlog, std::string* error) {
  auto fail = [&](const std::string& reason) {
    *error = "Cannot listen on unix socket " + path + ": " + reason;
    return nullptr;
  };
  if (path.size() >= sizeof(sockaddr_un{}.sun_path)) return fail("the path is too long");
  const sockaddr_un address = AddressOf(path);
  if (auto reason = RemoveStale(path, address)) return fail(*reason);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(LastError());
  if (::bind(fd, Generic(address), sizeof address) != 0) {
    const std::string reason = LastError();
    ::close(fd);
    return fail(reason);
  }
  auto file = std::make_unique<UnixSocketFile>(path, fd);
  // Until it listens, connecting is refused whatever the permissions are.
  if ((permissions != 0 && ::chmod(path.c_str(), permissions) != 0) || ::listen(fd, backlog) != 0) {
    const std::string reason = LastError();
    ::close(fd);
    return fail(reason);
  }
  return file;
}

UnixSocketFile::~UnixSocketFile() { static_cast<void>(RemoveStale(path_, AddressOf(path_))); }

}  // namespace larder::server
