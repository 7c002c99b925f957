#include "server/client_pause.h"

#include <algorithm>

#include "store/keyspace.h"

namespace larder::server {

void ClientPause::Start(Kind kind, store::UnixMs until, store::UnixMs now) {
  if (until <= now) return;
  store::MutexLock lock(mu_);
  // relaxed: written under mu_, which is held.
  const Kind present = kind_.load(std::memory_order_relaxed);
  until_ = present == Kind::kNothing ? until : std::max(until_, until);
  SetKindLocked(std::max(present, kind));
}

void ClientPause::End() {
  store::MutexLock lock(mu_);
  EndLocked();
}

std::optional<int64_t> ClientPause::EndIfOver(store::UnixMs now) {
  store::MutexLock lock(mu_);
  // relaxed: written under mu_, which is held.
  if (kind_.load(std::memory_order_relaxed) == Kind::kNothing) return std::nullopt;
  if (now < until_) return until_ - now;
  EndLocked();
  return std::nullopt;
}

void ClientPause::Hold(const Suspension& client) {
  store::MutexLock lock(mu_);
  held_.insert_or_assign(client.client_id(), client);
  // relaxed: written under mu_, which is held.
  if (kind_.load(std::memory_order_relaxed) == Kind::kNothing) EndLocked();
}

void ClientPause::Forget(int64_t client_id) {
  store::MutexLock lock(mu_);
  held_.erase(client_id);
}

size_t ClientPause::held() const {
  store::MutexLock lock(mu_);
  return held_.size();
}

void ClientPause::EndLocked() {
  SetKindLocked(Kind::kNothing);
  for (const auto& [id, client] : held_) client.Resume([](Client&, protocol::ReplyWriter&) {});
  held_.clear();
}

void ClientPause::SetKindLocked(Kind kind) {
  kind_.store(kind, std::memory_order_relaxed);  // relaxed: see Holds()
  keyspace_.set_standing_still(kind != Kind::kNothing);
}

}  // namespace larder::server
