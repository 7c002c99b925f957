// Where the configuration comes from besides the command line: text in redis.conf syntax (a file,
// or standard input), and environment variables. Each directive goes to Config::SetAtStart() as it
// is read; the first error ends the reading.
//
// Syntax: one directive a line, `name value [value ...]`, the name in any case; a line that begins
// with '#' is a comment; values in "double quotes" know \n \r \t \b \a \\ \" and \xHH, those in
// 'single quotes' only \'; `include path` reads another file (wildcards allowed) in place.
//
// Threads: the main thread, before the server starts. Errors: "where: reason", ready to be printed.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config.h"

namespace larder::server {

// Splits a line into its arguments; nullopt when quotes are unbalanced. No argument spans lines.
std::optional<std::vector<std::string>> SplitArguments(std::string_view line);

// `name` is what errors call the text: "conf/larder.conf:12: reason".
std::optional<std::string> ReadConfigText(std::string_view text, const std::string& name,
                                          Config& config);

// `path` "-" is standard input.
std::optional<std::string> ReadConfigFile(const std::string& path, Config& config);

// LARDER_TCP_KEEPALIVE=60 is `tcp-keepalive 60`. `environment` ends with a null pointer, like
// environ. A LARDER_ variable that names no directive is reported in *warnings: others may own it.
std::optional<std::string> ReadEnvironment(const char* const* environment, Config& config,
                                           std::vector<std::string>* warnings);

}  // namespace larder::server
