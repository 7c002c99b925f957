#include "server/service_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

namespace larder::server {
namespace {

// Stands in for the service manager, at `name` ("@..." is abstract).
class Manager {
 public:
  explicit Manager(const std::string& name) : name_(name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ::unlink(name.c_str());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unlink(name_.c_str());
    ::close(fd_);
  }
  std::string Hears() {
    char text[64];
    const ssize_t size = ::recv(fd_, text, sizeof text, MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  const std::string name_;
  const int fd_ = ::socket(AF_UNIX, SOCK_DGRAM, 0);
};

TEST(ServiceNotifyTest, ReachesTheManager) {
  const std::string id = std::to_string(::getpid());
  for (const std::string& name : {testing::TempDir() + "larder_notify_" + id, "@larder_" + id}) {
    Manager manager(name);
    EXPECT_TRUE(NotifyServiceManager("READY=1")) << name;
    EXPECT_EQ(manager.Hears(), "READY=1");
    EXPECT_EQ(manager.Hears(), "");
  }
}

TEST(ServiceNotifyTest, NobodyIsThere) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(NotifyServiceManager("READY=1"));
  const std::string too_long = "/" + std::string(200, 'x');
  for (const char* name : {"", "/", "relative", "/nonexistent/socket", "@", too_long.c_str()}) {
    ::setenv("NOTIFY_SOCKET", name, 1);
    EXPECT_FALSE(NotifyServiceManager("READY=1")) << name;
  }
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace larder::server
