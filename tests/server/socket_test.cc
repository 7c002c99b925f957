#include "server/socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

namespace larder::server {
namespace {

using boost::asio::ip::make_address;
using boost::asio::ip::tcp;
using Status = Socket::Status;

class SocketTest : public testing::Test {
 protected:
  // A connected pair: ours, and the peer that Asio serves.
  int ConnectTo(const char* host) {
    tcp::acceptor acceptor(context_, tcp::endpoint(make_address(host), 0));
    peer_.connect(acceptor.local_endpoint());
    tcp::socket accepted = acceptor.accept();
    accepted.non_blocking(true);
    return accepted.release();
  }
  std::string PeerText() const {
    const tcp::endpoint end = peer_.local_endpoint();
    const std::string host = end.address().to_string();
    return (end.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(end.port());
  }
  std::string PeerReads(size_t bytes) {
    std::string text(bytes, '\0');
    for (size_t at = 0; at < bytes;)
      at += peer_.read_some(boost::asio::buffer(&text[at], bytes - at));
    return text;
  }

  boost::asio::io_context context_;
  tcp::socket peer_{context_};
  std::array<char, 16> room_;
};

TEST(UnixPeerTest, IsLocal) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const ConnectionEnds who = EndsOf(ends[0]);
  EXPECT_TRUE(who.is_unix);
  EXPECT_TRUE(who.is_local);
  EXPECT_EQ(who.peer, ":0");
  for (const int end : ends) Socket(end).Close();
}

TEST_F(SocketTest, ReceivesWhatIsThereThenWouldBlockThenTheEnd) {
  Socket socket(ConnectTo("127.0.0.1"));
  EXPECT_EQ(socket.Receive(room_).status, Status::kWouldBlock);
  peer_.write_some(boost::asio::buffer("hello, larder: 20 B.", 20));
  const Socket::Transfer first = socket.Receive(room_);
  EXPECT_EQ(first.status, Status::kDone);
  EXPECT_EQ(std::string_view(room_.data(), first.bytes), "hello, larder: 2");
  EXPECT_EQ(socket.Receive(room_).bytes, 4u);
  peer_.shutdown(tcp::socket::shutdown_send);
  Socket::Transfer last{Status::kWouldBlock};
  while (last.status == Status::kWouldBlock) last = socket.Receive(room_);
  EXPECT_EQ(last.status, Status::kEnd);
  EXPECT_EQ(last.bytes, 0u);
}

TEST_F(SocketTest, SendsPiecesInOrder) {
  Socket socket(ConnectTo("127.0.0.1"));
  const std::string_view one[] = {"+OK\r\n"};
  const std::string_view three[] = {"$2\r\n", "ab", "\r\n"};
  EXPECT_EQ(socket.Send(one).bytes, 5u);
  EXPECT_EQ(socket.Send(three).bytes, 8u);
  EXPECT_EQ(PeerReads(13), "+OK\r\n$2\r\nab\r\n");
}

TEST_F(SocketTest, AFullSocketWouldBlock) {
  Socket socket(ConnectTo("127.0.0.1"));
  const std::string megabyte(1 << 20, 'x');
  const std::string_view pieces[] = {megabyte};
  size_t sent = 0;
  Socket::Transfer last{Status::kDone};
  while (last.status == Status::kDone && sent < size_t{256} << 20) {
    last = socket.Send(pieces);
    sent += last.bytes;
  }
  EXPECT_EQ(last.status, Status::kWouldBlock);
  EXPECT_EQ(last.bytes, 0u);
}

// And no signal ends the process.
TEST_F(SocketTest, ALostConnectionFails) {
  Socket socket(ConnectTo("127.0.0.1"));
  peer_.set_option(boost::asio::socket_base::linger(true, 0));
  peer_.close();
  const std::string_view piece[] = {"x"};
  Socket::Transfer sent{Status::kDone};
  for (int i = 0; i < 1000 && sent.status == Status::kDone; ++i) sent = socket.Send(piece);
  EXPECT_EQ(sent.status, Status::kFailed);
  EXPECT_FALSE(socket.ShutdownSend());
}

TEST_F(SocketTest, ThePeerSeesTheEndAndMayGoOnSending) {
  Socket socket(ConnectTo("127.0.0.1"));
  EXPECT_TRUE(socket.ShutdownSend());
  boost::system::error_code error;
  peer_.read_some(boost::asio::buffer(room_), error);
  EXPECT_EQ(error, boost::asio::error::eof);
  peer_.write_some(boost::asio::buffer("x", 1));
  EXPECT_EQ(socket.Receive(room_).bytes, 1u);
  socket.Close();
  socket.Close();
  EXPECT_EQ(socket.fd(), -1);
}

TEST_F(SocketTest, AddressesAreThoseOfBothEnds) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    peer_ = tcp::socket(context_);
    Socket socket(ConnectTo(host));
    const ConnectionEnds ends = EndsOf(socket.fd());
    EXPECT_EQ(ends.peer, PeerText());
    EXPECT_NE(ends.local, ends.peer);
    EXPECT_TRUE(ends.is_local);
    EXPECT_FALSE(ends.is_unix);
  }
}

}  // namespace
}  // namespace larder::server
