#include "server/crash_handler.h"

#include <execinfo.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "server/version.h"

namespace larder::server {
namespace {

constexpr size_t kSignalStackBytes = 64U << 10;  // backtrace() unwinds on it: more than MINSIGSTKSZ
constexpr int kFramesMax = 64;

struct FatalSignal {
  int number;
  std::string_view name;
};
constexpr FatalSignal kFatalSignals[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
    {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"},
};

int log_descriptor = -1;  // written before handlers are installed

// Everything below runs in a signal handler: async-signal-safe calls only.

void Write(int descriptor, std::string_view text) {
  // Nothing can be done about an error here.
  if (write(descriptor, text.data(), text.size()) < 0) return;
}

void Report(int descriptor, std::string_view signal_name, void* const* frames, int frame_count) {
  Write(descriptor, "\n=== larder ");
  Write(descriptor, kLarderVersion);
  Write(descriptor, " crashed by ");
  Write(descriptor, signal_name);
  Write(descriptor, "; backtrace (addr2line -Cfpe larder ADDRESS names the lines):\n");
  backtrace_symbols_fd(frames, frame_count, descriptor);
  Write(descriptor, "=== end of the report\n");
}

void HandleCrash(int signal_number) {
  std::string_view name = "a signal";
  for (const FatalSignal& fatal : kFatalSignals) {
    if (fatal.number == signal_number) name = fatal.name;
  }
  void* frames[kFramesMax];
  const int frame_count = backtrace(frames, kFramesMax);
  Report(STDERR_FILENO, name, frames, frame_count);
  if (log_descriptor >= 0) Report(log_descriptor, name, frames, frame_count);
  // SA_RESETHAND restored the default action; the signal stays blocked until this handler returns.
  raise(signal_number);
}

}  // namespace

void InstallCrashHandler(const std::string& logfile) {
  if (!logfile.empty()) {
    log_descriptor = open(logfile.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  }
  // The first backtrace() loads libgcc, which allocates: not in the handler of a corrupt heap.
  void* frame = nullptr;
  backtrace(&frame, 1);

  struct sigaction action {};
  action.sa_handler = HandleCrash;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK);
  sigemptyset(&action.sa_mask);
  for (const FatalSignal& fatal : kFatalSignals) sigaction(fatal.number, &action, nullptr);
}

SignalStack::SignalStack() : memory_(std::make_unique<std::byte[]>(kSignalStackBytes)) {
  stack_t stack{};
  stack.ss_sp = memory_.get();
  stack.ss_size = kSignalStackBytes;
  if (sigaltstack(&stack, nullptr) != 0) memory_.reset();  // reports still work on the thread's own
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
}

}  // namespace larder::server
