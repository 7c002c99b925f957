// One client's connection: read, run a batch through the dispatcher, write once.
//
//     OnRead --> RunTurn: [receive more] -> RunBatch -> ... -> Flush --> arm the next read
//                             ^___________________|               \-> or wait: suspended, turn over
//
// A connection belongs to one IoThread for life and is touched by that thread only. The thread owns
// it and destroys it once it is closed and no operation of it is under way (`operations_`), so a
// handler never outlives its session.
//
// Memory: an idle connection holds a receive buffer of kIdleInputBytes and nothing else. When a
// read fills it, reading goes on in the thread's large buffer; what is left there at the end of a
// turn (a request cut short) comes back. Replies are written straight from the thread's scratch
// buffer; only what the socket does not take is kept here, up to client-output-buffer-limit.
// A client that does not read its replies is not kept from sending: it is closed at that limit.
// The hard limit is about what the client had left unread when the latest replies were added, so
// that no reply is cut for its own size: a client may hold the limit and one batch of replies.
//
// A client that shuts down its sending side gets the replies to all that it sent, then the close;
// but one that is blocked at that moment is closed at once, as by Redis: it has most likely gone,
// and nobody knows when its wait would end. One that is suspended otherwise is waited for.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/read_buffer.h"
#include "protocol/reply_buffer.h"
#include "protocol/request_parser.h"
#include "server/client.h"
#include "server/dispatch.h"
#include "server/suspension.h"

namespace larder::server {

class IoThread;

class Connection {
 public:
  // Asio's default socket goes through a type-erased executor at every operation.
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
                                                  boost::asio::io_context::executor_type>;

  // Holds a request of ordinary size; most of what an idle connection costs.
  static constexpr size_t kIdleInputBytes = 4096;

  Connection(IoThread& thread, Socket socket, int64_t id);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Start();
  Client& client() { return client_; }
  bool closed() const { return closed_; }

  // Ends the suspension `number`, if that is the present one, and goes on with what waited.
  void Resume(uint64_t number, const Suspension::WriteReply& write);
  // Refreshes the client's figures about its buffers.
  void UpdateFigures();
  // Drops unsent replies and closes. Idempotent.
  void Close();
  // Stops reading; closes as soon as the replies so far are sent.
  void Drain();
  // Closes if the connection has idled longer than `timeout_s` or has been above the soft output
  // limit for too long. Called about once a second.
  void CheckLimits(store::UnixMs now, int timeout_s);

 private:
  // What ends a turn, so that one client's pipeline does not hold up the others.
  struct Turn {
    std::chrono::steady_clock::time_point over_at;
    size_t requests_left;
  };

  void ArmRead();
  void OnRead(const boost::system::error_code& error, size_t bytes);
  void RunTurn(bool socket_has_more);
  // Runs batches until `input` holds no complete request or the turn is over.
  Dispatcher::Stop RunBatches(protocol::ReadBuffer& input, Turn& turn);
  // One non-blocking receive. Returns whether it filled all the room it had.
  bool ReceiveMore(protocol::ReadBuffer& input);
  static bool IsOver(Turn& turn);
  void EndTurn(Dispatcher::Stop stop);
  void PostTurn();

  // Sends the thread's scratch buffer: directly if nothing is queued before it.
  void Flush();
  // Returns false if the socket took less than all.
  bool WriteSome(protocol::ReplyBuffer& replies, size_t bytes_max);
  void WaitWritable();
  void OnWritable(const boost::system::error_code& error);
  // `unread_bytes` were unsent before the latest replies.
  bool IsAboveHardLimit(size_t unread_bytes) const;
  bool IsTooLongAboveSoftLimit();
  void CloseForUnreadReplies();

  void CloseWhenSent();
  void Finish();
  void OperationDone();

  IoThread& thread_;
  Socket socket_;
  Client client_;
  std::optional<protocol::RequestParser> parser_;  // always there; emplaced anew to reset it
  protocol::ReadBuffer input_;
  protocol::ReplyBuffer unsent_;
  store::UnixMs above_soft_limit_since_ = 0;  // 0: it is below
  size_t offered_bytes_ = 0;                  // the room that the armed read has
  int operations_ = 0;      // handlers that will still be called: reads, waits, posts
  bool reading_ = false;    // a read is armed
  bool writing_ = false;    // waiting for the socket to take more
  bool peer_done_ = false;  // the client has shut down its sending side
  bool finishing_ = false;  // no more requests are run; closes when unsent_ is empty
  bool closed_ = false;
};

}  // namespace larder::server
