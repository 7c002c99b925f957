// OBJECT: how the value of a key is kept and how it was used; and TOUCH, which uses it.
#include <cstdint>
#include <string_view>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/call.h"
#include "server/commands/call_keys.h"
#include "server/commands/families.h"
#include "server/commands/type_name.h"
#include "store/access.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;
using store::MultiReader;

// Calls write(const Entry&) for the key args[2], or replies with null.
void ReplyAbout(Call& call, ReplyWriter& reply, auto&& write) {
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(2), [&](const Entry* entry) {
    if (entry == nullptr) return reply.Null();
    write(*entry);
  });
}

void ObjectEncoding(Call& call, ReplyWriter& reply) {
  ReplyAbout(call, reply, [&](const Entry& entry) { reply.Bulk(EncodingName(entry)); });
}

void ObjectFreq(Call& call, ReplyWriter& reply) {
  const store::MemoryBudget& budget = call.worker.budget();
  ReplyAbout(call, reply, [&](const Entry& entry) {
    if (!IsLfu(budget.kind())) return reply.Error(protocol::kNoFrequency);
    reply.Integer(store::LfuCounter(entry.access(), call.now(), budget.lfu()));
  });
}

void ObjectIdleTime(Call& call, ReplyWriter& reply) {
  const store::MemoryBudget& budget = call.worker.budget();
  ReplyAbout(call, reply, [&](const Entry& entry) {
    if (IsLfu(budget.kind())) return reply.Error(protocol::kNoIdleTime);
    // Up to the end of the tick, so that a key that was left alone for 5 s shows 5.
    constexpr int64_t kTickMs = 1 << store::kAccessTickBits;
    reply.Integer((store::IdleMs(entry.access(), call.now()) + kTickMs) / 1000);
  });
}

// Redis shares the small integers between all keys, unless each needs an access word of its own;
// such a one has the count that is never changed.
void ObjectRefCount(Call& call, ReplyWriter& reply) {
  constexpr int64_t kSharedIntegers = 10'000;
  const store::MemoryBudget& budget = call.worker.budget();
  const bool shares = budget.limit() == 0 || (!IsLru(budget.kind()) && !IsLfu(budget.kind()));
  ReplyAbout(call, reply, [&](const Entry& entry) {
    const int64_t integer = IntegerOf(entry).value_or(-1);
    reply.Integer(shares && integer >= 0 && integer < kSharedIntegers ? INT32_MAX : 1);
  });
}

void Touch(Call& call, ReplyWriter& reply) {
  CallKeys keys(call, 1);
  reply.Integer(call.keyspace().ReadAll(call.worker, keys.all(), [](MultiReader& multi) {
    int64_t found = 0;
    for (size_t i = 0; i < multi.size(); ++i) found += multi[i] != nullptr ? 1 : 0;
    return found;
  }));
}

constexpr KeySpec kObjectKey[] = {{.flags = kKeyRo, .index = 2}};
constexpr std::string_view kVaries[] = {"nondeterministic_output"};
constexpr std::string_view kSumOverShards[] = {"request_policy:multi_shard",
                                               "response_policy:agg_sum"};

constexpr CommandSpec kSubcommands[] = {
    {.name = "ENCODING",
     .arity = 3,
     .flags = kReadonly | kNoTouch,
     .keys = kObjectKey,
     .syntax = "key",
     .since = "2.2.3",
     .complexity = "O(1)",
     .summary = "Inspect the internal encoding of a Redis object",
     .tips = kVaries,
     .help = "ENCODING <key>\n"
             "    Return how Redis would keep the value of <key>: int, embstr or raw.",
     .handler = ObjectEncoding},
    {.name = "FREQ",
     .arity = 3,
     .flags = kReadonly | kNoTouch,
     .keys = kObjectKey,
     .syntax = "key",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Get the logarithmic access frequency counter of a Redis object",
     .tips = kVaries,
     .help = "FREQ <key>\n"
             "    Return the access counter of <key>, which rises with the logarithm of its\n"
             "    accesses and falls with time. Needs an LFU policy.",
     .handler = ObjectFreq},
    {.name = "IDLETIME",
     .arity = 3,
     .flags = kReadonly | kNoTouch,
     .keys = kObjectKey,
     .syntax = "key",
     .since = "2.2.3",
     .complexity = "O(1)",
     .summary = "Get the time since a Redis object was last accessed",
     .tips = kVaries,
     .help = "IDLETIME <key>\n"
             "    Return the seconds since the last access to <key>. Not under an LFU policy.",
     .handler = ObjectIdleTime},
    {.name = "REFCOUNT",
     .arity = 3,
     .flags = kReadonly | kNoTouch,
     .keys = kObjectKey,
     .syntax = "key",
     .since = "2.2.3",
     .complexity = "O(1)",
     .summary = "Get the number of references to the value of the key",
     .tips = kVaries,
     .help = "REFCOUNT <key>\n"
             "    Return how many references to the value of <key> Redis would have.",
     .handler = ObjectRefCount},
    HelpRow("6.2.0"),
};

constexpr CommandSpec kRows[] = {
    {.name = "OBJECT",
     .arity = -2,
     .since = "2.2.3",
     .complexity = "Depends on subcommand.",
     .summary = "A container for object introspection commands",
     .subcommands = kSubcommands},
    {.name = "TOUCH",
     .arity = -2,
     .flags = kReadonly | kFast | kTouches,
     .keys = kAllKeys<kKeyRo>,
     .syntax = "key ...",
     .since = "3.2.1",
     .complexity = "O(N) where N is the number of keys that will be touched.",
     .summary =
         "Alters the last access time of a key(s). Returns the number of existing keys specified.",
     .tips = kSumOverShards,
     .handler = Touch},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily ObjectCommands() { return {.group = "generic", .acl = kAclKeyspace, .rows = kRows}; }

}  // namespace larder::server
