// The log: spdlog's default logger, set up once. Code logs with spdlog::trace (loglevel debug),
// spdlog::debug (verbose), spdlog::info (notice) and spdlog::warn or spdlog::error (warning).
//
// Threads: StartLogging() before any thread starts; SetLogLevel() and logging itself from any
// thread. A log line may block on the disk: none under a lock, under a pin, or once a command.

#pragma once

#include <optional>
#include <string>

#include "server/config.h"

namespace larder::server {

// `logfile` empty: standard output, in colour on a terminal. Returns why the file cannot be
// written.
std::optional<std::string> StartLogging(LogLevel level, const std::string& logfile);

void SetLogLevel(LogLevel level);

}  // namespace larder::server
