// The commands that walk over a database: SCAN, KEYS, RANDOMKEY. They see each shard at one moment,
// not all at the same one.
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/commands/type_name.h"
#include "store/glob.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::Entry;

// How many keys KEYS takes between two looks at what it has so far.
constexpr size_t kKeysBatch = 1000;

// A cursor the way strtoul reads it, as Redis does: blanks in front are refused, a sign is not, no
// digits at all are 0, and a NUL byte ends the text.
std::optional<uint64_t> ParseCursor(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.empty()) return 0;
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  uint64_t cursor = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, cursor);
  if (error != std::errc() || stop != end) return std::nullopt;
  return negative ? 0 - cursor : cursor;
}

// "*" is not put to the matcher, which would not let it match an empty key.
bool Matches(std::string_view pattern, const Entry& entry) {
  return pattern == "*" || store::GlobMatch(pattern, entry.key());
}

void ReplyKeys(ReplyWriter& reply, const auto& keys) {
  reply.Array(keys.size());
  for (const std::string& key : keys) reply.Bulk(key);
}

struct ScanOptions {
  std::string_view pattern = "*";
  int64_t count = 10;
  std::optional<std::string_view> type;
};

void ReadScanOptions(ArgReader& args, ScanOptions* options) {
  while (!args.done()) {
    if (args.Take("COUNT", 1)) {
      options->count = args.NextInt64();
      if (options->count < 1) args.Fail(protocol::kSyntax);
    } else if (args.Take("MATCH", 1)) {
      options->pattern = args.Next();
    } else if (args.Take("TYPE", 1)) {
      options->type = args.Next();
    } else {
      args.Fail(protocol::kSyntax);
    }
  }
}

void Scan(Call& call, ReplyWriter& reply) {
  const std::optional<uint64_t> cursor = ParseCursor(call.args[1]);
  if (!cursor) return reply.Error(protocol::kInvalidCursor);
  ScanOptions options;
  ArgReader args(call.args, 2);
  ReadScanOptions(args, &options);
  if (auto error = args.error()) return reply.Error(*error);

  // Copied, because the entries may be gone once the visit is over.
  std::vector<std::string> keys;
  const auto take = [&](const Entry& entry) {
    if (options.type && !EqualsIgnoreCase(*options.type, TypeName(entry))) return;
    if (Matches(options.pattern, entry)) keys.emplace_back(entry.key());
  };
  const uint64_t next = call.keyspace().Scan(call.worker, call.db(), *cursor,
                                             static_cast<size_t>(options.count), take);
  reply.Array(2);
  reply.Bulk(std::to_string(next));
  ReplyKeys(reply, keys);
}

void Keys(Call& call, ReplyWriter& reply) {
  const std::string_view pattern = call.args[1];
  // A scan may meet a key twice. The set is filled between the scans' locks, as it may rehash.
  std::unordered_set<std::string> keys;
  std::vector<std::string> batch;
  uint64_t cursor = 0;
  do {
    batch.clear();
    cursor = call.keyspace().Scan(call.worker, call.db(), cursor, kKeysBatch, [&](const Entry& e) {
      if (Matches(pattern, e)) batch.emplace_back(e.key());
    });
    keys.insert(std::move_iterator(batch.begin()), std::move_iterator(batch.end()));
  } while (cursor != 0);
  ReplyKeys(reply, keys);
}

void RandomKey(Call& call, ReplyWriter& reply) {
  const std::optional<std::string> key = call.keyspace().RandomKey(call.worker, call.db());
  if (!key) return reply.Null();
  reply.Bulk(*key);
}

constexpr std::string_view kScanTips[] = {"nondeterministic_output", "request_policy:special"};
constexpr std::string_view kKeysTips[] = {"request_policy:all_shards",
                                          "nondeterministic_output_order"};
constexpr std::string_view kRandomKeyTips[] = {"request_policy:all_shards",
                                               "nondeterministic_output"};
constexpr Change kScanHistory[] = {{"6.0.0", "Added the `TYPE` subcommand."}};

constexpr CommandSpec kRows[] = {
    {.name = "SCAN",
     .arity = -2,
     .flags = kReadonly,
     .syntax = "cursor [MATCH pattern] [COUNT count] [TYPE type@6.0.0]",
     .since = "2.8.0",
     .complexity =
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for "
         "the cursor to return back to 0. N is the number of elements inside the collection.",
     .summary = "Incrementally iterate the keys space",
     .history = kScanHistory,
     .tips = kScanTips,
     .handler = Scan},
    {.name = "KEYS",
     .arity = 2,
     .flags = kReadonly,
     .acl = kAclDangerous,
     .syntax = "pattern",
     .since = "1.0.0",
     .complexity =
         "O(N) with N being the number of keys in the database, under the assumption that the key "
         "names in the database and the given pattern have limited length.",
     .summary = "Find all keys matching the given pattern",
     .tips = kKeysTips,
     .handler = Keys},
    {.name = "RANDOMKEY",
     .arity = 1,
     .flags = kReadonly,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Return a random key from the keyspace",
     .tips = kRandomKeyTips,
     .handler = RandomKey},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily GenericScanCommands() {
  return {.group = "generic", .acl = kAclKeyspace, .rows = kRows};
}

}  // namespace larder::server
