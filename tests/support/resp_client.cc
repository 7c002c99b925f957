#include "tests/support/resp_client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace larder::test_support {
namespace {

constexpr int kNestingMax = 16;
constexpr size_t kReadBytes = 64 * 1024;

[[noreturn]] void Fail(const std::string& what) { throw RespFailure(what); }

[[noreturn]] void FailErrno(const std::string& what) { Fail(what + ": " + std::strerror(errno)); }

int64_t ParseNumber(const std::string& text) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool canonical = std::to_string(value) == text;
  if (error != std::errc() || stop != end || !canonical) Fail("not a number: '" + text + "'");
  return value;
}

void WaitFor(int socket, short events, std::chrono::milliseconds timeout, const char* what) {
  pollfd entry{.fd = socket, .events = events, .revents = 0};
  const int ready = poll(&entry, 1, static_cast<int>(timeout.count()));
  if (ready == 0) Fail(std::string("timeout: ") + what);
  if (ready < 0 && errno != EINTR) FailErrno("poll");
}

template <class Args>
std::string Encode(const Args& args) {
  std::string request = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string_view arg : args) {
    request += "$" + std::to_string(arg.size()) + "\r\n";
    request.append(arg);
    request += "\r\n";
  }
  return request;
}

}  // namespace

std::string EncodeRequest(std::span<const std::string> args) { return Encode(args); }
std::string EncodeRequest(std::initializer_list<std::string_view> args) { return Encode(args); }

std::string ToString(const Reply& reply) {
  switch (reply.type) {
    case '_':
      return "(nil)";
    case ':':
      return "(integer) " + std::to_string(reply.integer);
    case '#':
      return reply.integer != 0 ? "(true)" : "(false)";
    case '-':
      return "(error) " + reply.text;
    case '*':
    case '~':
    case '>':
    case '%': {
      std::string text = std::string(1, reply.type) + "[";
      for (size_t i = 0; i < reply.elements.size(); ++i) {
        text += (i > 0 ? ", " : "") + ToString(reply.elements[i]);
      }
      return text + "]";
    }
    case '+':
      return reply.text;
    default:
      return '"' + reply.text + '"';
  }
}

RespClient::RespClient(uint16_t port, const std::string& host) {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) FailErrno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const int one = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1 ||
      connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    Close();
    errno = error;
    FailErrno("connect to port " + std::to_string(port));
  }
}

RespClient::~RespClient() { Close(); }

RespClient::RespClient(RespClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      resp3_(other.resp3_),
      input_(std::move(other.input_)),
      read_(other.read_) {}

void RespClient::Close() {
  if (socket_ >= 0) close(std::exchange(socket_, -1));
}

void RespClient::Reset() {
  const linger no_wait{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &no_wait, sizeof no_wait);
  Close();
}

void RespClient::SendRaw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      WaitFor(socket_, POLLOUT, kTimeout, "the server takes no more input");
    } else if (errno != EINTR) {
      FailErrno("send");
    }
  }
}

bool RespClient::Fill() {
  if (read_ == input_.size()) {
    input_.clear();
    read_ = 0;
  }
  WaitFor(socket_, POLLIN, kTimeout, "no reply");
  const size_t before = input_.size();
  input_.resize(before + kReadBytes);
  const ssize_t got = recv(socket_, input_.data() + before, kReadBytes, 0);
  input_.resize(before + static_cast<size_t>(got > 0 ? got : 0));
  if (got < 0 && errno != EINTR && errno != ECONNRESET) FailErrno("recv");
  return got > 0 || (got < 0 && errno == EINTR);
}

