// How the values of single options are parsed where their type alone does not say it: `bind`,
// `save`, `notify-keyspace-events` ... Each is the `parse` of a row of the option table (option.h
// says what the arguments are). Pure functions; any thread.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/option.h"

namespace larder::server {

using OptionValues = std::span<const std::string>;
using OptionError = std::optional<std::string>;

// Served by larder.
OptionError ParseBind(OptionValues values, bool at_start, std::string* text);
OptionError ParseOutputLimits(OptionValues values, bool at_start, std::string* text);
void PublishOutputLimits(std::string_view text, LiveSettings& live);
OptionError ParseShards(OptionValues values, bool at_start, std::string* text);
OptionError RefuseMap(std::string_view present, std::string_view wanted);
void PublishPassword(std::string_view text, LiveSettings& live);

// Accepted only.
OptionError ParseActiveDefrag(OptionValues values, bool at_start, std::string* text);
OptionError ParseFileName(OptionValues values, bool at_start, std::string* text);
OptionError ParseHostname(OptionValues values, bool at_start, std::string* text);
OptionError ParseHz(OptionValues values, bool at_start, std::string* text);
OptionError ParseNotifyEvents(OptionValues values, bool at_start, std::string* text);
OptionError ParseOomScoreAdjValues(OptionValues values, bool at_start, std::string* text);
OptionError ParsePercentiles(OptionValues values, bool at_start, std::string* text);
OptionError ParseReplicaOf(OptionValues values, bool at_start, std::string* text);
OptionError ParseSave(OptionValues values, bool at_start, std::string* text);
OptionError ParseShutdownOn(OptionValues values, bool at_start, std::string* text);
OptionError ParseTitleTemplate(OptionValues values, bool at_start, std::string* text);
OptionError ParseTlsPort(OptionValues values, bool at_start, std::string* text);

}  // namespace larder::server
