// Every client of the server, wherever it lives: numbering, counting, and visits by message.
//
// Clients belong to their I/O threads. Whoever wants to look at all of them (CLIENT LIST, CLIENT
// KILL) sends each thread a message; the thread visits its own clients and the last one to finish
// hands the collected parts over. Nobody locks, nobody waits: the asking client is suspended
// meanwhile.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "server/client.h"
#include "server/event_loop.h"

namespace larder::server {

// A thread that owns clients.
class ClientHost {
 public:
  virtual ~ClientHost() = default;

  virtual EventLoop& loop() = 0;
  // On the host's thread only. Closes each client that the visit leaves with `killed` set.
  virtual void VisitClients(const std::function<void(Client&)>& visit) = 0;
};

class ClientRegistry {
 public:
  ClientRegistry() = default;
  ClientRegistry(const ClientRegistry&) = delete;
  ClientRegistry& operator=(const ClientRegistry&) = delete;

  // At start, before the first client.
  void AddHost(ClientHost& host) { hosts_.push_back(&host); }

  // Any thread, from here on. relaxed, here and below: numbers and a count; no other memory hangs
  // on them.
  int64_t NextId() { return last_id_.fetch_add(1, std::memory_order_relaxed) + 1; }

  // Takes a place among the connected clients unless `limit` are connected already. The count is
  // raised before the connection reaches its thread, so that a burst cannot overshoot.
  bool TryConnect(int64_t limit);
  void Disconnected() {  // relaxed: see NextId()
    connected_.fetch_sub(1, std::memory_order_relaxed);
  }
  // relaxed: see NextId()
  int64_t connected() const { return connected_.load(std::memory_order_relaxed); }

  // Clients that are blocked (client.h).
  void CountBlocked(int change) {  // relaxed: see NextId()
    blocked_.fetch_add(change, std::memory_order_relaxed);
  }
  // relaxed: see NextId()
  int64_t blocked() const { return blocked_.load(std::memory_order_relaxed); }

  // Runs `function` once on each thread that owns clients, before what is posted to it later.
  void PostToAll(const std::function<void()>& function) {
    for (ClientHost* host : hosts_) host->loop().Post(function);
  }

  // Calls visit(client, part) for every client, on the client's thread, with one default-made Part
  // a thread; then done(parts) once, on the thread that finished last. Both are kept until then.
  template <typename Part>
  void Gather(std::function<void(Client&, Part&)> visit,
              std::function<void(std::vector<Part>&&)> done) {
    struct State {
      std::function<void(Client&, Part&)> visit;
      std::function<void(std::vector<Part>&&)> done;
      std::vector<Part> parts;
      std::atomic<size_t> missing;
    };
    auto state = std::make_shared<State>();
    state->visit = std::move(visit);
    state->done = std::move(done);
    state->parts.resize(hosts_.size());
    // relaxed: the hosts learn of the state by Post(), which synchronises.
    state->missing.store(hosts_.size(), std::memory_order_relaxed);
    for (size_t i = 0; i < hosts_.size(); ++i) {
      hosts_[i]->loop().Post([state, i, host = hosts_[i]] {
        host->VisitClients([&](Client& client) { state->visit(client, state->parts[i]); });
        // acq_rel [registry.gather]: pairs with itself; releases this thread's part, and the last
        // thread acquires the parts of all the others [registry.gather].
        if (state->missing.fetch_sub(1, std::memory_order_acq_rel) == 1) {
          state->done(std::move(state->parts));
        }
      });
    }
  }

 private:
  std::vector<ClientHost*> hosts_;  // fixed once traffic has begun
  std::atomic<int64_t> last_id_{0};
  std::atomic<int64_t> connected_{0};
  std::atomic<int64_t> blocked_{0};
};

}  // namespace larder::server
