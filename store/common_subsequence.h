// The longest common subsequence of two strings, and where its pieces are.
//
// Bit-parallel: a cell of the table is one bit, whether its number is larger than its left
// neighbour's, and 64 of them are computed at once (Crochemore, Iliopoulos, Pinzon, Reid: A fast
// and practical bit-vector algorithm for the longest common subsequence problem, 2001). That bit is
// also all that the way back needs.
//
// Pure functions, any thread. Cost for strings of n and m bytes: O(n * m / 64) time, n * m / 8
// bytes of memory, rows rounded up to 8.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace larder::store {

// `length` equal bytes at `a_begin` of one string and at `b_begin` of the other.
struct CommonRun {
  size_t a_begin;
  size_t b_begin;
  size_t length;
};

// The runs that make up the subsequence, the last one first. Of several subsequences of the
// greatest length it is the one found from the ends of both strings: equal bytes are always taken,
// else b is shortened unless that loses length.
std::vector<CommonRun> LongestCommonSubsequence(std::string_view a, std::string_view b);

}  // namespace larder::store
