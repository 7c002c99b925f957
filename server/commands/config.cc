// CONFIG: the configuration, read and changed while the server runs.
#include <spdlog/spdlog.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/call.h"
#include "server/commands/families.h"
#include "server/config.h"
#include "server/info.h"
#include "server/option.h"
#include "server/stats.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

void ConfigGet(Call& call, ReplyWriter& reply) {
  auto options = call.services.config.Get(call.args.subspan(2));
  reply.Map(options.size());
  for (const auto& [name, value] : options) {
    reply.Bulk(name);
    reply.Bulk(value);
  }
}

void ConfigSet(Call& call, ReplyWriter& reply) {
  if (call.args.size() % 2 != 0) return reply.Error(protocol::kSyntax);
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (size_t i = 2; i < call.args.size(); i += 2) {
    pairs.emplace_back(call.args[i], call.args[i + 1]);
  }
  if (auto error = call.services.config.Set(pairs)) return reply.Error(*error);
  reply.Ok();
}

bool IsSecretValue(std::span<const std::string_view> args, size_t i) {
  if (i < 3 || i % 2 == 0) return false;
  const std::optional<size_t> option = FindOption(args[i - 1]);
  return option && OptionAt(*option).Is(kSensitive);
}

void ConfigResetStat(Call& call, ReplyWriter& reply) {
  call.services.stats.Reset(KeyspaceTotals(call.services));
  reply.Ok();
}

void ConfigRewrite(Call& call, ReplyWriter& reply) {
  if (call.services.config.config_file().empty()) return reply.Error(protocol::kNoConfigFile);
  if (auto reason = call.services.config.Rewrite()) {
    spdlog::warn("CONFIG REWRITE failed: {}", *reason);
    return reply.Error(protocol::ConfigRewriteFailed(*reason));
  }
  spdlog::info("CONFIG REWRITE: the configuration file has been written");
  reply.Ok();
}

constexpr CommandFlags kOperator = kAdmin | kNoScript | kLoading | kStale;

constexpr std::string_view kSetTips[] = {"request_policy:all_nodes",
                                         "response_policy:all_succeeded"};
constexpr Change kGetHistory[] = {
    {"7.0.0", "Added the ability to pass multiple pattern parameters in one call"}};
constexpr Change kSetHistory[] = {
    {"7.0.0", "Added the ability to set multiple parameters in one call."}};

constexpr CommandSpec kSubcommands[] = {
    {.name = "GET",
     .arity = -3,
     .flags = kOperator,
     .syntax = "(parameter) ...",
     .since = "2.0.0",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .summary = "Get the values of configuration parameters",
     .history = kGetHistory,
     .help = "GET <pattern>\n"
             "    Return parameters matching the glob-like <pattern> and their values.",
     .handler = ConfigGet},
    {.name = "SET",
     .arity = -4,
     .flags = kOperator,
     .is_secret = IsSecretValue,
     .syntax = "(parameter value) ...",
     .since = "2.0.0",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .summary = "Set configuration parameters to the given values",
     .history = kSetHistory,
     .tips = kSetTips,
     .help = "SET <directive> <value>\n"
             "    Set the configuration <directive> to <value>.",
     .handler = ConfigSet},
    {.name = "RESETSTAT",
     .arity = 2,
     .flags = kOperator,
     .since = "2.0.0",
     .complexity = "O(1)",
     .summary = "Reset the stats returned by INFO",
     .help = "RESETSTAT\n"
             "    Reset statistics reported by the INFO command.",
     .handler = ConfigResetStat},
    {.name = "REWRITE",
     .arity = 2,
     .flags = kOperator,
     .since = "2.8.0",
     .complexity = "O(1)",
     .summary = "Rewrite the configuration file with the in memory configuration",
     .help = "REWRITE\n"
             "    Rewrite the configuration file.",
     .handler = ConfigRewrite},
    HelpRow("5.0.0"),
};

constexpr CommandSpec kRows[] = {
    {.name = "CONFIG",
     .arity = -2,
     .since = "2.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for server configuration commands",
     .subcommands = kSubcommands},
};
static_assert(Valid(kRows));

}  // namespace

CommandFamily ConfigCommands() { return {.group = "server", .acl = kAclNone, .rows = kRows}; }

}  // namespace larder::server
