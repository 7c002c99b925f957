// DEBUG: what test suites of servers and client libraries ask for.
#include <spdlog/spdlog.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/commands/type_name.h"
#include "server/rdb_payload.h"
#include "server/slow_command.h"
#include "store/access.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using protocol::RespVersion;
using store::Entry;

// Holds back this client only; Redis stops the whole server. For the slow log it was at work.
void DebugSleep(Call& call, ReplyWriter& reply) {
  constexpr double kSecondsMax = 1e9;
  // Redis' strtod: what is no number sleeps for 0 seconds.
  const double seconds = std::strtod(std::string(call.args[2]).c_str(), nullptr);
  if (!(seconds > 0)) return reply.Ok();
  const auto delay = std::chrono::milliseconds(
      static_cast<int64_t>(std::ceil(std::min(seconds, kSecondsMax) * 1000)));
  call.SuspendFor(delay, [&services = call.services, &command = call.command, delay,
                          args = std::vector<std::string>(call.args.begin(), call.args.end())](
                             Client& client, ReplyWriter& out) {
    const std::vector<std::string_view> views(args.begin(), args.end());
    ReportSlowCommand(services, client, command, views, std::chrono::microseconds(delay).count());
    out.Ok();
  });
}

void DebugSetActiveExpire(Call& call, ReplyWriter& reply) {
  call.keyspace().set_active_expiry(std::atoi(std::string(call.args[2]).c_str()) != 0);
  reply.Ok();
}

// A reply of one type each, so that a client library can test that it reads it. Lower case; the
// name may come in any.
struct TypedReply {
  std::string_view name;
  void (*write)(ReplyWriter& reply);
};

void ReplyNumbers(ReplyWriter& reply) {
  for (int i = 0; i < 3; ++i) reply.Integer(i);
}

void ReplyAttribute(ReplyWriter& reply) {
  if (reply.version() == RespVersion::kResp3) {
    reply.Raw("|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n", 0);
  }
  reply.Bulk("Some real reply following the attribute");
}

void ReplyPush(ReplyWriter& reply) {
  if (reply.version() != RespVersion::kResp3) return reply.Error(protocol::kNoResp2);
  reply.Push(2);
  reply.Bulk("server-cpu-usage");
  reply.Integer(42);
  reply.Bulk("Some real reply following the push reply");
}

constexpr TypedReply kTypedReplies[] = {
    {"string", [](ReplyWriter& reply) { reply.Bulk("Hello World"); }},
    {"integer", [](ReplyWriter& reply) { reply.Integer(12345); }},
    {"double", [](ReplyWriter& reply) { reply.Double(3.141); }},
    {"null", [](ReplyWriter& reply) { reply.Null(); }},
    {"array",
     [](ReplyWriter& reply) {
       reply.Array(3);
       ReplyNumbers(reply);
     }},
    {"set",
     [](ReplyWriter& reply) {
       reply.Set(3);
       ReplyNumbers(reply);
     }},
    {"map",
     [](ReplyWriter& reply) {
       reply.Map(3);
       for (int i = 0; i < 3; ++i) {
         reply.Integer(i);
         reply.Boolean(i == 1);
       }
     }},
    {"attrib", ReplyAttribute},
    {"push", ReplyPush},
    {"verbatim", [](ReplyWriter& reply) { reply.Verbatim("txt", "This is a verbatim\nstring"); }},
    {"true", [](ReplyWriter& reply) { reply.Boolean(true); }},
    {"false", [](ReplyWriter& reply) { reply.Boolean(false); }},
    {"bignum",
     [](ReplyWriter& reply) { reply.BigNumber("1234567999999999999999999999999999999"); }},
};

void DebugProtocol(Call& call, ReplyWriter& reply) {
  for (const TypedReply& typed : kTypedReplies) {
    if (EqualsIgnoreCase(call.args[2], typed.name)) return typed.write(reply);
  }
  reply.Error(protocol::kNoSuchProtocolType);
}

// The argument is the whole error, its code included.
void DebugError(Call& call, ReplyWriter& reply) {
  std::string text(call.args[2]);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  reply.Error(text);
}

