// The program: command line -> Config -> log -> Server. Exit codes: 0 after a clean shutdown, 1
// when the start fails, 2 for a mistake on the command line.

#include <spdlog/spdlog.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "server/command_table.h"
#include "server/commands/families.h"
#include "server/config.h"
#include "server/config_file.h"
#include "server/crash_handler.h"
#include "server/logging.h"
#include "server/option.h"
#include "server/server.h"
#include "server/version.h"
#include "store/allocator.h"

namespace larder::server {
namespace {

constexpr int kExitStartFailed = 1;
constexpr int kExitUsage = 2;

struct CommandLine {
  bool print_commands = false;
  std::string config_file;
  // By option index, in the table's order; values as given.
  std::map<size_t, std::vector<std::string>> flags;
};

std::string VersionText() {
  std::string text = "larder ";
  text.append(kLarderVersion).append(" (redis protocol ").append(kRedisVersion).append(")");
  return text + " bits=" + std::to_string(8 * sizeof(void*)) + " compiler=" + __VERSION__;
}

std::string Footer() {
  return "Every directive may also stand in the configuration file (`port 7000`) or in the "
         "environment\n"
         "(LARDER_PORT=7000). Flags win over the environment, the environment over the file.\n"
         "Redis directives that a cache does not need (" +
         std::to_string(IgnoredOptions().size()) +
         " of them, save and appendonly among\nthem) are accepted without effect.";
}

void AddOptions(CLI::App& app, CommandLine* line) {
  const Config defaults;
  app.add_option("config-file", line->config_file,
                 "Configuration in redis.conf syntax; - reads standard input");
  for (size_t i = 0; i < OptionCount(); ++i) {
    const Option& option = OptionAt(i);
    std::string names = "--" + std::string(option.name);
    if (!option.alias.empty()) names.append(",--").append(option.alias);
    const std::string initial = defaults.Text(option.name);
    std::string doc(option.doc);
    if (!initial.empty()) doc.append(" [").append(initial).append("]");
    CLI::Option* flag = app.add_option(names, line->flags[i], doc);
    flag->group(option.Is(kIgnored) ? "" : "Directives");  // "": accepted, not shown by --help
    flag->type_name("");
    if (option.Is(kSeveralValues)) {
      flag->expected(1, CLI::detail::expected_max_vector_size);
    } else {
      flag->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
}

// CLI11 takes `-::1` in `--bind 127.0.0.1 -::1` for short flags. Directives have long names only,
// so what begins with one dash is a value of the flag before it: rewritten as `--bind=-::1`, which
// CLI11 adds to it.
std::vector<std::string> AttachDashValues(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  std::string flag;
  bool flag_has_value = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool dash_value = argument.size() > 1 && argument[0] == '-' && argument[1] != '-';
    if (dash_value && !flag.empty()) {
      if (!flag_has_value) arguments.pop_back();
      arguments.emplace_back(flag).append("=").append(argument);
      flag_has_value = true;
      continue;
    }
    if (argument.starts_with("--")) {
      flag = argument.substr(0, argument.find('='));
      flag_has_value = flag.size() < argument.size();
    } else {
      flag_has_value = true;
    }
    arguments.push_back(argument);
  }
  return arguments;
}

// The first argument that CLI11 could not place, explained.
std::string ExplainExtra(const std::string& extra) {
  if (!extra.starts_with("--")) return "command line: '" + extra + "' is not expected here";
  Config scratch;
  const std::string name = extra.substr(2, extra.find('=') - 2);
  return "command line: " + scratch.SetAtStart(name, {}).value_or("wrong use of '" + extra + "'");
}

// Returns an exit code when the program is over: --help, --version, or a mistake.
std::optional<int> ParseCommandLine(int argc, const char* const* argv, CommandLine* line) {
  CLI::App app("larder: an in-memory key-value server that speaks the Redis protocol", "larder");
  app.set_version_flag("--version,-v", VersionText());
  app.set_help_flag("--help,-h", "Print this help and exit");
  app.footer(Footer());
  app.add_flag("--print-commands", line->print_commands,
               "Print all commands as Markdown, for README.md, and exit");
  app.allow_extras();
  app.get_formatter()->column_width(31);
  AddOptions(app, line);
  try {
    std::vector<std::string> arguments = AttachDashValues(argc, argv);
    std::reverse(arguments.begin(), arguments.end());  // the order in which CLI11 takes a vector
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (!app.remaining().empty()) {
    std::fprintf(stderr, "larder: %s\n", ExplainExtra(app.remaining().front()).c_str());
    return kExitUsage;
  }
  if (line->print_commands) {
    std::fputs(CommandsAsMarkdown(CommandTable(AllFamilies())).c_str(), stdout);
    return 0;
  }
  std::erase_if(line->flags, [](const auto& flag) { return flag.second.empty(); });
  return std::nullopt;
}

std::optional<std::string> ApplyFlags(const CommandLine& line, Config& config) {
  for (const auto& [index, given] : line.flags) {
    const Option& option = OptionAt(index);
    std::optional<std::vector<std::string>> values = given;
    // --bind "127.0.0.1 ::1" means the same as --bind 127.0.0.1 ::1.
    if (option.Is(kSeveralValues) && given.size() == 1 && !given[0].empty()) {
      values = SplitArguments(given[0]);
    }
    if (!values) return "command line: --" + std::string(option.name) + ": unbalanced quotes";
    if (auto reason = config.SetAtStart(option.name, *values)) return "command line: --" + *reason;
  }
  return std::nullopt;
}

std::optional<std::string> LoadConfig(const CommandLine& line, Config& config,
                                      std::vector<std::string>* warnings) {
  if (!line.config_file.empty()) {
    if (auto error = ReadConfigFile(line.config_file, config)) return error;
    std::error_code unresolved;  // the path was just read: it resolves, or nobody shows it
    if (line.config_file != "-") {
      config.set_config_file(std::filesystem::absolute(line.config_file, unresolved).string());
    }
  }
  if (auto error = ReadEnvironment(environ, config, warnings)) return error;
  if (auto error = ApplyFlags(line, config)) return error;
  return config.CheckAtStart();
}

int Fail(const std::string& reason) {
  std::fprintf(stderr, "larder: %s\n", reason.c_str());
  return kExitStartFailed;
}

int Main(int argc, const char* const* argv) {
  CommandLine line;
  if (const auto exit_code = ParseCommandLine(argc, argv, &line)) return *exit_code;

  Config config;
  std::vector<std::string> warnings;
  if (auto error = LoadConfig(line, config, &warnings)) return Fail(*error);
  if (auto error = StartLogging(config.loglevel(), config.logfile())) return Fail(*error);
  config.OnChange("loglevel", [&config]() -> std::optional<std::string> {
    SetLogLevel(config.loglevel());
    return std::nullopt;
  });

  std::signal(SIGPIPE, SIG_IGN);  // a client that went away is an error code of the write
  const SignalStack signal_stack;
  if (config.crash_log_enabled()) InstallCrashHandler(config.logfile());

  spdlog::info(VersionText());
  if (line.config_file.empty()) {
    spdlog::info("No configuration file given: using the defaults, the environment and the flags");
  }
  for (const std::string& warning : warnings) spdlog::warn(warning);
  for (const std::string& warning : config.StartWarnings()) spdlog::warn(warning);

  store::PreferHugePages();
  Server server(config);
  return server.Run();
}

}  // namespace
}  // namespace larder::server

int main(int argc, char** argv) {
  try {
    return larder::server::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "larder: the start failed: %s\n", error.what());
    return 1;
  }
}
