// What the tests of server/commands/ share: a conversation as a table of requests and replies, run
// for each kind of map.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "store/map_kind.h"
#include "tests/support/harness.h"

namespace larder::test_support {

struct Step {
  std::string_view request;  // an inline command
  std::string_view reply;    // as it is on the wire
};

class CommandTest : public testing::TestWithParam<store::MapKind> {
 protected:
  template <size_t kSteps>
  void Play(const Step (&steps)[kSteps]) {
    for (const Step& step : steps) EXPECT_EQ(h_.Run(step.request), step.reply) << step.request;
  }

  Harness h_{{.map = GetParam()}};
};

inline std::string ParamName(const testing::TestParamInfo<store::MapKind>& info) {
  return MapName(info.param);
}

}  // namespace larder::test_support
