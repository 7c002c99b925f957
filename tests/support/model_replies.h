// Replies as redis-server 7.0.15 words them, spelled out for the model of the commands
// (command_model.h), and the numbers that it reads.
//
// Pure, any thread.
#pragma once

#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace larder::test_support {

inline const std::string kOk = "+OK\r\n";
inline const std::string kQueued = "+QUEUED\r\n";
inline const std::string kSyntax = "-ERR syntax error\r\n";
inline const std::string kNotAnInteger = "-ERR value is not an integer or out of range\r\n";
inline const std::string kDbOutOfRange = "-ERR DB index is out of range\r\n";

inline std::string Integer(int64_t value) { return ":" + std::to_string(value) + "\r\n"; }
inline std::string Bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

inline std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(tolower(c));
  return text;
}
inline std::string WrongArity(const std::string& command) {
  return "-ERR wrong number of arguments for '" + Lower(command) + "' command\r\n";
}
inline std::string InvalidExpireTime(std::string_view command) {
  return "-ERR invalid expire time in '" + Lower(std::string(command)) + "' command\r\n";
}

// Only the form in which Redis itself would write the number.
inline std::optional<int64_t> ParseInteger(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || std::to_string(value) != text) return std::nullopt;
  return value;
}

}  // namespace larder::test_support
