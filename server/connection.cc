#include "server/connection.h"

#include <spdlog/spdlog.h>
#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>

#include "protocol/reply_writer.h"
#include "server/client_registry.h"
#include "server/config.h"
#include "server/io_thread.h"
#include "server/stats.h"

namespace larder::server {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

// One turn: long enough that a pipeline does not feel it, short enough for the others.
constexpr size_t kTurnRequestsMax = 1000;
constexpr std::chrono::milliseconds kTurnTimeMax{1};
// Replies are sent at this size even if the turn goes on.
constexpr size_t kFlushBytes = 1024 * 1024;
// One turn of sending what had been kept back.
constexpr size_t kWriteTurnBytes = 4 * 1024 * 1024;
// An unauthenticated client may keep us waiting with no more replies than this.
constexpr size_t kUnauthenticatedReplyBytesMax = 64 * 1024;
// A closing connection throws away up to this much unread input: closing a socket that still has
// some resets it, and the client might lose the reply that says why.
constexpr int kDiscardedReadsMax = 16;

std::string AddressText(const tcp::endpoint& endpoint) {
  std::string host = endpoint.address().to_string();
  if (endpoint.address().is_v6()) host = "[" + host + "]";
  return host + ":" + std::to_string(endpoint.port());
}

}  // namespace

Connection::Connection(IoThread& thread, Socket socket, int64_t id)
    : thread_(thread), socket_(std::move(socket)), parser_(std::in_place) {
  error_code ignored;
  tcp::endpoint peer = socket_.remote_endpoint(ignored);
  client_.id = id;
  client_.fd = socket_.native_handle();
  client_.address = AddressText(peer);
  client_.local_address = AddressText(socket_.local_endpoint(ignored));
  client_.is_local =
      peer.address().is_loopback() ||
      (peer.address().is_v6() && peer.address().to_v6().is_v4_mapped() &&
       boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, peer.address().to_v6())
           .is_loopback());
  client_.authenticated = !thread_.services().config.has_password();
  client_.created_at = client_.last_interaction = thread_.ReadClock();
}

void Connection::Start() { ArmRead(); }

void Connection::ArmRead() {
  if (reading_ || closed_) return;
  size_t pending = input_.Pending().size();
  size_t room_min = pending == 0 ? kIdleInputBytes : std::clamp<size_t>(pending, 1024, 64 * 1024);
  std::span<char> room = input_.Prepare(room_min, parser_->bytes_wanted());
  offered_bytes_ = room.size();
  reading_ = true;
  ++operations_;
  socket_.async_read_some(boost::asio::buffer(room.data(), room.size()),
                          [this](const error_code& error, size_t bytes) { OnRead(error, bytes); });
}

void Connection::OnRead(const error_code& error, size_t bytes) {
  reading_ = false;
  if (closed_ || finishing_) return OperationDone();
  bool socket_has_more = bytes == offered_bytes_;
  if (error == boost::asio::error::eof) {
    peer_done_ = true;
  } else if (error) {
    Close();
    return OperationDone();
  } else {
    input_.Commit(bytes);
    thread_.stats().reads.Add(1);
    thread_.stats().input_bytes.Add(bytes);
    client_.last_interaction = thread_.ReadClock();
  }
  if (client_.suspension != 0) {
    EndTurn(Dispatcher::Stop::kSuspended);
  } else {
    // At eof too: requests may still wait for their turn, which ends with the close.
    RunTurn(socket_has_more);
  }
  OperationDone();
}

void Connection::RunTurn(bool socket_has_more) {
  protocol::ReadBuffer& large = thread_.large_input();
  protocol::ReadBuffer* input = &input_;
  auto leave_large_input = [&] {
    input_.Append(large.Pending());
    large.Consume(large.Pending().size());
    input = &input_;
  };
  if (socket_has_more && input_.Pending().size() <= IoThread::kLargeInputBytes / 2) {
    large.Append(input_.Pending());
    input_.Consume(input_.Pending().size());
    input = &large;
  }
  Turn turn{.over_at = {}, .requests_left = kTurnRequestsMax};
  Dispatcher::Stop stop;
  do {
    if (socket_has_more) socket_has_more = ReceiveMore(*input);
    stop = RunBatches(*input, turn);
    // One request that does not fit goes where it can grow.
    if (input == &large && large.Pending().size() > IoThread::kLargeInputBytes / 2) {
      leave_large_input();
    }
  } while (stop == Dispatcher::Stop::kStarved && socket_has_more && !closed_ && !IsOver(turn));
  if (input == &large) leave_large_input();
  EndTurn(stop);
  thread_.MaintainIfLate();
}

