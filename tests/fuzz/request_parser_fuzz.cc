// Property: however a stream of bytes is cut, it comes to the same requests, the same error and the
// same unfinished rest as when it is fed whole.
//
// Input: one byte of seed, which draws the limits and the cuts, then the stream.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/request_parser.h"

namespace {

using larder::protocol::ParserLimits;
using larder::protocol::RequestParser;

struct Outcome {
  std::vector<std::vector<std::string>> requests;
  std::string error;
  std::string rest;

  bool operator==(const Outcome&) const = default;
};

template <typename NextPieceBytes>
Outcome Feed(std::string_view stream, const ParserLimits& limits, NextPieceBytes next_piece_bytes) {
  RequestParser parser(limits);
  Outcome outcome;
  std::vector<char> pending;
  while (!stream.empty()) {
    const std::string_view piece = stream.substr(0, next_piece_bytes());
    stream.remove_prefix(piece.size());
    pending.insert(pending.end(), piece.begin(), piece.end());
    // A new place at each call, and nothing readable after it.
    pending = std::vector<char>(pending.begin(), pending.end());

    std::string_view input(pending.data(), pending.size());
    for (;;) {
      std::vector<std::string_view> args;
      const RequestParser::Status status = parser.Next(input, &args);
      if (status == RequestParser::Status::kError) {
        outcome.error = parser.error();
        return outcome;
      }
      if (parser.consumed() > input.size()) std::abort();
      input.remove_prefix(parser.consumed());
      if (args.empty() != (status == RequestParser::Status::kNeedMore)) std::abort();
      if (status == RequestParser::Status::kNeedMore) break;
      outcome.requests.emplace_back(args.begin(), args.end());
    }
    pending = std::vector<char>(input.begin(), input.end());
    parser.ReleaseInlineStorage();
  }
  outcome.rest.assign(pending.begin(), pending.end());
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::minstd_rand random(data[0] + 1u);
  // Small limits, so that inputs of a fuzzer's size reach them; some inputs get the real ones.
  ParserLimits limits;
  if (random() % 4 != 0) limits = {.bulk_bytes_max = 40, .args_max = 12, .inline_bytes_max = 60};
  limits.authenticated = random() % 4 != 0;

  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = Feed(stream, limits, [&] { return stream.size(); });
  if (Feed(stream, limits, [] { return size_t{1}; }) != whole) std::abort();
  if (Feed(stream, limits, [&] { return size_t{1 + random() % 24}; }) != whole) std::abort();
  return 0;
}
