// One listener on an io_context that the test runs by hand.
#include "server/listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace larder::server {
namespace {

using boost::asio::ip::tcp;

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() {
    boost::system::error_code error;
    tcp::endpoint any_port(boost::asio::ip::address_v4::loopback(), 0);
    int fd = Listener::OpenSocket(any_port, 16, Listener::Port::kOwn, &error);
    EXPECT_GE(fd, 0) << error.message();
    tcp::acceptor probe(context_, tcp::v4(), ::dup(fd));
    endpoint_ = probe.local_endpoint();
    listener_ = std::make_shared<Listener>(context_, endpoint_, fd, [this](int client) {
      ++accepted_;
      ::close(client);
    });
    listener_->Start();
    context_.poll();
  }

  void Connect() { clients_.emplace_back(client_context_).connect(endpoint_); }

  // What is ready when the context looks, and was not before, runs behind the end.
  void LetGoAheadOfWhatIsReady() {
    boost::asio::post(context_, [this] { listener_.reset(); });
    context_.poll();
    EXPECT_EQ(listener_, nullptr);
  }

  boost::asio::io_context context_;
  boost::asio::io_context client_context_;
  tcp::endpoint endpoint_;
  std::shared_ptr<Listener> listener_;
  std::vector<tcp::socket> clients_;
  int accepted_ = 0;
};

// No file descriptors for this process while one lives.
class DescriptorShortage {
 public:
  DescriptorShortage() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~DescriptorShortage() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(ListenerTest, AcceptsWhoeverWaits) {
  for (int i = 0; i < 3; ++i) Connect();
  context_.poll();
  EXPECT_EQ(accepted_, 3);
  Connect();
  context_.poll();
  EXPECT_EQ(accepted_, 4);
}

TEST_F(ListenerTest, MayEndWhileAClientWaits) {
  Connect();
  LetGoAheadOfWhatIsReady();
  EXPECT_EQ(accepted_, 0);
}

TEST_F(ListenerTest, TriesAgainAfterAShortageOfDescriptors) {
  Connect();
  {
    DescriptorShortage shortage;
    context_.poll();
  }
  EXPECT_EQ(accepted_, 0);
  context_.run_for(2 * Listener::kRetryDelay);
  EXPECT_EQ(accepted_, 1);
}

TEST_F(ListenerTest, MayEndWhenItWasAboutToTryAgain) {
  Connect();
  {
    DescriptorShortage shortage;
    context_.poll();
  }
  std::this_thread::sleep_for(2 * Listener::kRetryDelay);
  LetGoAheadOfWhatIsReady();
  EXPECT_EQ(accepted_, 0);
}

}  // namespace
}  // namespace larder::server
