// A client of any thread, as a value that may outlive it: where to send bytes that it did not ask
// for (MONITOR's lines).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace larder::server {

// One encoding for however many clients get the same bytes.
using PushedBytes = std::shared_ptr<const std::string>;

// What has been sent to one client and is not among its replies yet: its thread may be behind.
// Any thread. relaxed, all of it: figures, no other memory hangs on them.
class PushBacklog {
 public:
  // False if more than `bytes_max` (0: without limit) wait already; then it has overflowed for
  // good: a part of what was sent is missing.
  bool Add(size_t bytes, size_t bytes_max) {
    if (overflowed()) return false;
    const size_t before = bytes_.load(std::memory_order_relaxed);
    if (bytes_max != 0 && before > bytes_max) {
      overflowed_.store(true, std::memory_order_relaxed);
      return false;
    }
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    return true;
  }
  void Remove(size_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  bool overflowed() const { return overflowed_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> bytes_{0};
  std::atomic<bool> overflowed_{false};
};

// The side that owns clients and can write to them: an I/O thread or the test harness.
class PushHost {
 public:
  virtual ~PushHost() = default;

  // Any thread. On the client's thread, between two of its turns, `bytes` leave the backlog and
  // join its replies; what it has not read of both counts towards client-output-buffer-limit. A
  // client whose backlog has overflowed is closed instead. Nothing happens if the client has gone.
  virtual void PushToClient(int64_t client_id, PushedBytes bytes,
                            std::shared_ptr<PushBacklog> backlog) = 0;
};

// Copy it freely, use it from any thread. Must not outlive the server's I/O threads. Pushes of one
// thread to one client arrive in their order; cost: one message to the client's thread.
class ClientHandle {
 public:
  ClientHandle(PushHost& host, int64_t client_id)
      : host_(&host), client_id_(client_id), backlog_(std::make_shared<PushBacklog>()) {}

  int64_t client_id() const { return client_id_; }
  // `backlog_max`: the client's hard limit for unread replies, in bytes; 0: none. Beyond it nothing
  // is sent any more, and what is on its way closes the client.
  void Push(PushedBytes bytes, size_t backlog_max) const {
    if (backlog_->Add(bytes->size(), backlog_max)) {
      host_->PushToClient(client_id_, std::move(bytes), backlog_);
    }
  }

 private:
  PushHost* host_;
  int64_t client_id_;
  std::shared_ptr<PushBacklog> backlog_;  // of all copies
};

}  // namespace larder::server
