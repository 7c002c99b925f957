#include "protocol/reply_buffer.h"

#include <algorithm>
#include <utility>

namespace larder::protocol {

namespace {

// Room beside a body with a chunk of its own, for the line end and the next reply's first bytes.
constexpr size_t kTailBytes = 64;

}  // namespace

void ReplyBuffer::AppendSlow(std::string_view bytes) {
  if (bytes.size() >= kOwnChunkBytes) {
    AddChunk(bytes.size() + kTailBytes);
  } else {
    const size_t fits = static_cast<size_t>(limit_ - next_);
    if (fits > 0) std::memcpy(next_, bytes.data(), fits);
    next_ += fits;
    bytes.remove_prefix(fits);
    AddChunk(std::max(bytes.size(), kChunkBytes));
  }
  std::memcpy(next_, bytes.data(), bytes.size());
  next_ += bytes.size();
}

size_t ReplyBuffer::Gather(std::span<std::string_view> spans) const {
  size_t filled = 0;
  for (size_t i = head_; i < chunks_.size() && filled < spans.size(); ++i) {
    if (const std::string_view bytes = Unwritten(i); !bytes.empty()) spans[filled++] = bytes;
  }
  return filled;
}

void ReplyBuffer::Consume(size_t n) {
  assert(n <= size());
  if (n == 0) return;
  while (head_ + 1 < chunks_.size()) {
    Chunk& front = chunks_[head_];
    const size_t unwritten = front.end - front.begin;
    if (n < unwritten) {
      front.begin += n;
      sealed_bytes_ -= n;
      return;
    }
    n -= unwritten;
    sealed_bytes_ -= unwritten;
    Recycle(front);
    ++head_;
  }
  chunks_.back().begin += n;
  if (UnwrittenInBack() == 0) DropDrainedBack();
}

void ReplyBuffer::MoveRemainderTo(ReplyBuffer& other) {
  assert(&other != this);
  for (size_t i = head_; i < chunks_.size(); ++i) {
    const std::string_view bytes = Unwritten(i);
    Chunk& chunk = chunks_[i];
    if (bytes.size() >= chunk.capacity / 2 && !bytes.empty()) {
      chunk.end = chunk.begin + bytes.size();
      capacity_bytes_ -= chunk.capacity;
      other.PushChunk(std::exchange(chunk, {}));
    } else {
      other.AppendCompactly(bytes);
    }
  }
  next_ = limit_ = nullptr;  // they may point into a chunk that is gone
  Clear();
}

// Append for bytes that are to stay a while: new chunks grow with what is kept here already.
void ReplyBuffer::AppendCompactly(std::string_view bytes) {
  if (bytes.size() > static_cast<size_t>(limit_ - next_)) {
    AddChunk(std::max(bytes.size(), std::min(size(), kChunkBytes)));
  }
  Append(bytes);
}

void ReplyBuffer::Clear() {
  for (size_t i = head_; i < chunks_.size(); ++i) Recycle(chunks_[i]);
  chunks_.clear();
  head_ = 0;
  sealed_bytes_ = 0;
  next_ = limit_ = nullptr;
}

void ReplyBuffer::Release() {
  Clear();
  chunks_.shrink_to_fit();
  spare_.reset();
  capacity_bytes_ = 0;
}

void ReplyBuffer::AddChunk(size_t capacity) {
  Chunk chunk;
  chunk.capacity = capacity;
  if (capacity == kChunkBytes && spare_ != nullptr) {
    chunk.bytes = std::move(spare_);
    capacity_bytes_ -= capacity;  // PushChunk counts it again
  } else {
    chunk.bytes = std::make_unique_for_overwrite<char[]>(capacity);
  }
  PushChunk(std::move(chunk));
}

// Makes `chunk`, whose end is set, the last one.
void ReplyBuffer::PushChunk(Chunk chunk) {
  if (head_ < chunks_.size()) {
    chunks_.back().end = chunks_.back().begin + UnwrittenInBack();
    sealed_bytes_ += UnwrittenInBack();
  }
  // Erasing half or more at a time costs O(1) a chunk.
  if (head_ > 0 && 2 * head_ >= chunks_.size()) {
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
  capacity_bytes_ += chunk.capacity;
  next_ = chunk.bytes.get() + chunk.end;
  limit_ = chunk.bytes.get() + chunk.capacity;
  chunks_.push_back(std::move(chunk));
}

std::string_view ReplyBuffer::Unwritten(size_t index) const {
  const Chunk& chunk = chunks_[index];
  const bool is_back = index + 1 == chunks_.size();
  return {chunk.bytes.get() + chunk.begin, is_back ? UnwrittenInBack() : chunk.end - chunk.begin};
}

// All was written: the last chunk starts over, or goes if it is not of the common size.
void ReplyBuffer::DropDrainedBack() {
  assert(sealed_bytes_ == 0);
  Chunk& back = chunks_.back();
  if (back.capacity != kChunkBytes) return Clear();
  back.begin = 0;
  next_ = back.bytes.get();
}

void ReplyBuffer::Recycle(Chunk& chunk) {
  if (chunk.capacity == kChunkBytes && spare_ == nullptr) {
    spare_ = std::move(chunk.bytes);
  } else {
    chunk.bytes.reset();
    capacity_bytes_ -= chunk.capacity;
  }
}

}  // namespace larder::protocol
