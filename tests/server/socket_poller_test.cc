#include "server/socket_poller.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace larder::server {
namespace {

// One end of a socket pair, and what it was told.
class User final : public SocketUser {
 public:
  User() {
    std::array<int, 2> ends;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    fd = ends[0];
    peer = ends[1];
  }
  ~User() override {
    CloseOwn();
    ClosePeer();
  }
  User(const User&) = delete;
  User& operator=(const User&) = delete;

  void OnReady(Readiness readiness) override {
    ++calls;
    last = readiness;
    if (on_ready) on_ready();
  }
  void PeerWrites() const { EXPECT_EQ(::write(peer, "x", 1), 1); }
  void CloseOwn() { CloseOnce(&fd); }
  void ClosePeer() { CloseOnce(&peer); }

  int fd;
  int peer;
  int calls = 0;
  Readiness last;
  std::function<void()> on_ready;

 private:
  static void CloseOnce(int* fd) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
};

class SocketPollerTest : public testing::Test {
 protected:
  // Everything that is ready now, and what that leads to.
  void RunReady() {
    while (context_.run_for(std::chrono::milliseconds(5)) != 0) {
    }
  }

  boost::asio::io_context context_{1};
  SocketPoller poller_{context_};
};

TEST_F(SocketPollerTest, ReportsEachChangeOnce) {
  User user;
  ASSERT_TRUE(poller_.Add(user.fd, user));
  RunReady();
  EXPECT_EQ(user.calls, 1);
  EXPECT_TRUE(user.last.writable);
  EXPECT_FALSE(user.last.readable);
  for (int i = 2; i <= 4; ++i) {
    user.PeerWrites();  // nobody reads: it is a change all the same
    RunReady();
    EXPECT_EQ(user.calls, i);
    EXPECT_TRUE(user.last.readable);
    EXPECT_FALSE(user.last.hung_up);
  }
}

TEST_F(SocketPollerTest, ReportsWhatCameBeforeItWasAdded) {
  User user;
  user.PeerWrites();
  ASSERT_TRUE(poller_.Add(user.fd, user));
  RunReady();
  EXPECT_TRUE(user.last.readable);
}

TEST_F(SocketPollerTest, ReportsAPeerThatHangsUp) {
  User half;
  User gone;
  ASSERT_TRUE(poller_.Add(half.fd, half));
  ASSERT_TRUE(poller_.Add(gone.fd, gone));
  ::shutdown(half.peer, SHUT_WR);
  gone.ClosePeer();
  RunReady();
  EXPECT_TRUE(half.last.hung_up);
  EXPECT_TRUE(gone.last.hung_up);
}

TEST_F(SocketPollerTest, ReportsRoomInASocketThatWasFull) {
  User user;
  const std::string megabyte(1 << 20, 'x');
  while (::write(user.fd, megabyte.data(), megabyte.size()) > 0) {
  }
  ASSERT_TRUE(poller_.Add(user.fd, user));
  RunReady();
  EXPECT_EQ(user.calls, 0);
  std::string room(1 << 20, '\0');
  while (::read(user.peer, room.data(), room.size()) > 0) {
  }
  RunReady();
  EXPECT_GE(user.calls, 1);
  EXPECT_TRUE(user.last.writable);
}

TEST_F(SocketPollerTest, ServesMoreThanOneWakeUpTakes) {
  std::vector<User> users(3 * SocketPoller::kEventsMax);
  for (User& user : users) ASSERT_TRUE(poller_.Add(user.fd, user));
  RunReady();
  for (const User& user : users) EXPECT_EQ(user.calls, 1);
}

// Otherwise a busy socket would keep everything else waiting.
TEST_F(SocketPollerTest, OtherWorkComesBetween) {
  User user;
  int posted_at = 0;
  user.on_ready = [&] {
    if (user.calls < 10) user.PeerWrites();
  };
  ASSERT_TRUE(poller_.Add(user.fd, user));
  boost::asio::post(context_, [&] { posted_at = user.calls; });
  RunReady();
  EXPECT_EQ(user.calls, 10);
  EXPECT_LT(posted_at, 10);
}

TEST_F(SocketPollerTest, AClosedSocketIsReportedNoMore) {
  User first;
  User second;
  for (User* user : {&first, &second}) ASSERT_TRUE(poller_.Add(user->fd, *user));
  RunReady();
  first.CloseOwn();
  second.PeerWrites();
  RunReady();
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(second.calls, 2);
}

TEST_F(SocketPollerTest, ADescriptorThatCannotBeWatchedIsRefused) {
  User user;
  EXPECT_FALSE(poller_.Add(-1, user));
}

}  // namespace
}  // namespace larder::server
