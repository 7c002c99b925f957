// CONFIG REWRITE: the configuration file, brought in line with the configuration that runs.
//
// A line that still says what holds stays as it is, units and quotes included, and so do comments,
// includes, and all that is no setting. The first line of a setting that has changed gets the new
// value, further lines of it go. What no line sets and is not the default is added at the end,
// below a marker comment.
//
// Any thread; one at a time for one file (Config sees to that).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace larder::server {

class Config;

// The text that is to replace `old_text`. Pure.
std::string RewriteConfigText(std::string_view old_text, const Config& config);

// Puts `text` in the place of the file at once or not at all: writes a new file beside it with the
// same permissions, syncs it, renames it. Follows a symbolic link. Returns why not, in the system's
// words; all is as it was then.
std::optional<std::string> ReplaceFile(const std::string& path, std::string_view text);

// Reads the configuration file, if there still is one, and replaces it. Returns why not.
std::optional<std::string> RewriteConfigFile(const std::string& path, const Config& config);

}  // namespace larder::server
