// DUMP and RESTORE: a value as bytes that another server of this or Redis' make can read.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/expire_time.h"
#include "server/commands/families.h"
#include "server/config.h"
#include "server/rdb_payload.h"
#include "store/access.h"
#include "store/keyspace.h"
#include "store/string_value.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;
using store::KeyEditor;

void Dump(Call& call, ReplyWriter& reply) {
  // Copied, so that the shard is not held up while it is compressed.
  const auto value = call.keyspace().Read(call.worker, call.db(), call.KeyAt(1),
                                          [](const Entry* entry) -> std::optional<std::string> {
                                            if (entry == nullptr) return std::nullopt;
                                            store::IntegerText text;
                                            return std::string(entry->value(text));
                                          });
  if (!value) return reply.Null();
  reply.Bulk(EncodeStringPayload(*value));
}

struct RestoreOptions {
  bool replace = false;
  bool absolute_ttl = false;
  std::optional<int64_t> idle_seconds;
  std::optional<int64_t> frequency;
};

void ReadRestoreOptions(ArgReader& args, RestoreOptions* options) {
  while (!args.done()) {
    if (args.Take("REPLACE")) {
      options->replace = true;
    } else if (args.Take("ABSTTL")) {
      options->absolute_ttl = true;
    } else if (!options->frequency && args.Take("IDLETIME", 1)) {
      options->idle_seconds = args.NextInt64();
      if (*options->idle_seconds < 0) args.Fail(protocol::kInvalidIdleTime);
    } else if (!options->idle_seconds && args.Take("FREQ", 1)) {
      options->frequency = args.NextInt64();
      if (*options->frequency < 0 || *options->frequency > UINT8_MAX) {
        args.Fail(protocol::kInvalidFrequency);
      }
    } else {
      args.Fail(protocol::kSyntax);
    }
  }
}

// What RESTORE is to put under the key.
struct Restored {
  std::optional<PackedString> value;  // nothing: the deadline has passed
  store::UnixMs deadline = store::kNoDeadline;
};

// Reads the TTL and the payload. Returns the error's text if one of them is wrong.
std::optional<std::string_view> ReadRestored(const Call& call, const RestoreOptions& options,
                                             Restored* restored) {
  ArgReader args(call.args, 2);
  const int64_t ttl = args.NextInt64();
  if (auto error = args.error()) return error;
  if (ttl < 0) return protocol::kInvalidTtl;
  const std::string_view payload = args.Next();
  if (!PayloadIsIntact(payload)) return protocol::kBadPayload;
  restored->value =
      PackedString::Find(payload, static_cast<size_t>(call.services.config.proto_max_bulk_len()));
  if (!restored->value) return protocol::kBadDataFormat;
  if (ttl == 0) return std::nullopt;
  const auto deadline = ToDeadline(
      ttl, options.absolute_ttl ? ExpireUnit::kUnixMilliseconds : ExpireUnit::kMilliseconds,
      call.now());
  // Redis adds without looking: what leaves the 64-bit range lies in the past.
  if (!deadline || *deadline <= call.now()) {
    restored->value.reset();
  } else {
    restored->deadline = *deadline;
  }
  return std::nullopt;
}

// The access word that FREQ or IDLETIME ask for, if the eviction policy is one that it belongs to.
std::optional<uint32_t> AccessWordOf(const Call& call, const RestoreOptions& options) {
  if (store::IsLfu(call.worker.budget().kind())) {
    if (!options.frequency) return std::nullopt;
    return store::LfuWord(static_cast<uint8_t>(*options.frequency), call.now());
  }
  if (!options.idle_seconds) return std::nullopt;
  return store::AccessTick(call.now() - std::min(*options.idle_seconds, call.now() / 1000) * 1000);
}

bool HasKey(Call& call, const store::Key& key) {
  return call.keyspace().Write(call.worker, call.db(), key,
                               [](KeyEditor& editor) { return editor.entry() != nullptr; });
}

// Whatever may be wrong is found before room is made, so that no key is evicted in vain, and room
// is made before the payload is unpacked.
void Restore(Call& call, ReplyWriter& reply) {
  RestoreOptions options;
  ArgReader args(call.args, 4);
  ReadRestoreOptions(args, &options);
  if (auto error = args.error()) return reply.Error(*error);
  const store::Key key = call.KeyAt(1);
  if (!options.replace && HasKey(call, key)) return reply.Error(protocol::kBusyKey);
  Restored restored;
  if (auto error = ReadRestored(call, options, &restored)) return reply.Error(*error);

  // Made before the lock is taken, and freed after it if the key is in the way by now.
  store::OwnedEntry entry(nullptr, store::EntryDeleter{&call.worker.allocator()});
  if (restored.value) {
    if (!call.MakeRoom(reply, store::GrownBytes(restored.value->size()))) return;
    entry = Entry::MakeString(call.worker.allocator(), key.bytes, restored.value->Unpack(),
                              restored.deadline);
  }
  const bool stored = call.keyspace().Write(call.worker, call.db(), key, [&](KeyEditor& editor) {
    if (!options.replace && editor.entry() != nullptr) return false;
    if (entry == nullptr) {
      editor.Erase();
    } else {
      editor.Put(std::move(entry));
      if (const auto word = AccessWordOf(call, options)) editor.entry()->SetAccess(*word);
    }
    return true;
  });
  if (!stored) return reply.Error(protocol::kBusyKey);
  reply.Ok();
}

constexpr std::string_view kDumpTips[] = {"nondeterministic_output"};
constexpr Change kRestoreHistory[] = {
    {"3.0.0", "Added the `REPLACE` modifier."},
    {"5.0.0", "Added the `ABSTTL` modifier."},
    {"5.0.0", "Added the `IDLETIME` and `FREQ` options."},
};

constexpr CommandSpec kRows[] = {
    {.name = "DUMP",
     .arity = 2,
     .flags = kReadonly,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key",
     .since = "2.6.0",
     .complexity =
         "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of "
         "Redis objects composing the value and M their average size. For small string values the "
         "time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
     .summary = "Return a serialized version of the value stored at the specified key.",
     .tips = kDumpTips,
     .handler = Dump},
    {.name = "RESTORE",
     .arity = -4,
     .flags = kWrite | kDenyOom,
     .acl = kAclDangerous,
     .keys = kFirstKey<kKeyOw | kKeyUpdate>,
     .syntax = "key ttl:integer serialized-value:string [REPLACE]@3.0.0 [ABSTTL]@5.0.0 "
               "[IDLETIME seconds@5.0.0] [FREQ frequency:integer@5.0.0]",
     .since = "2.6.0",
     .complexity =
         "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, "
         "where N is the number of Redis objects composing the value and M their average size. For "
         "small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply "
         "O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting "
         "values into sorted sets is O(log(N)).",
     .summary = "Create a key using the provided serialized value, previously obtained using DUMP.",
     .history = kRestoreHistory,
     .handler = Restore},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily GenericDumpCommands() {
  return {.group = "generic", .acl = kAclKeyspace, .rows = kRows};
}

}  // namespace larder::server
