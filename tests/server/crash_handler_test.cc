#include "server/crash_handler.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "server/version.h"

namespace larder::server {
namespace {

// Sanitizers put handlers of their own in place of ours, and report in their own words.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

TEST(CrashHandlerDeathTest, ReportsAndDiesOfTheSignal) {
  EXPECT_EXIT(
      {
        InstallCrashHandler("");
        raise(SIGSEGV);
      },
      testing::KilledBySignal(SIGSEGV), "larder .* crashed by SIGSEGV; backtrace");
  EXPECT_EXIT(
      {
        const SignalStack stack;
        InstallCrashHandler("");
        std::abort();
      },
      testing::KilledBySignal(SIGABRT), "crashed by SIGABRT(.|\n)*end of the report");
}

TEST(CrashHandlerDeathTest, ReportsToTheLogFileToo) {
  const std::string path = testing::TempDir() + "larder_crash_handler_test.log";
  std::filesystem::remove(path);
  EXPECT_EXIT(
      {
        InstallCrashHandler(path);
        raise(SIGFPE);
      },
      testing::KilledBySignal(SIGFPE), "SIGFPE");
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_NE(text.find(std::string(kLarderVersion) + " crashed by SIGFPE"), std::string::npos);
  std::filesystem::remove(path);
}

#endif

}  // namespace
}  // namespace larder::server
