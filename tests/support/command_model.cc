#include "tests/support/command_model.h"

#include <set>
#include <stdexcept>
#include <utility>

#include "tests/support/model_replies.h"

namespace larder::test_support {
namespace {

using store::kNoDeadline;
using store::UnixMs;
using Args = CommandModel::Args;
using Item = StoreModel::Item;

}  // namespace

const CommandModel::Command* CommandModel::FindCommand(std::string_view name) {
  using M = CommandModel;
  static constexpr Command kCommands[] = {
      {"GET", 2, &M::Get},           {"MGET", -2, &M::MGet},        {"GETRANGE", 4, &M::GetRange},
      {"STRLEN", 2, &M::StrLen},     {"EXISTS", -2, &M::Exists},    {"TTL", 2, &M::Ttl},
      {"PTTL", 2, &M::Ttl},          {"EXPIRETIME", 2, &M::Ttl},    {"PEXPIRETIME", 2, &M::Ttl},
      {"SET", -3, &M::Set},          {"GETEX", -2, &M::GetEx},      {"GETDEL", 2, &M::GetDel},
      {"DEL", -2, &M::Del},          {"INCRBY", 3, &M::IncrBy},     {"APPEND", 3, &M::Append},
      {"SETRANGE", 4, &M::SetRange}, {"MSET", -3, &M::MSet},        {"MSETNX", -3, &M::MSetNx},
      {"RENAME", 3, &M::Rename},     {"EXPIRE", -3, &M::Expire},    {"PEXPIRE", -3, &M::Expire},
      {"EXPIREAT", -3, &M::Expire},  {"PEXPIREAT", -3, &M::Expire}, {"PERSIST", 2, &M::Persist},
      {"SELECT", 2, &M::Select},     {"FLUSHDB", -1, &M::FlushDb},  {"SWAPDB", 3, &M::SwapDb},
      {"MULTI", 1, &M::Multi},       {"EXEC", 1, &M::Exec},         {"DISCARD", 1, &M::Discard},
      {"WATCH", -2, &M::Watch},      {"UNWATCH", 1, &M::Unwatch},
  };
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
  }
  throw std::out_of_range("the model does not know " + std::string(name));
}

CommandModel::CommandModel(int databases, size_t clients, protocol::RespVersion resp, UnixMs now)
    : databases_(databases),
      resp3_(resp == protocol::RespVersion::kResp3),
      now_(now),
      store_(databases),
      clients_(clients) {
  store_.set_now(now);
}

void CommandModel::Advance(std::chrono::milliseconds by) {
  now_ += by.count();
  store_.set_now(now_);
  TouchExpired();
}

std::string CommandModel::Run(size_t client, const Args& args) {
  client_ = &clients_.at(client);
  const Command& command = *FindCommand(args[0]);
  const auto count = static_cast<int>(args.size());
  if (command.arity >= 0 ? count != command.arity : count < -command.arity) {
    client_->aborted |= client_->queueing;
    return WrongArity(args[0]);
  }
  static const std::set<std::string_view> kNeverQueued = {"MULTI", "EXEC", "DISCARD", "WATCH"};
  if (client_->queueing && !kNeverQueued.contains(args[0])) {
    client_->queue.push_back(args);
    return kQueued;
  }
  std::string reply = (this->*command.handler)(args);
  TouchExpired();  // what was stored with a deadline in the past
  return reply;
}

// --- What commands share

std::string CommandModel::BulkOrNull(const Item* item) const {
  return item == nullptr ? Null() : Bulk(item->value);
}

void CommandModel::Put(const std::string& key, std::string value, UnixMs deadline) {
  store_.Set(client_->db, key, std::move(value), deadline);
  TouchKey(client_->db, key);
}

bool CommandModel::Erase(const std::string& key) {
  const bool erased = store_.Erase(client_->db, key);
  if (erased) TouchKey(client_->db, key);
  return erased;
}

void CommandModel::SetDeadline(const std::string& key, UnixMs deadline) {
  if (deadline != kNoDeadline && deadline <= now_) {
    Erase(key);
  } else {
    Find(key)->deadline = deadline;
    TouchKey(client_->db, key);
  }
}

void CommandModel::TouchKey(int db, const std::string& key) {
  for (Client& client : clients_) {
    for (const Watched& watched : client.watched) {
      client.touched |= watched.db == db && watched.key == key;
    }
  }
}

