// What a command handler may see and change of the client that sent the command.
//
// A Client belongs to one I/O thread for life (the one that owns its connection): every field is
// read and written by that thread alone. Another thread that wants something of a client sends a
// message to its loop (client_registry.h). The connection owns the Client and outlives every call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/resp_version.h"
#include "server/event_loop.h"
#include "server/suspension.h"
#include "server/transaction.h"
#include "store/clock.h"

namespace larder::server {

struct Command;

// CLIENT REPLY: which replies the client wants to see.
//
//   kOn        all of them.
//   kOff       none until CLIENT REPLY ON.
//   kSkipNext  set by CLIENT REPLY SKIP: the next command's reply is dropped; the end of SKIP
//              itself turns it into kSkip.
//   kSkip      the command that runs now is the skipped one; its end returns to kOn.
enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext, kSkip };

// What a blocked client waits for: that time passes, or CLIENT UNBLOCK.
struct Wait {
  Suspension suspension;
  std::shared_ptr<const Suspension::WriteReply> on_timeout;  // the reply that it gets in the end
  std::unique_ptr<EventLoop::Timer> timer;                   // null if only CLIENT UNBLOCK ends it
};

struct Client {
  int64_t id = 0;
  int db = 0;
  protocol::RespVersion resp = protocol::RespVersion::kResp2;
  // False until AUTH or HELLO AUTH when `requirepass` is set; true from the start when it is not.
  bool authenticated = true;
  ReplyMode reply_mode = ReplyMode::kOn;
  // Set by a handler (QUIT): replies written so far are sent, then the connection is closed and
  // whatever else the client pipelined is dropped.
  bool close_after_reply = false;
  // Set by CLIENT KILL on the client itself: as above, but nothing else counts any more.
  bool killed = false;
  // Whether the peer is this machine: DEBUG is allowed to such clients under `local`.
  bool is_local = false;

  // Zero while the client's commands run; else the number of the suspension that holds them back
  // (client_wait.h). Numbers are never reused, so a late or second Resume() is recognised.
  uint64_t suspension = 0;
  uint64_t suspensions_total = 0;
  // The suspension waits for time to pass or for other clients (Redis calls such a client blocked):
  // whoever hangs up meanwhile is let go. Otherwise it ends by itself in a moment.
  bool blocked = false;
  // What it is blocked by: one command that may be cut short, or several of one EXEC.
  std::vector<Wait> waits;
  // The suspension is a CLIENT PAUSE: the command that it holds back has not run yet.
  bool postponed = false;

  bool monitor = false;   // MONITOR: gets a line for each command (monitor.h)
  bool no_evict = false;  // CLIENT NO-EVICT; clients of larder are never evicted
  bool no_touch = false;  // CLIENT NO-TOUCH: its reads do not count as uses of a key
  bool is_unix = false;   // connected through `unixsocket`

  // There from MULTI or WATCH on, until EXEC, DISCARD or UNWATCH.
  std::unique_ptr<ClientTransaction> transaction;
  // There while an EXEC waits for some of its replies: then the client is suspended.
  std::unique_ptr<PendingReplies> pending_replies;

  std::string name;
  std::string lib_name;
  std::string lib_ver;
  std::string user = "default";
  std::string address;        // "127.0.0.1:50070", "[::1]:50070" or, through a socket, "/path:0"
  std::string local_address;  // the same for our side
  int fd = -1;

  store::UnixMs created_at = 0;
  store::UnixMs last_interaction = 0;
  const Command* last_command = nullptr;  // of the table: lives as long as the server

  // Figures of the connection for CLIENT LIST, refreshed after each turn and before a visit
  // (client_registry.h).
  size_t query_bytes = 0;       // received, not run yet
  size_t query_free_bytes = 0;  // room left in the receive buffer
  size_t output_bytes = 0;      // replies that the client has not taken yet
  size_t output_chunks = 0;     // chunks that they are kept in
  size_t memory_bytes = 0;      // all that the connection holds
};

// Between MULTI and EXEC or DISCARD.
inline bool IsQueueing(const Client& client) {
  return client.transaction != nullptr && client.transaction->queueing();
}

}  // namespace larder::server
