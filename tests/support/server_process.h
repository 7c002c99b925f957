// A server of its own for a test: starts the binary on a free port of 127.0.0.1, waits until it
// answers PING, and kills it in the destructor (the kernel does so if the test itself dies).
//
// The binary is the one named by the environment variable LARDER_BINARY, else `larder` in the build
// directory that the test was built in. A redis-server may be named too, to try a test on: flags
// that are larder's own (--map, --threads, --shards) are then left out.
//
// One thread at a time. Failures throw std::runtime_error with what the server had printed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/resp_client.h"

namespace larder::test_support {

class ServerProcess {
 public:
  // Further flags, e.g. {"--map", "rcu", "--threads", "2"}.
  explicit ServerProcess(std::vector<std::string> flags = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }

  RespClient Connect() const { return RespClient(port_); }

  // Resident memory, and CPU time (user and system) used since the start, as /proc has them.
  int64_t ResidentBytes() const;
  int64_t CpuMilliseconds() const;

  bool Running();

  // Sends `signal` and waits for the end: the exit status, or 128 + the signal that ended it.
  int Stop(int signal);

  // What the server printed so far.
  std::string Output() const;

 private:
  void Start(const std::vector<std::string>& flags);
  void WaitUntilItAnswers();

  uint16_t port_ = 0;
  pid_t pid_ = -1;
  int output_ = -1;  // an unlinked temporary file
};

// True when the binary under test is a redis-server: for limits that only larder promises.
bool TestingRedis();

// True in a build with a sanitizer: resident memory then says nothing, and times little.
bool Sanitized();

// Every --map kind, and the number of I/O threads to test it with ("1" for plain, else "2").
struct MapUnderTest {
  std::string kind;
  std::string threads;

  friend std::ostream& operator<<(std::ostream& out, const MapUnderTest& map) {
    return out << map.kind;
  }
};
std::vector<MapUnderTest> MapsUnderTest();

// The environment variable LARDER_ROUNDS as a factor for the length of a randomised test; 1 if
// unset.
double RoundsFactor();

}  // namespace larder::test_support
