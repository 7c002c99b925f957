// A load for tests of the server's maps: what makes shards move, and waits until they have.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "tests/support/harness.h"

namespace larder::test_support {

// Maintenance samples and moves shards a few at a time.
inline void SettleMaps(Harness& h) {
  for (int i = 0; i < 10; ++i) h.Advance(std::chrono::milliseconds(30));
}

// A second of 1,250 reads, most of them of one key.
inline void ReadForASecond(Harness& h) {
  for (int tenth = 0; tenth < 10; ++tenth) {
    for (int i = 0; i < 100; ++i) {
      h.Run("GET hot");
      if (i % 4 == 0) h.Run("GET cold" + std::to_string(i));
    }
    h.Advance(std::chrono::milliseconds(100));
  }
}

inline bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace larder::test_support
