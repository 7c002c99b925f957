#include "server/server.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <spdlog/spdlog.h>
#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <utility>

#include "protocol/reply_errors.h"
#include "server/commands/families.h"
#include "server/config.h"
#include "server/eviction_options.h"
#include "server/map_option.h"
#include "server/service_notify.h"
#include "server/socket.h"

namespace larder::server {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

// Descriptors that are not clients: listeners, the log, standard streams, and those that each
// thread waits with (two epoll sets, a timer, an event).
int64_t ReservedDescriptors(int threads) { return std::max(32, 16 + 4 * threads); }

// Whom INFO calls the supervisor: the one that will be told when the server is ready.
std::string FindSupervisor(Supervision supervised) {
  const bool told = supervised == Supervision::kSystemd || supervised == Supervision::kAuto;
  return told && std::getenv("NOTIFY_SOCKET") != nullptr ? "systemd" : "no";
}

store::KeyspaceOptions OptionsOf(const Config& config, WatchTable& watches) {
  std::random_device random;
  uint64_t seed = (uint64_t{random()} << 32) | random();
  store::KeyspaceOptions options;
  options.databases = config.databases();
  options.shards = config.shards();
  options.kind = config.map();
  options.chooses_maps = config.map_is_auto();
  options.hash_seed = seed;
  options.random_seed = (uint64_t{random()} << 32) | random();
  options.threads = config.threads();
  options.listener = &watches;
  return options;
}

// `bind` names addresses, "*" and "::*"; host names are not looked up.
tcp::endpoint EndpointOf(const std::string& host, int port, error_code* error) {
  auto number = static_cast<unsigned short>(port);
  if (host == "*") return {tcp::v4(), number};
  if (host == "::*") return {tcp::v6(), number};
  return {boost::asio::ip::make_address(host, *error), number};
}

std::string CannotListen(const std::string& host, int port, const error_code& error) {
  return "Cannot listen on " + host + " port " + std::to_string(port) + ": " + error.message();
}

bool HasEndpoint(const auto& list, const tcp::endpoint& endpoint) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& element) { return element.endpoint == endpoint; });
}

// Whether one client could mean both. IPv6 sockets take IPv6 clients only.
bool Overlap(const tcp::endpoint& a, const tcp::endpoint& b) {
  return a.port() == b.port() && a.protocol() == b.protocol() &&
         (a == b || a.address().is_unspecified() || b.address().is_unspecified());
}

}  // namespace

Server::Server(Config& config)
    : config_(config),
      commands_(AllFamilies(), config.command_renames()),
      stats_(commands_.commands().size()),
      keyspace_(OptionsOf(config, watches_), clock_),
      info_(ServerInfo::Collect(clock_.Now())),
      services_{config,   commands_, clients_, pause_,    monitors_, stats_, keyspace_,
                watches_, clock_,    info_,    slow_log_, latency_,  *this},
      threads_([this] {
        std::vector<std::unique_ptr<IoThread>> threads;
        for (int i = 0; i < config_.threads(); ++i) {
          threads.push_back(
              std::make_unique<IoThread>(services_, keyspace_.AddWorker(), stats_.AddThread()));
        }
        return threads;
      }()),
      signals_(threads_[0]->context(), SIGINT, SIGTERM),
      sampling_timer_(threads_[0]->context()) {
  RaiseDescriptorLimit();
  if (auto reason = Listen()) throw std::runtime_error(*reason);
  ListenOnUnixSocket();
  RegisterForChanges();
  info_.supervisor = FindSupervisor(config.supervised());
  info_.startup_memory_bytes = static_cast<size_t>(keyspace_.Memory().used_bytes);
}

Server::~Server() = default;

int Server::Run() {
  LogStart();
  AwaitSignal();
  ArmSampling();
  std::vector<std::thread> running;
  threads_[0]->Linger(true);  // it hears the second SIGINT, so it goes last
  for (const auto& thread : threads_) {
    running.emplace_back([io_thread = thread.get()] { io_thread->Run(); });
  }
  if (info_.supervisor != "no") NotifyServiceManager("READY=1");
  for (size_t i = 1; i < running.size(); ++i) running[i].join();
  threads_[0]->Linger(false);
  running[0].join();
  spdlog::info("Bye");
  return 0;
}

