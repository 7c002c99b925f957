// A blocking RESP2/RESP3 client for tests. Strict: it accepts exactly what the protocol allows for
// the version in use (a RESP3 type on a RESP2 connection, a bare LF, a sloppy number are failures),
// so that every test which talks to a server checks the form of its replies as well.
//
// One thread at a time per client. Every failure, a timeout included, throws RespFailure.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace larder::test_support {

struct RespFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One reply, with its elements.
struct Reply {
  // The byte that opens it on the wire: + - : $ * and, in RESP3, _ , # ( = % ~ >. Null bulks and
  // null arrays of RESP2 have type '_' too, so that a test need not ask for the version.
  char type = '_';
  std::string text;             // of + - $ = ( and the digits of ,
  int64_t integer = 0;          // of :, and 0 or 1 of #
  std::vector<Reply> elements;  // of * ~ > and, keys and values in turn, of %

  bool IsNull() const { return type == '_'; }
  bool IsError() const { return type == '-'; }
  bool IsOk() const { return type == '+' && text == "OK"; }
};

// For messages: redis-cli's notation, more or less, on one line.
std::string ToString(const Reply& reply);

// The request as an array of bulk strings.
std::string EncodeRequest(std::span<const std::string> args);
std::string EncodeRequest(std::initializer_list<std::string_view> args);

class RespClient {
 public:
  static constexpr std::chrono::milliseconds kTimeout{20'000};  // of every read and write

  explicit RespClient(uint16_t port, const std::string& host = "127.0.0.1");
  ~RespClient();
  RespClient(RespClient&& other) noexcept;
  RespClient(const RespClient&) = delete;
  RespClient& operator=(const RespClient&) = delete;
  RespClient& operator=(RespClient&&) = delete;

  // Writes all of `bytes`. Deadlocks (until the timeout) if the server stops reading meanwhile.
  void SendRaw(std::string_view bytes);
  void Send(std::initializer_list<std::string_view> args) { SendRaw(EncodeRequest(args)); }

  Reply Read();

  Reply Command(std::initializer_list<std::string_view> args) {
    Send(args);
    return Read();
  }

  // HELLO 3; from then on replies are read as RESP3.
  void UseResp3();

  // One byte of TCP's urgent data.
  void SendUrgent(char byte);

  // No more requests will come; replies can still be read.
  void ShutdownWrite();

  // Everything that arrives until the server closes. A reset counts as a close.
  std::string ReadUntilClosed();

  // True if the server closes within `timeout`, having sent nothing more.
  bool ClosedWithin(std::chrono::milliseconds timeout);

  void Close();

  // Closes with a reset: what is under way in either direction is lost.
  void Reset();

  // Bytes of the kernel's receive buffer: small ones make a server's output pile up sooner.
  void SetReceiveBuffer(int bytes);

 private:
  std::string ReadLine();
  std::string ReadBulk(int64_t bytes);
  Reply ReadAggregate(char type, int64_t count, int depth);
  Reply ReadReply(int depth);
  bool Fill();  // false: the server closed

  int socket_ = -1;
  bool resp3_ = false;
  std::string input_;
  size_t read_ = 0;  // bytes of input_ that were used
};

}  // namespace larder::test_support
