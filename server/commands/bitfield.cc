// BITFIELD and BITFIELD_RO: integers of any width in a string.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/bit_offset.h"
#include "server/commands/families.h"
#include "server/commands/value_room.h"
#include "store/bitfield.h"
#include "store/bitmap_value.h"
#include "store/entry.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;
using store::FieldOverflow;
using store::FieldStep;
using store::FieldType;
using store::KeyEditor;
using Steps = std::vector<FieldStep>;

// "i1" to "i64" or "u1" to "u63". Redis ends the text at a NUL.
FieldType NextFieldType(ArgReader& args) {
  std::string_view text = args.Next();
  text = text.substr(0, text.find('\0'));
  const bool is_signed = text.starts_with('i');
  if (is_signed || text.starts_with('u')) {
    const int64_t bits = protocol::ParseInt64(text.substr(1)).value_or(0);
    if (bits >= 1 && bits <= (is_signed ? 64 : 63)) {
      return {.is_signed = is_signed, .bits = static_cast<int>(bits)};
    }
  }
  args.Fail(protocol::kBadFieldType);
  return {};
}

FieldOverflow NextOverflow(ArgReader& args) {
  if (args.Take("WRAP")) return FieldOverflow::kWrap;
  if (args.Take("SAT")) return FieldOverflow::kSaturate;
  if (args.Take("FAIL")) return FieldOverflow::kFail;
  args.Fail(protocol::kBadFieldOverflow);
  return {};
}

// Consumes the name of a step if as many arguments follow as it needs.
std::optional<FieldStep::Kind> TakeStep(ArgReader& args) {
  if (args.Take("GET", 2)) return FieldStep::Kind::kGet;
  if (args.Take("SET", 3)) return FieldStep::Kind::kSet;
  if (args.Take("INCRBY", 3)) return FieldStep::Kind::kIncrement;
  return std::nullopt;
}

void ReadSteps(ArgReader& args, const Call& call, Steps* steps) {
  FieldOverflow overflow = FieldOverflow::kWrap;
  while (!args.done()) {
    if (args.Take("OVERFLOW", 1)) {
      overflow = NextOverflow(args);
      continue;
    }
    const std::optional<FieldStep::Kind> kind = TakeStep(args);
    if (!kind) return args.Fail(protocol::kSyntax);
    FieldStep step = {.kind = *kind, .overflow = overflow};
    step.type = NextFieldType(args);
    step.offset = NextBitOffset(args, call, step.type.bits);
    if (*kind != FieldStep::Kind::kGet) step.operand = args.NextInt64();
    steps->push_back(step);
  }
}

bool IsReadOnly(const Steps& steps) {
  for (const FieldStep& step : steps) {
    if (step.kind != FieldStep::Kind::kGet) return false;
  }
  return true;
}

// Where the last byte that a step may write ends.
size_t EndOf(const Steps& steps) {
  uint64_t bits = 0;
  for (const FieldStep& step : steps)
    bits = std::max(bits, step.offset + static_cast<uint64_t>(step.type.bits));
  return (bits + 7) / 8;
}

void ReadFields(Call& call, Steps* steps) {
  call.keyspace().Read(call.worker, call.db(), call.KeyAt(1), [&](const Entry* entry) {
    store::IntegerText text;
    const std::string_view bytes = entry == nullptr ? std::string_view() : entry->value(text);
    for (FieldStep& step : *steps) step.result = store::ReadField(bytes, step.offset, step.type);
  });
}

void ReplyResults(ReplyWriter& reply, const Steps& steps) {
  reply.Array(steps.size());
  for (const FieldStep& step : steps) {
    if (step.result) {
      reply.Integer(*step.result);
    } else {
      reply.Null();
    }
  }
}

void BitFieldGeneric(Call& call, ReplyWriter& reply, bool may_write) {
  Steps steps;
  ArgReader args(call.args, 2);
  ReadSteps(args, call, &steps);
  if (auto error = args.error()) return reply.Error(*error);
  if (IsReadOnly(steps)) {
    ReadFields(call, &steps);
  } else if (may_write) {
    if (!MakeRoomUpTo(call, reply, EndOf(steps))) return;
    call.keyspace().Write(call.worker, call.db(), call.KeyAt(1),
                          [&](KeyEditor& key) { store::RunFieldSteps(key, steps); });
  } else {
    return reply.Error(protocol::kBitFieldRoWrites);
  }
  ReplyResults(reply, steps);
}

void BitField(Call& call, ReplyWriter& reply) { BitFieldGeneric(call, reply, true); }
void BitFieldRo(Call& call, ReplyWriter& reply) { BitFieldGeneric(call, reply, false); }

// BITFIELD only reads if every step is a GET; of a call that will be refused Redis says that it
// writes.
bool FindBitFieldKeys(std::span<const std::string_view> argv, std::vector<KeyRef>* keys) {
  ArgReader args(argv, 2);
  bool writes = false;
  while (!args.done() && !writes) {
    const size_t skipped = args.Take("GET", 2) ? 2 : args.Take("OVERFLOW", 1) ? 1 : 0;
    writes = skipped == 0;
    for (size_t i = 0; i < skipped; ++i) args.Next();
  }
  keys->push_back(
      {.index = 1, .flags = writes ? kKeyRw | kKeyAccess | kKeyUpdate : kKeyRo | kKeyAccess});
  return true;
}

constexpr KeySpec kBitFieldKeys[] = {
    {.flags = kKeyRw | kKeyAccess | kKeyUpdate | kKeyVariableFlags,
     .notes = "This command allows both access and modification of the key"},
};

constexpr CommandSpec kRows[] = {
    {.name = "BITFIELD",
     .arity = -2,
     .flags = kWrite | kDenyOom,
     .keys = kBitFieldKeys,
     .find_keys = FindBitFieldKeys,
     .syntax = "key [GET (encoding offset)=encoding_offset | "
               "([OVERFLOW (WRAP | SAT | FAIL)=wrap_sat_fail] "
               "(SET (encoding offset value:integer)=encoding_offset_value | "
               "INCRBY (encoding offset increment)=encoding_offset_increment)=write_operation)"
               "=write]=operation ...",
     .since = "3.2.0",
     .complexity = "O(1) for each subcommand specified",
     .summary = "Perform arbitrary bitfield integer operations on strings",
     .handler = BitField},
    {.name = "BITFIELD_RO",
     .arity = -2,
     .flags = kReadonly | kFast,
     .keys = kFirstKey<kKeyRo | kKeyAccess>,
     .syntax = "key [GET (encoding offset)=encoding_offset] ...",
     .since = "6.0.0",
     .complexity = "O(1) for each subcommand specified",
     .summary = "Perform arbitrary bitfield integer operations on strings. Read-only variant of "
                "BITFIELD",
     .handler = BitFieldRo},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily BitFieldCommands() { return {.group = "bitmap", .acl = kAclBitmap, .rows = kRows}; }

}  // namespace larder::server
