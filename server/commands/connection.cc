// The commands of a connection about itself: PING, ECHO, QUIT, RESET, SELECT, AUTH, HELLO.
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/call.h"
#include "server/client_name.h"
#include "server/command_table.h"
#include "server/commands/database_index.h"
#include "server/commands/families.h"
#include "server/config.h"
#include "server/monitor.h"
#include "server/version.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using protocol::RespVersion;

void Ping(Call& call, ReplyWriter& reply) {
  if (call.args.size() > 2) {
    reply.Error(protocol::WrongArgumentCount(call.command.full_name));
  } else if (call.args.size() == 2) {
    reply.Bulk(call.args[1]);
  } else {
    reply.SimpleString("PONG");
  }
}

void Echo(Call& call, ReplyWriter& reply) { reply.Bulk(call.args[1]); }

void Quit(Call& call, ReplyWriter& reply) {
  reply.Ok();
  call.client.close_after_reply = true;
}

// Back to how a new connection begins. As in Redis 7.0, what CLIENT NO-EVICT said stays.
void Reset(Call& call, ReplyWriter& reply) {
  Client& client = call.client;
  if (client.monitor) call.services.monitors.Remove(client.id);
  client.monitor = client.no_touch = false;
  client.transaction.reset();
  client.db = 0;
  client.resp = RespVersion::kResp2;
  reply.set_version(client.resp);
  client.authenticated = !call.services.config.has_password();
  client.user = "default";
  client.name.clear();
  client.reply_mode = ReplyMode::kOn;
  reply.SimpleString("RESET");
}

void Select(Call& call, ReplyWriter& reply) {
  ArgReader args(call.args, 1);
  const int db = NextDatabase(args, call.services.config.databases());
  if (auto error = args.error()) return reply.Error(*error);
  call.client.db = db;
  reply.Ok();
}

// The one user there is: "default", with the password of `requirepass`, or with none and then any
// password will do.
bool Authenticate(Call& call, std::string_view user, std::string_view password) {
  const Config& config = call.services.config;
  if (user != "default") return false;
  if (config.has_password() && !config.PasswordIs(password)) return false;
  call.client.authenticated = true;
  call.client.user = "default";
  return true;
}

void Auth(Call& call, ReplyWriter& reply) {
  if (call.args.size() > 3) return reply.Error(protocol::kSyntax);
  std::string_view user = "default";
  if (call.args.size() == 3) {
    user = call.args[1];
  } else if (!call.services.config.has_password()) {
    return reply.Error(protocol::kNoPasswordSet);
  }
  if (!Authenticate(call, user, call.args.back())) return reply.Error(protocol::kWrongPass);
  reply.Ok();
}

bool IsSecretOfAuth(std::span<const std::string_view>, size_t) { return true; }

// The user and the password behind AUTH.
bool IsSecretOfHello(std::span<const std::string_view> args, size_t i) {
  for (size_t option = 2; option + 1 < args.size() && option < i;) {
    const bool is_auth = EqualsIgnoreCase(args[option], "AUTH");
    if (is_auth && i <= option + 2) return true;
    if (!is_auth && !EqualsIgnoreCase(args[option], "SETNAME")) return false;
    option += is_auth ? 3 : 2;
  }
  return false;
}

struct HelloOptions {
  std::optional<RespVersion> version;
  std::optional<std::string_view> user;
  std::string_view password;
  std::optional<std::string_view> name;
};

// Replies with an error and returns nothing if the arguments are wrong.
std::optional<HelloOptions> ReadHelloOptions(Call& call, ReplyWriter& reply) {
  HelloOptions options;
  if (call.args.size() == 1) return options;
  std::optional<int64_t> version = protocol::ParseInt64(call.args[1]);
  if (!version) {
    reply.Error(protocol::kProtocolVersionNotAnInteger);
    return std::nullopt;
  }
  if (*version < 2 || *version > 3) {
    reply.Error(protocol::kNoProto);
    return std::nullopt;
  }
  options.version = *version == 2 ? RespVersion::kResp2 : RespVersion::kResp3;
  ArgReader args(call.args, 2);
  while (!args.done()) {
    if (args.Take("AUTH", 2)) {
      options.user = args.Next();
      options.password = args.Next();
    } else if (args.Take("SETNAME", 1)) {
      options.name = args.Next();
      if (!IsValidClientName(*options.name)) {
        reply.Error(protocol::kBadClientName);
        return std::nullopt;
      }
    } else {
      reply.Error(protocol::HelloSyntax(args.Peek()));
      return std::nullopt;
    }
  }
  return options;
}

void Hello(Call& call, ReplyWriter& reply) {
  std::optional<HelloOptions> options = ReadHelloOptions(call, reply);
  if (!options) return;
  Client& client = call.client;
  if (options->user && !Authenticate(call, *options->user, options->password)) {
    return reply.Error(protocol::kWrongPass);
  }
  if (!client.authenticated && call.services.config.has_password()) {
    return reply.Error(protocol::kHelloNoAuth);
  }
  if (options->name) client.name = *options->name;
  if (options->version) {
    client.resp = *options->version;
    reply.set_version(client.resp);
  }
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kRedisVersion);
  reply.Bulk("proto");
  reply.Integer(client.resp == RespVersion::kResp3 ? 3 : 2);
  reply.Bulk("id");
  reply.Integer(client.id);
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk("master");
  reply.Bulk("modules");
  reply.Array(0);
}

constexpr CommandFlags kAnyTime = kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy;

constexpr std::string_view kPingTips[] = {"request_policy:all_shards",
                                          "response_policy:all_succeeded"};
constexpr Change kHelloHistory[] = {
    {"6.2.0",
     "`protover` made optional; when called without arguments the command reports the current "
     "connection's context."},
};
constexpr Change kAuthHistory[] = {{"6.0.0", "Added ACL style (username and password)."}};

constexpr CommandSpec kRows[] = {
    {.name = "PING",
     .arity = -1,
     .flags = kFast,
     .syntax = "[message]",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Ping the server",
     .tips = kPingTips,
     .handler = Ping},
    {.name = "ECHO",
     .arity = 2,
     .flags = kLoading | kStale | kFast,
     .syntax = "message",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Echo the given string",
     .handler = Echo},
    {.name = "QUIT",
     .arity = -1,
     .flags = kAnyTime | kNeverQueued,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Close the connection",
     .handler = Quit},
    {.name = "RESET",
     .arity = 1,
     .flags = kAnyTime | kNeverQueued,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Reset the connection",
     .handler = Reset},
    {.name = "SELECT",
     .arity = 2,
     .flags = kLoading | kStale | kFast | kSelects,
     .syntax = "index",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Change the selected database for the current connection",
     .handler = Select},
    {.name = "AUTH",
     .arity = -2,
     .flags = kAnyTime,
     .is_secret = IsSecretOfAuth,
     .syntax = "[username@6.0.0] password",
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of passwords defined for the user",
     .summary = "Authenticate to the server",
     .history = kAuthHistory,
     .handler = Auth},
    {.name = "HELLO",
     .arity = -1,
     .flags = kAnyTime,
     .is_secret = IsSecretOfHello,
     .syntax = "[protover:integer [AUTH (username password)]=username_password "
               "[SETNAME clientname]]=arguments",
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Handshake with Redis",
     .history = kHelloHistory,
     .handler = Hello},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily ConnectionCommands() {
  return {.group = "connection", .acl = kAclConnection, .rows = kRows};
}

}  // namespace larder::server
