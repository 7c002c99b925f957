#include "server/connection.h"

#include <spdlog/spdlog.h>
#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>

#include "protocol/reply_writer.h"
#include "server/client_registry.h"
#include "server/client_wait.h"
#include "server/config.h"
#include "server/io_thread.h"
#include "server/monitor.h"
#include "server/stats.h"

namespace larder::server {
namespace {

using std::chrono::steady_clock;

// One turn: long enough that a pipeline does not feel it, short enough for the others.
constexpr size_t kTurnRequestsMax = 1000;
constexpr std::chrono::milliseconds kTurnTimeMax{1};
// Of a request that is longer than this, the rest is received where it can stay.
constexpr size_t kLargeInputPendingMax = IoThread::kLargeInputBytes / 2;
// Replies are sent at this size even if the turn goes on.
constexpr size_t kFlushBytes = 1024 * 1024;
// One turn of sending what had been kept back.
constexpr size_t kWriteTurnBytes = 4 * 1024 * 1024;
// An unauthenticated client may keep us waiting with no more replies than this.
constexpr size_t kUnauthenticatedReplyBytesMax = 64 * 1024;
// A closing connection throws away up to this much unread input: closing a socket that still has
// some resets it, and the client might lose the reply that says why.
constexpr int kDiscardedReadsMax = 16;

}  // namespace

Connection::Connection(IoThread& thread, int socket, ConnectionEnds ends, int64_t id)
    : thread_(thread), socket_(socket), parser_(std::in_place) {
  client_.id = id;
  client_.fd = socket_.fd();
  client_.address = std::move(ends.peer);
  client_.local_address = std::move(ends.local);
  client_.is_local = ends.is_local;
  client_.is_unix = ends.is_unix;
  client_.authenticated = !thread_.services().config.has_password();
  client_.created_at = client_.last_interaction = thread_.ReadClock();
}

void Connection::Start() {
  if (thread_.poller().Add(socket_.fd(), *this)) return;
  spdlog::warn("Closing client {} ({}): the system watches no more sockets for us", client_.id,
               client_.address);
  Close();
}

void Connection::OnReady(Readiness readiness) {
  if (readiness.writable && sending_ && !send_posted_ && !closed_) SendUnsent();
  if (closed_ || finishing_) return;
  hung_up_ |= readiness.hung_up;
  short_reads_ |= readiness.hung_up || readiness.urgent;
  socket_has_more_ |= readiness.readable || readiness.hung_up;
  if (socket_has_more_ && !turn_posted_) RunTurn();
}

void Connection::RunTurn() {
  if (client_.suspension != 0) {
    // Go on listening, however much it sends ahead: what tells that it has gone comes last.
    ReceiveMore(input_);
    return EndTurn(Dispatcher::Stop::kSuspended);
  }
  protocol::ReadBuffer& large = thread_.large_input();
  protocol::ReadBuffer* input = &input_;
  // What is here already runs before more is received: so who sends without end is held back.
  auto stop = requests_wait_ ? Dispatcher::Stop::kBatchFull : Dispatcher::Stop::kStarved;
  if (!requests_wait_ && input_.Pending().size() <= kLargeInputPendingMax) {
    large.Append(input_.Pending());
    input_.Consume(input_.Pending().size());
    input = &large;
  }
  auto leave_large_input = [&] {
    input_.Append(large.Pending());
    large.Consume(large.Pending().size());
    input = &input_;
  };
  Turn turn{.over_at = {}, .requests_left = kTurnRequestsMax};
  do {
    if (stop == Dispatcher::Stop::kStarved) ReceiveMore(*input);
    stop = RunBatches(*input, turn);
    // One request that does not fit goes where it can grow.
    if (input == &large && large.Pending().size() > kLargeInputPendingMax) leave_large_input();
  } while (stop == Dispatcher::Stop::kStarved && socket_has_more_ && !closed_ && !IsOver(turn));
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

// One receive, if the socket may have something.
void Connection::ReceiveMore(protocol::ReadBuffer& input) {
  if (!socket_has_more_ || closed_) return;
  size_t room_min = std::clamp<size_t>(input.Pending().size(), 1024, 64 * 1024);
  std::span<char> room = input.Prepare(room_min, parser_->bytes_wanted());
  Socket::Transfer received = socket_.Receive(room);
  socket_has_more_ =
      received.bytes == room.size() || (short_reads_ && received.status == Socket::Status::kDone);
  if (received.status == Socket::Status::kEnd) peer_done_ = true;
  if (received.status == Socket::Status::kFailed) return Close();
  if (received.bytes == 0) return;
  input.Commit(received.bytes);
  thread_.stats().reads.Add(1);
  thread_.stats().input_bytes.Add(received.bytes);
  client_.last_interaction = thread_.ReadClock();
}

void Connection::EndTurn(Dispatcher::Stop stop) {
  if (closed_) {
    thread_.replies().Clear();
    return;
  }
  if (client_.killed) {
    thread_.replies().Clear();
    return CloseForUnreadReplies();
  }
  Flush();
  if (closed_) return;
  size_t pending = input_.Pending().size();
  thread_.stats().input_buffer_max.Raise(input_.capacity());
  // What MULTI has queued has not run yet either.
  size_t waiting = pending + (IsQueueing(client_) ? client_.transaction->bytes() : 0);
  if (waiting > static_cast<size_t>(thread_.services().config.client_query_buffer_limit())) {
    spdlog::warn("Closing client {} ({}): it reached the query buffer limit with {} bytes",
                 client_.id, client_.address, waiting);
    return Close();
  }
  UpdateFigures();
  requests_wait_ = stop != Dispatcher::Stop::kStarved;
  switch (stop) {
    case Dispatcher::Stop::kClosing:
      return CloseWhenSent();
    case Dispatcher::Stop::kBatchFull:
      return PostTurn();
    case Dispatcher::Stop::kSuspended:
      if (client_.blocked && hung_up_) return CloseWhenSent();
      if (socket_has_more_) PostTurn();
      return;
    case Dispatcher::Stop::kStarved:
      if (peer_done_) return CloseWhenSent();
      if (pending == 0) input_.ShrinkTo(0);
      if (socket_has_more_) PostTurn();
  }
}

// The rest of the input gets its turn behind everything that is ready now.
void Connection::PostTurn() {
  if (turn_posted_) return;
  turn_posted_ = true;
  boost::asio::post(thread_.context(), [&thread = thread_, id = client_.id] {
    if (Connection* connection = thread.FindConnection(id)) connection->RunPostedTurn();
  });
}

void Connection::RunPostedTurn() {
  turn_posted_ = false;
  if (closed_ || finishing_) return;
  thread_.ReadClock();
  RunTurn();
}

void Connection::Resume(uint64_t number, const Suspension::WriteReply& write) {
  if (closed_ || finishing_) return;
  thread_.ReadClock();
  {
    protocol::ReplyWriter reply(thread_.replies(), client_.resp);
    if (!thread_.dispatcher().Resume(client_, number, write, reply)) return;
  }
  if (client_.close_after_reply) return EndTurn(Dispatcher::Stop::kClosing);
  RunTurn();
}

void Connection::Push(std::string_view bytes, const PushBacklog& backlog) {
  if (closed_ || finishing_) return;
  const bool too_slow = !unsent_.empty() && IsAboveHardLimit(unsent_.size() + backlog.bytes());
  if (too_slow || backlog.overflowed()) return CloseForUnreadReplies();
  thread_.replies().Append(bytes);
  Flush();
  if (closed_) thread_.replies().Clear();
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
  sending_ = true;
  if (IsAboveHardLimit(unread_bytes) || IsTooLongAboveSoftLimit()) CloseForUnreadReplies();
}

bool Connection::WriteSome(protocol::ReplyBuffer& replies, size_t bytes_max) {
  std::array<std::string_view, Socket::kPiecesMax> pieces;
  size_t sent_bytes = 0;
  while (sent_bytes < bytes_max) {
    size_t count = replies.Gather(pieces);
    if (count == 0) return true;
    size_t offered = 0;
    for (size_t i = 0; i < count; ++i) offered += pieces[i].size();
    Socket::Transfer sent = socket_.Send(std::span(pieces).first(count));
    if (sent.status == Socket::Status::kFailed) {
      Close();
      return false;
    }
    thread_.stats().writes.Add(1);
    thread_.stats().output_bytes.Add(sent.bytes);
    replies.Consume(sent.bytes);
    sent_bytes += sent.bytes;
    if (sent.bytes < offered) return false;
  }
  return replies.empty();
}

// Until the socket is full (then it reports when it has room again), the turn is over, or all is
// sent.
void Connection::SendUnsent() {
  size_t before = unsent_.size();
  if (WriteSome(unsent_, kWriteTurnBytes)) {
    sending_ = false;
    unsent_.Release();
    above_soft_limit_since_ = 0;
    if (finishing_) Finish();
  } else if (!closed_ && before - unsent_.size() >= kWriteTurnBytes) {
    send_posted_ = true;
    boost::asio::post(thread_.context(), [&thread = thread_, id = client_.id] {
      if (Connection* connection = thread.FindConnection(id)) connection->RunPostedSend();
    });
  }
}

void Connection::RunPostedSend() {
  send_posted_ = false;
  if (!closed_) SendUnsent();
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
  std::span<char> scratch = thread_.large_input().Prepare(IoThread::kLargeInputBytes);
  bool more = socket_.ShutdownSend();
  for (int i = 0; i < kDiscardedReadsMax && more; ++i) {
    more = socket_.Receive(scratch).status == Socket::Status::kDone;
  }
  Close();
}

void Connection::Close() {
  if (closed_) return;
  closed_ = true;
  socket_.Close();
  unsent_.Release();
  thread_.services().clients.Disconnected();
  EndWait(thread_.services(), client_);
  if (client_.monitor) thread_.services().monitors.Remove(client_.id);
  // Whoever closes may be further up the stack in here: leave the end to the loop.
  boost::asio::post(thread_.context(),
                    [&thread = thread_, id = client_.id] { thread.ForgetConnection(id); });
}

void Connection::UpdateFigures() {
  client_.query_bytes = input_.Pending().size();
  client_.query_free_bytes = input_.capacity() - client_.query_bytes;
  client_.output_bytes = unsent_.size();
  client_.output_chunks = (unsent_.capacity_bytes() + protocol::ReplyBuffer::kChunkBytes - 1) /
                          protocol::ReplyBuffer::kChunkBytes;
  client_.memory_bytes = sizeof(*this) + input_.capacity() + unsent_.capacity_bytes();
  if (client_.transaction != nullptr) client_.memory_bytes += client_.transaction->memory_bytes();
}

}  // namespace larder::server
