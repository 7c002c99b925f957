// Any bytes as a configuration file, and as names, values and patterns of CONFIG: no crash, no
// leak, and what CONFIG GET shows can be set again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "server/config.h"
#include "server/config_file.h"
#include "server/option_value.h"

namespace larder::server {
namespace {

// `include` would read the host's files: no subject of this test.
bool HasInclude(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const auto arguments = SplitArguments(text.substr(0, end));
    if (arguments && !arguments->empty() && EqualsIgnoringCase(arguments->front(), "include")) {
      return true;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

void Check(std::string_view text) {
  Config config;
  static_cast<void>(ReadConfigText(text, "fuzz", config));
  static_cast<void>(config.CheckAtStart());
  static_cast<void>(config.StartWarnings());
  static_cast<void>(config.bind());

  const size_t line_end = text.find('\n');
  const std::string_view line = text.substr(0, line_end);
  const size_t space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const std::string_view value = space == line.npos ? line.substr(0, 0) : line.substr(space + 1);
  const std::pair<std::string_view, std::string_view> pair[] = {{name, value}};
  const bool accepted = !config.Set(pair).has_value();
  const std::string_view patterns[] = {name, line};
  static_cast<void>(config.Get(patterns));
  if (!accepted) return;
  const std::string shown = config.Text(name);
  const std::pair<std::string_view, std::string_view> again[] = {{name, shown}};
  if (config.Set(again).has_value() || config.Text(name) != shown) std::abort();
}

}  // namespace
}  // namespace larder::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!larder::server::HasInclude(text)) larder::server::Check(text);
  return 0;
}
