// LCS: the longest common subsequence of two strings.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/call_keys.h"
#include "server/commands/families.h"
#include "server/commands/string_reply.h"
#include "store/common_subsequence.h"
#include "store/entry.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::CommonRun;
using store::Entry;
using store::MultiReader;
using Runs = std::vector<CommonRun>;

struct LcsOptions {
  bool length_only = false;
  bool indexes = false;
  bool match_lengths = false;
  int64_t length_min = 0;
};

void ReadLcsOptions(ArgReader& args, LcsOptions* options) {
  while (!args.done()) {
    if (args.Take("IDX")) {
      options->indexes = true;
    } else if (args.Take("LEN")) {
      options->length_only = true;
    } else if (args.Take("WITHMATCHLEN")) {
      options->match_lengths = true;
    } else if (args.Take("MINMATCHLEN", 1)) {
      options->length_min = args.NextInt64();
    } else {
      args.Fail(protocol::kSyntax);
    }
  }
  if (options->indexes && options->length_only) args.Fail(protocol::kLcsLengthAndIndexes);
}

// Redis computes a table of 32-bit numbers and bounds its size. Ours is mostly far smaller; the
// bound stays, as it bounds the time as well.
bool ExceedsTable(size_t a_size, size_t b_size, size_t bytes_max) {
  size_t cells = 0;
  size_t bytes = 0;
  return __builtin_mul_overflow(a_size + 1, b_size + 1, &cells) ||
         __builtin_mul_overflow(cells, sizeof(uint32_t), &bytes) || bytes > bytes_max;
}

// With a proto-max-bulk-len above this, Redis goes by what malloc() says to a table of that size.
constexpr size_t kTableBytesMax = size_t{4} << 30;

// Copies the values of the first two arguments, so that no lock is held while they are compared.
// Returns the error's text if they are too long for that.
std::optional<std::string_view> CopyValues(Call& call, std::string* a, std::string* b) {
  CallKeys keys(call, 1, 1, 3);
  return call.keyspace().ReadAll(
      call.worker, keys.all(), [&](MultiReader& multi) -> std::optional<std::string_view> {
        store::IntegerText texts[2];
        std::string_view values[2];
        for (size_t i = 0; i < 2; ++i) {
          if (const Entry* entry = multi[i]; entry != nullptr) values[i] = entry->value(texts[i]);
        }
        if (ExceedsTable(values[0].size(), values[1].size(), StringBytesMax(call))) {
          return protocol::kLcsTooLarge;
        }
        if (ExceedsTable(values[0].size(), values[1].size(), kTableBytesMax)) {
          return protocol::kLcsOutOfMemory;
        }
        if (values[0].empty() || values[1].empty()) return std::nullopt;
        *a = values[0];
        *b = values[1];
        return std::nullopt;
      });
}

size_t LengthOf(const Runs& runs) {
  size_t length = 0;
  for (const CommonRun& run : runs) length += run.length;
  return length;
}

void ReplyText(ReplyWriter& reply, const Runs& runs, std::string_view a) {
  std::string text;
  text.reserve(LengthOf(runs));
  for (size_t i = runs.size(); i-- > 0;) text += a.substr(runs[i].a_begin, runs[i].length);
  reply.Bulk(text);
}

void ReplyRange(ReplyWriter& reply, size_t begin, size_t length) {
  reply.Array(2);
  reply.Integer(static_cast<int64_t>(begin));
  reply.Integer(static_cast<int64_t>(begin + length - 1));
}

void ReplyIndexes(ReplyWriter& reply, const Runs& runs, const LcsOptions& options) {
  const auto is_shown = [&](const CommonRun& run) {
    return static_cast<int64_t>(run.length) >= options.length_min;
  };
  reply.Map(2);
  reply.Bulk("matches");
  reply.Array(static_cast<size_t>(std::count_if(runs.begin(), runs.end(), is_shown)));
  for (const CommonRun& run : runs) {
    if (!is_shown(run)) continue;
    reply.Array(options.match_lengths ? 3 : 2);
    ReplyRange(reply, run.a_begin, run.length);
    ReplyRange(reply, run.b_begin, run.length);
    if (options.match_lengths) reply.Integer(static_cast<int64_t>(run.length));
  }
  reply.Bulk("len");
  reply.Integer(static_cast<int64_t>(LengthOf(runs)));
}

void Lcs(Call& call, ReplyWriter& reply) {
  LcsOptions options;
  ArgReader args(call.args, 3);
  ReadLcsOptions(args, &options);
  if (auto error = args.error()) return reply.Error(*error);
  std::string a;
  std::string b;
  if (auto error = CopyValues(call, &a, &b)) return reply.Error(*error);
  const Runs runs = store::LongestCommonSubsequence(a, b);
  if (options.indexes) {
    ReplyIndexes(reply, runs, options);
  } else if (options.length_only) {
    reply.Integer(static_cast<int64_t>(LengthOf(runs)));
  } else {
    ReplyText(reply, runs, a);
  }
}

constexpr KeySpec kTwoKeys[] = {{.flags = kKeyRo | kKeyAccess, .last = 1}};

constexpr CommandSpec kRows[] = {
    {.name = "LCS",
     .arity = -3,
     .flags = kReadonly,
     .keys = kTwoKeys,
     .syntax = "key1:key key2:key [LEN] [IDX] [MINMATCHLEN len:integer] [WITHMATCHLEN]",
     .since = "7.0.0",
     .complexity = "O(N*M) where N and M are the lengths of s1 and s2, respectively",
     .summary = "Find longest common substring",
     .handler = Lcs},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily StringLcsCommands() { return {.group = "string", .acl = kAclString, .rows = kRows}; }

}  // namespace larder::server
