#include "server/config_file.h"

#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "server/option_value.h"

namespace larder::server {
namespace {

constexpr int kIncludeDepthMax = 16;           // a file that includes itself ends here
constexpr size_t kConfigBytesMax = 16U << 20;  // a device or a data file given by mistake ends here
constexpr std::string_view kBlanks = " \t\r\n\v\f";

using Error = std::optional<std::string>;

bool IsBlank(char c) { return kBlanks.find(c) != std::string_view::npos; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads what follows an opening double quote, its closing one included. False: there is none.
bool ReadDoubleQuoted(std::string_view* rest, std::string* argument) {
  while (!rest->empty()) {
    const char c = rest->front();
    if (c == '"') {
      rest->remove_prefix(1);
      return true;
    }
    if (c != '\\' || rest->size() < 2) {
      *argument += c;
      rest->remove_prefix(1);
      continue;
    }
    const bool hex = (*rest)[1] == 'x' && rest->size() >= 4 && HexDigit((*rest)[2]) >= 0 &&
                     HexDigit((*rest)[3]) >= 0;
    *argument += hex ? static_cast<char>(HexDigit((*rest)[2]) * 16 + HexDigit((*rest)[3]))
                     : Unescaped((*rest)[1]);
    rest->remove_prefix(hex ? 4 : 2);
  }
  return false;
}

bool ReadSingleQuoted(std::string_view* rest, std::string* argument) {
  while (!rest->empty()) {
    if (rest->front() == '\'') {
      rest->remove_prefix(1);
      return true;
    }
    if (rest->starts_with("\\'")) rest->remove_prefix(1);
    *argument += rest->front();
    rest->remove_prefix(1);
  }
  return false;
}

Error ReadText(std::string_view text, const std::string& name, int depth, Config& config);
Error ReadStream(std::istream& stream, const std::string& name, int depth, Config& config);

Error ReadFile(const std::string& path, int depth, Config& config) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return path + ": cannot read it: " + std::strerror(errno);
  return ReadStream(file, path, depth, config);
}

Error ReadStream(std::istream& stream, const std::string& name, int depth, Config& config) {
  std::string text;
  char block[4096];
  do {
    stream.read(block, sizeof block);
    text.append(block, static_cast<size_t>(stream.gcount()));
    if (text.size() > kConfigBytesMax) return name + ": too large for a configuration file";
  } while (stream);
  if (stream.bad()) return name + ": cannot read it";
  return ReadText(text, name, depth, config);
}

Error ReadInclude(const std::string& pattern, int depth, Config& config) {
  if (depth >= kIncludeDepthMax) return "include: files are nested too deeply";
  if (pattern.find_first_of("*?[") == std::string::npos)
    return ReadFile(pattern, depth + 1, config);
  glob_t found{};
  Error error;
  // No match is no error: `include conf.d/*.conf` of an empty directory.
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc && !error; ++i) {
      error = ReadFile(found.gl_pathv[i], depth + 1, config);
    }
  }
  globfree(&found);
  return error;
}

Error ReadLine(std::string_view line, int depth, Config& config) {
  const size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos || line[first] == '#') return std::nullopt;
  const std::optional<std::vector<std::string>> arguments = SplitArguments(line);
  if (!arguments) return "unbalanced quotes";
  const std::string& directive = arguments->front();
  const std::span<const std::string> values = std::span(*arguments).subspan(1);
  if (!EqualsIgnoringCase(directive, "include")) return config.SetAtStart(directive, values);
  if (values.size() != 1) return "include: wrong number of arguments";
  return ReadInclude(values[0], depth, config);
}

Error ReadText(std::string_view text, const std::string& name, int depth, Config& config) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    if (auto reason = ReadLine(text.substr(0, end), depth, config)) {
      return name + ":" + std::to_string(number) + ": " + *reason;
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

// "LARDER_TCP_KEEPALIVE" -> "tcp-keepalive", or with underscores where the table has them.
std::string DirectiveOf(std::string_view suffix) {
  std::string name(suffix);
  std::replace(name.begin(), name.end(), '_', '-');
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (FindOption(name)) return name;
  std::string with_underscores = name;
  std::replace(with_underscores.begin(), with_underscores.end(), '-', '_');
  return FindOption(with_underscores) ? with_underscores : name;
}

}  // namespace

std::optional<std::vector<std::string>> SplitArguments(std::string_view line) {
  std::vector<std::string> arguments;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    if (line.empty()) return arguments;
    std::string argument;
    bool quoted = false;
    while (!line.empty() && !quoted && !IsBlank(line.front())) {
      const char c = line.front();
      line.remove_prefix(1);
      quoted = c == '"' || c == '\'';
      if (!quoted) {
        argument += c;
      } else if (!(c == '"' ? ReadDoubleQuoted(&line, &argument)
                            : ReadSingleQuoted(&line, &argument))) {
        return std::nullopt;
      }
    }
    // A closing quote ends the argument: "a"b is a mistake, not "ab".
    if (quoted && !line.empty() && !IsBlank(line.front())) return std::nullopt;
    arguments.push_back(std::move(argument));
  }
}

Error ReadConfigText(std::string_view text, const std::string& name, Config& config) {
  return ReadText(text, name, 0, config);
}

Error ReadConfigFile(const std::string& path, Config& config) {
  return path == "-" ? ReadStream(std::cin, "standard input", 0, config)
                     : ReadFile(path, 0, config);
}

Error ReadEnvironment(const char* const* environment, Config& config,
                      std::vector<std::string>* warnings) {
  constexpr std::string_view kPrefix = "LARDER_";
  for (; *environment != nullptr; ++environment) {
    const std::string_view variable = *environment;
    const size_t equals = variable.find('=');
    if (!variable.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string name(variable.substr(0, equals));
    const std::string value(variable.substr(equals + 1));
    const std::string directive =
        DirectiveOf(variable.substr(kPrefix.size(), equals - kPrefix.size()));
    const std::optional<size_t> index = FindOption(directive);
    // Kubernetes describes a service called "larder" to every pod as
    // LARDER_PORT=tcp://10.0.0.1:6379.
    if (!index || value.starts_with("tcp://")) {
      warnings->push_back("Environment variable " + name + " is not a setting of larder: ignored");
      continue;
    }
    std::optional<std::vector<std::string>> values = std::vector{value};
    if (OptionAt(*index).Is(kSeveralValues)) values = SplitArguments(value);
    if (!values) return "environment: " + name + ": unbalanced quotes";
    if (auto reason = config.SetAtStart(directive, *values)) {
      return "environment: " + name + ": " + *reason;
    }
  }
  return std::nullopt;
}

}  // namespace larder::server
