// Text to number and back, with Redis' rules. Pure functions, any thread; no allocation, no locale.
//
// Integers: an optional '-', then digits without a leading zero; no '+', no blanks, no "-0"; the
// whole text must be the number (Redis' string2ll). Floats: what strtold takes without leading
// blanks, "inf", "+inf", "-infinity" and hexadecimal included; NaN, overflow and underflow to zero
// are not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::protocol {

inline constexpr size_t kInt64CharsMax = 20;   // "-9223372036854775808"
inline constexpr size_t kDoubleCharsMax = 32;  // "-2.2250738585072014e-308" and to spare

std::optional<int64_t> ParseInt64(std::string_view text);
std::optional<double> ParseDouble(std::string_view text);
std::optional<long double> ParseLongDouble(std::string_view text);

// Write without a terminating NUL and return the length.
// REQUIRES: room for kInt64CharsMax, kDoubleCharsMax bytes.
size_t FormatInt64(int64_t value, char* out);
size_t FormatDouble(double value, char* out);  // 17 significant digits, "inf", "-inf", "nan"

// INCRBYFLOAT's form: never an exponent, at most 17 decimals, no trailing zeros, no "-0".
// REQUIRES: value is finite.
std::string FormatLongDouble(long double value);

}  // namespace larder::protocol
