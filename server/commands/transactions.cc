// MULTI, EXEC, DISCARD, WATCH, UNWATCH: several commands as one.
//
// What MULTI queues is kept in the client (server/transaction.h). EXEC finds out which keys it
// needs, locks them all (store/transaction.h) and runs the commands one after another.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/call.h"
#include "server/client.h"
#include "server/command_table.h"
#include "server/commands/families.h"
#include "server/config.h"
#include "server/transaction.h"
#include "store/keyspace.h"
#include "store/transaction.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using Queued = ClientTransaction::Queued;

ClientTransaction& TransactionOf(Call& call) {
  auto& transaction = call.client.transaction;
  if (transaction == nullptr) {
    transaction = std::make_unique<ClientTransaction>(call.services.watches);
  }
  return *transaction;
}

// What the commands of an EXEC are about to touch.
class Claims {
 public:
  Claims(const Call& call, std::span<const Queued> commands, const Watcher& watcher);

  store::Transaction::Claim all() { return {keys_, databases_, all_databases_}; }
  // The first key of the queued command i, and which argument that is; 0 if it has none.
  std::pair<size_t, const store::Key&> FirstKey(size_t i) const {
    const auto& [argument, key] = first_keys_[i];
    return {argument, argument == 0 ? kNoKey : keys_[key].key};
  }

 private:
  void Add(const Queued& queued);
  bool FindPlaces(const Queued& queued);
  // The database that an argument names; nothing if the command will refuse it.
  std::optional<int> DatabaseOf(std::string_view argument) const;

  static constexpr store::Key kNoKey{};

  const Call& call_;
  int db_;  // of the command that is looked at
  std::array<std::byte, 1024> on_stack_;
  std::pmr::monotonic_buffer_resource memory_{on_stack_.data(), on_stack_.size()};
  std::pmr::vector<store::KeyAt> keys_{&memory_};
  // A command: argument, index in keys_.
  std::pmr::vector<std::pair<size_t, size_t>> first_keys_{&memory_};
  std::vector<int> databases_;
  bool all_databases_ = false;
  std::vector<KeyRef> found_;
  std::vector<KeyPlace> places_;
};

Claims::Claims(const Call& call, std::span<const Queued> commands, const Watcher& watcher)
    : call_(call), db_(call.db()) {
  keys_.reserve(commands.size() + watcher.keys().size());
  first_keys_.reserve(commands.size());
  for (const Queued& queued : commands) Add(queued);
  for (const Watcher::WatchedKey& watched : watcher.keys()) {
    keys_.push_back({watched.db, {watched.key, watched.hash}});
  }
}

void Claims::Add(const Queued& queued) {
  first_keys_.emplace_back(0, 0);
  const Command& command = *queued.command;
  all_databases_ |= command.has(kManyDatabases);
  if (command.has(kSelects)) {
    db_ = DatabaseOf(queued.args[1]).value_or(db_);
    return;
  }
  if ((command.acl & (kAclConnection | kAclTransaction)) != 0) return;
  if (!FindPlaces(queued)) return databases_.push_back(db_);
  first_keys_.back() = {places_[0].index, keys_.size()};
  for (const auto& [index, db_index] : places_) {
    const std::optional<int> db = db_index == 0 ? db_ : DatabaseOf(queued.args[db_index]);
    if (db) keys_.push_back({*db, call_.keyspace().Hash(queued.args[index])});
  }
}

// Into places_, whose first is in the present database. False if the command has no keys, or none
// that are known.
bool Claims::FindPlaces(const Queued& queued) {
  const auto& [command, args] = queued;
  places_.clear();
  if (command->spec->find_places != nullptr) {
    command->spec->find_places(args, &places_);
    return true;
  }
  found_.clear();
  if (!command->has_keys || !FindKeys(*command, args, &found_)) return false;
  for (const KeyRef& ref : found_) places_.push_back({.index = ref.index, .db_index = 0});
  return !places_.empty();
}

std::optional<int> Claims::DatabaseOf(std::string_view argument) const {
  const std::optional<int64_t> db = protocol::ParseInt64(argument);
  if (!db || *db < 0 || *db >= call_.services.config.databases()) return std::nullopt;
  return static_cast<int>(*db);
}

void Multi(Call& call, ReplyWriter& reply) {
  if (IsQueueing(call.client)) return reply.Error(protocol::kNestedMulti);
  TransactionOf(call).BeginQueueing();
  reply.Ok();
}

void Discard(Call& call, ReplyWriter& reply) {
  if (!IsQueueing(call.client)) return reply.Error(protocol::kDiscardWithoutMulti);
  call.client.transaction.reset();
  reply.Ok();
}

void Watch(Call& call, ReplyWriter& reply) {
  if (IsQueueing(call.client)) return reply.Error(protocol::kWatchInsideMulti);
  Watcher& watcher = TransactionOf(call).watcher();
  for (size_t i = 1; i < call.args.size(); ++i) {
    call.keyspace().Write(call.worker, call.db(), call.KeyAt(i), [&](store::KeyEditor& key) {
      watcher.Watch(call.db(), key.key(), key.entry() != nullptr);
    });
  }
  reply.Ok();
}