std::string RespClient::ReadLine() {
  size_t scanned = read_;
  while (true) {
    const size_t end = input_.find_first_of("\r\n", scanned);
    if (end != std::string::npos && (end + 1 < input_.size() || input_[end] == '\n')) {
      if (input_.compare(end, 2, "\r\n") != 0) Fail("a line with a bare CR or LF");
      std::string line = input_.substr(read_, end - read_);
      read_ = end + 2;
      return line;
    }
    scanned = (end != std::string::npos ? end : input_.size()) - read_;
    if (!Fill()) Fail("closed in the middle of a line or before a reply");
    scanned += read_;
  }
}

std::string RespClient::ReadBulk(int64_t bytes) {
  const auto size = static_cast<size_t>(bytes);
  while (input_.size() - read_ < size + 2) {
    if (!Fill()) Fail("closed in the middle of a bulk string");
  }
  if (input_.compare(read_ + size, 2, "\r\n") != 0) Fail("a bulk string without CR LF at its end");
  std::string bulk = input_.substr(read_, size);
  read_ += size + 2;
  return bulk;
}

Reply RespClient::Read() { return ReadReply(0); }

Reply RespClient::ReadReply(int depth) {
  if (depth > kNestingMax) Fail("a reply nested too deep");
  const std::string line = ReadLine();
  if (line.empty()) Fail("an empty line instead of a reply");
  Reply reply;
  reply.type = line[0];
  const std::string rest = line.substr(1);
  if (std::string_view("_,#(=%~>").find(reply.type) != std::string_view::npos && !resp3_) {
    Fail("a RESP3 type on a RESP2 connection: " + line);
  }
  switch (reply.type) {
    case '+':
    case '-':
    case ',':
    case '(':
      reply.text = rest;
      return reply;
    case ':':
      reply.integer = ParseNumber(rest);
      return reply;
    case '_':
      if (!rest.empty()) Fail("a null with a value: " + line);
      return reply;
    case '#':
      if (rest != "t" && rest != "f") Fail("not a boolean: " + line);
      reply.integer = rest == "t" ? 1 : 0;
      return reply;
    case '$':
    case '=':
    case '*':
    case '%':
    case '~':
    case '>':
      return ReadAggregate(reply.type, ParseNumber(rest), depth);
    default:
      Fail("not a reply: " + line);
  }
}

Reply RespClient::ReadAggregate(char type, int64_t count, int depth) {
  Reply reply;
  if (count == -1 && !resp3_ && (type == '$' || type == '*')) return reply;
  if (count < 0) Fail("a negative length");
  reply.type = type;
  if (type == '$' || type == '=') {
    reply.text = ReadBulk(count);
    if (type == '=' && (reply.text.size() < 4 || reply.text[3] != ':')) {
      Fail("a verbatim string without a format");
    }
    return reply;
  }
  const int64_t elements = type == '%' ? 2 * count : count;
  for (int64_t i = 0; i < elements; ++i) reply.elements.push_back(ReadReply(depth + 1));
  return reply;
}

void RespClient::UseResp3() {
  Send({"HELLO", "3"});
  resp3_ = true;
  const Reply reply = Read();
  if (reply.type != '%') Fail("HELLO 3: " + ToString(reply));
}

void RespClient::SendUrgent(char byte) { ::send(socket_, &byte, 1, MSG_OOB | MSG_NOSIGNAL); }

void RespClient::ShutdownWrite() {
  if (shutdown(socket_, SHUT_WR) != 0) FailErrno("shutdown");
}

std::string RespClient::ReadUntilClosed() {
  while (Fill()) {
  }
  std::string rest = input_.substr(read_);
  read_ = input_.size();
  return rest;
}

bool RespClient::ClosedWithin(std::chrono::milliseconds timeout) {
  if (read_ < input_.size()) return false;
  pollfd entry{.fd = socket_, .events = POLLIN, .revents = 0};
  if (poll(&entry, 1, static_cast<int>(timeout.count())) <= 0) return false;
  return !Fill();
}

void RespClient::SetReceiveBuffer(int bytes) {
  if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0) {
    FailErrno("setsockopt SO_RCVBUF");
  }
}

}  // namespace larder::test_support
