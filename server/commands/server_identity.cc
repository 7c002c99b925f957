// What the server is and what time it has: TIME, ROLE, LASTSAVE, LOLWUT.
#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/server_info.h"
#include "server/version.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

void Time(Call&, ReplyWriter& reply) {
  constexpr int64_t kMicroseconds = 1'000'000;
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const int64_t now = std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
  reply.Array(2);
  reply.BulkFromInteger(now / kMicroseconds);
  reply.BulkFromInteger(now % kMicroseconds);
}

// A primary at offset 0 that no replica follows.
void Role(Call&, ReplyWriter& reply) {
  reply.Array(3);
  reply.Bulk("master");
  reply.Integer(0);
  reply.Array(0);
}

// Nothing is ever saved; Redis counts the start as a save.
void LastSave(Call& call, ReplyWriter& reply) {
  reply.Integer(call.services.info.started_at / 1000);
}

constexpr std::string_view kShelf =
    "  ___________________________________________________\n"
    " |                                                   |\n"
    " |    ___         _____        ___                   |\n"
    " |   [___]       [_____]      [___]      .-''''-.    |\n"
    " |  /     \\     /       \\    |     |    /        \\   |\n"
    " |  | GET |     |  SET  |    | DEL |   |   BREAD  |  |\n"
    " |  |_____|     |_______|    |_____|    \\________/   |\n"
    " |___________________________________________________|\n"
    " |                                                   |\n"
    " |     ______      ___     ___     ___       _       |\n"
    " |    |      |    [___]   [___]   [___]    _( )_     |\n"
    " |    | TTL  |   | key | | key | | key |  ( jam )    |\n"
    " |    |______|   |_____| |_____| |_____|   \\___/     |\n"
    " |___________________________________________________|\n"
    " |___|                                           |___|\n\n";

// VERSION 5 and 6 of Redis draw by up to three and two numbers; here they are only checked.
void Lolwut(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 1);
  if (args.Take("VERSION", 1)) {
    const int64_t version = args.NextInt64();
    const size_t numbers = version == 5 ? 3 : version == 6 ? 2 : 0;
    for (size_t i = 0; i < numbers && !args.done(); ++i) args.NextInt64();
  }
  if (auto error = args.error()) return reply.Error(*error);
  std::string text(kShelf);
  text.append("Redis ver. ").append(kRedisVersion).append("\n");
  reply.Verbatim("txt", text);
}

constexpr std::string_view kVaries[] = {"nondeterministic_output"};
constexpr AclCategory kOperator = kAclAdmin | kAclDangerous;

constexpr CommandSpec kRows[] = {
    {.name = "TIME",
     .arity = 1,
     .flags = kLoading | kStale | kFast,
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Return the current server time",
     .tips = kVaries,
     .handler = Time},
    {.name = "ROLE",
     .arity = 1,
     .flags = kNoScript | kLoading | kStale | kFast,
     .acl = kOperator,
     .since = "2.8.12",
     .complexity = "O(1)",
     .summary = "Return the role of the instance in the context of replication",
     .handler = Role},
    {.name = "LASTSAVE",
     .arity = 1,
     .flags = kLoading | kStale | kFast,
     .acl = kOperator,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Get the UNIX time stamp of the last successful save to disk",
     .tips = kVaries,
     .handler = LastSave},
    {.name = "LOLWUT",
     .arity = -1,
     .flags = kReadonly | kFast,
     .syntax = "[VERSION version:integer]",
     .since = "5.0.0",
     .summary = "Display some computer art and the Redis version",
     .handler = Lolwut},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily ServerIdentityCommands() {
  return {.group = "server", .acl = kAclNone, .rows = kRows};
}

}  // namespace larder::server
