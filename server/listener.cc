#include "server/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <spdlog/spdlog.h>
#include <cerrno>
#include <system_error>
#include <utility>

namespace larder::server {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

// Between two batches the thread looks after its other connections.
constexpr int kAcceptsPerWakeUp = 64;
constexpr std::chrono::minutes kQuietTime{1};

bool IsShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

int Listener::OpenSocket(const tcp::endpoint& endpoint, int backlog, Port port, error_code* error) {
  int fd = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  bool is_v6 = endpoint.address().is_v6();
  if (fd >= 0) SharePort(fd, port);
  if (fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      (!is_v6 || ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
      ::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0 &&
      ::listen(fd, backlog) == 0) {
    SharePort(fd, Port::kOwn);
    error->clear();
    return fd;
  }
  error->assign(errno, boost::system::system_category());
  if (fd >= 0) ::close(fd);
  return -1;
}

void Listener::SharePort(int socket, Port port) {
  int on = port == Port::kShared ? 1 : 0;
  // Where this fails, so does the bind that needs it.
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

Listener::Listener(boost::asio::io_context& context, const tcp::endpoint& endpoint, int socket,
                   OnAccept on_accept)
    : endpoint_(endpoint),
      socket_(context, socket),
      retry_timer_(context),
      on_accept_(std::move(on_accept)) {}

auto Listener::AcceptIfAlive() {
  return [weak = weak_from_this()](const error_code& error) {
    if (error) return;
    if (auto listener = weak.lock()) listener->AcceptAll();
  };
}

void Listener::WaitForClients() {
  socket_.async_wait(boost::asio::posix::descriptor_base::wait_read, AcceptIfAlive());
}

void Listener::AcceptAll() {
  for (int i = 0; i < kAcceptsPerWakeUp; ++i) {
    int fd = ::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      on_accept_(fd);
    } else if (IsShortage(errno)) {
      return Pause(errno);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    }
  }
  WaitForClients();
}

void Listener::Pause(int error) {
  auto now = std::chrono::steady_clock::now();
  if (now >= quiet_until_) {
    spdlog::warn("Cannot accept connections for now: {}", std::generic_category().message(error));
    quiet_until_ = now + kQuietTime;
  }
  retry_timer_.expires_after(kRetryDelay);
  retry_timer_.async_wait(AcceptIfAlive());
}

}  // namespace larder::server
