// One client's connection: read, run a batch through the dispatcher, write once.
//
//     OnReady --> RunTurn: receive -> RunBatches -> receive -> ... -> Flush --> wait for OnReady,
//                                                                          \-> post the next turn,
//                                                                          \-> or be suspended
//
// A connection belongs to one IoThread for life and is touched by that thread only. The thread owns
// it and destroys it, by its id, from the loop: a connection may be closed at any time by a handler
// further down the stack.
//
// Memory: an idle connection holds no buffer. Requests are received in the thread's large one, and
// what is left there at the end of a turn (a request cut short) is kept here. Replies are written
// straight from the thread's scratch buffer; only what the socket does not take is kept here, up to
// client-output-buffer-limit.
// A client that does not read its replies is not kept from sending: it is closed at that limit.
// The hard limit is about what the client had left unread when the latest replies were added, so
// that no reply is cut for its own size: a client may hold the limit and one batch of replies.
//
// A client that shuts down its sending side gets the replies to all that it sent, then the close;
// but one that is blocked at that moment is closed at once, as by Redis: it has most likely gone,
// and nobody knows when its wait would end. One that is suspended otherwise is waited for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/read_buffer.h"
#include "protocol/reply_buffer.h"
#include "protocol/request_parser.h"
#include "server/client.h"
#include "server/client_handle.h"
#include "server/dispatch.h"
#include "server/socket.h"
#include "server/socket_poller.h"
#include "server/suspension.h"

namespace larder::server {

class IoThread;

class Connection final : public SocketUser {
 public:
  // Takes over a connected, non-blocking descriptor.
  Connection(IoThread& thread, int socket, ConnectionEnds ends, int64_t id);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Start();
  Client& client() { return client_; }
  bool closed() const { return closed_; }

  // Ends the suspension `number`, if that is the present one, and goes on with what waited.
  void Resume(uint64_t number, const Suspension::WriteReply& write);
  // Sends `bytes` behind the replies so far, or closes if the client reads too slowly for them and
  // for what is still on its way. Between turns.
  void Push(std::string_view bytes, const PushBacklog& backlog);
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

  void OnReady(Readiness readiness) override;
  void RunTurn();
  // Runs batches until `input` holds no complete request or the turn is over.
  Dispatcher::Stop RunBatches(protocol::ReadBuffer& input, Turn& turn);
  void ReceiveMore(protocol::ReadBuffer& input);
  static bool IsOver(Turn& turn);
  void EndTurn(Dispatcher::Stop stop);
  void PostTurn();
  void RunPostedTurn();

  // Sends the thread's scratch buffer: directly if nothing is queued before it.
  void Flush();
  // Returns false if the socket took less than all.
  bool WriteSome(protocol::ReplyBuffer& replies, size_t bytes_max);
  void SendUnsent();
  void RunPostedSend();
  // `unread_bytes` were unsent before the latest replies.
  bool IsAboveHardLimit(size_t unread_bytes) const;
  bool IsTooLongAboveSoftLimit();
  void CloseForUnreadReplies();

  void CloseWhenSent();
  void Finish();

  IoThread& thread_;
  Socket socket_;
  Client client_;
  std::optional<protocol::RequestParser> parser_;  // always there; emplaced anew to reset it
  protocol::ReadBuffer input_;
  protocol::ReplyBuffer unsent_;
  store::UnixMs above_soft_limit_since_ = 0;  // 0: it is below
  bool requests_wait_ = false;    // input_ may hold requests that the last turn did not get to
  bool socket_has_more_ = false;  // it may have: nothing has told otherwise since
  bool hung_up_ = false;      // the client has shut down its sending side; its last bytes may wait
  bool peer_done_ = false;    // ... and they have been received
  bool short_reads_ = false;  // receiving less than there is room for does not mean it is empty
  bool turn_posted_ = false;  // the next turn waits in the loop's queue
  bool send_posted_ = false;  // ... and so does going on to send
  bool sending_ = false;      // unsent_ waits for the socket to have room
  bool finishing_ = false;    // no more requests are run; closes when unsent_ is empty
  bool closed_ = false;
};

}  // namespace larder::server
