// A connected stream socket: sends and receives that never wait, on a descriptor it owns.
//
// Not Asio's: that one would register the descriptor with Asio's reactor (server/socket_poller.h
// says why it is not there).
//
// Thread: one owner. Errors are values; a socket that has failed answers kFailed from then on.
// Cost: a call is a system call.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace larder::server {

// As people write it: "127.0.0.1:6379", "[::1]:6379".
std::string TextOf(const boost::asio::ip::tcp::endpoint& endpoint);

// Who is connected with whom. A connection that is lost already has the addresses 0.0.0.0:0.
struct ConnectionEnds {
  std::string peer;  // of a Unix socket both are its path and ":0", as in Redis
  std::string local;
  bool is_unix = false;
  bool is_local = false;  // the peer is this machine: a loopback address, or a Unix socket
};
ConnectionEnds EndsOf(int fd);

class Socket {
 public:
  enum class Status : uint8_t {
    kDone,        // `bytes` were moved, at least one
    kWouldBlock,  // nothing to receive, or no room to send
    kEnd,         // the peer has shut down its sending side
    kFailed,      // the connection is lost
  };
  struct Transfer {
    Status status;
    size_t bytes = 0;
  };

  // The most pieces that one Send() takes.
  static constexpr size_t kPiecesMax = 16;

  // Takes over a connected, non-blocking descriptor.
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { Close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

  // REQUIRES: room for at least one byte.
  Transfer Receive(std::span<char> room);
  // Sends from the beginning of the pieces; `bytes` may be less than all of them.
  // REQUIRES: 1 to kPiecesMax pieces, none empty.
  Transfer Send(std::span<const std::string_view> pieces);

  // The peer sees the end of the stream; receiving goes on. False if the connection is lost.
  bool ShutdownSend();
  // Idempotent.
  void Close();

 private:
  int fd_;
};

}  // namespace larder::server
