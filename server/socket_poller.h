// Tells the connections of one I/O thread when their sockets are ready.
//
// They are in an epoll set of our own, which is one descriptor of the thread's io_context: Asio
// waits for the set, and each wake-up serves up to kEventsMax sockets. Asio's own reactor costs
// more a request: after every read it starts the next one by trying at once, a recv() that finds
// nothing (Asio 1.26; 5 % of a request without a pipeline), and it makes an operation object for
// each.
//
// Notifications are edge-triggered: a socket is reported when something new has happened to it,
// once. Whoever is told that it can be read has to read until less came than there was room for, or
// remember that there may be more. Once it has hung up or got urgent data, only a read that would
// block tells that nothing is left.
//
// Threads: the one that runs the io_context. Cost: three system calls a wake-up; one a socket,
// once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>

namespace larder::server {

// What a socket has become since it was last reported.
struct Readiness {
  bool readable = false;
  bool writable = false;
  bool hung_up = false;  // the peer has shut down its sending side, or the connection is lost
  bool urgent = false;   // TCP's urgent data is on its way: receiving stops short of it
};

class SocketUser {
 public:
  virtual ~SocketUser() = default;
  // May close any socket of the poller; users whose socket is closed may still be called once,
  // until the handlers that were posted meanwhile run.
  virtual void OnReady(Readiness readiness) = 0;
};

class SocketPoller {
 public:
  // How many sockets are served before the loop looks after its other work.
  static constexpr int kEventsMax = 128;

  // Throws std::system_error if there is no descriptor left. `context` outlives the poller.
  explicit SocketPoller(boost::asio::io_context& context);
  SocketPoller(const SocketPoller&) = delete;
  SocketPoller& operator=(const SocketPoller&) = delete;

  // Starts to report on `fd`, until it is closed. False if the system refuses.
  bool Add(int fd, SocketUser& user);

 private:
  void WaitForEvents();
  void ServeReady();

  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> set_;
};

}  // namespace larder::server
