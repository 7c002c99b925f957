#include "store/common_subsequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

// (a_begin, b_begin, length) of each run.
using Runs = std::vector<std::tuple<size_t, size_t, size_t>>;

Runs Found(std::string_view a, std::string_view b) {
  Runs runs;
  for (const CommonRun& run : LongestCommonSubsequence(a, b)) {
    runs.emplace_back(run.a_begin, run.b_begin, run.length);
  }
  return runs;
}

// The table of numbers that every textbook has, walked back by the rule in the header.
Runs ByTheTextbook(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> table(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
                                         : std::max(table[i - 1][j], table[i][j - 1]);
    }
  }
  Runs runs;
  bool in_run = false;
  for (size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      --i;
      --j;
      const size_t length = in_run ? std::get<2>(runs.back()) + 1 : 1;
      if (in_run) runs.pop_back();
      runs.emplace_back(i, j, length);
      in_run = true;
    } else {
      in_run = false;
      if (table[i - 1][j] > table[i][j - 1]) {
        --i;
      } else {
        --j;
      }
    }
  }
  return runs;
}

TEST(LongestCommonSubsequenceTest, FindsTheRunsFromTheEnd) {
  EXPECT_EQ(Found("ohmytext", "mynewtext"), (Runs{{4, 5, 4}, {2, 0, 2}}));
  EXPECT_EQ(Found("abc", "abc"), (Runs{{0, 0, 3}}));
  EXPECT_EQ(Found("abc", "xyz"), Runs{});
  EXPECT_EQ(Found("ab", "ba"), (Runs{{1, 0, 1}}));
}

TEST(LongestCommonSubsequenceTest, NothingIsInCommonWithNothing) {
  EXPECT_EQ(Found("", ""), Runs{});
  EXPECT_EQ(Found("abc", ""), Runs{});
  EXPECT_EQ(Found("", "abc"), Runs{});
}

TEST(LongestCommonSubsequenceTest, AgreesWithTheTextbook) {
  std::mt19937 random(1);
  for (int64_t round = 0; round < test_support::Scaled(1500); ++round) {
    const unsigned letters = 1 + random() % 6;
    std::string a(random() % 200, '\0');
    std::string b(random() % 200, '\0');
    for (char& byte : a) byte = static_cast<char>(0xfd + random() % letters);
    for (char& byte : b) byte = static_cast<char>(0xfd + random() % (letters + 1));
    ASSERT_EQ(Found(a, b), ByTheTextbook(a, b)) << round;
  }
}

TEST(LongestCommonSubsequenceTest, TakesStringsOfVeryUnequalLength) {
  const std::string long_one = std::string(1'000'000, 'x') + "y" + std::string(1000, 'z');
  EXPECT_EQ(Found(long_one, "y"), (Runs{{1'000'000, 0, 1}}));
  EXPECT_EQ(Found("y", long_one), (Runs{{0, 1'000'000, 1}}));
}

}  // namespace
}  // namespace larder::store
