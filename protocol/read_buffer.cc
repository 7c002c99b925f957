#include "protocol/read_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace larder::protocol {

void ReadBuffer::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(Prepare(bytes.size()).data(), bytes.data(), bytes.size());
  Commit(bytes.size());
}

void ReadBuffer::ShrinkTo(size_t bytes) {
  if (capacity_ <= bytes || end_ - begin_ > bytes) return;
  Reallocate(bytes);
}

void ReadBuffer::MakeRoom(size_t min_free, size_t wanted) {
  const size_t pending = end_ - begin_;
  // Moving pays where at least as many bytes come free as are copied.
  if (begin_ >= pending && capacity_ - pending >= min_free) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, pending);
    begin_ = 0;
    end_ = pending;
    return;
  }
  // Not less than a quarter, or many small arguments of one request would each copy all before
  // them.
  const size_t growth = wanted == 0 ? pending : std::clamp(wanted, pending / 4, pending);
  Reallocate(pending + std::max(min_free, growth));
}

void ReadBuffer::Reallocate(size_t capacity) {
  const size_t pending = end_ - begin_;
  assert(capacity >= pending);
  std::unique_ptr<char[]> bytes;
  if (capacity > 0) bytes = std::make_unique_for_overwrite<char[]>(capacity);
  if (pending > 0) std::memcpy(bytes.get(), bytes_.get() + begin_, pending);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
  begin_ = 0;
  end_ = pending;
}

}  // namespace larder::protocol
