#include "server/socket.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>

namespace larder::server {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::tcp;

Socket::Transfer Failure() {
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK;
  return {later ? Socket::Status::kWouldBlock : Socket::Status::kFailed};
}

// Asks getpeername() or getsockname().
tcp::endpoint EndpointOf(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  tcp::endpoint endpoint;
  auto size = static_cast<socklen_t>(endpoint.capacity());
  if (ask(fd, endpoint.data(), &size) != 0) return {};
  endpoint.resize(size);
  return endpoint;
}

bool IsUnix(int fd) {
  int family = 0;
  socklen_t size = sizeof family;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX;
}

// The path that the server's end of a connection was bound to.
std::string PathOf(int fd) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return address.sun_path;
}

bool IsLoopback(const address& host) {
  if (host.is_v6() && host.to_v6().is_v4_mapped()) {
    return make_address_v4(boost::asio::ip::v4_mapped, host.to_v6()).is_loopback();
  }
  return host.is_loopback();
}

}  // namespace

std::string TextOf(const tcp::endpoint& endpoint) {
  std::string host = endpoint.address().to_string();
  if (endpoint.address().is_v6()) host = "[" + host + "]";
  return host + ":" + std::to_string(endpoint.port());
}

ConnectionEnds EndsOf(int fd) {
  if (IsUnix(fd)) {
    const std::string address = PathOf(fd) + ":0";
    return {.peer = address, .local = address, .is_unix = true, .is_local = true};
  }
  const tcp::endpoint peer = EndpointOf(fd, ::getpeername);
  return {.peer = TextOf(peer),
          .local = TextOf(EndpointOf(fd, ::getsockname)),
          .is_local = IsLoopback(peer.address())};
}

Socket::Transfer Socket::Receive(std::span<char> room) {
  assert(!room.empty());
  ssize_t bytes;
  do {
    bytes = ::recv(fd_, room.data(), room.size(), 0);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) return Failure();
  if (bytes == 0) return {Status::kEnd};
  return {Status::kDone, static_cast<size_t>(bytes)};
}

Socket::Transfer Socket::Send(std::span<const std::string_view> pieces) {
  assert(!pieces.empty() && pieces.size() <= kPiecesMax);
  std::array<iovec, kPiecesMax> vectors;
  for (size_t i = 0; i < pieces.size(); ++i) {
    vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = pieces.size();
  ssize_t bytes;
  do {
    // One piece is the usual case, and send() the shorter way through the kernel.
    bytes = pieces.size() == 1 ? ::send(fd_, pieces[0].data(), pieces[0].size(), MSG_NOSIGNAL)
                               : ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) return Failure();
  return {Status::kDone, static_cast<size_t>(bytes)};
}

bool Socket::ShutdownSend() { return ::shutdown(fd_, SHUT_WR) == 0; }

void Socket::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace larder::server
