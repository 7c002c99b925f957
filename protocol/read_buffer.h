// ReadBuffer: one contiguous, growable receive buffer.
//
//     0            begin_            end_             capacity_
//     |  consumed  |     pending     |      free      |
//                  ^ Pending()       ^ Prepare() returns this area
//
// Commit(n) moves the end of pending forward (bytes received), Consume(n) its begin (bytes parsed).
//
// Thread: one owner at a time. Views of pending stay valid over Commit and Consume; Prepare,
// Append, ShrinkTo and destruction end them. Cost: Prepare copies pending only when it grows, by
// doubling, or when it moves pending to the front, which it does only when that at least doubles
// the free area's share; both are amortised O(1) a byte. Memory: the capacity is at most twice the
// bytes pending plus the min_free asked for, so it follows what was received, not what was
// announced. An empty default-constructed one owns nothing.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace larder::protocol {

class ReadBuffer {
 public:
  ReadBuffer() = default;
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  // The free area, at least min_free bytes (REQUIRES: min_free > 0). `wanted`, if known, is how
  // many more bytes the current argument lacks: growth stops there instead of doubling past it.
  std::span<char> Prepare(size_t min_free, size_t wanted = 0) {
    assert(min_free > 0);
    if (begin_ == end_) begin_ = end_ = 0;
    if (capacity_ - end_ < min_free) MakeRoom(min_free, wanted);
    return {bytes_.get() + end_, capacity_ - end_};
  }

  // REQUIRES: n <= the size of the area that Prepare returned last.
  void Commit(size_t n) {
    assert(n <= capacity_ - end_);
    end_ += n;
  }

  std::string_view Pending() const { return {bytes_.get() + begin_, end_ - begin_}; }

  // REQUIRES: n <= Pending().size().
  void Consume(size_t n) {
    assert(n <= end_ - begin_);
    begin_ += n;
  }

  // Copies bytes received elsewhere to the end of pending.
  void Append(std::string_view bytes);

  // Gives memory back: the capacity becomes `bytes` if it is more now and pending fits; 0 frees
  // all.
  void ShrinkTo(size_t bytes);

  bool empty() const { return begin_ == end_; }
  size_t capacity() const { return capacity_; }

 private:
  void MakeRoom(size_t min_free, size_t wanted);
  void Reallocate(size_t capacity);

  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace larder::protocol