bool Connection::IsOver(Turn& turn) {
  if (turn.requests_left == 0) return true;
  // The clock starts at the second look: most turns are one batch and never get there.
  steady_clock::time_point now = steady_clock::now();
  if (turn.over_at == steady_clock::time_point()) turn.over_at = now + kTurnTimeMax;
  return now >= turn.over_at;
}

Dispatcher::Stop Connection::RunBatches(protocol::ReadBuffer& input, Turn& turn) {
  protocol::ReplyBuffer& replies = thread_.replies();
  protocol::ReplyWriter reply(replies, client_.resp);
  for (;;) {
    Dispatcher::Result result =
        thread_.dispatcher().RunBatch(client_, *parser_, input.Pending(), reply);
    input.Consume(result.consumed);
    if (result.reset_parser) parser_.emplace();
    turn.requests_left -= std::min(turn.requests_left, result.requests);
    if (result.stop != Dispatcher::Stop::kBatchFull) return result.stop;
    if (replies.size() >= kFlushBytes) Flush();
    if (closed_) return Dispatcher::Stop::kClosing;
    if (IsOver(turn)) return Dispatcher::Stop::kBatchFull;
  }
}

bool Connection::ReceiveMore(protocol::ReadBuffer& input) {
  std::span<char> room = input.Prepare(kIdleInputBytes, parser_->bytes_wanted());
  error_code error;
  size_t bytes = socket_.read_some(boost::asio::buffer(room.data(), room.size()), error);
  if (error == boost::asio::error::would_block) return false;
  if (error == boost::asio::error::eof) {
    peer_done_ = true;
    return false;
  }
  if (error) {
    Close();
    return false;
  }
  input.Commit(bytes);
  thread_.stats().reads.Add(1);
  thread_.stats().input_bytes.Add(bytes);
  return bytes == room.size();
}

void Connection::EndTurn(Dispatcher::Stop stop) {
  if (closed_) {
    thread_.replies().Clear();
    return;
  }
  Flush();
  if (closed_) return;
  size_t pending = input_.Pending().size();
  thread_.stats().input_buffer_max.Raise(input_.capacity());
  if (pending > static_cast<size_t>(thread_.services().config.client_query_buffer_limit())) {
    spdlog::warn("Closing client {} ({}): it reached the query buffer limit with {} bytes",
                 client_.id, client_.address, pending);
    return Close();
  }
  UpdateFigures();
  switch (stop) {
    case Dispatcher::Stop::kClosing:
      return CloseWhenSent();
    case Dispatcher::Stop::kBatchFull:
      return PostTurn();
    case Dispatcher::Stop::kSuspended:
      // Go on listening, however much it sends ahead: what tells that it has gone comes last.
      if (!peer_done_) return ArmRead();
      if (client_.blocked) CloseWhenSent();
      return;
    case Dispatcher::Stop::kStarved:
      if (peer_done_) return CloseWhenSent();
      if (pending == 0 && !reading_) input_.ShrinkTo(kIdleInputBytes);
      return ArmRead();
  }
}

// The rest of the input gets its turn behind everything that is ready now.
void Connection::PostTurn() {
  ++operations_;
  boost::asio::post(thread_.context(), [this] {
    if (!closed_ && !finishing_ && client_.suspension == 0) {
      thread_.ReadClock();
      RunTurn(false);
    }
    OperationDone();
  });
}

void Connection::Resume(uint64_t number, const Suspension::WriteReply& write) {
  if (closed_ || finishing_ || client_.suspension != number) return;
  thread_.ReadClock();
  {
    protocol::ReplyWriter reply(thread_.replies(), client_.resp);
    thread_.dispatcher().Resume(client_, write, reply);
  }
  if (client_.close_after_reply) return EndTurn(Dispatcher::Stop::kClosing);
  RunTurn(false);
}

void Connection::Flush() {
  protocol::ReplyBuffer& replies = thread_.replies();
  if (replies.empty()) return;
  size_t unread_bytes = unsent_.size();
  bool all_sent = unsent_.empty() && WriteSome(replies, replies.size());
  if (closed_ || all_sent) {
    replies.Clear();
    return;
  }
  replies.MoveRemainderTo(unsent_);
  replies.Clear();
  thread_.stats().output_buffer_max.Raise(unsent_.capacity_bytes());
  WaitWritable();
  if (IsAboveHardLimit(unread_bytes) || IsTooLongAboveSoftLimit()) CloseForUnreadReplies();
}

