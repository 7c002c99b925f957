#include "server/logging.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace larder::server {
namespace {

// Restores the test program's own logger.
class LoggingTest : public testing::Test {
 protected:
  ~LoggingTest() override {
    spdlog::set_default_logger(before_);
    std::filesystem::remove(path_);
  }

  std::string Logged() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  const std::string path_ = testing::TempDir() + "larder_logging_test.log";

 private:
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(LoggingTest, AppendsToTheFileWhatTheLevelAdmits) {
  ASSERT_EQ(StartLogging(LogLevel::kNotice, path_), std::nullopt);
  spdlog::info("one");
  spdlog::debug("two");
  SetLogLevel(LogLevel::kVerbose);
  spdlog::debug("three");
  spdlog::trace("four");
  SetLogLevel(LogLevel::kWarning);
  spdlog::info("five");
  spdlog::warn("six");
  SetLogLevel(LogLevel::kDebug);
  spdlog::trace("seven");

  const std::string logged = Logged();
  for (const char* shown :
       {"info    one\n", "debug   three\n", "warning six\n", "trace   seven\n"}) {
    EXPECT_NE(logged.find(shown), std::string::npos) << shown;
  }
  for (const char* hidden : {"two", "four", "five"}) {
    EXPECT_EQ(logged.find(hidden), std::string::npos) << hidden;
  }
}

TEST_F(LoggingTest, SaysWhyTheFileCannotBeWritten) {
  const std::string error = StartLogging(LogLevel::kNotice, "/proc/larder.log").value_or("");
  EXPECT_TRUE(error.starts_with("logfile: ")) << error;
  EXPECT_NE(error.find("/proc/larder.log"), std::string::npos) << error;
}

}  // namespace
}  // namespace larder::server
