// The commands on strings: GET, SET and their like, counters, parts of a string, several keys.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/call_keys.h"
#include "server/commands/expire_time.h"
#include "server/commands/families.h"
#include "server/config.h"
#include "store/entry.h"
#include "store/keyspace.h"
#include "store/string_value.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;
using store::KeyEditor;
using store::kNoDeadline;
using store::MultiEditor;
using store::MultiReader;
using store::OwnedEntry;
using store::Result;
using store::UnixMs;

void ReplyValue(ReplyWriter& reply, const Entry* entry) {
  if (entry == nullptr) return reply.Null();
  store::IntegerText text;
  reply.Bulk(entry->value(text));
}

void ReplyResult(const Call& call, ReplyWriter& reply, const auto& result) {
  if (!result) return call.ReplyError(reply, result.error());
  reply.Integer(static_cast<int64_t>(*result));
}

// An entry for the key args[i] with the value args[i + 1]. Made before the lock is taken, so that
// nobody waits while a value is copied.
OwnedEntry NewEntry(Call& call, size_t i, UnixMs deadline = kNoDeadline) {
  return Entry::MakeString(call.worker.allocator(), call.args[i], call.args[i + 1], deadline);
}

size_t StringBytesMax(const Call& call) {
  return static_cast<size_t>(call.services.config.proto_max_bulk_len());
}

void Get(Call& call, ReplyWriter& reply) {
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1),
                       [&](const Entry* entry) { ReplyValue(reply, entry); });
}

void StrLen(Call& call, ReplyWriter& reply) {
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1), [&](const Entry* entry) {
    reply.Integer(entry == nullptr ? 0 : static_cast<int64_t>(entry->value_size()));
  });
}

void GetDel(Call& call, ReplyWriter& reply) {
  call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), [&](KeyEditor& key) {
    ReplyValue(reply, key.entry());
    key.Erase();
  });
}

void GetEx(Call& call, ReplyWriter& reply) {
  ExpiryOption expiry;
  ArgReader args(call.args, 2);
  while (!args.done()) {
    if (!TakeExpiry(args, ExpiryOption::Kind::kPersist, &expiry)) args.Fail(protocol::kSyntax);
  }
  if (auto error = args.error()) return reply.Error(*error);
  if (expiry.kind == ExpiryOption::Kind::kNone) return Get(call, reply);

  UnixMs deadline = kNoDeadline;
  const auto bad_time = ReadDeadline(expiry, call.now(), call.command.full_name, &deadline);
  call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), [&](KeyEditor& key) {
    const Entry* entry = key.entry();
    if (entry != nullptr && bad_time) return reply.Error(*bad_time);
    ReplyValue(reply, entry);
    if (entry == nullptr) return;
    if (deadline != kNoDeadline && deadline <= call.now()) {
      key.Erase();
    } else if (deadline != entry->deadline()) {
      key.SetDeadline(deadline);
    }
  });
}

// The range [start, end] of a string, both ends included; negative ones count from the end.
std::string_view Slice(std::string_view text, int64_t start, int64_t end) {
  if (start < 0 && end < 0 && start > end) return {};
  const auto size = static_cast<int64_t>(text.size());
  if (start < 0) start = std::max<int64_t>(start + size, 0);
  if (end < 0) end = std::max<int64_t>(end + size, 0);
  end = std::min(end, size - 1);
  if (start > end) return {};
  return text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1));
}

void GetRange(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  const int64_t start = args.NextInt64();
  const int64_t end = args.NextInt64();
  if (auto error = args.error()) return reply.Error(*error);
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1), [&](const Entry* entry) {
    store::IntegerText text;
    reply.Bulk(Slice(entry == nullptr ? std::string_view() : entry->value(text), start, end));
  });
}

struct SetOptions {
  bool nx = false;
  bool xx = false;
  bool get = false;
  ExpiryOption expiry;
};

void ReadSetOptions(ArgReader& args, SetOptions* options) {
  while (!args.done()) {
    if (!options->xx && args.Take("NX")) {
      options->nx = true;
    } else if (!options->nx && args.Take("XX")) {
      options->xx = true;
    } else if (args.Take("GET")) {
      options->get = true;
    } else if (!TakeExpiry(args, ExpiryOption::Kind::kKeepTtl, &options->expiry)) {
      args.Fail(protocol::kSyntax);
    }
  }
}

