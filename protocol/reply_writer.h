// ReplyWriter: the only code that emits wire bytes. One method for each RESP3 type; to a RESP2
// client it writes what Redis writes there: Map and Push become arrays (a map of n pairs has 2n
// elements), Set an array, Double, BigNumber and Verbatim bulk strings, Boolean :1 or :0, Null and
// NullArray $-1 and *-1.
//
// Thread: that of its ReplyBuffer. It holds no bytes itself and is cheap to make.
// Invariant, checked where assertions are on: an aggregate gets exactly as many values as its
// header announced. More are caught at once, fewer by AssertComplete(), which the dispatcher calls
// after each command and the destructor once more. Cost: a reply is one reservation and one copy;
// bodies above 16 KiB are appended separately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/reply_buffer.h"
#include "protocol/resp_version.h"

namespace larder::protocol {

class ReplyWriter {
 public:
  ReplyWriter(ReplyBuffer& out, RespVersion version) : out_(out), version_(version) {}
  ReplyWriter(const ReplyWriter&) = delete;
  ReplyWriter& operator=(const ReplyWriter&) = delete;
#ifndef NDEBUG
  ~ReplyWriter() { AssertComplete(); }
#endif

  void set_version(RespVersion version) { version_ = version; }
  RespVersion version() const { return version_; }
  ReplyBuffer& buffer() { return out_; }

  // A status line. Carriage returns and line feeds in the text become spaces, as in Error.
  void SimpleString(std::string_view text);
  void Ok() { Raw("+OK\r\n"); }
  // `text` starts with its code ("ERR syntax error", "WRONGTYPE ...").
  void Error(std::string_view text);

  void Integer(int64_t value);
  void Bulk(std::string_view bytes);
  void BulkFromInteger(int64_t value);
  void Null();
  void NullArray();

  // Headers: `n` values follow, for a Map 2 * pairs.
  void Array(size_t n) { Aggregate('*', n, n); }
  void Map(size_t pairs) {
    Aggregate(IsResp3() ? '%' : '*', IsResp3() ? pairs : 2 * pairs, 2 * pairs);
  }
  void Set(size_t n) { Aggregate(IsResp3() ? '~' : '*', n, n); }
  void Push(size_t n) { Aggregate(IsResp3() ? '>' : '*', n, n); }

  void Double(double value);
  void Boolean(bool value);
  void BigNumber(std::string_view digits);
  // REQUIRES: type is three letters ("txt", "mkd").
  void Verbatim(std::string_view type, std::string_view text);

  // Wire bytes made elsewhere: `values` complete values.
  void Raw(std::string_view wire, size_t values = 1) {
    NoteValues(values);
    out_.Append(wire);
  }

  // Asserts that no aggregate lacks values. Nothing under NDEBUG.
  void AssertComplete() const;

 private:
  bool IsResp3() const { return version_ == RespVersion::kResp3; }
  void Line(char type, std::string_view text);
  void Framed(char type, std::string_view prefix, std::string_view bytes);
  void Aggregate(char type, size_t announced, size_t values);

#ifdef NDEBUG
  void NoteValues(size_t) {}
  void NoteAggregate(size_t) {}
#else
  void NoteValues(size_t values);
  void NoteAggregate(size_t values);
  std::vector<size_t> missing_;  // values still to come, for each open aggregate, outermost first
#endif

  ReplyBuffer& out_;
  RespVersion version_;
};

}  // namespace larder::protocol