void Server::LogStart() {
  spdlog::info("Process {}: {} I/O thread{}, {} shards guarded by `{}`, {} databases",
               info_.process_id, config_.threads(), config_.threads() == 1 ? "" : "s",
               config_.shards(), config_.Text("map"), config_.databases());
  for (const ListeningSocket& socket : listening_) {
    spdlog::info("Ready to accept connections on {}", TextOf(socket.endpoint));
  }
  if (unix_socket_) spdlog::info("Ready to accept connections on {}", unix_socket_->path());
  if (listening_.empty() && !unix_socket_) spdlog::warn("Port 0: no connections are accepted");
  if (info_.supervisor == "no") WarnOfSupervision();
}

void Server::WarnOfSupervision() {
  if (config_.supervised() == Supervision::kSystemd) {
    spdlog::warn("supervised systemd: NOTIFY_SOCKET is not set, so nobody is told");
  } else if (config_.supervised() == Supervision::kUpstart) {
    spdlog::warn("supervised upstart: larder does not know upstart, so nobody is told");
  }
}

// maxclients needs as many descriptors, and a few more. What the system does not grant is taken
// off maxclients, so that clients get an error instead of waiting in the backlog.
void Server::RaiseDescriptorLimit() {
  const int64_t reserved = ReservedDescriptors(config_.threads());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  auto wanted = static_cast<rlim_t>(config_.maxclients() + reserved);
  if (limit.rlim_cur >= wanted) return;
  rlimit raised{.rlim_cur = wanted, .rlim_max = std::max(limit.rlim_max, wanted)};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return;
  raised = {.rlim_cur = std::min(limit.rlim_max, wanted), .rlim_max = limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) raised = limit;
  if (raised.rlim_cur >= wanted) return;
  int64_t affordable = std::max<int64_t>(1, static_cast<int64_t>(raised.rlim_cur) - reserved);
  spdlog::warn("maxclients is lowered from {} to {}: the system grants {} open files",
               config_.maxclients(), affordable, raised.rlim_cur);
  config_.LowerMaxClients(affordable);
}

void Server::RegisterForChanges() {
  ApplyEvictionOptions(config_, keyspace_);
  FollowMapOption(config_, keyspace_);
  config_.OnChange("port", [this] { return Listen(); });
  config_.OnChange("bind", [this] { return Listen(); });
  config_.OnChange("maxclients", [this]() -> std::optional<std::string> {
    int64_t wanted = config_.maxclients();
    RaiseDescriptorLimit();
    if (config_.maxclients() == wanted) return std::nullopt;
    return "The operating system is not able to handle the specified number of clients, try "
           "with " +
           std::to_string(config_.maxclients());
  });
}

std::optional<std::string> Server::Listen() {
  std::vector<WantedAddress> wanted;
  if (config_.port() != 0) {
    for (const BindAddress& address : config_.bind()) {
      error_code error;
      tcp::endpoint endpoint = EndpointOf(address.host, config_.port(), &error);
      if (error && !address.optional) return CannotListen(address.host, config_.port(), error);
      if (!error) wanted.push_back({.endpoint = endpoint, .optional = address.optional});
    }
  }
  auto leaving = std::stable_partition(
      listening_.begin(), listening_.end(),
      [&](const ListeningSocket& socket) { return HasEndpoint(wanted, socket.endpoint); });
  std::vector<ListeningSocket> left(leaving, listening_.end());
  std::vector<ListeningSocket> open(listening_.begin(), leaving);
  auto kept = static_cast<ptrdiff_t>(open.size());
  auto failure = OpenSockets(wanted, left, &open);
  std::vector<ListeningSocket> opened(open.begin() + kept, open.end());
  if (failure) {
    for (const ListeningSocket& socket : opened) ::close(socket.fd);
    for (const ListeningSocket& socket : left) Listener::SharePort(socket.fd, Listener::Port::kOwn);
    return failure;
  }
  listening_ = std::move(open);
  threads_[0]->Post([this, left = std::move(left), opened = std::move(opened)] {
    ReplaceListeners(left, opened);
  });
  return std::nullopt;
}

void Server::ListenOnUnixSocket() {
  const std::string path = config_.unixsocket();
  if (path.empty()) return;
  std::string error;
  unix_socket_ = UnixSocketFile::Open(path, static_cast<mode_t>(config_.unixsocketperm()),
                                      config_.tcp_backlog(), &error);
  if (unix_socket_ == nullptr) throw std::runtime_error(error);
  threads_[0]->Post([this] {
    // No address that `bind` could ever name.
    listeners_.push_back(std::make_shared<Listener>(threads_[0]->context(), tcp::endpoint(),
                                                    unix_socket_->fd(),
                                                    [this](int client) { OnAccept(client); }));
    listeners_.back()->Start();
  });
}

