// The floor of every server benchmark: one thread, one epoll loop, fixed replies, no store.
//
// It reads what a socket holds, counts the complete RESP requests in it, and answers all of them
// with one write: a 32-byte bulk to GET, `:1` to INCR, an empty pair to CONFIG (redis-benchmark
// asks at its start), `+OK` to anything else. What a real server costs beyond this figure is
// parsing into arguments, its store and its own layers; what this figure holds is the kernel's
// share, which no server can avoid.
//
// Usage: bare_responder PORT     (127.0.0.1 only; SIGTERM ends it)

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

constexpr size_t kReadBytes = 256 * 1024;
constexpr int kEventsMax = 256;
constexpr int kBacklog = 1024;

constexpr std::string_view kOk = "+OK\r\n";
constexpr std::string_view kOne = ":1\r\n";
constexpr std::string_view kBulk = "$32\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
constexpr std::string_view kConfigPair = "*2\r\n$4\r\nsave\r\n$0\r\n\r\n";

// Reads the decimal number of a `*N\r\n` or `$N\r\n` line at `*at`, and moves `*at` behind the
// line.
enum class Line { kNumber, kPartial, kBad };

Line ReadNumber(std::string_view input, size_t* at, char marker, size_t* number) {
  size_t i = *at;
  if (i >= input.size()) return Line::kPartial;
  if (input[i++] != marker) return Line::kBad;
  size_t value = 0;
  const size_t first = i;
  while (i < input.size() && input[i] >= '0' && input[i] <= '9') {
    if (i - first > 9) return Line::kBad;
    value = value * 10 + static_cast<size_t>(input[i++] - '0');
  }
  if (input.size() - i < 2) return Line::kPartial;
  if (i == first || input[i] != '\r') return Line::kBad;
  *at = i + 2;
  *number = value;
  return Line::kNumber;
}

std::string_view ReplyTo(std::string_view command) {
  // The first letters tell the benchmark's commands apart: GET, INCR, CONFIG; SET, MSET, PING and
  // the rest get +OK.
  switch (command.empty() ? '\0' : command[0] | 0x20) {
    case 'g':
      return kBulk;
    case 'i':
      return kOne;
    case 'c':
      return kConfigPair;
    default:
      return kOk;
  }
}

// Appends one reply for every complete request in `input`. Returns the bytes consumed, or -1 if it
// is not RESP.
ssize_t AnswerAll(std::string_view input, std::string* replies) {
  size_t done = 0;
  while (done < input.size()) {
    size_t at = done;
    size_t args = 0;
    Line line = ReadNumber(input, &at, '*', &args);
    std::string_view command;
    for (size_t arg = 0; line == Line::kNumber && arg < args; ++arg) {
      size_t bytes = 0;
      line = ReadNumber(input, &at, '$', &bytes);
      if (line != Line::kNumber) break;
      if (input.size() - at < bytes + 2) {
        line = Line::kPartial;
        break;
      }
      if (arg == 0) command = input.substr(at, bytes);
      at += bytes + 2;
    }
    if (line == Line::kBad) return -1;
    if (line == Line::kPartial) break;
    if (args > 0) replies->append(ReplyTo(command));
    done = at;
  }
  return static_cast<ssize_t>(done);
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

// The loop and its connections. A connection's string holds the start of a request that has not
// arrived in full.
class Responder {
 public:
  explicit Responder(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    buffer_.resize(kReadBytes);
    Watch(listener_);
  }

  [[noreturn]] void Run() {
    epoll_event events[kEventsMax];
    for (;;) {
      const int count = epoll_wait(epoll_, events, kEventsMax, -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        if (fd == listener_) {
          Accept();
        } else if (!Serve(fd)) {
          partial_.erase(fd);
          close(fd);
        }
      }
    }
  }

 private:
  void Watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void Accept() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Watch(fd);
  }

  bool Serve(int fd) {
    const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (got == 0) return false;
    std::string_view input(buffer_.data(), static_cast<size_t>(got));
    const auto held = partial_.find(fd);
    if (held != partial_.end()) {
      held->second.append(input);
      input = held->second;
    }
    replies_.clear();
    const ssize_t consumed = AnswerAll(input, &replies_);
    if (consumed < 0 || !WriteAll(fd, replies_)) return false;
    const std::string_view rest = input.substr(static_cast<size_t>(consumed));
    if (held == partial_.end()) {
      if (!rest.empty()) partial_.emplace(fd, rest);
    } else if (rest.empty()) {
      partial_.erase(held);
    } else {
      held->second.erase(0, static_cast<size_t>(consumed));
    }
    return true;
  }

  const int listener_;
  const int epoll_;
  std::string buffer_;
  std::string replies_;
  std::unordered_map<int, std::string> partial_;
};

int Listen(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, kBacklog) != 0) {
    std::fprintf(stderr, "bare_responder: 127.0.0.1:%u: %s\n", port, std::strerror(errno));
    std::exit(1);
  }
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  const int port = argc == 2 ? std::atoi(argv[1]) : 0;
  if (port <= 0 || port > UINT16_MAX) {
    std::fprintf(stderr, "usage: bare_responder PORT\n");
    return 2;
  }
  Responder(Listen(static_cast<uint16_t>(port))).Run();
}
