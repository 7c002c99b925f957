// A client of any thread, as a value that may outlive it: where to send bytes that it did not ask
// for (MONITOR's lines).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace larder::server {

// One encoding for however many clients get the same bytes.
using PushedBytes = std::shared_ptr<const std::string>;

// The side that owns clients and can write to them: an I/O thread or the test harness.
class PushHost {
 public:
  virtual ~PushHost() = default;

  // Any thread. On the client's thread, between two of its turns, `bytes` join its replies; unread
  // ones count towards client-output-buffer-limit. Nothing happens if the client has gone.
  virtual void PushToClient(int64_t client_id, PushedBytes bytes) = 0;
};

// Copy it freely, use it from any thread. Must not outlive the server's I/O threads. Pushes of one
// thread to one client arrive in their order; cost: one message to the client's thread.
class ClientHandle {
 public:
  ClientHandle(PushHost& host, int64_t client_id) : host_(&host), client_id_(client_id) {}

  int64_t client_id() const { return client_id_; }
  void Push(PushedBytes bytes) const { host_->PushToClient(client_id_, std::move(bytes)); }

 private:
  PushHost* host_;
  int64_t client_id_;
};

}  // namespace larder::server
