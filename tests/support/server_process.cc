#include "tests/support/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace larder::test_support {
namespace {

constexpr std::chrono::seconds kStartMax{20};  // sanitizers on a busy machine
constexpr std::chrono::seconds kStopMax{30};

std::string BinaryPath() {
  if (const char* path = std::getenv("LARDER_BINARY")) return path;
  // This test is <build>/tests/<name>.
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  return (self.parent_path().parent_path() / "larder").string();
}

// A port that nobody listens on at this moment.
uint16_t FreePort() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(probe);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

int TemporaryFile() {
  std::string path = (std::filesystem::temp_directory_path() / "larder-test-XXXXXX").string();
  const int file = mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) throw std::runtime_error("no temporary file");
  unlink(path.c_str());
  return file;
}

std::vector<std::string> Arguments(uint16_t port, const std::vector<std::string>& flags) {
  std::vector<std::string> args = {BinaryPath(), "--port", std::to_string(port), "--bind",
                                   "127.0.0.1"};
  if (TestingRedis()) {
    args.insert(args.end(), {"--save", "", "--daemonize", "no"});
  }
  for (size_t i = 0; i < flags.size(); ++i) {
    const bool own = flags[i] == "--map" || flags[i] == "--threads" || flags[i] == "--shards";
    if (own && TestingRedis()) {
      ++i;  // and its value
    } else {
      args.push_back(flags[i]);
    }
  }
  return args;
}

}  // namespace

bool TestingRedis() { return BinaryPath().find("redis") != std::string::npos; }

bool Sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

std::vector<MapUnderTest> MapsUnderTest() {
  return {{"plain", "1"}, {"mutex", "2"}, {"rwmutex", "2"}, {"sync", "2"}, {"rcu", "2"}};
}

double RoundsFactor() {
  const char* text = std::getenv("LARDER_ROUNDS");
  const double factor = text != nullptr ? std::atof(text) : 1.0;
  return factor > 0 ? factor : 1.0;
}

ServerProcess::ServerProcess(std::vector<std::string> flags) : output_(TemporaryFile()) {
  constexpr int kAttempts = 3;  // another process may take the port first
  for (int attempt = 1;; ++attempt) {
    try {
      port_ = FreePort();
      Start(flags);
      WaitUntilItAnswers();
      return;
    } catch (const std::runtime_error& error) {
      if (Running()) Stop(SIGKILL);
      if (attempt == kAttempts) {
        const std::string output = Output();
        close(output_);
        throw std::runtime_error(std::string(error.what()) + "\n" + output);
      }
    }
  }
}

ServerProcess::~ServerProcess() {
  if (Running()) Stop(SIGKILL);
  close(output_);
}

void ServerProcess::Start(const std::vector<std::string>& flags) {
  std::vector<std::string> args = Arguments(port_, flags);
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  dup2(output_, STDOUT_FILENO);
  dup2(output_, STDERR_FILENO);
  execv(argv[0], argv.data());
  _exit(127);
}

void ServerProcess::WaitUntilItAnswers() {
  const auto deadline = std::chrono::steady_clock::now() + kStartMax;
  while (std::chrono::steady_clock::now() < deadline) {
    if (!Running()) throw std::runtime_error("the server ended at its start: " + BinaryPath());
    try {
      RespClient client(port_);
      const Reply reply = client.Command({"PING"});
      // A server with a password answers too.
      if (reply.type == '+' || reply.text.starts_with("NOAUTH")) return;
    } catch (const RespFailure&) {
      // Not listening yet.
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("the server does not answer PING");
}

bool ServerProcess::Running() {
  if (pid_ <= 0) return false;
  if (waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

int ServerProcess::Stop(int signal) {
  if (pid_ <= 0) throw std::runtime_error("the server has ended already");
  kill(pid_, signal);
  const auto deadline = std::chrono::steady_clock::now() + kStopMax;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(pid_, SIGKILL);
      waitpid(pid_, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int64_t ServerProcess::ResidentBytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

int64_t ServerProcess::CpuMilliseconds() const {
  std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(stat), {}};
  // Fields 14 and 15; the second field, the name, may hold spaces but ends with the last ')'.
  std::vector<std::string> fields;
  for (size_t at = text.rfind(')') + 2; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    fields.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (fields.size() < 13) return 0;
  return (std::stoll(fields[11]) + std::stoll(fields[12])) * 1000 / sysconf(_SC_CLK_TCK);
}

std::string ServerProcess::Output() const {
  std::string text;
  char chunk[4096];
  ssize_t got = 0;
  while ((got = pread(output_, chunk, sizeof chunk, static_cast<off_t>(text.size()))) > 0) {
    text.append(chunk, static_cast<size_t>(got));
  }
  return text;
}

}  // namespace larder::test_support
