#include "server/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace larder::server {
namespace {

namespace fs = std::filesystem;

class UnixSocketFileTest : public testing::Test {
 protected:
  UnixSocketFileTest() { fs::create_directories(directory_); }
  ~UnixSocketFileTest() override { fs::remove_all(directory_); }

  std::unique_ptr<UnixSocketFile> Open(mode_t permissions = 0) {
    error_.clear();
    return UnixSocketFile::Open(path_, permissions, 16, &error_);
  }

  const std::string directory_ = testing::TempDir() + "larder_unix_" +
                                 testing::UnitTest::GetInstance()->current_test_info()->name();
  std::string path_ = directory_ + "/s";
  std::string error_;
};

TEST_F(UnixSocketFileTest, HasItsPermissionsAndGoesInTheEnd) {
  for (const mode_t permissions : {0600u, 0777u, 0660u}) {
    auto file = Open(permissions);
    ASSERT_NE(file, nullptr) << error_;
    EXPECT_EQ(fs::status(path_).permissions(), fs::perms(permissions));
    ::close(file->fd());
    file.reset();
    EXPECT_FALSE(fs::exists(path_));
  }
}

TEST_F(UnixSocketFileTest, WithoutPermissionsTheUmaskDecides) {
  const mode_t before = ::umask(027);
  auto file = Open();
  ::umask(before);
  ASSERT_NE(file, nullptr) << error_;
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0750));
  ::close(file->fd());
}

TEST_F(UnixSocketFileTest, ReplacesTheSocketOfADeadServerOnly) {
  auto alive = Open();
  ASSERT_NE(alive, nullptr) << error_;
  EXPECT_EQ(Open(), nullptr);
  EXPECT_EQ(error_, "Cannot listen on unix socket " + path_ + ": a server is listening there");
  ::close(alive->fd());  // its file is still there
  auto next = Open();
  ASSERT_NE(next, nullptr) << error_;
  alive.reset();  // and leaves what is in use
  EXPECT_TRUE(fs::exists(path_));
  ::close(next->fd());
}

TEST_F(UnixSocketFileTest, ReplacesNothingElse) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(Open(), nullptr);
  EXPECT_TRUE(error_.ends_with("the path is taken by something that is no socket")) << error_;
  EXPECT_EQ(fs::file_size(path_), 8u);
}

TEST_F(UnixSocketFileTest, SaysWhyNot) {
  path_ = directory_ + "/none/s";
  EXPECT_EQ(Open(), nullptr);
  EXPECT_TRUE(error_.ends_with(": No such file or directory")) << error_;
  path_ = "/" + std::string(200, 'x');
  EXPECT_EQ(Open(), nullptr);
  EXPECT_TRUE(error_.ends_with(": the path is too long")) << error_;
}

}  // namespace
}  // namespace larder::server
