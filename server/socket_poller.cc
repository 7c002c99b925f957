#include "server/socket_poller.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace larder::server {
namespace {

int MakeSet() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return fd;
}

}  // namespace

SocketPoller::SocketPoller(boost::asio::io_context& context) : set_(context, MakeSet()) {
  WaitForEvents();
}

bool SocketPoller::Add(int fd, SocketUser& user) {
  epoll_event event{};
  // Interest in writing costs nothing here: it is reported when a full socket has room again.
  event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &user;
  return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void SocketPoller::WaitForEvents() {
  set_.async_wait(set_.wait_read, [this](const boost::system::error_code& error) {
    if (!error) ServeReady();
  });
}

void SocketPoller::ServeReady() {
  std::array<epoll_event, kEventsMax> events;
  const int count = ::epoll_wait(set_.native_handle(), events.data(), kEventsMax, 0);
  for (int i = 0; i < count; ++i) {
    const uint32_t happened = events[static_cast<size_t>(i)].events;
    static_cast<SocketUser*>(events[static_cast<size_t>(i)].data.ptr)
        ->OnReady({.readable = (happened & EPOLLIN) != 0,
                   .writable = (happened & EPOLLOUT) != 0,
                   .hung_up = (happened & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
                   .urgent = (happened & EPOLLPRI) != 0});
  }
  WaitForEvents();
}

}  // namespace larder::server