bool Connection::WriteSome(protocol::ReplyBuffer& replies, size_t bytes_max) {
  std::array<std::string_view, 16> pieces;
  std::array<boost::asio::const_buffer, 16> buffers;
  size_t sent_bytes = 0;
  while (sent_bytes < bytes_max) {
    size_t count = replies.Gather(pieces);
    if (count == 0) return true;
    size_t offered = 0;
    for (size_t i = 0; i < count; ++i) {
      buffers[i] = boost::asio::buffer(pieces[i].data(), pieces[i].size());
      offered += pieces[i].size();
    }
    error_code error;
    size_t sent = count == 1 ? socket_.write_some(buffers[0], error)
                             : socket_.write_some(std::span(buffers.data(), count), error);
    if (error && error != boost::asio::error::would_block) {
      Close();
      return false;
    }
    thread_.stats().writes.Add(1);
    thread_.stats().output_bytes.Add(sent);
    replies.Consume(sent);
    sent_bytes += sent;
    if (sent < offered) return false;
  }
  return replies.empty();
}

void Connection::WaitWritable() {
  if (writing_ || closed_) return;
  writing_ = true;
  ++operations_;
  socket_.async_wait(Socket::wait_write, [this](const error_code& error) { OnWritable(error); });
}

void Connection::OnWritable(const error_code& error) {
  writing_ = false;
  if (closed_) return OperationDone();
  if (error) {
    Close();
  } else if (!WriteSome(unsent_, kWriteTurnBytes)) {
    WaitWritable();
  } else {
    unsent_.Release();
    above_soft_limit_since_ = 0;
    if (finishing_) Finish();
  }
  OperationDone();
}

bool Connection::IsAboveHardLimit(size_t unread_bytes) const {
  const Config& config = thread_.services().config;
  if (!client_.authenticated && config.has_password() &&
      unsent_.size() > kUnauthenticatedReplyBytesMax) {
    return true;
  }
  int64_t limit_bytes = config.output_limit(ClientClass::kNormal).hard_bytes;
  return limit_bytes != 0 && unread_bytes > static_cast<size_t>(limit_bytes);
}

bool Connection::IsTooLongAboveSoftLimit() {
  OutputLimit limit = thread_.services().config.output_limit(ClientClass::kNormal);
  if (limit.soft_bytes == 0 || unsent_.size() <= static_cast<size_t>(limit.soft_bytes)) {
    above_soft_limit_since_ = 0;
    return false;
  }
  store::UnixMs now = thread_.ReadClock();
  if (above_soft_limit_since_ == 0) above_soft_limit_since_ = now;
  return now - above_soft_limit_since_ > limit.soft_seconds * 1000;
}

void Connection::CloseForUnreadReplies() {
  spdlog::warn("Closing client {} ({}): {} bytes of replies wait for it to read", client_.id,
               client_.address, unsent_.size());
  Close();
}

void Connection::CheckLimits(store::UnixMs now, int timeout_s) {
  if (closed_) return;
  if (timeout_s > 0 && client_.suspension == 0 &&
      now - client_.last_interaction > int64_t{timeout_s} * 1000) {
    spdlog::debug("Closing client {} ({}): idle", client_.id, client_.address);
    return Close();
  }
  if (!unsent_.empty() && IsTooLongAboveSoftLimit()) CloseForUnreadReplies();
}

void Connection::Drain() { CloseWhenSent(); }

void Connection::CloseWhenSent() {
  finishing_ = true;
  if (unsent_.empty()) Finish();
}

void Connection::Finish() {
  if (closed_) return;
  error_code error;
  socket_.shutdown(Socket::shutdown_send, error);
  std::span<char> scratch = thread_.large_input().Prepare(IoThread::kLargeInputBytes);
  for (int i = 0; i < kDiscardedReadsMax && !error; ++i) {
    socket_.read_some(boost::asio::buffer(scratch.data(), scratch.size()), error);
  }
  Close();
}

void Connection::Close() {
  if (closed_) return;
  closed_ = true;
  error_code ignored;
  socket_.close(ignored);
  unsent_.Release();
  thread_.services().clients.Disconnected();
  // Whoever closes may be a handler of ours further up the stack: leave it to the loop.
  ++operations_;
  boost::asio::post(thread_.context(), [this] { OperationDone(); });
}

// Ends every handler; destroys the connection behind the last one.
void Connection::OperationDone() {
  if (--operations_ == 0 && closed_) thread_.ForgetConnection(*this);
}

void Connection::UpdateFigures() {
  client_.query_bytes = input_.Pending().size();
  client_.query_free_bytes = input_.capacity() - client_.query_bytes;
  client_.output_bytes = unsent_.size();
  client_.output_chunks = (unsent_.capacity_bytes() + protocol::ReplyBuffer::kChunkBytes - 1) /
                          protocol::ReplyBuffer::kChunkBytes;
  client_.memory_bytes = sizeof(*this) + input_.capacity() + unsent_.capacity_bytes();
}

}  // namespace larder::server
