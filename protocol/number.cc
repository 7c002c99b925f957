#include "protocol/number.h"

#include <array>
#include <cassert>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace larder::protocol {

namespace {

// The longest double-extended number in positional notation has 4,933 digits before the point; 17
// come after it. Redis reads and writes within the same bound.
constexpr size_t kLongDoubleCharsMax = 5 * 1024;

template <typename Float>
std::optional<Float> ParseFloat(std::string_view text, Float (*convert)(const char*, char**)) {
  std::array<char, kLongDoubleCharsMax> terminated;
  if (text.empty() || text.size() >= terminated.size()) return std::nullopt;
  if (std::isspace(static_cast<unsigned char>(text.front()))) return std::nullopt;
  std::memcpy(terminated.data(), text.data(), text.size());
  terminated[text.size()] = '\0';

  char* end = nullptr;
  errno = 0;
  const Float value = convert(terminated.data(), &end);
  if (end != terminated.data() + text.size() || std::isnan(value)) return std::nullopt;
  // A denormal sets ERANGE too, and is a number.
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<int64_t> ParseInt64(std::string_view text) {
  if (text == "0") return 0;
  const size_t first_digit = text.starts_with('-') ? 1 : 0;
  if (text.size() <= first_digit) return std::nullopt;
  if (text[first_digit] < '1' || text[first_digit] > '9') return std::nullopt;
  int64_t value = 0;
  const char* const text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, value);
  if (error != std::errc{} || end != text_end) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  return ParseFloat<double>(text, std::strtod);
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  return ParseFloat<long double>(text, std::strtold);
}

size_t FormatInt64(int64_t value, char* out) {
  return static_cast<size_t>(std::to_chars(out, out + kInt64CharsMax, value).ptr - out);
}

size_t FormatDouble(double value, char* out) {
  // NaN has a sign that nobody asked for.
  if (std::isnan(value)) value = std::fabs(value);
  const auto [end, error] =
      std::to_chars(out, out + kDoubleCharsMax, value, std::chars_format::general, 17);
  assert(error == std::errc{});
  return static_cast<size_t>(end - out);
}

std::string FormatLongDouble(long double value) {
  assert(std::isfinite(value));
  std::array<char, kLongDoubleCharsMax> out;
  const int length = std::snprintf(out.data(), out.size(), "%.17Lf", value);
  assert(length > 0 && static_cast<size_t>(length) < out.size());
  std::string text(out.data(), static_cast<size_t>(length));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  if (text == "-0") text = "0";
  return text;
}

}  // namespace larder::protocol