void SetWithOptions(Call& call, ReplyWriter& reply) {
  SetOptions options;
  ArgReader args(call.args, 3);
  ReadSetOptions(args, &options);
  if (auto error = args.error()) return reply.Error(*error);
  UnixMs deadline = kNoDeadline;
  if (auto error = ReadDeadline(options.expiry, call.now(), call.command.full_name, &deadline)) {
    return reply.Error(*error);
  }

  const bool keep_ttl = options.expiry.kind == ExpiryOption::Kind::kKeepTtl;
  OwnedEntry fresh = NewEntry(call, 1, deadline);
  call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), [&](KeyEditor& key) {
    const Entry* old = key.entry();
    const bool refused = old == nullptr ? options.xx : options.nx;
    if (options.get) {
      ReplyValue(reply, old);
    } else if (refused) {
      reply.Null();
    } else {
      reply.Ok();
    }
    if (refused) return;
    if (keep_ttl && old != nullptr && old->deadline() != kNoDeadline) {
      key.PutString(call.args[2], old->deadline());
    } else {
      key.Put(std::move(fresh));
    }
  });
}

void Set(Call& call, ReplyWriter& reply) {
  if (call.args.size() > 3) return SetWithOptions(call, reply);
  OwnedEntry fresh = NewEntry(call, 1);
  call.keyspace().Write(call.worker, call.db(), call.KeyAt(1),
                        [&](KeyEditor& key) { key.Put(std::move(fresh)); });
  reply.Ok();
}

// Whether SET reads the old value depends on its GET option.
bool FindSetKeys(std::span<const std::string_view> args, std::vector<KeyRef>* keys) {
  const bool gets = std::any_of(args.begin() + 3, args.end(),
                                [](std::string_view arg) { return EqualsIgnoreCase(arg, "GET"); });
  keys->push_back(
      {.index = 1, .flags = gets ? kKeyRw | kKeyAccess | kKeyUpdate : kKeyOw | kKeyUpdate});
  return true;
}

void Add(Call& call, ReplyWriter& reply, int64_t delta) {
  const Result<int64_t> sum =
      call.keyspace().Write(call.worker, call.db(), call.KeyAt(1),
                            [&](KeyEditor& key) { return store::Increment(key, delta); });
  ReplyResult(call, reply, sum);
}

void Incr(Call& call, ReplyWriter& reply) { Add(call, reply, 1); }
void Decr(Call& call, ReplyWriter& reply) { Add(call, reply, -1); }

void IncrBy(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  const int64_t increment = args.NextInt64();
  if (auto error = args.error()) return reply.Error(*error);
  Add(call, reply, increment);
}

void DecrBy(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  const int64_t decrement = args.NextInt64();
  if (auto error = args.error()) return reply.Error(*error);
  if (decrement == INT64_MIN) return reply.Error(protocol::kDecrementOverflow);
  Add(call, reply, -decrement);
}

void Append(Call& call, ReplyWriter& reply) {
  const Result<size_t> size = call.keyspace().Write(
      call.worker, call.db(), call.KeyAt(1),
      [&](KeyEditor& key) { return store::Append(key, call.args[2], StringBytesMax(call)); });
  ReplyResult(call, reply, size);
}

// Room for a string of `size` bytes at args[1], if it is to become that long (and may): it will be
// a new block with room to spare. What the arguments add has been seen to.
bool MakeRoomUpTo(Call& call, ReplyWriter& reply, size_t size) {
  if (!call.keyspace().has_memory_limit() || call.args[3].empty() || size > StringBytesMax(call))
    return true;
  const size_t present = call.keyspace().Read(
      call.worker, call.db(), call.KeyAt(1),
      [](const Entry* entry) { return entry == nullptr ? 0 : entry->value_size(); });
  return size <= present || call.MakeRoom(reply, store::GrownBytes(size));
}

