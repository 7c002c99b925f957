// The commands on bitmaps but BITFIELD: BITCOUNT, BITOP, BITPOS, GETBIT, SETBIT.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/bit_offset.h"
#include "server/commands/call_keys.h"
#include "server/commands/families.h"
#include "server/commands/value_room.h"
#include "store/bitmap.h"
#include "store/bitmap_value.h"
#include "store/entry.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::BitOperation;
using store::BitRange;
using store::Entry;
using store::KeyEditor;
using store::MultiEditor;

void SetBit(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  const uint64_t offset = NextBitOffset(args, call);
  const bool bit = args.NextInt64In(0, 1, protocol::kBadBit) != 0;
  if (auto error = args.error()) return reply.Error(*error);
  if (!MakeRoomUpTo(call, reply, offset / 8 + 1)) return;
  const bool before =
      call.keyspace().Write(call.worker, call.db(), call.KeyAt(1),
                            [&](KeyEditor& key) { return store::SetBit(key, offset, bit); });
  reply.Integer(before ? 1 : 0);
}

void GetBit(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  const uint64_t offset = NextBitOffset(args, call);
  if (auto error = args.error()) return reply.Error(*error);
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1), [&](const Entry* entry) {
    store::IntegerText text;
    reply.Integer(entry != nullptr && store::BitAt(entry->value(text), offset) ? 1 : 0);
  });
}

// The first and the last unit of a range, as the client counts: from 0, or from the end if
// negative.
struct Ends {
  int64_t first = 0;
  int64_t last = -1;
  bool in_bits = false;
};

void ReadUnit(ArgReader& args, Ends* ends) {
  if (args.Take("BIT")) {
    ends->in_bits = true;
  } else if (!args.Take("BYTE")) {
    args.Fail(protocol::kSyntax);
  }
}

// The bits that `ends` means in a string of `size` bytes; none if it is empty there.
BitRange ToBits(Ends ends, size_t size) {
  const auto total = static_cast<int64_t>(ends.in_bits ? size * 8 : size);
  if (ends.first < 0) ends.first = std::max<int64_t>(ends.first + total, 0);
  if (ends.last < 0) ends.last = std::max<int64_t>(ends.last + total, 0);
  ends.last = std::min(ends.last, total - 1);
  if (ends.first > ends.last) return {};
  const uint64_t unit = ends.in_bits ? 1 : 8;
  return {.begin = static_cast<uint64_t>(ends.first) * unit,
          .end = static_cast<uint64_t>(ends.last + 1) * unit};
}

// BITCOUNT's arguments are not looked at before the key is found.
void CountIn(Call& call, ReplyWriter& reply, std::string_view bytes) {
  Ends ends;
  ArgReader args(call.args, 2);
  if (call.args.size() == 3 || call.args.size() > 5) return reply.Error(protocol::kSyntax);
  if (!args.done()) {
    ends.first = args.NextInt64();
    ends.last = args.NextInt64();
    if (auto error = args.error()) return reply.Error(*error);
    // Nor is the unit of what is empty in either.
    if (ends.first < 0 && ends.last < 0 && ends.first > ends.last) return reply.Integer(0);
    if (!args.done()) ReadUnit(args, &ends);
  }
  if (auto error = args.error()) return reply.Error(*error);
  reply.Integer(static_cast<int64_t>(store::CountBits(bytes, ToBits(ends, bytes.size()))));
}

void BitCount(Call& call, ReplyWriter& reply) {
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1), [&](const Entry* entry) {
    if (entry == nullptr) return reply.Integer(0);
    store::IntegerText text;
    CountIn(call, reply, entry->value(text));
  });
}

