// RequestParser: bytes to argument vectors, incrementally. It reads RESP arrays of bulk strings and
// inline commands, does no I/O and holds no input: the caller keeps the bytes, the parser keeps
// positions, so a request may be cut at any byte.
//
//     buffer.Commit(socket.read(buffer.Prepare(n)));
//     for (;;) {
//       status = parser.Next(buffer.Pending(), &args);
//       buffer.Consume(parser.consumed());            // whatever the status; the bytes stay put
//       if (status != kRequest) break;                // kNeedMore: read; kError: reply, then close
//     }
//     ... run the batch; args view the buffer ...
//     parser.ReleaseInlineStorage();                  // and only then read again
//
// Thread: one owner at a time (its connection's I/O thread).
// Cost: a complete request is one pass over its header bytes, bodies are never looked at, nothing
// is allocated. Bytes examined before a kNeedMore are not examined again, but for the one pass that
// finds a fresh request incomplete. Memory: 16 bytes an argument of an unfinished request, so at
// most thrice the bytes received; a declared count or length reserves nothing.
//
// What is accepted is what Redis 7.0.15 accepts (its networking.c is the reference), with its
// leniencies: the '\n' after a header's '\r' and the two bytes after a body are skipped unread. Two
// differences: a NUL byte is an ordinary byte (Redis stalls on it), and an over-long line is an
// error however it arrives (Redis lets it pass when it comes in one read).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace larder::protocol {

struct ParserLimits {
  size_t bulk_bytes_max = size_t{512} << 20;  // proto-max-bulk-len
  int64_t args_max = INT32_MAX;               // Redis' own bound on a declared count
  size_t inline_bytes_max = 64 * 1024;        // an inline command or a length line, without its end
  // Before a client has authenticated, where a password is set, it gets no more than
  // kUnauthenticated* below. Parse one request at a time then: the next one may follow an AUTH in
  // the same bytes.
  bool authenticated = true;
};

inline constexpr int64_t kUnauthenticatedArgsMax = 10;
inline constexpr size_t kUnauthenticatedBulkBytesMax = 16 * 1024;

class RequestParser {
 public:
  enum class Status : uint8_t {
    kNeedMore,  // the input ends inside a request, or is empty
    kRequest,   // one request was appended to *args
    kError,  // see error(); the stream has lost its frame: reply and close, do not call Next again
  };

  explicit RequestParser(const ParserLimits& limits = {}) : limits_(limits) {}
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes effect at the next length that is read.
  void set_limits(const ParserLimits& limits) { limits_ = limits; }
  const ParserLimits& limits() const { return limits_; }

  // `input` starts at the first byte after the last consumed() one; since the previous call it may
  // have moved in memory and grown, but not changed. On kRequest, and only then, the arguments (at
  // least one) are appended to *args: views of `input`, or of storage kept here for quoted inline
  // arguments, valid until the input moves and until ReleaseInlineStorage(). Empty requests (`*0`,
  // `*-1`, blank lines) are passed over.
  Status Next(std::string_view input, std::vector<std::string_view>* args);

  // How many bytes of its input the last call is done with. May exceed 0 on kNeedMore too (empty
  // requests that were passed over): drop them each time.
  size_t consumed() const { return consumed_; }

  // After kError: the text without its code, "Protocol error: ..." . Valid until destruction.
  std::string_view error() const { return error_; }

  // After kNeedMore: how many more bytes complete the current argument; 0 if that is not known yet.
  // The client declared it, so it is a hint of how much to read, never of how much to reserve.
  size_t bytes_wanted() const { return bytes_wanted_; }

  // Ends a batch: frees what quoted inline arguments of the requests so far were decoded into.
  void ReleaseInlineStorage() {
    if (!inline_storage_.empty()) inline_storage_.clear();
  }

 private:
  // What the byte at request_start + position_ begins.
  enum class Phase : uint8_t {
    kRequestStart,  // a request: position_ == 0 and arguments_ is empty
    kInlineLine,    // an inline command whose end has not been seen
    kCountLine,     // "*<count>\r\n", end not seen
    kLengthLine,    // "$<length>\r\n" of the next of arguments_left_ arguments
    kBody,          // body_bytes_ bytes and two more
  };
  enum class Step : uint8_t { kStarved, kFailed, kAdvanced, kRequestEnd };
  struct Range {  // relative to the request's first byte, because the input may move
    size_t begin;
    size_t bytes;
  };

  uint64_t ArgsMax() const {
    const int64_t max = limits_.authenticated ? limits_.args_max
                                              : std::min(limits_.args_max, kUnauthenticatedArgsMax);
    return static_cast<uint64_t>(max);
  }
  uint64_t BulkBytesMax() const {
    return limits_.authenticated ? limits_.bulk_bytes_max
                                 : std::min(limits_.bulk_bytes_max, kUnauthenticatedBulkBytesMax);
  }
  bool TakeWholeRequest(std::string_view input, std::vector<std::string_view>* args);
  Status Resume(std::string_view input, std::vector<std::string_view>* args);
  Step Advance(std::string_view request, std::vector<std::string_view>* args);
  Step ReadLine(std::string_view request, char end, const char* too_long, std::string_view* line);
  Step ReadInline(std::string_view request, std::vector<std::string_view>* args);
  Step ReadCount(std::string_view request);
  Step ReadLength(std::string_view request);
  Step ReadBody(std::string_view request, std::vector<std::string_view>* args);
  bool SplitInline(std::string_view line, std::vector<std::string_view>* args);
  void BeginRequest();
  Step Fail(const char* text);

  ParserLimits limits_;
  Phase phase_ = Phase::kRequestStart;
  int64_t arguments_left_ = 0;
  size_t consumed_ = 0;
  size_t position_ = 0;  // relative to the request's first byte; all before it is parsed
  size_t searched_ = 0;  // ... and no line end is in [position_, searched_)
  size_t body_bytes_ = 0;
  size_t bytes_wanted_ = 0;
  std::vector<Range> arguments_;  // of the unfinished request
  // One block a request with quoted arguments; blocks never move, so the views hold.
  std::vector<std::unique_ptr<char[]>> inline_storage_;
  std::string error_;
};

}  // namespace larder::protocol
