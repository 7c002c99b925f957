#include "tests/support/command_model.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>
#include <utility>

namespace larder::test_support {
namespace {

using store::kNoDeadline;
using store::UnixMs;
using Args = CommandModel::Args;
using Item = StoreModel::Item;

constexpr int64_t kStringBytesMax = int64_t{512} << 20;  // proto-max-bulk-len

const std::string kOk = "+OK\r\n";
const std::string kQueued = "+QUEUED\r\n";
const std::string kSyntax = "-ERR syntax error\r\n";
const std::string kNotAnInteger = "-ERR value is not an integer or out of range\r\n";
const std::string kDbOutOfRange = "-ERR DB index is out of range\r\n";

std::string Integer(int64_t value) { return ":" + std::to_string(value) + "\r\n"; }
std::string Bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(tolower(c));
  return text;
}
std::string WrongArity(const std::string& command) {
  return "-ERR wrong number of arguments for '" + Lower(command) + "' command\r\n";
}
std::string InvalidExpireTime(std::string_view command) {
  return "-ERR invalid expire time in '" + Lower(std::string(command)) + "' command\r\n";
}

// Only the form in which Redis itself would write the number.
std::optional<int64_t> ParseInteger(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || std::to_string(value) != text) return std::nullopt;
  return value;
}

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
// --------------------------------------------------------------------------

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

// --- Reads
// ----------------------------------------------------------------------------------------

std::string CommandModel::Get(const Args& args) { return BulkOrNull(Find(args[1])); }

std::string CommandModel::MGet(const Args& args) {
  std::string reply = "*" + std::to_string(args.size() - 1) + "\r\n";
  for (size_t i = 1; i < args.size(); ++i) reply += BulkOrNull(Find(args[i]));
  return reply;
}

std::string CommandModel::GetRange(const Args& args) {
  const std::optional<int64_t> from = ParseInteger(args[2]);
  const std::optional<int64_t> to = ParseInteger(args[3]);
  if (!from || !to) return kNotAnInteger;
  const Item* item = Find(args[1]);
  if (item == nullptr) return Bulk("");
  const auto size = static_cast<int64_t>(item->value.size());
  // Both before the start, the first behind the last: nothing, though clamped they would name the
  // first byte.
  if (*from < 0 && *to < 0 && *from > *to) return Bulk("");
  std::string range;
  const int64_t first = *from < 0 ? std::max<int64_t>(size + *from, 0) : *from;
  const int64_t last = *to < 0 ? std::max<int64_t>(size + *to, 0) : *to;
  for (int64_t i = first; i <= last && i < size; ++i) range += item->value[static_cast<size_t>(i)];
  return Bulk(range);
}

std::string CommandModel::StrLen(const Args& args) {
  const Item* item = Find(args[1]);
  return Integer(item == nullptr ? 0 : static_cast<int64_t>(item->value.size()));
}

std::string CommandModel::Exists(const Args& args) {
  return Integer(std::count_if(args.begin() + 1, args.end(),
                               [&](const std::string& key) { return Find(key) != nullptr; }));
}

std::string CommandModel::Ttl(const Args& args) {
  const Item* item = Find(args[1]);
  if (item == nullptr) return Integer(-2);
  if (item->deadline == kNoDeadline) return Integer(-1);
  const int64_t ms = args[0].ends_with("TIME") ? item->deadline : item->deadline - now_;
  return Integer(args[0][0] == 'P' ? ms : ms / 1000 + (ms % 1000 >= 500 ? 1 : 0));
}

// --- Writes
// ---------------------------------------------------------------------------------------

std::string CommandModel::Set(const Args& args) {
  bool nx = false, xx = false, get = false;
  Expiry expiry;
  for (size_t i = 3; i < args.size(); ++i) {
    const std::string& word = args[i];
    if (word == "GET") {
      get = true;
    } else if (word == "NX" && !xx) {
      nx = true;
    } else if (word == "XX" && !nx) {
      xx = true;
    } else if (!expiry.word.empty() && expiry.word != word) {
      return kSyntax;
    } else if (word == "KEEPTTL") {
      expiry.word = word;
    } else if ((word == "EX" || word == "PX" || word == "EXAT" || word == "PXAT") &&
               i + 1 < args.size()) {
      expiry = {word, args[++i]};
    } else {
      return kSyntax;
    }
  }
  UnixMs deadline = kNoDeadline;
  if (std::string error = ReadExpiry(expiry, "set", &deadline); !error.empty()) return error;

  const Item* old = Find(args[1]);
  const bool refused = old == nullptr ? xx : nx;
  const std::string reply = get ? BulkOrNull(old) : refused ? Null() : kOk;
  if (expiry.word == "KEEPTTL" && old != nullptr) deadline = old->deadline;
  if (!refused) Put(args[1], args[2], deadline);
  return reply;
}

std::string CommandModel::GetEx(const Args& args) {
  Expiry expiry;
  if (args.size() > 2) expiry.word = args[2];
  if (args.size() > 3) expiry.amount = args[3];
  const bool persist = expiry.word == "PERSIST";
  if (args.size() > 4 || (args.size() == 3 && !persist) || (args.size() == 4 && persist)) {
    return kSyntax;
  }
  const Item* item = Find(args[1]);
  if (item == nullptr) return Null();
  UnixMs deadline = kNoDeadline;
  if (std::string error = ReadExpiry(expiry, "getex", &deadline); !error.empty()) return error;
  const std::string reply = BulkOrNull(item);
  const bool changes = persist ? item->deadline != kNoDeadline : args.size() == 4;
  if (changes) SetDeadline(args[1], deadline);
  return reply;
}

