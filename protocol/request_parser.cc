#include "protocol/request_parser.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "protocol/number.h"

namespace larder::protocol {

namespace {

constexpr size_t kLineEndBytes = 2;
// "$0\r\n\r\n": what an argument takes at least.
constexpr size_t kArgumentBytesMin = 6;
// A parser that once held a request of more arguments than this gives the memory back.
constexpr size_t kKeptArguments = 256;

// Reads a length that is a valid one without a sign, and the line end after it. Returns the first
// byte of the next line, or null for anything else, incomplete lines among it.
inline const char* TakeLength(const char* at, const char* end, uint64_t* length) {
  if (at == end) return nullptr;
  uint64_t value = static_cast<unsigned char>(*at) - uint64_t{'0'};
  if (value > 9) return nullptr;
  const bool leading_zero = value == 0;
  // Ten digits hold every length that a limit allows, and cannot overflow.
  const char* const last = end - at > 10 ? at + 10 : end;
  while (++at < last) {
    const uint64_t digit = static_cast<unsigned char>(*at) - uint64_t{'0'};
    if (digit > 9) break;
    value = value * 10 + digit;
    if (leading_zero) return nullptr;
  }
  if (end - at < static_cast<ptrdiff_t>(kLineEndBytes) || *at != '\r') return nullptr;
  *length = value;
  return at + kLineEndBytes;
}

// The C locale's isspace().
inline bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What ends an unquoted word; vertical tab and form feed do not, as in Redis.
inline bool EndsWord(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

inline bool IsQuote(char c) { return c == '"' || c == '\''; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Decodes the escape sequence that `text` starts with (a backslash, where nothing is escaped) and
// returns how many bytes it took.
size_t DecodeEscape(std::string_view text, char quote, char* decoded) {
  *decoded = text[0];
  if (text.size() < 2) return 1;
  if (quote == '\'') {
    if (text[1] != '\'') return 1;
    *decoded = '\'';
    return 2;
  }
  if (text[1] == 'x' && text.size() >= 4 && HexDigit(text[2]) >= 0 && HexDigit(text[3]) >= 0) {
    *decoded = static_cast<char>(HexDigit(text[2]) * 16 + HexDigit(text[3]));
    return 4;
  }
  switch (text[1]) {
    case 'n':
      *decoded = '\n';
      break;
    case 'r':
      *decoded = '\r';
      break;
    case 't':
      *decoded = '\t';
      break;
    case 'b':
      *decoded = '\b';
      break;
    case 'a':
      *decoded = '\a';
      break;
    default:
      *decoded = text[1];
  }
  return 2;
}

// Decodes the word at line[*at], which has a quote in it, to *out; moves both past it. A closing
// quote ends the word, so a blank or nothing must follow. False: the quotes are not balanced.
bool DecodeQuotedWord(std::string_view line, size_t* at, char** out) {
  size_t i = *at;
  char* to = *out;
  while (!IsQuote(line[i])) *to++ = line[i++];
  const char quote = line[i++];
  while (i < line.size() && line[i] != quote) {
    if (line[i] == '\\') {
      i += DecodeEscape(line.substr(i), quote, to++);
    } else {
      *to++ = line[i++];
    }
  }
  if (i == line.size()) return false;
  ++i;
  if (i < line.size() && !IsSpace(line[i])) return false;
  *at = i;
  *out = to;
  return true;
}

}  // namespace

RequestParser::Status RequestParser::Next(std::string_view input,
                                          std::vector<std::string_view>* args) {
  if (phase_ == Phase::kRequestStart && TakeWholeRequest(input, args)) return Status::kRequest;
  return Resume(input, args);
}

// The hot path: a request that is a RESP array, valid, and here to its last byte. Whatever else it
// meets, it undoes and leaves to Resume, which knows what is wrong or missing.
bool RequestParser::TakeWholeRequest(std::string_view input, std::vector<std::string_view>* args) {
  const char* at = input.data();
  const char* const end = at + input.size();
  if (input.empty() || *at != '*') return false;
  uint64_t count = 0;
  at = TakeLength(at + 1, end, &count);
  if (at == nullptr || count == 0 || count > ArgsMax()) return false;
  if (count > static_cast<size_t>(end - at) / kArgumentBytesMin) return false;

  const uint64_t bulk_bytes_max = BulkBytesMax();
  const size_t args_before = args->size();
  for (; count > 0; --count) {
    uint64_t bytes = 0;
    if (at == end || *at != '$' || (at = TakeLength(at + 1, end, &bytes)) == nullptr ||
        bytes > bulk_bytes_max || static_cast<size_t>(end - at) < bytes + kLineEndBytes) {
      args->resize(args_before);
      return false;
    }
    args->emplace_back(at, bytes);
    at += bytes + kLineEndBytes;
  }
  consumed_ = static_cast<size_t>(at - input.data());
  return true;
}

// The general path: any request, from whatever byte the previous call stopped at.
RequestParser::Status RequestParser::Resume(std::string_view input,
                                            std::vector<std::string_view>* args) {
  consumed_ = 0;
  bytes_wanted_ = 0;
  const size_t args_before = args->size();
  for (;;) {
    switch (Advance(input.substr(consumed_), args)) {
      case Step::kAdvanced:
        break;
      case Step::kStarved:
        return Status::kNeedMore;
      case Step::kFailed:
        args->resize(args_before);
        return Status::kError;
      case Step::kRequestEnd:
        consumed_ += position_;
        BeginRequest();
        if (args->size() > args_before) return Status::kRequest;
    }
  }
}

RequestParser::Step RequestParser::Advance(std::string_view request,
                                           std::vector<std::string_view>* args) {
  switch (phase_) {
    case Phase::kRequestStart:
      if (request.empty()) return Step::kStarved;
      phase_ = request[0] == '*' ? Phase::kCountLine : Phase::kInlineLine;
      return Step::kAdvanced;
    case Phase::kInlineLine:
      return ReadInline(request, args);
    case Phase::kCountLine:
      return ReadCount(request);
    case Phase::kLengthLine:
      return ReadLength(request);
    case Phase::kBody:
      return ReadBody(request, args);
  }
  assert(false);
  return Step::kFailed;
}

// Finds the line from position_ to the first `end`, without either.
RequestParser::Step RequestParser::ReadLine(std::string_view request, char end,
                                            const char* too_long, std::string_view* line) {
  const size_t from = std::max(position_, searched_);
  // Only an end within the limit counts, however much has arrived.
  const size_t to = std::min(request.size(), position_ + limits_.inline_bytes_max + 1);
  const void* found = from < to ? std::memchr(request.data() + from, end, to - from) : nullptr;
  if (found == nullptr) {
    searched_ = std::max(from, to);
    return request.size() - position_ > limits_.inline_bytes_max ? Fail(too_long) : Step::kStarved;
  }
  searched_ = static_cast<size_t>(static_cast<const char*>(found) - request.data());
  *line = request.substr(position_, searched_ - position_);
  return Step::kAdvanced;
}

RequestParser::Step RequestParser::ReadInline(std::string_view request,
                                              std::vector<std::string_view>* args) {
  std::string_view line;
  const Step step = ReadLine(request, '\n', "Protocol error: too big inline request", &line);
  if (step != Step::kAdvanced) return step;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!SplitInline(line, args)) return Fail("Protocol error: unbalanced quotes in request");
  position_ = searched_ + 1;
  return Step::kRequestEnd;
}

RequestParser::Step RequestParser::ReadCount(std::string_view request) {
  std::string_view line;
  const Step step = ReadLine(request, '\r', "Protocol error: too big mbulk count string", &line);
  if (step != Step::kAdvanced) return step;
  if (request.size() - searched_ < kLineEndBytes) return Step::kStarved;
  const std::optional<int64_t> count = ParseInt64(line.substr(1));
  if (!count || *count > limits_.args_max) return Fail("Protocol error: invalid multibulk length");
  if (!limits_.authenticated && *count > kUnauthenticatedArgsMax) {
    return Fail("Protocol error: unauthenticated multibulk length");
  }
  position_ = searched_ + kLineEndBytes;
  if (*count <= 0) return Step::kRequestEnd;
  arguments_left_ = *count;
  phase_ = Phase::kLengthLine;
  return Step::kAdvanced;
}

RequestParser::Step RequestParser::ReadLength(std::string_view request) {
  std::string_view line;
  const Step step = ReadLine(request, '\r', "Protocol error: too big bulk count string", &line);
  if (step != Step::kAdvanced) return step;
  if (request.size() - searched_ < kLineEndBytes) return Step::kStarved;
  if (const char first = request[position_]; first != '$') {
    Fail("Protocol error: expected '$', got '");
    error_.append(1, first).append("'");
    return Step::kFailed;
  }
  const std::optional<int64_t> bytes = ParseInt64(line.substr(1));
  if (!bytes || *bytes < 0 || static_cast<uint64_t>(*bytes) > limits_.bulk_bytes_max) {
    return Fail("Protocol error: invalid bulk length");
  }
  body_bytes_ = static_cast<size_t>(*bytes);
  if (!limits_.authenticated && body_bytes_ > kUnauthenticatedBulkBytesMax) {
    return Fail("Protocol error: unauthenticated bulk length");
  }
  position_ = searched_ + kLineEndBytes;
  phase_ = Phase::kBody;
  return Step::kAdvanced;
}

RequestParser::Step RequestParser::ReadBody(std::string_view request,
                                            std::vector<std::string_view>* args) {
  const size_t bytes_here = request.size() - position_;
  const size_t bytes_needed = body_bytes_ + kLineEndBytes;
  if (bytes_here < bytes_needed) {
    bytes_wanted_ = bytes_needed - bytes_here;
    return Step::kStarved;
  }
  arguments_.push_back({position_, body_bytes_});
  position_ += bytes_needed;
  phase_ = Phase::kLengthLine;
  if (--arguments_left_ > 0) return Step::kAdvanced;
  for (const Range& range : arguments_) {
    args->push_back(request.substr(range.begin, range.bytes));
  }
  return Step::kRequestEnd;
}

// Splits at blanks and decodes quotes, as Redis' sdssplitargs does.
bool RequestParser::SplitInline(std::string_view line, std::vector<std::string_view>* args) {
  char* decoded = nullptr;  // the free rest of this request's block; made at the first quote
  size_t at = 0;
  for (;;) {
    while (at < line.size() && IsSpace(line[at])) ++at;
    if (at == line.size()) return true;
    size_t end = at;
    while (end < line.size() && !EndsWord(line[end]) && !IsQuote(line[end])) ++end;
    if (end == line.size() || !IsQuote(line[end])) {
      args->push_back(line.substr(at, end - at));
      at = end;
      continue;
    }
    if (decoded == nullptr) {
      // Decoding never lengthens, so the rest of the line is room enough for all that follows.
      inline_storage_.push_back(std::make_unique_for_overwrite<char[]>(line.size() - at));
      decoded = inline_storage_.back().get();
    }
    const char* const word = decoded;
    if (!DecodeQuotedWord(line, &at, &decoded)) return false;
    args->emplace_back(word, static_cast<size_t>(decoded - word));
  }
}

void RequestParser::BeginRequest() {
  phase_ = Phase::kRequestStart;
  position_ = 0;
  searched_ = 0;
  arguments_.clear();
  if (arguments_.capacity() > kKeptArguments) std::vector<Range>().swap(arguments_);
}

RequestParser::Step RequestParser::Fail(const char* text) {
  error_ = text;
  return Step::kFailed;
}

}  // namespace larder::protocol
