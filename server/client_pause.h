// CLIENT PAUSE: for a time, commands of clients wait, all or those that change data. Nobody's
// thread does: a client whose command has to wait is suspended (suspension.h), without having run
// it, and runs it when the pause ends. No key is expired in the background meanwhile: what the data
// are changes for nobody but who reads a key past its deadline, and finds it gone.
//
// Threads: any. Cost while nothing is paused: one relaxed load a command.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "server/command.h"
#include "server/suspension.h"
#include "store/clock.h"
#include "store/mutex.h"

namespace larder::store {
class Keyspace;
}

namespace larder::server {

class ClientPause {
 public:
  // Each holds what the one before it holds, and more.
  enum class Kind : uint8_t { kNothing, kWrites, kEverything };

  explicit ClientPause(store::Keyspace& keyspace) : keyspace_(keyspace) {}
  ClientPause(const ClientPause&) = delete;
  ClientPause& operator=(const ClientPause&) = delete;

  // Whether a command with these flags has to wait. kWrites holds what may reach replicas as well.
  bool Holds(CommandFlags flags) const {
    // relaxed: a command on its way counts as earlier or later than the pause, as it happens.
    const Kind kind = kind_.load(std::memory_order_relaxed);
    return kind != Kind::kNothing &&
           (kind == Kind::kEverything || (flags & (kWrite | kMayReplicate)) != 0);
  }

  // Pauses until `until`. A pause that is on is never weakened or cut short: of both kinds and both
  // ends the greater counts, as in Redis. The caller sees to it that EndIfOver() is called in time.
  void Start(Kind kind, store::UnixMs until, store::UnixMs now) EXCLUDES(mu_);
  // CLIENT UNPAUSE.
  void End() EXCLUDES(mu_);
  // Ends a pause whose time has come; else returns the time it has left, in milliseconds.
  std::optional<int64_t> EndIfOver(store::UnixMs now) EXCLUDES(mu_);

  // Resumes, without a reply, at the end of the pause; at once if that has come already.
  void Hold(const Suspension& client) EXCLUDES(mu_);
  // The client goes, or has been resumed.
  void Forget(int64_t client_id) EXCLUDES(mu_);
  // How many wait.
  size_t held() const EXCLUDES(mu_);

 private:
  void EndLocked() REQUIRES(mu_);
  void SetKindLocked(Kind kind) REQUIRES(mu_);

  store::Keyspace& keyspace_;
  std::atomic<Kind> kind_{Kind::kNothing};  // written under mu_
  mutable store::Mutex mu_;
  store::UnixMs until_ GUARDED_BY(mu_) = 0;
  std::map<int64_t, Suspension> held_ GUARDED_BY(mu_);  // by client
};

}  // namespace larder::server
