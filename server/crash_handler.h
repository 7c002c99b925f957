// What a crash leaves behind: the signal, the version and a backtrace, on standard error and in the
// log file; then the signal's default action (a core dump, and the exit status a supervisor
// expects).
//
// Threads: install once, on the main thread, before others start. A thread that also wants a report
// of its own stack overflow keeps a SignalStack for as long as it runs.

#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace larder::server {

// Reports SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT. `logfile` may be empty.
void InstallCrashHandler(const std::string& logfile);

// The stack on which this thread's signal handlers run, so that they work when its own is used up.
class SignalStack {
 public:
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace larder::server
