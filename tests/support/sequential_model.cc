#include "tests/support/sequential_model.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>

namespace larder::test_support {
namespace {

constexpr size_t kValueCharsShown = 24;

struct CommandText {
  std::string_view name;
  std::array<std::string_view, 2> behind = {};  // what comes after the arguments
};

// By OpKind.
constexpr CommandText kCommands[] = {{"GET"},
                                     {"SET"},
                                     {"SET", {"NX"}},
                                     {"SET", {"XX", "GET"}},
                                     {"GETDEL"},
                                     {"DEL"},
                                     {"INCR"},
                                     {"MSET"},
                                     {"MSETNX"},
                                     {"MGET"},
                                     {"RENAME"},
                                     {"COPY"},
                                     {"EXISTS"},
                                     {"PEXPIREAT"},
                                     {"PEXPIRETIME"},
                                     {"PERSIST"},
                                     {"FLUSHDB"},
                                     {"FLUSHALL"},
                                     {"SWAPDB", {"0", "1"}},
                                     {"WATCH"},
                                     {"UNWATCH"},
                                     {"EXEC"},
                                     {"(sweep)"}};
static_assert(std::size(kCommands) == static_cast<size_t>(OpKind::kSweep) + 1);

std::optional<int64_t> ToInteger(const std::string& text) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::string Shortened(const std::string& value) {
  if (value.size() <= kValueCharsShown) return value;
  return value.substr(0, kValueCharsShown) + "..(" + std::to_string(value.size()) + " bytes)";
}

// One operation under way.
class Run {
 public:
  using Value = ModelState::Value;

  Run(const Operation& op, ModelState* state)
      : op_(op), args_(op.args), state_(*state), keys_(DatabaseOf(op.db)) {}

  Outcome Perform();

 private:
  std::map<std::string, Value>& DatabaseOf(int db) {
    return state_.databases[static_cast<size_t>(db)];
  }
  // Null if it is not there, or not any more.
  Value* Find(const std::string& key);
  void Put(const std::string& key, const std::string& text);
  bool Erase(const std::string& key);
  void Touch(int db, const std::string& key);

  Outcome TextOrNil(const std::string& key);
  Outcome SetNx();
  Outcome SetXxGet();
  Outcome GetDel();
  Outcome Incr();
  Outcome Rename();
  Outcome Copy();
  Outcome SetDeadline(int64_t deadline_ms);
  Outcome ExpireTime();
  Outcome MGet();
  bool AnyKeyOfPairsExists();
  Outcome PutPairs();
  Outcome EraseAll();
  Outcome CountExisting();
  void Flush(int db);
  void Swap();
  void Watch();
  Outcome Exec();