void SetRange(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  const int64_t offset = args.NextInt64();
  if (auto error = args.error()) return reply.Error(*error);
  if (offset < 0) return reply.Error(protocol::kOffsetOutOfRange);
  if (!MakeRoomUpTo(call, reply, static_cast<size_t>(offset))) return;
  const Result<size_t> size =
      call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), [&](KeyEditor& key) {
        return store::SetRange(key, static_cast<size_t>(offset), call.args[3],
                               StringBytesMax(call));
      });
  ReplyResult(call, reply, size);
}

// Stores the pairs of MSET or MSETNX; false if `only_if_absent` and one of the keys is there.
bool StorePairs(Call& call, bool only_if_absent) {
  CallKeys keys(call, 1, 2);
  std::vector<OwnedEntry> fresh;
  fresh.reserve(keys.all().size());
  for (size_t i = 1; i < call.args.size(); i += 2) fresh.push_back(NewEntry(call, i));
  return call.keyspace().WriteAll(call.worker, keys.all(), [&](MultiEditor& multi) {
    for (size_t i = 0; only_if_absent && i < multi.size(); ++i) {
      if (multi[i].entry() != nullptr) return false;
    }
    for (size_t i = 0; i < multi.size(); ++i) multi[i].Put(std::move(fresh[i]));
    return true;
  });
}

void MSet(Call& call, ReplyWriter& reply) {
  if (call.args.size() % 2 == 0) {
    return reply.Error(protocol::WrongArgumentCount(call.command.full_name));
  }
  StorePairs(call, false);
  reply.Ok();
}

void MSetNx(Call& call, ReplyWriter& reply) {
  if (call.args.size() % 2 == 0) {
    return reply.Error(protocol::WrongArgumentCount(call.command.full_name));
  }
  reply.Integer(StorePairs(call, true) ? 1 : 0);
}

void MGet(Call& call, ReplyWriter& reply) {
  reply.Array(call.args.size() - 1);
  if (call.args.size() == 2) return Get(call, reply);
  CallKeys keys(call, 1);
  call.keyspace().ReadAll(call.worker, keys.all(), [&](MultiReader& multi) {
    for (size_t i = 0; i < multi.size(); ++i) ReplyValue(reply, multi[i]);
  });
}

constexpr CommandFlags kCounter = kWrite | kDenyOom | kFast;
constexpr KeySpec kSetKeys[] = {
    {.flags = kKeyRw | kKeyAccess | kKeyUpdate | kKeyVariableFlags,
     .notes = "RW and ACCESS due to the optional `GET` argument"},
};
constexpr KeySpec kGetExKeys[] = {{.flags = kKeyRw | kKeyAccess | kKeyUpdate,
                                   .notes = "RW and UPDATE because it changes the TTL"}};
constexpr std::string_view kMSetTips[] = {"request_policy:multi_shard",
                                          "response_policy:all_succeeded"};
constexpr std::string_view kMSetNxTips[] = {"request_policy:multi_shard",
                                            "response_policy:agg_min"};
constexpr std::string_view kMGetTips[] = {"request_policy:multi_shard"};
constexpr Change kSetHistory[] = {
    {"2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."},
    {"6.0.0", "Added the `KEEPTTL` option."},
    {"6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."},
    {"7.0.0", "Allowed the `NX` and `GET` options to be used together."},
};

