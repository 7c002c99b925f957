// The commands on parts of a string, and on its length: APPEND, GETRANGE, SETRANGE,
// STRLEN, SUBSTR.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/commands/string_reply.h"
#include "server/commands/value_room.h"
#include "store/entry.h"
#include "store/keyspace.h"
#include "store/string_value.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;
using store::KeyEditor;
using store::Result;

void StrLen(Call& call, ReplyWriter& reply) {
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1), [&](const Entry* entry) {
    reply.Integer(entry == nullptr ? 0 : static_cast<int64_t>(entry->value_size()));
  });
}

void Append(Call& call, ReplyWriter& reply) {
  const Result<size_t> size = call.keyspace().Write(
      call.worker, call.db(), call.KeyAt(1),
      [&](KeyEditor& key) { return store::Append(key, call.args[2], StringBytesMax(call)); });
  ReplyResult(call, reply, size);
}

void SetRange(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  const int64_t offset = args.NextInt64();
  if (auto error = args.error()) return reply.Error(*error);
  if (offset < 0) return reply.Error(protocol::kOffsetOutOfRange);
  const auto padded = static_cast<size_t>(offset);
  const bool grows = !call.args[3].empty() && padded <= StringBytesMax(call);
  if (grows && !MakeRoomUpTo(call, reply, padded)) return;
  const Result<size_t> size =
      call.keyspace().Write(call.worker, call.db(), call.KeyAt(1), [&](KeyEditor& key) {
        return store::SetRange(key, padded, call.args[3], StringBytesMax(call));
      });
  ReplyResult(call, reply, size);
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

constexpr std::string_view kGetRangeComplexity =
    "O(N) where N is the length of the returned string. The complexity is ultimately "
    "determined by the returned length, but because creating a substring from an existing "
    "string is very cheap, it can be considered O(1) for small strings.";

constexpr CommandSpec kRows[] = {
    {.name = "STRLEN",
     .arity = 2,
     .flags = kReadonly | kFast,
     .keys = kFirstKey<kKeyRo>,
     .syntax = "key",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Get the length of the value stored in a key",
     .handler = StrLen},
    {.name = "APPEND",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
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
     .complexity = kGetRangeComplexity,
     .summary = "Get a substring of the string stored at a key",
     .handler = GetRange},
    {.name = "SUBSTR",
     .arity = 4,
     .flags = kReadonly,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key start:integer end:integer",
     .since = "1.0.0",
     .complexity = kGetRangeComplexity,
     .summary = "Get a substring of the string stored at a key",
     .deprecated_since = "2.0.0",
     .replaced_by = "`GETRANGE`",
     .handler = GetRange},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily StringRangeCommands() {
  return {.group = "string", .acl = kAclString, .rows = kRows};
}

}  // namespace larder::server