  const Operation& op_;
  const std::vector<std::string>& args_;
  ModelState& state_;
  std::map<std::string, Value>& keys_;
};

Run::Value* Run::Find(const std::string& key) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return nullptr;
  const int64_t deadline_ms = found->second.deadline_ms;
  if (deadline_ms == ModelState::kNoDeadline || op_.now_ms <= deadline_ms) return &found->second;
  Erase(key);
  return nullptr;
}

void Run::Put(const std::string& key, const std::string& text) {
  keys_[key] = {text, ModelState::kNoDeadline};
  Touch(op_.db, key);
}

bool Run::Erase(const std::string& key) {
  if (keys_.erase(key) == 0) return false;
  Touch(op_.db, key);
  return true;
}

void Run::Touch(int db, const std::string& key) {
  for (auto& [client, watch] : state_.watches) {
    if (watch.keys.contains({db, key})) watch.touched = true;
  }
}

Outcome Run::TextOrNil(const std::string& key) {
  const Value* value = Find(key);
  return value == nullptr ? Outcome::Nil() : Outcome::Text(value->text);
}

Outcome Run::SetNx() {
  if (Find(args_[0]) != nullptr) return Outcome::Nil();
  Put(args_[0], args_[1]);
  return Outcome::Ok();
}

Outcome Run::SetXxGet() {
  Outcome old = TextOrNil(args_[0]);
  if (old.kind == Outcome::Kind::kText) Put(args_[0], args_[1]);
  return old;
}

Outcome Run::GetDel() {
  Outcome old = TextOrNil(args_[0]);
  Erase(args_[0]);
  return old;
}

Outcome Run::Incr() {
  Value* value = Find(args_[0]);
  const std::optional<int64_t> number = value == nullptr ? 0 : ToInteger(value->text);
  if (!number || *number == std::numeric_limits<int64_t>::max()) return Outcome::Error();
  if (value == nullptr) value = &keys_[args_[0]];
  value->text = std::to_string(*number + 1);
  Touch(op_.db, args_[0]);
  return Outcome::Integer(*number + 1);
}

Outcome Run::Rename() {
  Find(args_[1]);  // both are looked at, whatever comes of it
  const Value* value = Find(args_[0]);
  if (value == nullptr) return Outcome::Error();
  if (args_[0] == args_[1]) return Outcome::Ok();
  keys_[args_[1]] = *value;
  Erase(args_[0]);
  Touch(op_.db, args_[1]);
  return Outcome::Ok();
}

Outcome Run::Copy() {
  if (args_[0] == args_[1]) return Outcome::Error();
  const bool taken = Find(args_[1]) != nullptr;
  const Value* value = Find(args_[0]);
  if (value == nullptr || taken) return Outcome::Integer(0);
  keys_[args_[1]] = *value;
  Touch(op_.db, args_[1]);
  return Outcome::Integer(1);
}

Outcome Run::SetDeadline(int64_t deadline_ms) {
  Value* value = Find(args_[0]);
  if (value == nullptr) return Outcome::Integer(0);
  if (deadline_ms == ModelState::kNoDeadline && value->deadline_ms == deadline_ms)
    return Outcome::Integer(0);
  value->deadline_ms = deadline_ms;
  Touch(op_.db, args_[0]);
  return Outcome::Integer(1);
}

Outcome Run::ExpireTime() {
  const Value* value = Find(args_[0]);
  return Outcome::Integer(value == nullptr ? -2 : value->deadline_ms);
}

Outcome Run::MGet() {
  std::vector<std::optional<std::string>> values;
  for (const std::string& key : args_) {
    const Value* value = Find(key);
    values.push_back(value == nullptr ? std::nullopt : std::optional(value->text));
  }
  return Outcome::List(std::move(values));
}

bool Run::AnyKeyOfPairsExists() {
  for (size_t i = 0; i + 1 < args_.size(); i += 2) {
    if (Find(args_[i]) != nullptr) return true;
  }
  return false;
}

Outcome Run::PutPairs() {
  for (size_t i = 0; i + 1 < args_.size(); i += 2) Put(args_[i], args_[i + 1]);
  return Outcome::Ok();
}

Outcome Run::EraseAll() {
  int64_t erased = 0;
  for (const std::string& key : args_) erased += Find(key) != nullptr && Erase(key) ? 1 : 0;
  return Outcome::Integer(erased);
}

Outcome Run::CountExisting() {
  return Outcome::Integer(std::count_if(
      args_.begin(), args_.end(), [this](const std::string& key) { return Find(key) != nullptr; }));
}

void Run::Flush(int db) {
  for (const auto& [key, value] : DatabaseOf(db)) Touch(db, key);
  DatabaseOf(db).clear();
}

// A watched key has changed if either database has it.
void Run::Swap() {
  for (const int db : {0, 1}) {
    for (const auto& [key, value] : DatabaseOf(db)) {
      Touch(0, key);
      Touch(1, key);
    }
  }
  std::swap(state_.databases[0], state_.databases[1]);
}

void Run::Watch() {
  for (const std::string& key : args_) {
    Find(key);  // to look at it removes it if its time has come
    state_.watches[op_.client].keys.emplace(op_.db, key);
  }
}

Outcome Run::Exec() {
  const auto watch = state_.watches.find(op_.client);
  if (watch != state_.watches.end()) {
    const bool touched = watch->second.touched;
    state_.watches.erase(watch);
    if (touched) return Outcome::Nil();
  }
  std::vector<Outcome> replies;
  for (Operation queued : op_.queued) {
    queued.client = op_.client;
    queued.db = op_.db;
    queued.now_ms = op_.now_ms;
    replies.push_back(RunOnModel(queued, &state_));
  }
  return Outcome::Replies(std::move(replies));
}

Outcome Run::Perform() {
  switch (op_.kind) {
    case OpKind::kGet:
      return TextOrNil(args_[0]);
    case OpKind::kSet:
      Put(args_[0], args_[1]);
      return Outcome::Ok();
    case OpKind::kSetNx:
      return SetNx();
    case OpKind::kSetXxGet:
      return SetXxGet();
    case OpKind::kGetDel:
      return GetDel();
    case OpKind::kDel:
      return EraseAll();
    case OpKind::kIncr:
      return Incr();
    case OpKind::kMSet:
      return PutPairs();
    case OpKind::kMSetNx:
      if (AnyKeyOfPairsExists()) return Outcome::Integer(0);
      PutPairs();
      return Outcome::Integer(1);
    case OpKind::kMGet:
      return MGet();
    case OpKind::kRename:
      return Rename();
    case OpKind::kCopy:
      return Copy();
    case OpKind::kExists:
      return CountExisting();
    case OpKind::kExpireAt:
      return SetDeadline(ToInteger(args_[1]).value());
    case OpKind::kExpireTime:
      return ExpireTime();
    case OpKind::kPersist:
      return SetDeadline(ModelState::kNoDeadline);
    case OpKind::kFlushDb:
      Flush(op_.db);
      return Outcome::Ok();
    case OpKind::kFlushAll:
      for (int db = 0; db < ModelState::kDatabases; ++db) Flush(db);
      return Outcome::Ok();
    case OpKind::kSwapDb:
      Swap();
      return Outcome::Ok();
    case OpKind::kWatch:
      Watch();
      return Outcome::Ok();
    case OpKind::kUnwatch:
      state_.watches.erase(op_.client);
      return Outcome::Ok();
    case OpKind::kExec:
      return Exec();
    case OpKind::kSweep:
      Find(args_[0]);
      break;
  }
  return Outcome::Unknown();
}

std::string ToString(const Outcome& outcome) {
  const auto listed = [](const auto& elements, const auto& text_of) {
    std::string text = "[";
    for (const auto& element : elements) {
      if (text.size() > 1) text += ", ";
      text += text_of(element);
    }
    return text + "]";
  };
  switch (outcome.kind) {
    case Outcome::Kind::kUnknown:
      return "?";
    case Outcome::Kind::kOk:
      return "OK";
    case Outcome::Kind::kNil:
      return "nil";
    case Outcome::Kind::kInteger:
      return ":" + std::to_string(outcome.integer);
    case Outcome::Kind::kText:
      return '"' + Shortened(outcome.text) + '"';
    case Outcome::Kind::kError:
      return "error";
    case Outcome::Kind::kList:
      return listed(outcome.list, [](const std::optional<std::string>& value) {
        return value ? '"' + Shortened(*value) + '"' : std::string("nil");
      });
    case Outcome::Kind::kReplies:
      return listed(outcome.replies, [](const Outcome& reply) { return ToString(reply); });
  }
  return {};
}

std::string ShortWords(const Operation& op) {
  std::string text;
  for (const std::string& word : WordsOf(op)) {
    if (!text.empty()) text += ' ';
    text += Shortened(word);
  }
  return text;
}

}  // namespace