constexpr CommandSpec kRows[] = {
    {.name = "GET",
     .arity = 2,
     .flags = kReadonly | kFast,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Get the value of a key",
     .handler = Get},
    {.name = "SET",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .keys = kSetKeys,
     .find_keys = FindSetKeys,
     .syntax = "key value [NX | XX]@2.6.12=condition [GET]@6.2.0 [EX seconds@2.6.12 | "
               "PX milliseconds@2.6.12 | EXAT unix-time-seconds@6.2.0 | "
               "PXAT unix-time-milliseconds@6.2.0 | KEEPTTL@6.0.0]=expiration",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Set the string value of a key",
     .history = kSetHistory,
     .handler = Set},
    {.name = "STRLEN",
     .arity = 2,
     .flags = kReadonly | kFast,
     .keys = kFirstKey<kKeyRo>,
     .syntax = "key",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Get the length of the value stored in a key",
     .handler = StrLen},
    {.name = "INCR",
     .arity = 2,
     .flags = kCounter,
     .keys = kFirstKey<kKeyRw | kKeyAccess | kKeyUpdate>,
     .syntax = "key",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Increment the integer value of a key by one",
     .handler = Incr},
    {.name = "DECR",
     .arity = 2,
     .flags = kCounter,
     .keys = kFirstKey<kKeyRw | kKeyAccess | kKeyUpdate>,
     .syntax = "key",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Decrement the integer value of a key by one",
     .handler = Decr},
    {.name = "INCRBY",
     .arity = 3,
     .flags = kCounter,
     .keys = kFirstKey<kKeyRw | kKeyAccess | kKeyUpdate>,
     .syntax = "key increment",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Increment the integer value of a key by the given amount",
     .handler = IncrBy},
    {.name = "DECRBY",
     .arity = 3,
     .flags = kCounter,
     .keys = kFirstKey<kKeyRw | kKeyAccess | kKeyUpdate>,
     .syntax = "key decrement",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Decrement the integer value of a key by the given number",
     .handler = DecrBy},
    {.name = "APPEND",
     .arity = 3,
     .flags = kCounter,
     .keys = kFirstKey<kKeyRw | kKeyInsert>,
     .syntax = "key value",
     .since = "2.0.0",
     .complexity =
         "O(1). The amortized time complexity is O(1) assuming the appended value is small and the "
         "already present value is of any size, since the dynamic string library used by Redis "
         "will double the free space available on every reallocation.",
     .summary = "Append a value to a key",
     .handler = Append},
    {.name = "SETRANGE",
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .keys = kFirstKey<kKeyRw | kKeyUpdate>,
     .syntax = "key offset value",
     .since = "2.2.0",
     .complexity =
         "O(1), not counting the time taken to copy the new string in place. Usually, this string "
         "is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M "
         "being the length of the value argument.",
     .summary = "Overwrite part of a string at key starting at the specified offset",
     .handler = SetRange},
    {.name = "GETRANGE",
     .arity = 4,
     .flags = kReadonly,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key start:integer end:integer",
     .since = "2.4.0",
     .complexity =
         "O(N) where N is the length of the returned string. The complexity is ultimately "
         "determined by the returned length, but because creating a substring from an existing "
         "string is very cheap, it can be considered O(1) for small strings.",
     .summary = "Get a substring of the string stored at a key",
     .handler = GetRange},
    {.name = "GETDEL",
     .arity = 2,
     .flags = kWrite | kFast,
     .keys = kFirstKey<kKeyRw | kKeyAccess | kKeyDelete>,
     .syntax = "key",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Get the value of a key and delete the key",
     .handler = GetDel},
    {.name = "GETEX",
     .arity = -2,
     .flags = kWrite | kFast,
     .keys = kGetExKeys,
     .syntax = "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
               "PXAT unix-time-milliseconds | PERSIST]=expiration",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Get the value of a key and optionally set its expiration",
     .handler = GetEx},
    {.name = "MSET",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .keys = kKeyPairs<kKeyOw | kKeyUpdate>,
     .syntax = "(key value) ...",
     .since = "1.0.1",
     .complexity = "O(N) where N is the number of keys to set.",
     .summary = "Set multiple keys to multiple values",
     .tips = kMSetTips,
     .handler = MSet},
    {.name = "MSETNX",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .keys = kKeyPairs<kKeyOw | kKeyInsert>,
     .syntax = "(key value) ...",
     .since = "1.0.1",
     .complexity = "O(N) where N is the number of keys to set.",
     .summary = "Set multiple keys to multiple values, only if none of the keys exist",
     .tips = kMSetNxTips,
     .handler = MSetNx},
    {.name = "MGET",
     .arity = -2,
     .flags = kReadonly | kFast,
     .keys = kAllKeys<kKeyRo | kKeyAccess>,
     .syntax = "key ...",
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys to retrieve.",
     .summary = "Get the values of all the given keys",
     .tips = kMGetTips,
     .handler = MGet},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily StringCommands() { return {.group = "string", .acl = kAclString, .rows = kRows}; }

}  // namespace larder::server
