// The server: builds everything from the configuration, runs the I/O threads, stops them.
//
// Run() starts the I/O threads and waits for them. Thread 0 also accepts connections and gets the
// signals. A new connection goes to the thread with the fewest. Shutdown() may be called from any
// thread; so may what CONFIG SET calls.
//
// Stopping: listeners close, each thread gives its connections' pending replies a bounded time to
// leave, Run() returns when all threads have ended. A second SIGINT cuts that time to zero.
#pragma once

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "server/call.h"
#include "server/client_pause.h"
#include "server/client_registry.h"
#include "server/command_table.h"
#include "server/io_thread.h"
#include "server/latency.h"
#include "server/listener.h"
#include "server/monitor.h"
#include "server/server_info.h"
#include "server/slowlog.h"
#include "server/stats.h"
#include "server/unix_socket.h"
#include "server/watch.h"
#include "store/clock.h"
#include "store/keyspace.h"

namespace larder::server {

class Config;

class Server final : public ServerControl {
 public:
  // Throws std::runtime_error if an address cannot be bound or a command not renamed: nothing has
  // been started then.
  explicit Server(Config& config);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until told to stop; returns the exit code of the program.
  int Run();

  // ServerControl: any thread.
  void Shutdown(bool now) override;

 private:
  struct WantedAddress {
    boost::asio::ip::tcp::endpoint endpoint;
    bool optional;
  };
  struct ListeningSocket {
    boost::asio::ip::tcp::endpoint endpoint;
    int fd;  // its Listener's
  };

  void RaiseDescriptorLimit();
  void RegisterForChanges();
  // Brings the listeners in line with `bind` and `port`; returns why that failed, and has changed
  // nothing then. On the thread that constructs the server, later on that of a CONFIG SET.
  std::optional<std::string> Listen();
  // At start. Throws std::runtime_error.
  void ListenOnUnixSocket();
  // Opens what is wanted and not in listening_ yet, next to the sockets that stay `open`.
  std::optional<std::string> OpenSockets(std::span<const WantedAddress> wanted,
                                         std::span<const ListeningSocket> left,
                                         std::vector<ListeningSocket>* open);
  // Thread 0.
  void ReplaceListeners(const std::vector<ListeningSocket>& left,
                        const std::vector<ListeningSocket>& opened);
  void LogStart();
  void WarnOfSupervision();
  void OnAccept(int fd);
  bool Admit(int fd, const ConnectionEnds& ends);
  void AwaitSignal();
  void OnSignal(int signal_number);
  void ShutdownHere(bool now);
  void ArmSampling();

  Config& config_;
  store::SystemClock clock_;
  CommandTable commands_;
  ClientRegistry clients_;
  Stats stats_;
  WatchTable watches_;
  store::Keyspace keyspace_;
  ClientPause pause_{keyspace_};
  Monitors monitors_;
  ServerInfo info_;
  SlowLog slow_log_;
  LatencyMonitor latency_;
  Services services_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer sampling_timer_;
  std::vector<std::shared_ptr<Listener>> listeners_;  // thread 0; nobody else keeps one
  std::unique_ptr<UnixSocketFile> unix_socket_;       // thread 0; one of them listens on it
  // Sockets of the above. Touched by Listen() only, whose calls Config serializes.
  std::vector<ListeningSocket> listening_;
  bool stopping_ = false;  // thread 0
};

}  // namespace larder::server
