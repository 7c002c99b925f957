// A suspended client: its next commands wait, nobody else does, and no thread is blocked.
//
// A handler that cannot answer at once calls Call::Suspend(), writes no reply, and returns. It (or
// whoever it gave the Suspension to) later calls Resume() with a function that writes the reply;
// that function runs on the client's I/O thread, then the commands that the client pipelined
// meanwhile run. The handle is a value: copy it freely, call it from any thread. The first
// Resume() counts, later ones do nothing; if the client has gone, so has the reply.
//
// A Suspension must not outlive the server's I/O threads (they are joined after every message
// has run, so one that sits in a message or a timer does not).
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "protocol/reply_writer.h"

namespace larder::server {

struct Client;

// The side that owns clients and can bring one back: an I/O thread or the test harness.
class SuspensionHost {
 public:
  using WriteReply = std::function<void(Client&, protocol::ReplyWriter&)>;

  virtual ~SuspensionHost() = default;

  // Any thread. Runs `write` on the client's thread unless the client has gone or its current
  // suspension is another one.
  virtual void ResumeClient(int64_t client_id, uint64_t suspension, WriteReply write) = 0;
};

class Suspension {
 public:
  using WriteReply = SuspensionHost::WriteReply;

  Suspension(SuspensionHost& host, int64_t client_id, uint64_t number)
      : host_(&host), client_id_(client_id), number_(number) {}

  int64_t client_id() const { return client_id_; }

  void Resume(WriteReply write) const {
    host_->ResumeClient(client_id_, number_, std::move(write));
  }

 private:
  SuspensionHost* host_;
  int64_t client_id_;
  uint64_t number_;
};

}  // namespace larder::server
