// COPY and MOVE: a key goes to another name or another database.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/database_index.h"
#include "server/commands/families.h"
#include "server/commands/value_room.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using store::KeyAt;
using store::KeyEditor;
using store::MultiEditor;

// A large value is copied under the locks of both keys: the copy is of one moment.
void Copy(Call& call, ReplyWriter& reply) {
  int target_db = call.db();
  bool replace = false;
  ArgReader args(call.args, 3);
  while (!args.done()) {
    if (args.Take("REPLACE")) {
      replace = true;
    } else if (args.Take("DB", 1)) {
      target_db = NextDatabase(args, call.keyspace().databases());
    } else {
      args.Fail(protocol::kSyntax);
    }
  }
  if (target_db == call.db() && call.args[1] == call.args[2]) args.Fail(protocol::kSameObject);
  if (auto error = args.error()) return reply.Error(*error);
  if (!MakeRoomForCopy(call, reply, 1, 1)) return;

  std::array keys = {KeyAt{call.db(), call.KeyAt(1)}, KeyAt{target_db, call.KeyAt(2)}};
  const bool copied = call.keyspace().WriteAll(call.worker, keys, [&](MultiEditor& multi) {
    // Looked at first: see RENAME.
    const bool taken = multi[1].entry() != nullptr;
    KeyEditor source = multi[0];
    if (source.entry() == nullptr || (taken && !replace)) return false;
    KeyEditor target = multi[1];
    source.CopyTo(target);
    return true;
  });
  reply.Integer(copied ? 1 : 0);
}

void Move(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 2);
  const int target_db = NextDatabase(args, call.keyspace().databases());
  if (target_db == call.db()) args.Fail(protocol::kSameObject);
  if (auto error = args.error()) return reply.Error(*error);

  std::array keys = {KeyAt{call.db(), call.KeyAt(1)}, KeyAt{target_db, call.KeyAt(1)}};
  const bool moved = call.keyspace().WriteAll(call.worker, keys, [](MultiEditor& multi) {
    const bool taken = multi[1].entry() != nullptr;
    KeyEditor source = multi[0];
    if (source.entry() == nullptr || taken) return false;
    KeyEditor target = multi[1];
    source.MoveTo(target);
    return true;
  });
  reply.Integer(moved ? 1 : 0);
}

// Of several DBs the last one counts.
void FindCopyPlaces(std::span<const std::string_view> args, std::vector<KeyPlace>* places) {
  size_t db_index = 0;
  for (size_t i = 3; i + 1 < args.size(); ++i) {
    if (EqualsIgnoreCase(args[i], "DB")) db_index = ++i;
  }
  places->push_back({.index = 1, .db_index = 0});
  places->push_back({.index = 2, .db_index = db_index});
}

void FindMovePlaces(std::span<const std::string_view>, std::vector<KeyPlace>* places) {
  places->push_back({.index = 1, .db_index = 0});
  places->push_back({.index = 1, .db_index = 2});
}

constexpr KeySpec kCopyKeys[] = {{.flags = kKeyRo | kKeyAccess},
                                 {.flags = kKeyOw | kKeyUpdate, .index = 2}};

constexpr CommandSpec kRows[] = {
    {.name = "COPY",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .keys = kCopyKeys,
     .find_places = FindCopyPlaces,
     .syntax = "source destination [DB destination-db] [REPLACE]",
     .since = "6.2.0",
     .complexity = "O(N) worst case for collections, where N is the number of nested items. O(1) "
                   "for string values.",
     .summary = "Copy a key",
     .handler = Copy},
    {.name = "MOVE",
     .arity = 3,
     .flags = kWrite | kFast,
     .keys = kFirstKey<kKeyRw | kKeyAccess | kKeyUpdate>,
     .find_places = FindMovePlaces,
     .syntax = "key db",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Move a key to another database",
     .handler = Move},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily GenericCopyCommands() {
  return {.group = "generic", .acl = kAclKeyspace, .rows = kRows};
}

}  // namespace larder::server