std::string CommandModel::GetDel(const Args& args) {
  const std::string reply = BulkOrNull(Find(args[1]));
  Erase(args[1]);
  return reply;
}

std::string CommandModel::Del(const Args& args) {
  int64_t erased = 0;
  for (size_t i = 1; i < args.size(); ++i) erased += Erase(args[i]) ? 1 : 0;
  return Integer(erased);
}

std::string CommandModel::IncrBy(const Args& args) {
  const std::optional<int64_t> by = ParseInteger(args[2]);
  if (!by) return kNotAnInteger;
  const Item* item = Find(args[1]);
  const std::optional<int64_t> old = ParseInteger(item == nullptr ? "0" : item->value);
  if (!old) return kNotAnInteger;
  if (*by < 0 ? *old < INT64_MIN - *by : *old > INT64_MAX - *by) {
    return "-ERR increment or decrement would overflow\r\n";
  }
  const int64_t sum = *old + *by;
  Put(args[1], std::to_string(sum), item == nullptr ? kNoDeadline : item->deadline);
  return Integer(sum);
}

std::string CommandModel::Append(const Args& args) {
  const Item item = Find(args[1]) == nullptr ? Item{} : *Find(args[1]);
  const std::string value = item.value + args[2];
  Put(args[1], value, item.deadline);
  return Integer(static_cast<int64_t>(value.size()));
}

std::string CommandModel::SetRange(const Args& args) {
  const std::optional<int64_t> offset = ParseInteger(args[2]);
  if (!offset) return kNotAnInteger;
  if (*offset < 0) return "-ERR offset is out of range\r\n";
  Item item = Find(args[1]) == nullptr ? Item{} : *Find(args[1]);
  if (args[3].empty()) return Integer(static_cast<int64_t>(item.value.size()));
  const auto added = static_cast<int64_t>(args[3].size());
  if (*offset > kStringBytesMax - added) {
    return "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  }
  const auto end = static_cast<size_t>(*offset + added);
  if (item.value.size() < end) item.value.resize(end, '\0');
  item.value.replace(static_cast<size_t>(*offset), args[3].size(), args[3]);
  Put(args[1], item.value, item.deadline);
  return Integer(static_cast<int64_t>(item.value.size()));
}

std::string CommandModel::MSet(const Args& args) {
  if (args.size() % 2 == 0) return WrongArity(args[0]);
  for (size_t i = 1; i < args.size(); i += 2) Put(args[i], args[i + 1], kNoDeadline);
  return kOk;
}

std::string CommandModel::MSetNx(const Args& args) {
  if (args.size() % 2 == 0) return WrongArity(args[0]);
  for (size_t i = 1; i < args.size(); i += 2) {
    if (Find(args[i]) != nullptr) return Integer(0);
  }
  MSet(args);
  return Integer(1);
}

std::string CommandModel::Rename(const Args& args) {
  if (Find(args[1]) == nullptr) return "-ERR no such key\r\n";
  if (args[1] == args[2]) return kOk;
  store_.Rename(client_->db, args[1], args[2]);
  TouchKey(client_->db, args[1]);
  TouchKey(client_->db, args[2]);
  return kOk;
}

std::string CommandModel::Expire(const Args& args) {
  const std::set<std::string> words(args.begin() + 3, args.end());
  const bool nx = words.contains("NX"), xx = words.contains("XX");
  const bool gt = words.contains("GT"), lt = words.contains("LT");
  for (size_t i = 3; i < args.size(); ++i) {
    if (args[i] != "NX" && args[i] != "XX" && args[i] != "GT" && args[i] != "LT") {
      return "-ERR Unsupported option " + args[i] + "\r\n";
    }
  }
  if (nx && words.size() > 1) {
    return "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n";
  }
  if (gt && lt) return "-ERR GT and LT options at the same time are not compatible\r\n";
  const std::optional<int64_t> amount = ParseInteger(args[2]);
  if (!amount) return kNotAnInteger;
  const auto deadline = Deadline(*amount, args[0][0] == 'E', args[0].ends_with("AT"));
  if (!deadline) return InvalidExpireTime(args[0]);

  const Item* item = Find(args[1]);
  if (item == nullptr) return Integer(0);
  const bool has_deadline = item->deadline != kNoDeadline;
  const bool refused = (nx && has_deadline) || (xx && !has_deadline) ||
                       (gt && (!has_deadline || *deadline <= item->deadline)) ||
                       (lt && has_deadline && *deadline >= item->deadline);
  if (refused) return Integer(0);
  if (*deadline <= now_) {  // -1, kNoDeadline's value, is one
    Erase(args[1]);
  } else {
    SetDeadline(args[1], *deadline);
  }
  return Integer(1);
}

std::string CommandModel::Persist(const Args& args) {
  const Item* item = Find(args[1]);
  if (item == nullptr || item->deadline == kNoDeadline) return Integer(0);
  SetDeadline(args[1], kNoDeadline);
  return Integer(1);
}

// --- Databases
// ------------------------------------------------------------------------------------

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
// ---------------------------------------------------------------------------------

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
