// The commands on keys of any type: DEL, UNLINK, EXISTS, TYPE, RENAME, RENAMENX.
#include <cstdint>
#include <string_view>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/call.h"
#include "server/commands/call_keys.h"
#include "server/commands/families.h"
#include "server/commands/type_name.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;
using store::KeyEditor;
using store::MultiEditor;
using store::MultiReader;

// Nothing here frees a value: what is erased is retired, and freed in steps. So DEL is UNLINK.
void Del(Call& call, ReplyWriter& reply) {
  if (call.args.size() == 2) {
    const bool erased = call.keyspace().Write(call.worker, call.db(), call.KeyAt(1),
                                              [](KeyEditor& key) { return key.Erase(); });
    return reply.Integer(erased ? 1 : 0);
  }
  CallKeys keys(call, 1);
  reply.Integer(call.keyspace().WriteAll(call.worker, keys.all(), [](MultiEditor& multi) {
    int64_t erased = 0;
    for (size_t i = 0; i < multi.size(); ++i) erased += multi[i].Erase() ? 1 : 0;
    return erased;
  }));
}

void Exists(Call& call, ReplyWriter& reply) {
  if (call.args.size() == 2) {
    const bool found = call.keyspace().Read(call.worker, call.db(), call.KeyAt(1),
                                            [](const Entry* entry) { return entry != nullptr; });
    return reply.Integer(found ? 1 : 0);
  }
  CallKeys keys(call, 1);
  reply.Integer(call.keyspace().ReadAll(call.worker, keys.all(), [](MultiReader& multi) {
    int64_t found = 0;
    for (size_t i = 0; i < multi.size(); ++i) found += multi[i] != nullptr ? 1 : 0;
    return found;
  }));
}

void Type(Call& call, ReplyWriter& reply) {
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1), [&](const Entry* entry) {
    reply.SimpleString(entry == nullptr ? "none" : TypeName(*entry));
  });
}

enum class RenameResult : uint8_t { kRenamed, kNoSuchKey, kTargetTaken };

RenameResult RenameKey(Call& call, bool only_if_absent) {
  CallKeys keys(call, 1);
  const bool same_key = call.args[1] == call.args[2];
  return call.keyspace().WriteAll(call.worker, keys.all(), [&](MultiEditor& multi) {
    // Looked at first: a target past its deadline is removed by that, and editors made before a
    // change are stale.
    const bool taken = multi[1].entry() != nullptr;
    KeyEditor source = multi[0];
    if (source.entry() == nullptr) return RenameResult::kNoSuchKey;
    if (taken && only_if_absent) return RenameResult::kTargetTaken;
    KeyEditor target = multi[1];
    if (!same_key) source.MoveTo(target);
    return RenameResult::kRenamed;
  });
}

void Rename(Call& call, ReplyWriter& reply) {
  if (RenameKey(call, false) == RenameResult::kNoSuchKey) return reply.Error(protocol::kNoSuchKey);
  reply.Ok();
}

void RenameNx(Call& call, ReplyWriter& reply) {
  const RenameResult result = RenameKey(call, true);
  if (result == RenameResult::kNoSuchKey) return reply.Error(protocol::kNoSuchKey);
  reply.Integer(result == RenameResult::kRenamed ? 1 : 0);
}

constexpr KeySpec kRenameKeys[] = {{.flags = kKeyRw | kKeyAccess | kKeyDelete},
                                   {.flags = kKeyOw | kKeyUpdate, .index = 2}};
constexpr KeySpec kRenameNxKeys[] = {{.flags = kKeyRw | kKeyAccess | kKeyDelete},
                                     {.flags = kKeyOw | kKeyInsert, .index = 2}};
constexpr std::string_view kSumOverShards[] = {"request_policy:multi_shard",
                                               "response_policy:agg_sum"};
constexpr Change kExistsHistory[] = {{"3.0.3", "Accepts multiple `key` arguments."}};
constexpr Change kRenameNxHistory[] = {
    {"3.2.0",
     "The command no longer returns an error when source and destination names are the same."},
};

constexpr CommandSpec kRows[] = {
    {.name = "DEL",
     .arity = -2,
     .flags = kWrite,
     .keys = kAllKeys<kKeyRm | kKeyDelete>,
     .syntax = "key ...",
     .since = "1.0.0",
     .complexity =
         "O(N) where N is the number of keys that will be removed. When a key to remove holds a "
         "value other than a string, the individual complexity for this key is O(M) where M is the "
         "number of elements in the list, set, sorted set or hash. Removing a single key that "
         "holds a string value is O(1).",
     .summary = "Delete a key",
     .tips = kSumOverShards,
     .handler = Del},
    {.name = "UNLINK",
     .arity = -2,
     .flags = kWrite | kFast,
     .keys = kAllKeys<kKeyRm | kKeyDelete>,
     .syntax = "key ...",
     .since = "4.0.0",
     .complexity =
         "O(1) for each key removed regardless of its size. Then the command does O(N) work in a "
         "different thread in order to reclaim memory, where N is the number of allocations the "
         "deleted objects where composed of.",
     .summary =
         "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non "
         "blocking.",
     .tips = kSumOverShards,
     .handler = Del},
    {.name = "EXISTS",
     .arity = -2,
     .flags = kReadonly | kFast | kNoTouch,
     .keys = kAllKeys<kKeyRo>,
     .syntax = "key ...",
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys to check.",
     .summary = "Determine if a key exists",
     .history = kExistsHistory,
     .tips = kSumOverShards,
     .handler = Exists},
    {.name = "TYPE",
     .arity = 2,
     .flags = kReadonly | kFast | kNoTouch,
     .keys = kFirstKey<kKeyRo>,
     .syntax = "key",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Determine the type stored at key",
     .handler = Type},
    {.name = "RENAME",
     .arity = 3,
     .flags = kWrite,
     .keys = kRenameKeys,
     .syntax = "key newkey",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Rename a key",
     .handler = Rename},
    {.name = "RENAMENX",
     .arity = 3,
     .flags = kWrite | kFast,
     .keys = kRenameNxKeys,
     .syntax = "key newkey",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Rename a key, only if the new key does not exist",
     .history = kRenameNxHistory,
     .handler = RenameNx},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily GenericCommands() { return {.group = "generic", .acl = kAclKeyspace, .rows = kRows}; }

}  // namespace larder::server
