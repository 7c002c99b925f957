// The keys of a call that has several, hashed, as Keyspace::WriteAll() and ReadAll() want them.
//
// Lives on the stack of one call, on the thread that runs it; it refers to the call's arguments.
// Cost: one hash a key. Up to about 16 keys take no memory from the heap.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "server/call.h"
#include "store/shard_set.h"

namespace larder::server {

class CallKeys {
 public:
  // Every `step`-th argument from args[first] on, before args[end] if that is given.
  CallKeys(const Call& call, size_t first, size_t step = 1, size_t end = SIZE_MAX) {
    end = std::min(end, call.args.size());
    keys_.reserve((end - first + step - 1) / step);
    for (size_t i = first; i < end; i += step) {
      keys_.push_back({.db = call.db(), .key = call.KeyAt(i)});
    }
  }
  CallKeys(const CallKeys&) = delete;
  CallKeys& operator=(const CallKeys&) = delete;

  std::span<store::KeyAt> all() { return keys_; }

 private:
  std::array<std::byte, 512> on_stack_;
  std::pmr::monotonic_buffer_resource memory_{on_stack_.data(), on_stack_.size()};
  std::pmr::vector<store::KeyAt> keys_{&memory_};
};

}  // namespace larder::server
