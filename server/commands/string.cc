// The commands on whole strings: GET, SET and their like, of one key and of several.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
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
#include "store/entry.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;
using store::KeyEditor;
using store::kNoDeadline;
using store::MultiEditor;
using store::MultiReader;
using store::OwnedEntry;
using store::UnixMs;

void ReplyValue(ReplyWriter& reply, const Entry* entry) {
  if (entry == nullptr) return reply.Null();
  store::IntegerText text;
  reply.Bulk(entry->value(text));
}

// An entry made of two arguments. Before the lock is taken, so that nobody waits while a value is
// copied.
OwnedEntry NewEntry(Call& call, size_t key, size_t value, UnixMs deadline = kNoDeadline) {
  return Entry::MakeString(call.worker.allocator(), call.args[key], call.args[value], deadline);
}

void Get(Call& call, ReplyWriter& reply) {
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1),
                       [&](const Entry* entry) { ReplyValue(reply, entry); });
}

void GetSet(Call& call, ReplyWriter& reply) {
  OwnedEntry fresh = NewEntry(call, 1, 2);
  call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), [&](KeyEditor& key) {
    ReplyValue(reply, key.entry());
    key.Put(std::move(fresh));
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
    } else if (deadline != kNoDeadline || entry->deadline() != kNoDeadline) {
      key.SetDeadline(deadline);
    }
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
  OwnedEntry fresh = NewEntry(call, 1, 2, deadline);
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
  OwnedEntry fresh = NewEntry(call, 1, 2);
  call.keyspace().Write(call.worker, call.db(), call.KeyAt(1),
                        [&](KeyEditor& key) { key.Put(std::move(fresh)); });
  reply.Ok();
}

void SetNx(Call& call, ReplyWriter& reply) {
  OwnedEntry fresh = NewEntry(call, 1, 2);
  const bool stored =
      call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), [&](KeyEditor& key) {
        if (key.entry() != nullptr) return false;
        key.Put(std::move(fresh));
        return true;
      });
  reply.Integer(stored ? 1 : 0);
}

// SETEX and PSETEX: key, duration, value.
void SetFor(Call& call, ReplyWriter& reply, ExpiryOption::Kind unit) {
  const ExpiryOption expiry = {.kind = unit, .amount = call.args[2]};
  UnixMs deadline = kNoDeadline;
  if (auto error = ReadDeadline(expiry, call.now(), call.command.full_name, &deadline)) {
    return reply.Error(*error);
  }
  OwnedEntry fresh = NewEntry(call, 1, 3, deadline);
  call.keyspace().Write(call.worker, call.db(), call.KeyAt(1),
                        [&](KeyEditor& key) { key.Put(std::move(fresh)); });
  reply.Ok();
}

void SetEx(Call& call, ReplyWriter& reply) { SetFor(call, reply, ExpiryOption::Kind::kEx); }
void PSetEx(Call& call, ReplyWriter& reply) { SetFor(call, reply, ExpiryOption::Kind::kPx); }

// Whether SET reads the old value depends on its GET option.
bool FindSetKeys(std::span<const std::string_view> args, std::vector<KeyRef>* keys) {
  const bool gets = std::any_of(args.begin() + 3, args.end(),
                                [](std::string_view arg) { return EqualsIgnoreCase(arg, "GET"); });
  keys->push_back(
      {.index = 1, .flags = gets ? kKeyRw | kKeyAccess | kKeyUpdate : kKeyOw | kKeyUpdate});
  return true;
}

// Stores the pairs of MSET or MSETNX; false if `only_if_absent` and one of the keys is there.
bool StorePairs(Call& call, bool only_if_absent) {
  CallKeys keys(call, 1, 2);
  std::vector<OwnedEntry> fresh;
  fresh.reserve(keys.all().size());
  for (size_t i = 1; i < call.args.size(); i += 2) fresh.push_back(NewEntry(call, i, i + 1));
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
    {.name = "SETNX",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .keys = kFirstKey<kKeyOw | kKeyInsert>,
     .syntax = "key value",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Set the value of a key, only if the key does not exist",
     .handler = SetNx},
    {.name = "SETEX",
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .keys = kFirstKey<kKeyOw | kKeyUpdate>,
     .syntax = "key seconds value",
     .since = "2.0.0",
     .complexity = "O(1)",
     .summary = "Set the value and expiration of a key",
     .handler = SetEx},
    {.name = "PSETEX",
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .keys = kFirstKey<kKeyOw | kKeyUpdate>,
     .syntax = "key milliseconds value",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Set the value and expiration in milliseconds of a key",
     .handler = PSetEx},
    {.name = "GETSET",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .keys = kFirstKey<kKeyRw | kKeyAccess | kKeyUpdate>,
     .syntax = "key value",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Set the string value of a key and return its old value",
     .deprecated_since = "6.2.0",
     .replaced_by = "`SET` with the `!GET` argument",
     .handler = GetSet},
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
