#include "store/allocator.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace larder::store {
namespace {

TEST(AllocatorTest, CountsWhatTheHeapSpends) {
  Allocator allocator;
  void* small = allocator.Allocate(1);
  void* large = allocator.Allocate(1000);
  EXPECT_GE(Allocator::BytesOf(small, 1), 1u);
  EXPECT_EQ(allocator.used(),
            static_cast<int64_t>(Allocator::BytesOf(small, 1) + Allocator::BytesOf(large, 1000)));
  allocator.Free(small, 1);
  EXPECT_EQ(allocator.used(), static_cast<int64_t>(Allocator::BytesOf(large, 1000)));
  allocator.Free(large, 1000);
  EXPECT_EQ(allocator.used(), 0);
}

TEST(AllocatorTest, ABlockIsUsedThenRetiredThenFree) {
  Allocator allocator;
  void* block = allocator.Allocate(100);
  const auto bytes = static_cast<int64_t>(Allocator::BytesOf(block, 100));
  EXPECT_EQ(allocator.Retire(block, 100), static_cast<size_t>(bytes));
  EXPECT_EQ(allocator.used(), 0);
  EXPECT_EQ(allocator.retired(), bytes);
  allocator.FreeRetired(block, Allocator::IsCell(100));
  allocator.CountFreed(bytes);
  EXPECT_EQ(allocator.retired(), 0);
}

TEST(AllocatorTest, WhatOneThreadTookAnotherMayRetire) {
  Allocator maker;
  Allocator breaker;
  void* block = maker.Allocate(100);
  const auto bytes = static_cast<int64_t>(breaker.Retire(block, 100));
  EXPECT_LT(breaker.used(), 0);
  EXPECT_EQ(maker.used() + breaker.used(), 0);
  breaker.FreeRetired(block, Allocator::IsCell(100));
  breaker.CountFreed(bytes);
  EXPECT_EQ(breaker.retired(), 0);
}

TEST(AllocatorTest, LinesAreAligned) {
  Allocator allocator;
  for (const size_t bytes : {64, 128, 1024, 4096}) {
    void* block = allocator.AllocateBuckets(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0u);
    memset(block, 1, bytes);
    allocator.Free(block, bytes);
  }
  EXPECT_EQ(allocator.used(), 0);
}

TEST(AllocatorTest, PagesAreGivenBackPieceByPiece) {
  constexpr size_t kPages = 16 * 4096;
  Allocator allocator;
  auto* pages = static_cast<char*>(allocator.MapPages(kPages));
  memset(pages, 1, kPages);
  EXPECT_EQ(allocator.used(), static_cast<int64_t>(kPages));
  allocator.CountRetiredPages(kPages);
  EXPECT_EQ(allocator.used(), 0);
  allocator.UnmapRetiredPages(pages + kPages / 2, kPages / 2);
  EXPECT_EQ(allocator.retired(), static_cast<int64_t>(kPages / 2));
  EXPECT_EQ(pages[kPages / 2 - 1], 1);
  allocator.UnmapRetiredPages(pages, kPages / 2);
  EXPECT_EQ(allocator.retired(), 0);
}

}  // namespace
}  // namespace larder::store
