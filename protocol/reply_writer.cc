#include "protocol/reply_writer.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

#include "protocol/number.h"

namespace larder::protocol {

namespace {

// A type byte, a number of 20 digits and a line end, and the line end after a body.
constexpr size_t kFrameBytesMax = 1 + kInt64CharsMax + 2 + 2;
static_assert(kFrameBytesMax + kDoubleCharsMax < ReplyBuffer::kReserveMax);

// A body up to here shares one reservation with its frame.
constexpr size_t kBodyInReservationMax = ReplyBuffer::kReserveMax - kFrameBytesMax;

inline char* PutLineEnd(char* at) {
  std::memcpy(at, "\r\n", 2);
  return at + 2;
}

inline char* PutBytes(char* at, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

// "<type><number>\r\n". Lengths are short as a rule: two digits and less skip the general
// conversion.
inline char* PutHeader(char* at, char type, uint64_t number) {
  *at++ = type;
  if (number < 10) {
    *at++ = static_cast<char>('0' + number);
  } else if (number < 100) {
    *at++ = static_cast<char>('0' + number / 10);
    *at++ = static_cast<char>('0' + number % 10);
  } else {
    at = std::to_chars(at, at + kInt64CharsMax, number).ptr;
  }
  return PutLineEnd(at);
}

}  // namespace

void ReplyWriter::SimpleString(std::string_view text) { Line('+', text); }

void ReplyWriter::Error(std::string_view text) {
  // Redis drops line ends at the end before it makes those inside harmless.
  while (text.ends_with('\r') || text.ends_with('\n')) text.remove_suffix(1);
  Line('-', text);
}

void ReplyWriter::Integer(int64_t value) {
  NoteValues(1);
  char* at = out_.Reserve(kFrameBytesMax);
  if (value >= 0) {
    at = PutHeader(at, ':', static_cast<uint64_t>(value));
  } else {
    *at++ = ':';
    at = PutLineEnd(at + FormatInt64(value, at));
  }
  out_.Commit(at);
}

void ReplyWriter::Bulk(std::string_view bytes) {
  NoteValues(1);
  if (bytes.size() > kBodyInReservationMax) return Framed('$', {}, bytes);
  char* at = out_.Reserve(bytes.size() + kFrameBytesMax);
  at = PutHeader(at, '$', bytes.size());
  at = PutBytes(at, bytes);
  out_.Commit(PutLineEnd(at));
}

void ReplyWriter::BulkFromInteger(int64_t value) {
  char digits[kInt64CharsMax];
  Bulk({digits, FormatInt64(value, digits)});
}

void ReplyWriter::Null() { Raw(IsResp3() ? "_\r\n" : "$-1\r\n"); }

void ReplyWriter::NullArray() { Raw(IsResp3() ? "_\r\n" : "*-1\r\n"); }

void ReplyWriter::Double(double value) {
  char digits[kDoubleCharsMax];
  const std::string_view text(digits, FormatDouble(value, digits));
  if (IsResp3()) {
    Line(',', text);
  } else {
    Bulk(text);
  }
}

void ReplyWriter::Boolean(bool value) {
  if (IsResp3()) {
    Raw(value ? "#t\r\n" : "#f\r\n");
  } else {
    Raw(value ? ":1\r\n" : ":0\r\n");
  }
}

void ReplyWriter::BigNumber(std::string_view digits) {
  if (IsResp3()) {
    Line('(', digits);
  } else {
    Bulk(digits);
  }
}

void ReplyWriter::Verbatim(std::string_view type, std::string_view text) {
  assert(type.size() == 3);
  if (!IsResp3()) return Bulk(text);
  NoteValues(1);
  const char prefix[] = {type[0], type[1], type[2], ':'};
  Framed('=', {prefix, sizeof(prefix)}, text);
}

// "<type><text>\r\n", in pieces that a reservation holds, for the text may be the client's.
void ReplyWriter::Line(char type, std::string_view text) {
  NoteValues(1);
  out_.Append({&type, 1});
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, ReplyBuffer::kReserveMax);
    char* const begin = out_.Reserve(piece.size());
    char* const end = PutBytes(begin, piece);
    std::replace(begin, end, '\r', ' ');
    std::replace(begin, end, '\n', ' ');
    out_.Commit(end);
    text.remove_prefix(piece.size());
  }
  out_.Append("\r\n");
}

// "<type><length>\r\n<prefix><bytes>\r\n"; the body, which may be long, goes in by itself.
void ReplyWriter::Framed(char type, std::string_view prefix, std::string_view bytes) {
  char* const at = out_.Reserve(kFrameBytesMax + prefix.size());
  out_.Commit(PutBytes(PutHeader(at, type, prefix.size() + bytes.size()), prefix));
  out_.Append(bytes);
  out_.Append("\r\n");
}

void ReplyWriter::Aggregate(char type, size_t announced, size_t values) {
  NoteAggregate(values);
  out_.Commit(PutHeader(out_.Reserve(kFrameBytesMax), type, announced));
}

#ifdef NDEBUG

void ReplyWriter::AssertComplete() const {}

#else

void ReplyWriter::AssertComplete() const {
  assert(missing_.empty() && "an aggregate got fewer values than its header announced");
}

void ReplyWriter::NoteValues(size_t values) {
  if (missing_.empty()) return;
  assert(values <= missing_.back() && "an aggregate got more values than its header announced");
  missing_.back() -= values;
  while (!missing_.empty() && missing_.back() == 0) missing_.pop_back();
}

void ReplyWriter::NoteAggregate(size_t values) {
  NoteValues(1);
  if (values > 0) missing_.push_back(values);
}

#endif

}  // namespace larder::protocol
