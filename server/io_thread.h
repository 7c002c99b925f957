// One I/O thread: one io_context that it alone runs, and the connections it owns for life.
//
// Everything here runs on that thread, except Post(), ResumeClient(), PushToClient(),
// connection_count() and Adopt(), which any thread may call. Besides its connections the thread has
// a scratch reply buffer and a large receive buffer that its connections use in turn, and two
// timers: the keyspace's maintenance (expiry, reclaim) and a coarse housekeeping tick (idle
// clients, soft output limits).
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "protocol/read_buffer.h"
#include "protocol/reply_buffer.h"
#include "server/call.h"
#include "server/client_handle.h"
#include "server/client_registry.h"
#include "server/connection.h"
#include "server/dispatch.h"
#include "server/event_loop.h"
#include "server/socket.h"
#include "server/socket_poller.h"
#include "server/suspension.h"

namespace larder::server {

class IoThread final : public EventLoop, public SuspensionHost, public PushHost, public ClientHost {
 public:
  // Takes in 3,000 pipelined GETs a receive; larger measured no better and leaves the L2 cache.
  static constexpr size_t kLargeInputBytes = 256 * 1024;

  IoThread(Services& services, store::Worker& worker, ThreadStats& stats);
  ~IoThread() override;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Runs the loop on the calling thread, until Stop() has been called.
  void Run();
  // Any thread. Connections are told to finish; when the last one is gone, or `patience` has
  // passed, Run() returns.
  void Stop(std::chrono::milliseconds patience);
  // Any thread; to be called with true before Run(). Until it is called with false, Stop() lets
  // the loop go on, connections or not, for as long as its patience.
  void Linger(bool on);

  // Any thread. Takes over an accepted, non-blocking socket that counts as connected already.
  void Adopt(int fd, ConnectionEnds ends);
  // Any thread. Connections that are here or on their way here.
  int connection_count() const {
    return connection_count_.load(std::memory_order_relaxed);  // relaxed: a hint, no data behind it
  }

  // EventLoop.
  void Post(std::function<void()> function) override;
  void PostAfter(std::chrono::milliseconds delay, std::function<void()> function) override;
  std::unique_ptr<Timer> StartTimer(std::chrono::milliseconds delay,
                                    std::function<void()> function) override;
  // SuspensionHost.
  void ResumeClient(int64_t client_id, uint64_t suspension, Suspension::WriteReply write) override;
  // PushHost.
  void PushToClient(int64_t client_id, PushedBytes bytes,
                    std::shared_ptr<PushBacklog> backlog) override;
  // ClientHost.
  EventLoop& loop() override { return *this; }
  void VisitClients(const std::function<void(Client&)>& visit) override;

  // For connections of this thread.
  boost::asio::io_context& context() { return context_; }
  SocketPoller& poller() { return poller_; }
  Services& services() { return thread_context_.services; }
  store::Worker& worker() { return thread_context_.worker; }
  ThreadStats& stats() { return thread_context_.stats; }
  Dispatcher& dispatcher() { return dispatcher_; }
  protocol::ReplyBuffer& replies() { return replies_; }
  protocol::ReadBuffer& large_input() { return large_input_; }
  // Sets the worker's clock; called after the receive that brought a batch.
  store::UnixMs ReadClock();
  // Null if it is gone.
  Connection* FindConnection(int64_t client_id);
  void ForgetConnection(int64_t client_id);
  // Runs the maintenance that waits behind the turns of many busy connections. For the end of a
  // turn: uses the worker's clock.
  void MaintainIfLate();

 private:
  void CountConnections(int change) {
    connection_count_.fetch_add(change, std::memory_order_relaxed);  // relaxed: as above
  }
  void AdoptHere(int fd, ConnectionEnds ends);
  void StopHere(std::chrono::milliseconds patience);
  void FinishIfIdle();
  void RunMaintenance();
  void ArmMaintenance(std::chrono::milliseconds delay);
  void ArmHousekeeping();
  void Housekeep();

  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
  SocketPoller poller_;
  ThreadContext thread_context_;
  Dispatcher dispatcher_;
  protocol::ReplyBuffer replies_;
  protocol::ReadBuffer large_input_;
  boost::asio::steady_timer maintenance_timer_;
  boost::asio::steady_timer housekeeping_timer_;
  boost::asio::steady_timer patience_timer_;
  std::unordered_map<int64_t, std::unique_ptr<Connection>> connections_;
  store::UnixMs maintenance_due_ = 0;
  bool maintenance_posted_ = false;
  uint64_t housekeepings_ = 0;
  bool stopping_ = false;
  bool lingering_ = false;
  std::atomic<int> connection_count_{0};  // for placing new connections
};

}  // namespace larder::server
