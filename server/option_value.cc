#include "server/option_value.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "protocol/number.h"

namespace larder::server {
namespace {

char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string BoundsText(const std::string& min, const std::string& max) {
  return "argument must be between " + min + " and " + max + " inclusive";
}

std::string ToOctal(uint64_t value) {
  char digits[24];
  return {digits, std::to_chars(digits, digits + sizeof digits, value, 8).ptr};
}

std::optional<std::string> ParseBool(std::string_view value, std::string* text) {
  if (EqualsIgnoringCase(value, "yes")) {
    *text = "yes";
  } else if (EqualsIgnoringCase(value, "no")) {
    *text = "no";
  } else {
    return "argument must be 'yes' or 'no'";
  }
  return std::nullopt;
}

std::optional<std::string> ParseInteger(const Option& option, std::string_view value,
                                        std::string* text) {
  const std::optional<int64_t> number = protocol::ParseInt64(value);
  if (!number) return "argument couldn't be parsed into an integer";
  const bool above = *number > 0 && static_cast<uint64_t>(*number) > option.max;
  if (*number < option.min || above)
    return BoundsText(std::to_string(option.min), std::to_string(option.max));
  *text = std::to_string(*number);
  return std::nullopt;
}

std::optional<std::string> ParseBytes(const Option& option, std::string_view value,
                                      std::string* text) {
  const bool percent_allowed = option.type == OptionType::kMemoryOrPercent;
  if (percent_allowed && value.ends_with('%')) {
    const std::optional<int64_t> percent = protocol::ParseInt64(value.substr(0, value.size() - 1));
    if (!percent || *percent < 0) return "argument must be a memory or percent value";
    if (*percent > 100) return "percentage argument must be less or equal to 100";
    *text = *percent == 0 ? "0" : std::to_string(*percent) + "%";
    return std::nullopt;
  }
  const std::optional<uint64_t> bytes = ParseMemory(value);
  if (!bytes)
    return percent_allowed ? "argument must be a memory or percent value"
                           : "argument must be a memory value";
  if (*bytes < static_cast<uint64_t>(option.min) || *bytes > option.max) {
    return BoundsText(std::to_string(option.min), std::to_string(option.max));
  }
  *text = std::to_string(*bytes);
  return std::nullopt;
}

std::optional<std::string> ParseOctal(const Option& option, std::string_view value,
                                      std::string* text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number, 8);
  if (error != std::errc() || end != value.data() + value.size())
    return "argument couldn't be parsed as an octal number";
  if (number < static_cast<uint64_t>(option.min) || number > option.max) {
    return BoundsText(ToOctal(static_cast<uint64_t>(option.min)), ToOctal(option.max));
  }
  *text = ToOctal(number);
  return std::nullopt;
}

std::optional<std::string> ParseChoice(const Option& option, std::string_view value,
                                       std::string* text) {
  for (const std::string_view choice : option.choices) {
    if (EqualsIgnoringCase(value, choice)) {
      *text = choice;
      return std::nullopt;
    }
  }
  std::string reason = "argument(s) must be one of the following: ";
  for (const std::string_view choice : option.choices) reason.append(choice).append(", ");
  reason.resize(reason.size() - 2);
  return reason;
}

std::optional<std::string> ParseByType(const Option& option, const std::string& value,
                                       std::string* text) {
  switch (option.type) {
    case OptionType::kBool:
      return ParseBool(value, text);
    case OptionType::kInteger:
      return ParseInteger(option, value, text);
    case OptionType::kMemory:
    case OptionType::kMemoryOrPercent:
      return ParseBytes(option, value, text);
    case OptionType::kOctal:
      return ParseOctal(option, value, text);
    case OptionType::kChoice:
      return ParseChoice(option, value, text);
    case OptionType::kText:
    case OptionType::kSpecial:
      break;
  }
  *text = value;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> ParseOptionValue(const Option& option,
                                            std::span<const std::string> values, bool at_start,
                                            std::string* text) {
  if (option.type == OptionType::kSpecial) return option.parse(values, at_start, text);
  if (option.Is(kFileOnly)) return std::nullopt;
  if (values.size() != 1) return "wrong number of arguments";
  std::string parsed;
  if (auto error = ParseByType(option, values[0], &parsed)) return error;
  if (option.parse != nullptr) {
    if (auto error = option.parse({&parsed, 1}, at_start, &parsed)) return error;
  }
  if (!at_start && option.refuse != nullptr) {
    if (auto error = option.refuse(*text, parsed)) return error;
  }
  *text = std::move(parsed);
  return std::nullopt;
}

int64_t NumberOf(const Option& option, std::string_view text) {
  switch (option.type) {
    case OptionType::kBool:
      return text == "yes" ? 1 : 0;
    case OptionType::kInteger:
      return protocol::ParseInt64(text).value_or(0);
    case OptionType::kMemory:
      return static_cast<int64_t>(
          ParseMemory(text).value_or(0));  // above 2^63: read back as unsigned
    case OptionType::kChoice:
      return std::find(option.choices.begin(), option.choices.end(), text) - option.choices.begin();
    case OptionType::kOctal: {
      int64_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number, 8);
      return number;
    }
    case OptionType::kMemoryOrPercent:
    case OptionType::kText:
    case OptionType::kSpecial:
      break;
  }
  return 0;
}

std::optional<uint64_t> ParseMemory(std::string_view text) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) number = kMax;
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));

  struct Unit {
    std::string_view name;
    uint64_t bytes;
  };
  static constexpr Unit kUnits[] = {{"", 1},           {"b", 1},       {"k", 1000},
                                    {"kb", 1024},      {"m", 1000000}, {"mb", 1 << 20},
                                    {"g", 1000000000}, {"gb", 1 << 30}};
  for (const Unit& known : kUnits) {
    if (!EqualsIgnoringCase(unit, known.name)) continue;
    return number > kMax / known.bytes ? kMax : number * known.bytes;
  }
  return std::nullopt;
}

std::vector<std::string> SplitAtSpaces(std::string_view text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    pieces.emplace_back(text.substr(0, space));
    if (space == std::string_view::npos) break;
    text.remove_prefix(space + 1);
    if (text.empty()) pieces.emplace_back();
  }
  return pieces;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ToLower(x) == ToLower(y); });
}

}  // namespace larder::server