void Unwatch(Call& call, ReplyWriter& reply) {
  // Inside EXEC it comes too late to matter: the transaction has left the client.
  if (!IsQueueing(call.client)) call.client.transaction.reset();
  reply.Ok();
}

// Whether a watched key has changed. Looking at it removes it if its time has come, which is a
// change.
bool WatchedKeyChanged(Call& call, const Watcher& watcher) {
  for (const auto& [db, hash, key] : watcher.keys()) {
    call.keyspace().Read(call.worker, db, {key, hash}, [](const store::Entry*) {});
  }
  return watcher.touched();
}

bool IsAboveOutputLimit(const Call& call, const protocol::ReplyBuffer& replies) {
  const int64_t bytes_max = call.services.config.output_limit(ClientClass::kNormal).hard_bytes;
  return bytes_max != 0 && replies.size() > static_cast<size_t>(bytes_max);
}

// Runs the queued commands. Where one has to wait for its reply, those behind it run nevertheless:
// what it waits for is not in the keyspace.
void RunAll(Call& call, std::span<const Queued> commands, const Claims& claims,
            ReplyWriter& reply) {
  Client& client = call.client;
  std::unique_ptr<PendingReplies> pending;
  protocol::ReplyBuffer discarded;
  for (size_t i = 0; i < commands.size(); ++i) {
    const auto& [command, args] = commands[i];
    const auto& [first_key_index, first_key] = claims.FirstKey(i);
    protocol::ReplyBuffer& replies = pending == nullptr ? reply.buffer() : pending->following();
    const protocol::RespVersion version = client.resp;
    ReplyWriter out(client.killed ? discarded : replies, version);
    call.thread.runner->Run(*command, client, args, first_key_index, first_key, out);
    discarded.Clear();
    // No reply can be sent before the last command has run, so the limit is kept here. They all run
    // nevertheless.
    client.killed |= IsAboveOutputLimit(call, replies);
    if (client.suspension == 0) continue;
    if (pending == nullptr) pending = std::make_unique<PendingReplies>();
    pending->Await(std::exchange(client.suspension, 0), version);
  }
  reply.set_version(client.resp);
  if (pending == nullptr) return;
  call.Suspend();
  client.pending_replies = std::move(pending);
}

void Exec(Call& call, ReplyWriter& reply) {
  if (!IsQueueing(call.client)) return reply.Error(protocol::kExecWithoutMulti);
  // However it ends, the client is out of it.
  const auto transaction = std::move(call.client.transaction);
  if (transaction->aborted()) return reply.Error(protocol::kExecAborted);
  const std::span<const Queued> commands = transaction->commands();
  Claims claims(call, commands, transaction->watcher());
  store::Transaction hold(call.keyspace(), call.worker, claims.all());
  call.worker.set_touch(false);  // to look at what is watched is no use of it
  if (WatchedKeyChanged(call, transaction->watcher())) return reply.NullArray();
  // Not Array(): some replies may come later.
  reply.Raw("*" + std::to_string(commands.size()) + "\r\n");
  RunAll(call, commands, claims, reply);
}

constexpr CommandFlags kControl = kNoScript | kLoading | kStale | kFast | kAllowBusy | kNeverQueued;

constexpr CommandSpec kRows[] = {
    {.name = "MULTI",
     .arity = 1,
     .flags = kControl,
     .since = "1.2.0",
     .complexity = "O(1)",
     .summary = "Mark the start of a transaction block",
     .handler = Multi},
    {.name = "EXEC",
     .arity = 1,
     .flags = kNoScript | kLoading | kStale | kSkipSlowlog | kNeverQueued | kRunsQueue,
     .since = "1.2.0",
     .complexity = "Depends on commands in the transaction",
     .summary = "Execute all commands issued after MULTI",
     .handler = Exec},
    {.name = "DISCARD",
     .arity = 1,
     .flags = kControl,
     .since = "2.0.0",
     .complexity = "O(N), when N is the number of queued commands",
     .summary = "Discard all commands issued after MULTI",
     .handler = Discard},
    {.name = "WATCH",
     .arity = -2,
     .flags = kControl | kNoTouch,
     .keys = kAllKeys<kKeyRo>,
     .syntax = "key ...",
     .since = "2.2.0",
     .complexity = "O(1) for every key.",
     .summary = "Watch the given keys to determine execution of the MULTI/EXEC block",
     .handler = Watch},
    {.name = "UNWATCH",
     .arity = 1,
     .flags = kNoScript | kLoading | kStale | kFast | kAllowBusy,
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Forget about all watched keys",
     .handler = Unwatch},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily TransactionCommands() {
  return {.group = "transactions", .acl = kAclTransaction, .rows = kRows};
}

}  // namespace larder::server
