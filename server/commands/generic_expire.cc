// The commands on deadlines: EXPIRE, TTL, EXPIRETIME and their variants in other units, PERSIST.
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/expire_time.h"
#include "server/commands/families.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;
using store::KeyEditor;
using store::kNoDeadline;
using store::UnixMs;

// What must hold of the key's present deadline. XX goes together with GT or LT; the other pairs
// contradict each other.
struct Conditions {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;

  // A key without a deadline counts as one that expires after any deadline.
  bool Allow(UnixMs current, UnixMs wanted) const {
    const bool has_deadline = current != kNoDeadline;
    if (nx && has_deadline) return false;
    if (xx && !has_deadline) return false;
    if (gt && (!has_deadline || wanted <= current)) return false;
    return !(lt && has_deadline && wanted >= current);
  }
};

// Replies with an error and returns nothing if the arguments are wrong.
std::optional<Conditions> ReadConditions(Call& call, ReplyWriter& reply) {
  Conditions conditions;
  ArgReader args(call.args, 3);
  while (!args.done()) {
    if (args.Take("NX")) {
      conditions.nx = true;
    } else if (args.Take("XX")) {
      conditions.xx = true;
    } else if (args.Take("GT")) {
      conditions.gt = true;
    } else if (args.Take("LT")) {
      conditions.lt = true;
    } else {
      reply.Error(protocol::UnsupportedOption(args.Peek()));
      return std::nullopt;
    }
  }
  if (conditions.nx && (conditions.xx || conditions.gt || conditions.lt)) {
    reply.Error(protocol::kExpireNxIncompatible);
    return std::nullopt;
  }
  if (conditions.gt && conditions.lt) {
    reply.Error(protocol::kExpireGtLtIncompatible);
    return std::nullopt;
  }
  return conditions;
}

void ExpireIn(Call& call, ReplyWriter& reply, ExpireUnit unit) {
  const std::optional<Conditions> conditions = ReadConditions(call, reply);
  if (!conditions) return;
  ArgReader args(call.args, 2);
  const int64_t amount = args.NextInt64();
  if (auto error = args.error()) return reply.Error(*error);
  const std::optional<UnixMs> deadline = ToDeadline(amount, unit, call.now());
  if (!deadline) return reply.Error(protocol::InvalidExpireTime(call.command.full_name));

  const auto set = [&](KeyEditor& key) {
    const Entry* entry = key.entry();
    if (entry == nullptr || !conditions->Allow(entry->deadline(), *deadline)) return false;
    if (*deadline <= call.now()) {
      key.Erase();
    } else {
      key.SetDeadline(*deadline);
    }
    return true;
  };
  const bool done = call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), set);
  reply.Integer(done ? 1 : 0);
}

void Expire(Call& call, ReplyWriter& reply) { ExpireIn(call, reply, ExpireUnit::kSeconds); }
void PExpire(Call& call, ReplyWriter& reply) { ExpireIn(call, reply, ExpireUnit::kMilliseconds); }
void ExpireAt(Call& call, ReplyWriter& reply) { ExpireIn(call, reply, ExpireUnit::kUnixSeconds); }
void PExpireAt(Call& call, ReplyWriter& reply) {
  ExpireIn(call, reply, ExpireUnit::kUnixMilliseconds);
}

// TTL's replies for the keys that have none.
constexpr int64_t kNoSuchKeyReply = -2;
constexpr int64_t kNoDeadlineReply = -1;

// To the nearest second, without overflow.
int64_t RoundToSeconds(int64_t ms) { return ms / 1000 + (ms % 1000 >= 500 ? 1 : 0); }

// Replies with what `convert` makes of the key's deadline.
template <typename Convert>
void ReplyDeadline(Call& call, ReplyWriter& reply, Convert convert) {
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1), [&](const Entry* entry) {
    if (entry == nullptr) return reply.Integer(kNoSuchKeyReply);
    const UnixMs deadline = entry->deadline();
    reply.Integer(deadline == kNoDeadline ? kNoDeadlineReply : convert(deadline));
  });
}

