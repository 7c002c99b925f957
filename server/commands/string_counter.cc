// The commands that count: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/commands/string_reply.h"
#include "store/entry.h"
#include "store/keyspace.h"
#include "store/string_value.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;
using store::KeyEditor;
using store::Result;

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

void IncrByFloat(Call& call, ReplyWriter& reply) {
  const std::optional<long double> increment = protocol::ParseLongDouble(call.args[2]);
  call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), [&](KeyEditor& key) {
    const Entry* entry = key.entry();
    std::optional<long double> value = 0.0L;
    store::IntegerText text;
    if (entry != nullptr) value = protocol::ParseLongDouble(entry->value(text));
    if (!value || !increment) return reply.Error(protocol::kNotAFloat);
    const long double sum = *value + *increment;
    if (!std::isfinite(sum)) return reply.Error(protocol::kIncrementNaN);
    const std::string printed = protocol::FormatLongDouble(sum);
    key.PutString(printed, entry == nullptr ? store::kNoDeadline : entry->deadline(),
                  Entry::Encoding::kText);
    reply.Bulk(printed);
  });
}

constexpr CommandFlags kCounter = kWrite | kDenyOom | kFast;

constexpr CommandSpec kRows[] = {
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
    {.name = "INCRBYFLOAT",
     .arity = 3,
     .flags = kCounter,
     .keys = kFirstKey<kKeyRw | kKeyAccess | kKeyUpdate>,
     .syntax = "key increment:double",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Increment the float value of a key by the given amount",
     .handler = IncrByFloat},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily StringCounterCommands() {
  return {.group = "string", .acl = kAclString, .rows = kRows};
}

}  // namespace larder::server
