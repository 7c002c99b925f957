#include "server/io_thread.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <spdlog/spdlog.h>
#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "server/config.h"
#include "server/latency.h"
#include "server/map_option.h"
#include "server/stats.h"
#include "store/keyspace.h"
#include "store/worker.h"

namespace larder::server {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;

// One step of maintenance delays the requests behind it by no more than this.
constexpr std::chrono::microseconds kMaintenanceBudget{500};
// The keyspace is asked at least this often: a deadline that was set since may be nearer than the
// one it had told us about, and a key has to be gone within 100 ms of its deadline.
constexpr milliseconds kMaintenanceDelayMax{25};
// Behind 100 connections with full pipelines a timer waits 100 ms: maintenance this late goes
// first.
constexpr int64_t kMaintenanceLateMs = 10;
constexpr milliseconds kHousekeepingPeriod{1000};
// The buffer gauges of INFO clients look back 5 to 10 s.
constexpr uint64_t kGaugePeriods = 5;

void SetOptions(int fd, int keepalive_s) {
  int on = 1;
  // A failure leaves a slower or less watched connection, and a socket that is gone says so soon.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (keepalive_s <= 0) return;
  int interval = std::max(1, keepalive_s / 3);
  int probes = 3;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keepalive_s, sizeof keepalive_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

class OwnedTimer final : public EventLoop::Timer {
 public:
  OwnedTimer(boost::asio::io_context& context, milliseconds delay, std::function<void()> function)
      : timer_(context, delay) {
    timer_.async_wait([function = std::move(function)](const error_code& error) {
      if (!error) function();
    });
  }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace

// UNSAFE_IO: sockets and timers are used by this thread alone and need no lock; Post() from other
// threads stays safe.
IoThread::IoThread(Services& services, store::Worker& worker, ThreadStats& stats)
    : context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      keep_running_(context_.get_executor()),
      poller_(context_),
      thread_context_{services, worker, stats, *this, *this, *this},
      dispatcher_(thread_context_),
      maintenance_timer_(context_),
      housekeeping_timer_(context_),
      patience_timer_(context_) {
  services.clients.AddHost(*this);
  large_input_.Prepare(kLargeInputBytes);
}

IoThread::~IoThread() = default;

void IoThread::Run() {
  ArmMaintenance(milliseconds(0));
  ArmHousekeeping();
  context_.run();
}

void IoThread::Stop(milliseconds patience) {
  boost::asio::post(context_, [this, patience] { StopHere(patience); });
}

void IoThread::StopHere(milliseconds patience) {
  stopping_ = true;
  for (auto& [id, connection] : connections_) connection->Drain();
  if (patience.count() == 0) return context_.stop();
  patience_timer_.expires_after(patience);
  patience_timer_.async_wait([this](const error_code& error) {
    if (!error) context_.stop();
  });
  FinishIfIdle();
}

void IoThread::FinishIfIdle() {
  if (stopping_ && !lingering_ && connections_.empty()) context_.stop();
}

void IoThread::Linger(bool on) {
  boost::asio::post(context_, [this, on] {
    lingering_ = on;
    FinishIfIdle();
  });
}

void IoThread::Adopt(int fd, ConnectionEnds ends) {
  CountConnections(1);
  boost::asio::dispatch(
      context_, [this, fd, ends = std::move(ends)]() mutable { AdoptHere(fd, std::move(ends)); });
}

void IoThread::AdoptHere(int fd, ConnectionEnds ends) {
  if (stopping_) {
    ::close(fd);
    CountConnections(-1);
    services().clients.Disconnected();
    return;
  }
  SetOptions(fd, services().config.tcp_keepalive_s());
  int64_t id = services().clients.NextId();
  auto connection = std::make_unique<Connection>(*this, fd, std::move(ends), id);
  Connection& started = *connection;
  connections_.emplace(id, std::move(connection));
  started.Start();
}

Connection* IoThread::FindConnection(int64_t client_id) {
  const auto it = connections_.find(client_id);
  return it == connections_.end() ? nullptr : it->second.get();
}

void IoThread::ForgetConnection(int64_t client_id) {
  connections_.erase(client_id);
  CountConnections(-1);
  FinishIfIdle();
}

void IoThread::Post(std::function<void()> function) {
  boost::asio::post(context_, std::move(function));
}

void IoThread::PostAfter(milliseconds delay, std::function<void()> function) {
  auto timer = std::make_unique<boost::asio::steady_timer>(context_, delay);
  boost::asio::steady_timer& armed = *timer;
  armed.async_wait(
      [timer = std::move(timer), function = std::move(function)](const error_code& error) {
        if (!error) function();
      });
}

std::unique_ptr<EventLoop::Timer> IoThread::StartTimer(milliseconds delay,
                                                       std::function<void()> function) {
  return std::make_unique<OwnedTimer>(context_, delay, std::move(function));
}

void IoThread::ResumeClient(int64_t client_id, uint64_t suspension, Suspension::WriteReply write) {
  boost::asio::post(context_, [this, client_id, suspension, write = std::move(write)] {
    if (Connection* connection = FindConnection(client_id)) connection->Resume(suspension, write);
  });
}

void IoThread::PushToClient(int64_t client_id, PushedBytes bytes,
                            std::shared_ptr<PushBacklog> backlog) {
  boost::asio::post(context_,
                    [this, client_id, bytes = std::move(bytes), backlog = std::move(backlog)] {
                      backlog->Remove(bytes->size());
                      if (Connection* connection = FindConnection(client_id))
                        connection->Push(*bytes, *backlog);
                    });
}

void IoThread::VisitClients(const std::function<void(Client&)>& visit) {
  for (auto& [id, connection] : connections_) {
    if (connection->closed()) continue;
    connection->UpdateFigures();
    visit(connection->client());
    if (connection->client().killed) connection->Close();
  }
}

store::UnixMs IoThread::ReadClock() {
  store::UnixMs now = services().clock.Now();
  worker().set_now(now);
  return now;
}

void IoThread::RunMaintenance() {
  store::UnixMs now = ReadClock();
  const auto begin = std::chrono::steady_clock::now();
  store::MaintenanceResult result = services().keyspace.Maintain(worker(), kMaintenanceBudget);
  LogMapMoves(services().keyspace);
  const int64_t monitor_ms = services().config.latency_monitor_threshold_ms();
  const auto took = duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
  if (monitor_ms > 0 && took.count() >= monitor_ms) [[unlikely]]
    services().latency.Add("expire-cycle", {now / 1000, took.count()});
  maintenance_due_ = now;
  if (!result.more_now) {
    milliseconds delay(std::clamp<int64_t>(result.next_at - now, 1, kMaintenanceDelayMax.count()));
    maintenance_due_ += delay.count();
    ArmMaintenance(delay);
  } else if (!maintenance_posted_) {
    maintenance_posted_ = true;
    boost::asio::post(context_, [this] {
      maintenance_posted_ = false;
      RunMaintenance();
    });
  }
}

void IoThread::MaintainIfLate() {
  if (worker().now() - maintenance_due_ >= kMaintenanceLateMs) [[unlikely]]
    RunMaintenance();
}

void IoThread::ArmMaintenance(milliseconds delay) {
  maintenance_timer_.expires_after(delay);
  maintenance_timer_.async_wait([this](const error_code& error) {
    if (!error) RunMaintenance();
  });
}

void IoThread::ArmHousekeeping() {
  housekeeping_timer_.expires_after(kHousekeepingPeriod);
  housekeeping_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    Housekeep();
    ArmHousekeeping();
  });
}

void IoThread::Housekeep() {
  if (++housekeepings_ % kGaugePeriods == 0) {
    stats().input_buffer_max.Clear();
    stats().output_buffer_max.Clear();
  }
  const Config& config = services().config;
  int timeout_s = config.timeout_s();
  if (timeout_s == 0 && config.output_limit(ClientClass::kNormal).soft_bytes == 0) return;
  store::UnixMs now = ReadClock();
  for (auto& [id, connection] : connections_) connection->CheckLimits(now, timeout_s);
}

}  // namespace larder::server
