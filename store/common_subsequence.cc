#include "store/common_subsequence.h"

#include <array>
#include <cstdint>
#include <memory>

namespace larder::store {
namespace {

constexpr size_t kWordBits = 64;

// For each byte that occurs in `a`, the places where it occurs in `b`, as a row of bits.
class Occurrences {
 public:
  Occurrences(std::string_view a, std::string_view b, size_t row_words) : row_words_(row_words) {
    size_t rows = 0;
    for (const char byte : a) {
      if (size_t& row = RowOf(byte); row == kNone) row = rows++;
    }
    bits_.resize(rows * row_words);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t row = RowOf(b[j]);
      if (row != kNone) bits_[row * row_words + j / kWordBits] |= uint64_t{1} << j % kWordBits;
    }
  }

  // REQUIRES: the byte occurs in `a`.
  const uint64_t* Of(char byte) { return &bits_[RowOf(byte) * row_words_]; }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  struct Row {
    size_t index = kNone;
  };

  size_t& RowOf(char byte) { return rows_[static_cast<uint8_t>(byte)].index; }

  const size_t row_words_;
  std::array<Row, 256> rows_;
  std::vector<uint64_t> bits_;
};

// Row i, bit j: the first i + 1 bytes of `a` have no longer a subsequence in common with the first
// j + 1 bytes of `b` than with the first j.
class Table {
 public:
  Table(std::string_view a, std::string_view b)
      : row_words_((b.size() + kWordBits - 1) / kWordBits),
        level_(std::make_unique_for_overwrite<uint64_t[]>(a.size() * row_words_)) {
    Occurrences occurrences(a, b, row_words_);
    const std::vector<uint64_t> all_level(row_words_, ~uint64_t{0});
    const uint64_t* above = all_level.data();
    for (size_t i = 0; i < a.size(); ++i) {
      uint64_t* row = &level_[i * row_words_];
      ComputeRow(above, occurrences.Of(a[i]), row);
      above = row;
    }
  }

  bool IsLevel(size_t i, size_t j) const {
    return (level_[i * row_words_ + j / kWordBits] >> j % kWordBits & 1) != 0;
  }

 private:
  void ComputeRow(const uint64_t* above, const uint64_t* matches, uint64_t* row) const {
    bool carry = false;
    for (size_t word = 0; word < row_words_; ++word) {
      const uint64_t met = above[word] & matches[word];
      uint64_t sum;
      const bool carry_a = __builtin_add_overflow(above[word], met, &sum);
      const bool carry_b = __builtin_add_overflow(sum, uint64_t{carry}, &sum);
      row[word] = sum | (above[word] & ~matches[word]);
      carry = carry_a || carry_b;
    }
  }

  const size_t row_words_;
  const std::unique_ptr<uint64_t[]> level_;
};

}  // namespace

std::vector<CommonRun> LongestCommonSubsequence(std::string_view a, std::string_view b) {
  std::vector<CommonRun> runs;
  if (a.empty() || b.empty()) return runs;
  const Table table(a, b);
  bool in_run = false;
  for (size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      if (!in_run) runs.push_back({i, j, 0});
      runs.back() = {--i, --j, runs.back().length + 1};
      in_run = true;
      continue;
    }
    in_run = false;
    if (table.IsLevel(i - 1, j - 1)) {
      --j;
    } else {
      --i;
    }
  }
  return runs;
}

}  // namespace larder::store
