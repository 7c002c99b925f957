#include "tests/support/harness.h"

#include <algorithm>
#include <span>
#include <stdexcept>

#include "protocol/reply_writer.h"
#include "server/client_wait.h"
#include "server/commands/families.h"
#include "server/eviction_options.h"
#include "server/map_option.h"
#include "store/worker.h"
#include "tests/support/resp_client.h"
#include "tests/support/written.h"

namespace larder::test_support {
namespace {

using protocol::ReplyWriter;
using server::Dispatcher;
using std::chrono::milliseconds;

// Applies the directives and hands `config` back, so that a member initialiser can use it.
server::Config& Apply(server::Config& config, const HarnessOptions& options) {
  const std::string map = MapName(options.map);
  config.SetAtStart("map", std::span(&map, 1));
  for (const auto& [name, value] : options.config) {
    if (auto reason = config.SetAtStart(name, std::span(&value, 1))) {
      throw std::invalid_argument(*reason);
    }
  }
  return config;
}

store::KeyspaceOptions KeyspaceOptionsOf(const server::Config& config,
                                         const HarnessOptions& options,
                                         server::WatchTable& watches) {
  store::KeyspaceOptions keyspace;
  keyspace.databases = config.databases();
  keyspace.shards = options.shards;
  keyspace.kind = config.map();
  keyspace.chooses_maps = config.map_is_auto();
  keyspace.hash_seed = 1;  // the same order of keys in every run
  keyspace.random_seed = 1;
  keyspace.threads = 1;
  keyspace.listener = &watches;
  return keyspace;
}

}  // namespace

Harness::Harness(const HarnessOptions& options)
    : commands_(server::AllFamilies()),
      stats_(commands_.commands().size()),
      keyspace_(KeyspaceOptionsOf(Apply(config_, options), options, watches_), clock_),
      info_(server::ServerInfo::Collect(clock_.Now())),
      services_{config_,  commands_, clients_, pause_,    monitors_, stats_, keyspace_,
                watches_, clock_,    info_,    slow_log_, latency_,  *this},
      worker_(keyspace_.AddWorker()),
      thread_{services_, worker_, stats_.AddThread(), *this, *this, *this},
      dispatcher_(thread_),
      first_(Connect()) {
  clients_.AddHost(*this);
  server::ApplyEvictionOptions(config_, keyspace_);
  server::FollowMapOption(config_, keyspace_);
  first_.client().resp = options.resp;
  worker_.set_now(clock_.Now());
}

Harness::~Harness() = default;

Harness::Session& Harness::Connect() {
  clients_.TryConnect(INT64_MAX);
  sessions_.push_back(std::unique_ptr<Session>(new Session(*this, clients_.NextId())));
  return *sessions_.back();
}

void Harness::Advance(milliseconds by) {
  store::UnixMs end = clock_.Now() + by.count();
  while (!timers_.empty() && timers_.begin()->first.first <= end) {
    clock_.Set(std::max(clock_.Now(), timers_.begin()->first.first));
    auto fire = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    fire();
    RunPosted();
  }
  clock_.Set(end);
  RunMaintenance();
}

void Harness::RunMaintenance() {
  worker_.set_now(clock_.Now());
  while (keyspace_.Maintain(worker_, std::chrono::microseconds(1000)).more_now) {
  }
  server::LogMapMoves(keyspace_);
}

void Harness::RunPosted() {
  while (!posted_.empty()) {
    auto function = std::move(posted_.front());
    posted_.pop_front();
    function();
  }
}

class Harness::OwnedTimer final : public server::EventLoop::Timer {
 public:
  OwnedTimer(Timers& timers, const TimerKey& key) : timers_(timers), key_(key) {}
  ~OwnedTimer() override { timers_.erase(key_); }

 private:
  Timers& timers_;
  const TimerKey key_;
};

std::unique_ptr<Harness::Timer> Harness::StartTimer(milliseconds delay,
                                                    std::function<void()> function) {
  return std::make_unique<OwnedTimer>(timers_, AddTimer(delay, std::move(function)));
}

Harness::TimerKey Harness::AddTimer(milliseconds delay, std::function<void()> function) {
  const TimerKey key(clock_.Now() + delay.count(), ++timers_total_);
  timers_.emplace(key, std::move(function));
  return key;
}

void Harness::ResumeClient(int64_t client_id, uint64_t suspension,
                           server::Suspension::WriteReply write) {
  Post([this, client_id, suspension, write = std::move(write)] {
    for (auto& session : sessions_) {
      if (session->client_.id != client_id || session->closed_) continue;
      ReplyWriter reply(session->output_, session->client_.resp);
      if (!dispatcher_.Resume(session->client_, suspension, write, reply)) continue;
      if (session->client_.close_after_reply) session->Close();
      session->RunRequests();
    }
  });
}

void Harness::PushToClient(int64_t client_id, server::PushedBytes bytes,
                           std::shared_ptr<server::PushBacklog> backlog) {
  Post([this, client_id, bytes = std::move(bytes), backlog = std::move(backlog)] {
    backlog->Remove(bytes->size());
    for (auto& session : sessions_) {
      if (session->client_.id != client_id || session->closed_) continue;
      if (backlog->overflowed()) {
        session->Close();
      } else {
        session->output_.Append(*bytes);
      }
    }
  });
}

void Harness::VisitClients(const std::function<void(server::Client&)>& visit) {
  for (auto& session : sessions_) {
    if (session->closed_) continue;
    visit(session->client_);
    if (session->client_.killed) session->Close();
  }
}

Harness::Session::Session(Harness& harness, int64_t id)
    : harness_(harness), parser_(std::in_place) {
  client_.id = id;
  client_.is_local = true;
  client_.authenticated = !harness.config_.has_password();
  client_.address = "127.0.0.1:" + std::to_string(50000 + id);
  client_.local_address = "127.0.0.1:6379";
  client_.created_at = client_.last_interaction = harness.clock_.Now();
}

std::string Harness::Session::Send(std::string_view bytes) {
  input_.append(bytes);
  harness_.worker_.set_now(harness_.clock_.Now());
  client_.last_interaction = harness_.clock_.Now();
  RunRequests();
  harness_.RunPosted();
  return TakeBytes(output_);
}

std::string Harness::Session::Run(std::initializer_list<std::string_view> args) {
  return Send(EncodeRequest(args));
}

// What Connection does between a receive and a send.
void Harness::Session::RunRequests() {
  ReplyWriter reply(output_, client_.resp);
  while (!closed_ && client_.suspension == 0) {
    Dispatcher::Result result = harness_.dispatcher_.RunBatch(client_, *parser_, input_, reply);
    input_.erase(0, result.consumed);
    if (result.reset_parser) parser_.emplace();
    if (result.stop == Dispatcher::Stop::kClosing) Close();
    if (result.stop == Dispatcher::Stop::kStarved) return;
  }
}

void Harness::Session::Close() {
  if (closed_) return;
  closed_ = true;
  server::EndWait(harness_.services_, client_);
  if (client_.monitor) harness_.monitors_.Remove(client_.id);
}

std::string MapName(store::MapKind kind) { return std::string(store::Name(kind)); }

}  // namespace larder::test_support
