// The keys of the benchmarks that run in process.
#pragma once

#include <cstdint>
#include <string_view>

namespace larder::bench {

// The 16-byte text of key number i, made instead of fetched: a table of texts would cost a cache
// miss that a server does not have.
class KeyText {
 public:
  explicit KeyText(uint64_t i) : words_{i * 0x9E3779B97F4A7C15ULL, i} {}
  std::string_view view() const { return {reinterpret_cast<const char*>(words_), sizeof(words_)}; }

 private:
  uint64_t words_[2];
};

}  // namespace larder::bench
