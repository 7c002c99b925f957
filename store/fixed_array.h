// An array whose length is fixed when it is made, of elements that can be neither copied nor moved.
//
// Threads: as its elements. Cost: one allocation, aligned as the elements ask.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>

namespace larder::store {

template <typename T>
class FixedArray {
 public:
  // construct_at(T* where, size_t i) makes element i.
  template <typename Construct>
  FixedArray(size_t size, Construct&& construct_at)
      : size_(size), elements_(std::allocator<T>().allocate(size)) {
    for (size_t i = 0; i < size; ++i) construct_at(elements_ + i, i);
  }
  ~FixedArray() {
    std::destroy_n(elements_, size_);
    std::allocator<T>().deallocate(elements_, size_);
  }
  FixedArray(const FixedArray&) = delete;
  FixedArray& operator=(const FixedArray&) = delete;

  size_t size() const { return size_; }
  T& operator[](size_t i) {
    assert(i < size_);
    return elements_[i];
  }
  const T& operator[](size_t i) const {
    assert(i < size_);
    return elements_[i];
  }
  T* begin() { return elements_; }
  T* end() { return elements_ + size_; }
  const T* begin() const { return elements_; }
  const T* end() const { return elements_ + size_; }

 private:
  size_t size_;
  T* elements_;
};

}  // namespace larder::store