// "*" and one address exclude each other unless their sockets share the port. So a socket that goes
// and one that comes do, while both are open: at no moment does nobody listen, and if a further
// address cannot be had, all is as it was. (Thread 0 may close one of `left` at this moment, as it
// shuts the server down: the option then reaches nothing, or a socket that will not bind.)
std::optional<std::string> Server::OpenSockets(std::span<const WantedAddress> wanted,
                                               std::span<const ListeningSocket> left,
                                               std::vector<ListeningSocket>* open) {
  for (const auto& [endpoint, optional] : wanted) {
    if (HasEndpoint(listening_, endpoint)) continue;
    auto overlaps = [&endpoint = endpoint](const ListeningSocket& socket) {
      return Overlap(socket.endpoint, endpoint);
    };
    error_code error = boost::asio::error::address_in_use;
    if (std::none_of(open->begin(), open->end(), overlaps)) {
      auto port = Listener::Port::kOwn;
      for (const ListeningSocket& socket : left) {
        if (!overlaps(socket)) continue;
        port = Listener::Port::kShared;
        Listener::SharePort(socket.fd, port);
      }
      int fd = Listener::OpenSocket(endpoint, config_.tcp_backlog(), port, &error);
      if (fd >= 0) open->push_back({.endpoint = endpoint, .fd = fd});
    }
    if (error && !optional) {
      return CannotListen(endpoint.address().to_string(), endpoint.port(), error);
    }
  }
  if (open->empty() && config_.port() != 0) {
    return "None of the addresses of `bind` can be listened on";
  }
  return std::nullopt;
}

void Server::ReplaceListeners(const std::vector<ListeningSocket>& left,
                              const std::vector<ListeningSocket>& opened) {
  std::erase_if(listeners_, [&](const std::shared_ptr<Listener>& listener) {
    return HasEndpoint(left, listener->endpoint());
  });
  for (const auto& [endpoint, fd] : opened) {
    listeners_.push_back(std::make_shared<Listener>(threads_[0]->context(), endpoint, fd,
                                                    [this](int client) { OnAccept(client); }));
    listeners_.back()->Start();
  }
  if (stopping_) listeners_.clear();
}

void Server::OnAccept(int fd) {
  stats_.CountConnection();
  ConnectionEnds ends = EndsOf(fd);
  if (!Admit(fd, ends)) {
    stats_.CountRejected();
    ::close(fd);
    return;
  }
  auto fewest = std::min_element(
      threads_.begin(), threads_.end(),
      [](const auto& a, const auto& b) { return a->connection_count() < b->connection_count(); });
  (*fewest)->Adopt(fd, std::move(ends));
}

bool Server::Admit(int fd, const ConnectionEnds& ends) {
  // What a refused client gets is best effort: its socket is new, so the send cannot block.
  auto refuse = [fd](std::string_view text) {
    [[maybe_unused]] ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    return false;
  };
  if (config_.protected_mode() && !config_.has_password() && !ends.is_local) {
    return refuse("-" + std::string(protocol::kProtectedMode) + "\r\n");
  }
  if (!clients_.TryConnect(config_.maxclients())) {
    return refuse("-" + std::string(protocol::kMaxClients) + "\r\n");
  }
  return true;
}

void Server::AwaitSignal() {
  signals_.async_wait([this](const error_code& error, int signal_number) {
    if (error) return;
    OnSignal(signal_number);
    AwaitSignal();
  });
}

void Server::OnSignal(int signal_number) {
  bool force = stopping_ && signal_number == SIGINT;
  spdlog::info("Received {}: {}", signal_number == SIGINT ? "SIGINT" : "SIGTERM",
               force ? "stopping now" : "shutting down");
  ShutdownHere(force);
}

void Server::Shutdown(bool now) {
  threads_[0]->Post([this, now] {
    spdlog::info("A client asked for shutdown");
    ShutdownHere(now);
  });
}

void Server::ShutdownHere(bool now) {
  if (stopping_ && !now) return;
  if (!stopping_ && info_.supervisor != "no") NotifyServiceManager("STOPPING=1");
  stopping_ = true;
  listeners_.clear();
  unix_socket_.reset();
  sampling_timer_.cancel();
  milliseconds patience =
      now ? milliseconds(0) : std::chrono::seconds(config_.shutdown_timeout_s());
  for (auto& thread : threads_) thread->Stop(patience);
}

void Server::ArmSampling() {
  sampling_timer_.expires_after(Stats::kSamplePeriod);
  sampling_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    stats_.TakeSample(static_cast<size_t>(keyspace_.Memory().used_bytes));
    ArmSampling();
  });
}

}  // namespace larder::server
