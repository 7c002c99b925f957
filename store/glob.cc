#include "store/glob.h"

#include <algorithm>
#include <cstddef>

namespace larder::store {
namespace {

// Signed, because ranges compare as Redis compares them on the machines that it is mostly run on.
using Byte = signed char;

Byte Lower(Byte c) { return c >= 'A' && c <= 'Z' ? static_cast<Byte>(c - 'A' + 'a') : c; }

Byte Fold(char c, bool ignore_case) {
  const auto byte = static_cast<Byte>(c);
  return ignore_case ? Lower(byte) : byte;
}

// What one element of a pattern, anything but a star, says about one byte of text.
struct Element {
  bool matches;
  size_t length;  // of the element within the pattern
};

// REQUIRES: pattern begins with '['.
Element MatchClass(std::string_view pattern, char text, bool ignore_case) {
  size_t i = 1;
  const bool negated = i < pattern.size() && pattern[i] == '^';
  if (negated) ++i;
  bool found = false;
  const Byte c = Fold(text, ignore_case);
  while (i < pattern.size() && pattern[i] != ']') {
    const size_t left = pattern.size() - i;
    if (pattern[i] == '\\' && left >= 2) {
      found |= pattern[i + 1] == text;
      i += 2;
    } else if (left >= 3 && pattern[i + 1] == '-') {
      // Ordered first and folded after, as in Redis: [Z-a] in any case is a range from z down to a,
      // and empty.
      const auto [first, last] =
          std::minmax({static_cast<Byte>(pattern[i]), static_cast<Byte>(pattern[i + 2])});
      found |= c >= (ignore_case ? Lower(first) : first) && c <= (ignore_case ? Lower(last) : last);
      i += 3;
    } else {
      found |= Fold(pattern[i], ignore_case) == c;
      ++i;
    }
  }
  return {found != negated, std::min(i + 1, pattern.size())};
}

// REQUIRES: pattern is not empty and does not begin with '*'.
Element MatchElement(std::string_view pattern, char text, bool ignore_case) {
  switch (pattern[0]) {
    case '?':
      return {true, 1};
    case '[':
      return MatchClass(pattern, text, ignore_case);
    default:
      break;
  }
  const size_t escape = pattern[0] == '\\' && pattern.size() >= 2 ? 1 : 0;
  return {Fold(pattern[escape], ignore_case) == Fold(text, ignore_case), escape + 1};
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case) {
  if (text.empty()) return pattern.empty();
  // Every element but a star takes exactly one byte, so what stands between two stars may as well
  // match at the first place where it can: the last star is the only one ever worth another try.
  size_t p = 0;
  size_t t = 0;
  bool starred = false;
  size_t retry_pattern = 0;  // just after the last star
  size_t retry_text = 0;     // where that star ends at present
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      retry_pattern = ++p;
      retry_text = t;
      starred = true;
      if (p == pattern.size()) return true;
      continue;
    }
    if (p < pattern.size()) {
      const Element element = MatchElement(pattern.substr(p), text[t], ignore_case);
      if (element.matches) {
        p += element.length;
        ++t;
        continue;
      }
    }
    if (!starred) return false;
    p = retry_pattern;
    t = ++retry_text;
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace larder::store