void Ttl(Call& call, ReplyWriter& reply) {
  ReplyDeadline(call, reply, [&](UnixMs at) { return RoundToSeconds(at - call.now()); });
}

void PTtl(Call& call, ReplyWriter& reply) {
  ReplyDeadline(call, reply, [&](UnixMs at) { return at - call.now(); });
}

void ExpireTime(Call& call, ReplyWriter& reply) { ReplyDeadline(call, reply, RoundToSeconds); }

void PExpireTime(Call& call, ReplyWriter& reply) {
  ReplyDeadline(call, reply, [](UnixMs at) { return at; });
}

void Persist(Call& call, ReplyWriter& reply) {
  const bool done =
      call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), [](KeyEditor& key) {
        const Entry* entry = key.entry();
        if (entry == nullptr || entry->deadline() == kNoDeadline) return false;
        key.SetDeadline(kNoDeadline);
        return true;
      });
  reply.Integer(done ? 1 : 0);
}

constexpr std::string_view kChanging[] = {"nondeterministic_output"};
constexpr Change kExpireHistory[] = {{"7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."}};
constexpr Change kTtlHistory[] = {{"2.8.0", "Added the -2 reply."}};

constexpr CommandSpec kRows[] = {
    {.name = "EXPIRE",
     .arity = -3,
     .flags = kWrite | kFast,
     .keys = kFirstKey<kKeyRw | kKeyUpdate>,
     .syntax = "key seconds [NX | XX | GT | LT]@7.0.0=condition",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Set a key's time to live in seconds",
     .history = kExpireHistory,
     .handler = Expire},
    {.name = "PEXPIRE",
     .arity = -3,
     .flags = kWrite | kFast,
     .keys = kFirstKey<kKeyRw | kKeyUpdate>,
     .syntax = "key milliseconds [NX | XX | GT | LT]@7.0.0=condition",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Set a key's time to live in milliseconds",
     .history = kExpireHistory,
     .handler = PExpire},
    {.name = "EXPIREAT",
     .arity = -3,
     .flags = kWrite | kFast,
     .keys = kFirstKey<kKeyRw | kKeyUpdate>,
     .syntax = "key unix-time-seconds [NX | XX | GT | LT]@7.0.0=condition",
     .since = "1.2.0",
     .complexity = "O(1)",
     .summary = "Set the expiration for a key as a UNIX timestamp",
     .history = kExpireHistory,
     .handler = ExpireAt},
    {.name = "PEXPIREAT",
     .arity = -3,
     .flags = kWrite | kFast,
     .keys = kFirstKey<kKeyRw | kKeyUpdate>,
     .syntax = "key unix-time-milliseconds [NX | XX | GT | LT]@7.0.0=condition",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
     .history = kExpireHistory,
     .handler = PExpireAt},
    {.name = "TTL",
     .arity = 2,
     .flags = kReadonly | kFast | kNoTouch,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Get the time to live for a key in seconds",
     .history = kTtlHistory,
     .tips = kChanging,
     .handler = Ttl},
    {.name = "PTTL",
     .arity = 2,
     .flags = kReadonly | kFast | kNoTouch,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Get the time to live for a key in milliseconds",
     .history = kTtlHistory,
     .tips = kChanging,
     .handler = PTtl},
    {.name = "EXPIRETIME",
     .arity = 2,
     .flags = kReadonly | kFast | kNoTouch,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Get the expiration Unix timestamp for a key",
     .handler = ExpireTime},
    {.name = "PEXPIRETIME",
     .arity = 2,
     .flags = kReadonly | kFast | kNoTouch,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Get the expiration Unix timestamp for a key in milliseconds",
     .handler = PExpireTime},
    {.name = "PERSIST",
     .arity = 2,
     .flags = kWrite | kFast,
     .keys = kFirstKey<kKeyRw | kKeyUpdate>,
     .syntax = "key",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Remove the expiration from a key",
     .handler = Persist},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily GenericExpireCommands() {
  return {.group = "generic", .acl = kAclKeyspace, .rows = kRows};
}

}  // namespace larder::server
