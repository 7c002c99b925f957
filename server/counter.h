// A number that one thread counts up and any thread may read. Adding is a relaxed load and a
// relaxed store, no locked instruction.
#pragma once

#include <atomic>
#include <cstdint>

namespace larder::server {

// Relaxed: a counter says nothing about other memory.
class Counter {
 public:
  void Add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void Raise(uint64_t at_least) {
    if (at_least > get()) value_.store(at_least, std::memory_order_relaxed);
  }
  void Clear() { value_.store(0, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace larder::server
