// CommandModel's commands on strings.
#include <algorithm>

#include "tests/support/command_model.h"
#include "tests/support/model_replies.h"

namespace larder::test_support {
namespace {

using store::kNoDeadline;
using store::UnixMs;
using Args = CommandModel::Args;
using Item = StoreModel::Item;

constexpr int64_t kStringBytesMax = int64_t{512} << 20;  // proto-max-bulk-len

}  // namespace

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

}  // namespace larder::test_support