void CommandModel::TouchExpired() {
  for (Client& client : clients_) {
    for (const Watched& watched : client.watched) {
      client.touched |= watched.existed && store_.Find(watched.db, watched.key) == nullptr;
    }
  }
}

std::optional<UnixMs> CommandModel::Deadline(int64_t amount, bool seconds, bool absolute) const {
  if (seconds && (amount > INT64_MAX / 1000 || amount < INT64_MIN / 1000)) return std::nullopt;
  if (seconds) amount *= 1000;
  if (absolute) return amount;
  if (amount > INT64_MAX - now_) return std::nullopt;
  return amount + now_;
}

std::string CommandModel::ReadExpiry(const Expiry& expiry, std::string_view command,
                                     UnixMs* deadline) const {
  *deadline = kNoDeadline;
  if (!expiry.amount) return "";
  const std::optional<int64_t> amount = ParseInteger(*expiry.amount);
  if (!amount) return kNotAnInteger;
  const auto at = Deadline(*amount, expiry.word[0] == 'E', expiry.word.ends_with("AT"));
  if (*amount <= 0 || !at) return InvalidExpireTime(command);
  *deadline = *at;
  return "";
}

// --- Databases

std::string CommandModel::Select(const Args& args) {
  const std::optional<int64_t> db = ParseInteger(args[1]);
  if (!db) return kNotAnInteger;
  if (*db < INT32_MIN || *db > INT32_MAX) {
    return "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n";
  }
  if (*db < 0 || *db >= databases_) return kDbOutOfRange;
  client_->db = static_cast<int>(*db);
  return kOk;
}

std::string CommandModel::FlushDb(const Args&) {
  const StoreModel::Items gone = store_.Live(client_->db);
  store_.Flush(client_->db);
  for (const auto& [key, item] : gone) TouchKey(client_->db, key);
  return kOk;
}

std::string CommandModel::SwapDb(const Args& args) {
  const std::optional<int64_t> a = ParseInteger(args[1]), b = ParseInteger(args[2]);
  if (!a || *a != static_cast<int32_t>(*a)) return "-ERR invalid first DB index\r\n";
  if (!b || *b != static_cast<int32_t>(*b)) return "-ERR invalid second DB index\r\n";
  if (*a < 0 || *a >= databases_ || *b < 0 || *b >= databases_) return kDbOutOfRange;
  if (*a == *b) return kOk;
  const int first = static_cast<int>(*a), second = static_cast<int>(*b);
  store_.Swap(first, second);
  for (Client& client : clients_) {
    for (const Watched& watched : client.watched) {
      if (watched.db != first && watched.db != second) continue;
      client.touched |= store_.Find(first, watched.key) || store_.Find(second, watched.key);
    }
  }
  return kOk;
}

// --- Transactions

std::string CommandModel::Multi(const Args&) {
  if (client_->queueing) return "-ERR MULTI calls can not be nested\r\n";
  client_->queueing = true;
  return kOk;
}

std::string CommandModel::Exec(const Args&) {
  if (!client_->queueing) return "-ERR EXEC without MULTI\r\n";
  const Client ended = std::exchange(*client_, Client{.db = client_->db});
  if (ended.aborted) return "-EXECABORT Transaction discarded because of previous errors.\r\n";
  if (ended.touched) return NullArray();
  std::string reply = "*" + std::to_string(ended.queue.size()) + "\r\n";
  for (const Args& queued : ended.queue) {
    reply += (this->*FindCommand(queued[0])->handler)(queued);
    TouchExpired();
  }
  return reply;
}

std::string CommandModel::Discard(const Args&) {
  if (!client_->queueing) return "-ERR DISCARD without MULTI\r\n";
  *client_ = {.db = client_->db};
  return kOk;
}

std::string CommandModel::Watch(const Args& args) {
  if (client_->queueing) return "-ERR WATCH inside MULTI is not allowed\r\n";
  for (size_t i = 1; i < args.size(); ++i) {
    client_->watched.push_back({client_->db, args[i], Find(args[i]) != nullptr});
  }
  return kOk;
}

std::string CommandModel::Unwatch(const Args&) {
  *client_ = {.db = client_->db};
  return kOk;
}

}  // namespace larder::test_support