ModelState::ModelState(const KeyValues& database_0) {
  for (const auto& [key, text] : database_0) databases[0][key] = {text, kNoDeadline};
}

Outcome RunOnModel(const Operation& op, ModelState* state) { return Run(op, state).Perform(); }

std::vector<std::string> WordsOf(const Operation& op) {
  const CommandText& text = kCommands[static_cast<size_t>(op.kind)];
  std::vector<std::string> words = {std::string(text.name)};
  words.insert(words.end(), op.args.begin(), op.args.end());
  for (const std::string_view word : text.behind) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

std::string ToString(const Operation& op) {
  std::string text = "client " + std::to_string(op.client) + " [" + std::to_string(op.call_ns) +
                     " .. " +
                     (op.return_ns == Operation::kNeverReturned ? std::string("never")
                                                                : std::to_string(op.return_ns)) +
                     "] db " + std::to_string(op.db);
  if (op.now_ms != 0) text += " at " + std::to_string(op.now_ms) + " ms";
  text += ": " + ShortWords(op);
  for (const Operation& queued : op.queued) text += " | " + ShortWords(queued);
  return text + " -> " + ToString(op.outcome);
}

std::string ToString(const ModelState& state) {
  std::string text;
  for (const auto& database : state.databases) {
    if (!text.empty()) text += ' ';
    text += "{";
    for (const auto& [key, value] : database) {
      if (text.back() != '{') text += ", ";
      text += key + "=" + Shortened(value.text);
      if (value.deadline_ms != ModelState::kNoDeadline)
        text += " until " + std::to_string(value.deadline_ms);
    }
    text += "}";
  }
  for (const auto& [client, watch] : state.watches) {
    text += " client " + std::to_string(client) + (watch.touched ? " has lost" : " watches");
    for (const auto& [db, key] : watch.keys) text += " " + std::to_string(db) + ":" + key;
  }
  return text;
}

}  // namespace larder::test_support
