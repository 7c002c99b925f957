// Tables of CONFIG SET: what is answered, and what CONFIG GET shows afterwards.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "server/config.h"

namespace larder::test_support {

struct SetCase {
  std::string_view name;
  std::string_view value;
  std::string_view reason;  // of the error; empty: it is accepted
  std::string_view shown;   // by CONFIG GET; if empty after an error, it is not looked at
};

// Each case starts from the defaults.
inline void Check(std::span<const SetCase> cases) {
  for (const SetCase& c : cases) {
    SCOPED_TRACE(std::string(c.name) + " '" + std::string(c.value) + "'");
    server::Config config;
    const std::string failed =
        "ERR CONFIG SET failed (possibly related to argument '" + std::string(c.name) + "') - ";
    const std::pair<std::string_view, std::string_view> pairs[] = {{c.name, c.value}};
    EXPECT_EQ(config.Set(pairs).value_or("OK"),
              c.reason.empty() ? "OK" : failed + std::string(c.reason));
    if (!c.shown.empty() || c.reason.empty()) {
      EXPECT_EQ(config.Text(c.name), c.shown);
    }
  }
}

}  // namespace larder::test_support
