// Accepts connections on one address, or on a Unix socket, on the thread that runs its io_context.
//
// Its owner ends it by letting go of it, on that thread. A handler that was on its way by then runs
// later all the same, and finds nothing: handlers keep a weak pointer.
//
// Policy: a failed accept never ends listening. What the client did (it hung up while it waited)
// is passed over; when the process is short of file descriptors or memory (EMFILE, ENFILE,
// ENOBUFS, ENOMEM) the listener pauses for kRetryDelay, says so once a minute, and tries again:
// neither a spin nor an end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace larder::server {

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  static constexpr std::chrono::milliseconds kRetryDelay{100};

  // Gets each accepted socket: non-blocking, close-on-exec, the receiver's to close.
  using OnAccept = std::function<void(int fd)>;

  // What SharePort() says of a socket that is being opened.
  enum class Port : uint8_t { kOwn, kShared };

  // Any thread. Binds and listens; returns the socket, or -1 and *error. An IPv6 address takes IPv6
  // clients only, so that "0.0.0.0 ::" works. The port is shared, if at all, until this returns.
  static int OpenSocket(const boost::asio::ip::tcp::endpoint& endpoint, int backlog, Port port,
                        boost::system::error_code* error);
  // Any thread. Whether other sockets of this user that share their port as well may be opened on
  // an address that overlaps this one's, such as one address and the wildcard.
  static void SharePort(int socket, Port port);

  // Takes over a listening socket; `endpoint` is what its owner knows it by. To be made by
  // std::make_shared.
  Listener(boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& endpoint,
           int socket, OnAccept on_accept);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const boost::asio::ip::tcp::endpoint& endpoint() const { return endpoint_; }
  // On the context's thread.
  void Start() { WaitForClients(); }

 private:
  // AcceptAll() as a handler that may outlive the listener.
  auto AcceptIfAlive();
  void WaitForClients();
  void AcceptAll();
  void Pause(int error);

  const boost::asio::ip::tcp::endpoint endpoint_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer retry_timer_;
  OnAccept on_accept_;
  std::chrono::steady_clock::time_point quiet_until_;  // when to log a shortage again
};

}  // namespace larder::server