// Whether BITPOS' end was given decides what it says where there is no zero: -1, or the first of
// the zeros that follow the string.
void FindIn(Call& call, ReplyWriter& reply, std::string_view bytes, bool bit) {
  Ends ends;
  const bool end_given = call.args.size() >= 5;
  ArgReader args(call.args, 3);
  if (call.args.size() > 6) return reply.Error(protocol::kSyntax);
  if (!args.done()) ends.first = args.NextInt64();
  const std::string_view last = end_given ? args.Next() : "-1";
  if (!args.done()) ReadUnit(args, &ends);
  if (auto error = args.error()) return reply.Error(*error);
  const std::optional<int64_t> last_number = protocol::ParseInt64(last);  // after the unit
  if (!last_number) return reply.Error(protocol::kNotAnInteger);
  ends.last = *last_number;
  const BitRange range = ToBits(ends, bytes.size());
  const uint64_t position = store::FindBit(bytes, bit, range);
  const bool not_there = position == range.end && (bit || end_given || range.begin == range.end);
  reply.Integer(not_there ? -1 : static_cast<int64_t>(position));
}

void BitPos(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  const int64_t bit = args.NextInt64();
  if (auto error = args.error()) return reply.Error(*error);
  if (bit != 0 && bit != 1) return reply.Error(protocol::kBitNeitherOneNorZero);
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1), [&](const Entry* entry) {
    if (entry == nullptr) return reply.Integer(-bit);
    store::IntegerText text;
    FindIn(call, reply, entry->value(text), bit != 0);
  });
}

std::optional<BitOperation> ReadOperation(std::string_view name) {
  if (EqualsIgnoreCase(name, "AND")) return BitOperation::kAnd;
  if (EqualsIgnoreCase(name, "OR")) return BitOperation::kOr;
  if (EqualsIgnoreCase(name, "XOR")) return BitOperation::kXor;
  if (EqualsIgnoreCase(name, "NOT")) return BitOperation::kNot;
  return std::nullopt;
}

void BitOp(Call& call, ReplyWriter& reply) {
  const std::optional<BitOperation> operation = ReadOperation(call.args[1]);
  if (!operation) return reply.Error(protocol::kSyntax);
  if (operation == BitOperation::kNot && call.args.size() != 4) {
    return reply.Error(protocol::kBitOpNotManyKeys);
  }
  if (!MakeRoomForCopy(call, reply, 3, call.args.size() - 1)) return;
  CallKeys keys(call, 2);
  reply.Integer(call.keyspace().WriteAll(call.worker, keys.all(), [&](MultiEditor& multi) {
    return static_cast<int64_t>(store::StoreCombination(multi, *operation));
  }));
}

constexpr KeySpec kBitOpKeys[] = {{.flags = kKeyOw | kKeyUpdate, .index = 2},
                                  {.flags = kKeyRo | kKeyAccess, .index = 3, .last = -1}};
constexpr Change kUnitHistory[] = {{"7.0.0", "Added the `BYTE|BIT` option."}};

constexpr CommandSpec kRows[] = {
    {.name = "SETBIT",
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .keys = kFirstKey<kKeyRw | kKeyAccess | kKeyUpdate>,
     .syntax = "key offset value:integer",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Sets or clears the bit at offset in the string value stored at key",
     .handler = SetBit},
    {.name = "GETBIT",
     .arity = 3,
     .flags = kReadonly | kFast,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key offset",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Returns the bit value at offset in the string value stored at key",
     .handler = GetBit},
    {.name = "BITCOUNT",
     .arity = -2,
     .flags = kReadonly,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key [start:integer end:integer [BYTE | BIT]@7.0.0=index_unit]=index",
     .since = "2.6.0",
     .complexity = "O(N)",
     .summary = "Count set bits in a string",
     .history = kUnitHistory,
     .handler = BitCount},
    {.name = "BITPOS",
     .arity = -3,
     .flags = kReadonly,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key bit:integer [start:integer "
               "[end:integer [BYTE | BIT]@7.0.0=index_unit]=end_index]=index",
     .since = "2.8.7",
     .complexity = "O(N)",
     .summary = "Find first bit set or clear in a string",
     .history = kUnitHistory,
     .handler = BitPos},
    {.name = "BITOP",
     .arity = -4,
     .flags = kWrite | kDenyOom,
     .keys = kBitOpKeys,
     .syntax = "operation destkey:key key ...",
     .since = "2.6.0",
     .complexity = "O(N)",
     .summary = "Perform bitwise operations between strings",
     .handler = BitOp},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily BitmapCommands() { return {.group = "bitmap", .acl = kAclBitmap, .rows = kRows}; }

}  // namespace larder::server
