// ReplyBuffer: output bytes in a list of chunks, appended at the back, written from the front.
//
//     chunks_[head_]           ...            chunks_.back()
//     | written | unwritten |  | unwritten |  | unwritten | free |
//               ^ begin                                   ^ next_ ^ limit_
//
// Nothing is ever moved to make room, so a reply of any size costs one copy. A chunk is 64 KiB, or
// as large as the rest of an append that needs more.
//
// Thread: one owner at a time. An I/O thread keeps one as scratch for the batch it runs; what a
// socket did not take moves to the connection's own (MoveRemainderTo). Cost: Append is a compare
// and a memcpy. Default-constructed and released ones own no memory; a drained one keeps a single
// 64 KiB chunk until Release().
#pragma once

#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace larder::protocol {

class ReplyBuffer {
 public:
  // Holds the replies of a batch of 32 commands with ordinary values, and is the unit that is
  // reused.
  static constexpr size_t kChunkBytes = 64 * 1024;
  // The most that Reserve() can be asked for.
  static constexpr size_t kReserveMax = kChunkBytes / 4;
  // From here on an append gets a chunk of exactly its size at once, without filling up the one
  // before.
  static constexpr size_t kOwnChunkBytes = 1024 * 1024;

  ReplyBuffer() = default;
  ReplyBuffer(const ReplyBuffer&) = delete;
  ReplyBuffer& operator=(const ReplyBuffer&) = delete;

  void Append(std::string_view bytes) {
    if (bytes.size() > static_cast<size_t>(limit_ - next_)) return AppendSlow(bytes);
    if (bytes.empty()) return;  // next_ may be null
    std::memcpy(next_, bytes.data(), bytes.size());
    next_ += bytes.size();
  }

  // At least `bytes` contiguous bytes to write into; Commit(end) says where the writing ended.
  // REQUIRES: bytes <= kReserveMax, and no other call between the two.
  char* Reserve(size_t bytes) {
    assert(bytes <= kReserveMax);
    if (bytes > static_cast<size_t>(limit_ - next_)) AddChunk(kChunkBytes);
    return next_;
  }
  void Commit(char* end) {
    assert(end >= next_ && end <= limit_);
    next_ = end;
  }

  // Unwritten bytes.
  size_t size() const { return head_ == chunks_.size() ? 0 : sealed_bytes_ + UnwrittenInBack(); }
  bool empty() const { return size() == 0; }
  // Memory owned, used or not: what an output limit counts.
  size_t capacity_bytes() const { return capacity_bytes_; }

  // Fills `spans` with the first unwritten pieces, in order; returns how many. They stay valid over
  // Append, until Consume, Clear, Release or MoveRemainderTo.
  size_t Gather(std::span<std::string_view> spans) const;

  // The first n unwritten bytes were written. REQUIRES: n <= size().
  void Consume(size_t n);

  // Appends all that is unwritten to `other`, in order, and leaves this one empty. Nearly full
  // chunks change hands; of others the bytes are copied, so that a few bytes never hold 64 KiB.
  void MoveRemainderTo(ReplyBuffer& other);

  // Drops all content. Clear keeps one chunk for reuse, Release nothing.
  void Clear();
  void Release();

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t capacity = 0;
    size_t begin = 0;  // first unwritten byte
    size_t end = 0;    // set when the next chunk is begun; of the last one, next_ tells
  };

  size_t UnwrittenInBack() const {
    const Chunk& back = chunks_.back();
    return static_cast<size_t>(next_ - back.bytes.get()) - back.begin;
  }
  void AppendSlow(std::string_view bytes);
  void AddChunk(size_t capacity);
  void PushChunk(Chunk chunk);
  void AppendCompactly(std::string_view bytes);
  std::string_view Unwritten(size_t index) const;
  void DropDrainedBack();
  void Recycle(Chunk& chunk);

  char* next_ = nullptr;  // the free area of chunks_.back(); both null if there is none
  char* limit_ = nullptr;
  size_t head_ = 0;          // chunks before it are written and gone
  size_t sealed_bytes_ = 0;  // unwritten, in all chunks but the last
  size_t capacity_bytes_ = 0;
  std::vector<Chunk> chunks_;
  std::unique_ptr<char[]> spare_;  // null or kChunkBytes
};

}  // namespace larder::protocol