void DebugLog(Call& call, ReplyWriter& reply) {
  spdlog::warn("DEBUG LOG: {}", call.args[2]);
  reply.Ok();
}

void DebugObject(Call& call, ReplyWriter& reply) {
  constexpr size_t kTypeAndFooterBytes = 1 + 2 + 8;
  constexpr int64_t kClockMask = 0xffffff;  // Redis' 24 bits of seconds
  struct Found {
    const void* address;
    std::string_view encoding;
    std::string value;
    uint32_t access;
  };
  const auto look = [](const Entry* entry) -> std::optional<Found> {
    if (entry == nullptr) return std::nullopt;
    store::IntegerText text;
    return Found{entry, EncodingName(*entry), std::string(entry->value(text)), entry->access()};
  };
  const auto found = call.keyspace().Read(call.worker, call.db(), call.KeyAt(2), look);
  if (!found) return reply.Error(protocol::kNoSuchKey);
  const int64_t idle_s = store::IsLfu(call.worker.budget().kind())
                             ? 0
                             : store::IdleMs(found->access, call.now()) / 1000;
  reply.SimpleString(fmt::format(
      "Value at:{} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
      fmt::ptr(found->address), found->encoding,
      EncodeStringPayload(found->value).size() - kTypeAndFooterBytes,
      (call.now() / 1000 - idle_s) & kClockMask, idle_s));
}

constexpr CommandFlags kFlags = kAdmin | kNoScript | kLoading | kStale | kNeedsEnabling;

constexpr CommandSpec kSubcommands[] = {
    {.name = "ERROR",
     .arity = 3,
     .flags = kFlags,
     .syntax = "error",
     .since = "1.0.0",
     .summary = "Answer with an error",
     .help = "ERROR <string>\n"
             "    Answer with <string> as an error.",
     .handler = DebugError},
    {.name = "LOG",
     .arity = 3,
     .flags = kFlags,
     .syntax = "message",
     .since = "1.0.0",
     .summary = "Write a message to the server's log",
     .help = "LOG <message>\n"
             "    Write <message> to the server's log.",
     .handler = DebugLog},
    {.name = "OBJECT",
     .arity = 3,
     .flags = kFlags | kNoTouch,
     .syntax = "key",
     .since = "1.0.0",
     .summary = "Show how a value is kept",
     .help = "OBJECT <key>\n"
             "    Show how the value of <key> is kept.",
     .handler = DebugObject},
    {.name = "PROTOCOL",
     .arity = 3,
     .flags = kFlags,
     .syntax = "type",
     .since = "1.0.0",
     .summary = "Answer with a value of a type of the protocol",
     .help = "PROTOCOL <type>\n"
             "    Answer with a value of <type>: string, integer, double, bignum, null, array,\n"
             "    set, map, attrib, push, verbatim, true, false.",
     .handler = DebugProtocol},
    {.name = "SET-ACTIVE-EXPIRE",
     .arity = 3,
     .flags = kFlags,
     .syntax = "enabled:integer",
     .since = "1.0.0",
     .summary = "Switch the background expiry of keys off or on",
     .help = "SET-ACTIVE-EXPIRE <0|1>\n"
             "    Setting it to 0 disables expiring keys in background when they are not\n"
             "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the\n"
             "    default.",
     .handler = DebugSetActiveExpire},
    {.name = "SLEEP",
     .arity = 3,
     .flags = kFlags,
     .syntax = "seconds:double",
     .since = "1.0.0",
     .summary = "Answer this client after a while",
     .help = "SLEEP <seconds>\n"
             "    Hold back this client for <seconds>. Decimals allowed.",
     .handler = DebugSleep},
    HelpRow("1.0.0"),
};

constexpr CommandSpec kRows[] = {
    {.name = "DEBUG",
     .arity = -2,
     .flags = kFlags | kSysCmd | kUnlistedSubcommands,
     .since = "1.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for debugging commands",
     .subcommands = kSubcommands,
     .handler = UnlistedSubcommandError},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily DebugCommands() { return {.group = "server", .acl = kAclNone, .rows = kRows}; }

}  // namespace larder::server
