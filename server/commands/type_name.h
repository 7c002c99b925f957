// What TYPE and OBJECT ENCODING call the value of an entry. Pure; a thread that may read the entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "store/entry.h"
#include "store/string_value.h"

namespace larder::server {

inline std::string_view TypeName(const store::Entry&) { return "string"; }

// The value if Redis would keep it as an integer.
inline std::optional<int64_t> IntegerOf(const store::Entry& entry) {
  if (entry.is_integer()) return entry.integer();
  if (entry.is_large() || entry.encoding() != store::Entry::Encoding::kByContent) {
    return std::nullopt;
  }
  store::IntegerText unused;
  const std::string_view text = entry.value(unused);
  int64_t integer = 0;
  if (text.empty() || !store::ParseCanonicalInteger(text, &integer)) return std::nullopt;
  return integer;
}

// Redis keeps a string in one of three ways. larder's are others; this is what Redis would have.
inline std::string_view EncodingName(const store::Entry& entry) {
  constexpr size_t kEmbeddedBytesMax = 44;
  if (IntegerOf(entry)) return "int";
  const bool raw = entry.is_large() || entry.encoding() == store::Entry::Encoding::kRaw;
  return raw || entry.value_size() > kEmbeddedBytesMax ? "raw" : "embstr";
}

}  // namespace larder::server
