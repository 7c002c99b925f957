// A value of an option, between its text in a file or a CONFIG SET and the form in which it is
// kept: what CONFIG GET shows. Pure functions; any thread. Reasons are worded as Redis 7.0.15 words
// them.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/option.h"

namespace larder::server {

// Parses by the type of the option, then by its own `parse`. `*text` is the present value and
// becomes the new one on success.
std::optional<std::string> ParseOptionValue(const Option& option,
                                            std::span<const std::string> values, bool at_start,
                                            std::string* text);

// The number that stands for a value in LiveSettings: yes = 1, a choice = its index, a number =
// itself; 0 for texts.
int64_t NumberOf(const Option& option, std::string_view text);

// "64", "64kb", "1G": bytes, saturating at 2^64 - 1. An empty text is 0, as for Redis. nullopt: not
// a memory value.
std::optional<uint64_t> ParseMemory(std::string_view text);

// The pieces between single spaces; an empty text has none.
std::vector<std::string> SplitAtSpaces(std::string_view text);

bool EqualsIgnoringCase(std::string_view a, std::string_view b);

}  // namespace larder::server
