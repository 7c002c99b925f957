#include "store/slab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

constexpr size_t kMax = SlabHeap::kCellBytesMax;

// A heap for a scope in which no other test has left anything: neither cells nor regions that are
// being emptied.
class OwnedHeap {
 public:
  OwnedHeap() {
    std::vector<SlabHeap*> used;
    while (!IsFresh(*heap_)) used.push_back(std::exchange(heap_, &SlabHeap::Take()));
    for (SlabHeap* heap : used) SlabHeap::Leave(*heap);
  }
  ~OwnedHeap() { SlabHeap::Leave(*heap_); }
  SlabHeap* operator->() { return heap_; }
  SlabHeap& operator*() { return *heap_; }

 private:
  static bool IsFresh(const SlabHeap& heap) {
    return heap.figures().mapped_bytes == 0 && !heap.has_buckets_to_move();
  }

  SlabHeap* heap_ = &SlabHeap::Take();
};

// A cell that is full of a byte of its own.
struct Filled {
  unsigned char* cell;
  size_t bytes;
  unsigned char mark;

  bool Intact() const {
    return std::all_of(cell, cell + bytes, [this](unsigned char byte) { return byte == mark; });
  }
};

Filled Fill(SlabHeap& heap, size_t bytes, unsigned char mark, CellKind kind = CellKind::kEntry) {
  auto* cell = static_cast<unsigned char*>(heap.Allocate(bytes, kind));
  memset(cell, mark, bytes);
  return {cell, bytes, mark};
}

// Tidies until everything is surveyed at least once.
void TidyAll(SlabHeap& heap) {
  for (size_t i = 0; i < 2 + heap.figures().mapped_bytes / SlabRegion::kBytes; ++i) heap.Tidy();
}

// What the keyspace does: moves the cells that it still uses.
void MoveAll(SlabHeap& heap, std::map<void*, Filled>& used) {
  std::vector<void*> cells(16);
  while (heap.has_entries_to_move()) {
    const size_t count = heap.TakeEntriesToMove(cells);
    for (size_t i = 0; i < count; ++i) {
      const auto old = used.find(cells[i]);
      if (old == used.end()) continue;
      ASSERT_TRUE(old->second.Intact());
      const Filled fresh = Fill(heap, old->second.bytes, old->second.mark);
      heap.Free(cells[i]);
      used.erase(old);
      ASSERT_TRUE(used.emplace(fresh.cell, fresh).second);
    }
  }
}

TEST(SlabTest, SizesGoInStepsOfEightBytesAndLargerOnesOfThirtyTwo) {
  EXPECT_EQ(SlabHeap::CellBytes(0), 16u);
  EXPECT_EQ(SlabHeap::CellBytes(16), 16u);
  EXPECT_EQ(SlabHeap::CellBytes(17), 24u);
  EXPECT_EQ(SlabHeap::CellBytes(56), 56u);
  EXPECT_EQ(SlabHeap::CellBytes(1017), 1024u);
  EXPECT_EQ(SlabHeap::CellBytes(1025), 1056u);
  EXPECT_EQ(SlabHeap::CellBytes(kMax), kMax);
}

// The bit of a cell names it, wherever in a page it is and whatever its size.
TEST(SlabTest, EveryCellOfEverySizeIsFoundByItsBit) {
  OwnedHeap heap;
  for (size_t bytes = 16; bytes <= kMax; bytes = SlabHeap::CellBytes(bytes + 1)) {
    std::vector<void*> cells(2 * SlabRegion::kPageBytes / bytes);
    for (void*& cell : cells) cell = heap->Allocate(bytes, CellKind::kFixed);
    std::sort(cells.begin(), cells.end());
    for (size_t i = 0; i < cells.size(); ++i) {
      SlabRegion& region = SlabRegion::Of(cells[i]);
      const SlabPage& page = region.PageOf(cells[i]);
      ASSERT_EQ(page.cell_bytes, bytes);
      const size_t offset = SlabRegion::OffsetOf(cells[i]);
      ASSERT_EQ(region.CellOfBit(region.IndexOf(page), offset / SlabRegion::kWordBytes,
                                 static_cast<int>(offset / SlabRegion::kGranule % 64)),
                cells[i]);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(cells[i]) % (bytes % 64 == 0 ? 64 : 8), 0u);
      ASSERT_LE(offset % SlabRegion::kPageBytes + bytes, SlabRegion::kPageBytes);
      if (i == 0) continue;
      const auto* before = static_cast<char*>(cells[i - 1]);
      ASSERT_GE(static_cast<char*>(cells[i]) - before, static_cast<ptrdiff_t>(bytes));
    }
    for (void* cell : cells) heap->Free(cell);
  }
}

TEST(SlabTest, WhatWasFreedLastIsUsedFirst) {
  OwnedHeap heap;
  void* first = heap->Allocate(56, CellKind::kEntry);
  void* second = heap->Allocate(56, CellKind::kEntry);
  heap->Free(first);
  EXPECT_EQ(heap->Allocate(50, CellKind::kEntry), first);
  heap->Free(first);
  heap->Free(second);
}

// Random lives of cells of all sizes and both kinds: none overlaps another, none changes.
TEST(SlabTest, CellsDoNotOverlap) {
  OwnedHeap heap;
  std::mt19937_64 random(1);
  std::map<void*, Filled> used;
  const auto check_neighbours = [&](std::map<void*, Filled>::iterator at) {
    if (at != used.begin()) {
      const Filled& before = std::prev(at)->second;
      ASSERT_LE(before.cell + before.bytes, at->second.cell);
    }
    if (std::next(at) != used.end()) {
      ASSERT_LE(at->second.cell + at->second.bytes, std::next(at)->second.cell);
    }
  };
  for (int64_t i = 0; i < test_support::Scaled(200'000); ++i) {
    const bool grows = i / 20'000 % 2 == 0;
    if (used.empty() || random() % 16 < (grows ? 11u : 5u)) {
      const size_t bytes = random() % 4 == 0 ? 1 + random() % kMax : 16 + random() % 4 * 40;
      const auto kind = random() % 2 == 0 ? CellKind::kFixed : CellKind::kEntry;
      const Filled fresh = Fill(*heap, bytes, static_cast<unsigned char>(random()), kind);
      const auto [at, is_new] = used.emplace(fresh.cell, fresh);
      ASSERT_TRUE(is_new);
      ASSERT_NO_FATAL_FAILURE(check_neighbours(at));
    } else {
      auto at = used.lower_bound(reinterpret_cast<void*>(
          reinterpret_cast<uintptr_t>(used.begin()->first) +
          random() % (reinterpret_cast<uintptr_t>(used.rbegin()->first) -
                      reinterpret_cast<uintptr_t>(used.begin()->first) + 1)));
      ASSERT_TRUE(at->second.Intact());
      heap->Free(at->first);
      used.erase(at);
    }
    if (i % 1000 == 0) heap->Tidy();
  }
  for (auto& [cell, filled] : used) {
    ASSERT_TRUE(filled.Intact());
    heap->Free(cell);
  }
}

TEST(SlabTest, EmptyRegionsGoBackToTheSystem) {
  OwnedHeap heap;
  std::vector<void*> cells(200'000);
  for (const CellKind kind : {CellKind::kFixed, CellKind::kEntry}) {
    for (void*& cell : cells) cell = heap->Allocate(56, kind);
    EXPECT_GE(heap->figures().mapped_bytes, cells.size() * 56 - 2 * SlabRegion::kBytes);
    EXPECT_LE(heap->figures().mapped_bytes, cells.size() * 57 + 2 * SlabRegion::kBytes);
    for (void* cell : cells) heap->Free(cell);
    TidyAll(*heap);
    EXPECT_LE(heap->figures().mapped_bytes, 4 * SlabRegion::kBytes);
  }
}

TEST(SlabTest, APageThatIsFreeMayGetAnotherSize) {
  OwnedHeap heap;
  std::vector<void*> cells(100'000);
  for (void*& cell : cells) cell = heap->Allocate(40, CellKind::kFixed);
  void* pin = heap->Allocate(16, CellKind::kFixed);
  const size_t mapped = heap->figures().mapped_bytes;
  for (int round = 0; round < 10; ++round) {
    for (void* cell : cells) heap->Free(cell);
    TidyAll(*heap);
    for (void*& cell : cells)
      cell = heap->Allocate(40 - static_cast<size_t>(round) % 2 * 8, CellKind::kFixed);
    EXPECT_LE(heap->figures().mapped_bytes, mapped + SlabRegion::kBytes);
  }
  for (void* cell : cells) heap->Free(cell);
  heap->Free(pin);
}

// Overwriting at random costs a few percent and no more.
TEST(SlabTest, RandomReplacementWastesLittle) {
  OwnedHeap heap;
  std::mt19937_64 random(2);
  std::vector<void*> cells(200'000);
  for (void*& cell : cells) cell = heap->Allocate(56, CellKind::kEntry);
  const size_t full = heap->figures().mapped_bytes;
  std::deque<void*> retired;
  for (size_t i = 0; i < 5 * cells.size(); ++i) {
    void*& cell = cells[random() % cells.size()];
    retired.push_back(std::exchange(cell, heap->Allocate(56, CellKind::kEntry)));
    if (retired.size() < 2000) continue;
    for (; retired.size() > 1000; retired.pop_front()) heap->Free(retired.front());
  }
  EXPECT_LE(heap->figures().mapped_bytes, full + full / 16 + SlabRegion::kBytes);
  for (void* cell : cells) heap->Free(cell);
  for (void* cell : retired) heap->Free(cell);
}

TEST(SlabTest, SparseRegionsAreDrained) {
  OwnedHeap heap;
  std::mt19937_64 random(3);
  std::map<void*, Filled> used;
  for (int i = 0; i < 300'000; ++i) {
    const Filled fresh = Fill(*heap, 40 + random() % 3 * 8, static_cast<unsigned char>(random()));
    used.emplace(fresh.cell, fresh);
  }
  const size_t full = heap->figures().mapped_bytes;
  TidyAll(*heap);
  EXPECT_FALSE(heap->has_entries_to_move()) << "there is nothing to be gained";
  for (auto at = used.begin(); at != used.end();) {
    if (random() % 20 == 0) {
      ++at;
    } else {
      heap->Free(at->first);
      at = used.erase(at);
    }
  }
  TidyAll(*heap);
  EXPECT_TRUE(heap->has_entries_to_move());
  MoveAll(*heap, used);
  TidyAll(*heap);
  EXPECT_LE(heap->figures().mapped_bytes, full / 6);
  EXPECT_EQ(heap->figures().draining_bytes, 0u);
  for (auto& [cell, filled] : used) {
    ASSERT_TRUE(filled.Intact());
    heap->Free(cell);
  }
}

// A cell that is in nobody's hands any more but not free yet is shown again until it is.
TEST(SlabTest, CellsThatCannotBeMovedAreWaitedFor) {
  OwnedHeap heap;
  std::map<void*, Filled> used;
  std::vector<void*> cells(300'000);
  for (void*& cell : cells) cell = heap->Allocate(56, CellKind::kEntry);
  std::vector<void*> retired;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i % 32 == 0) {
      retired.push_back(cells[i]);
    } else {
      heap->Free(cells[i]);
    }
  }
  TidyAll(*heap);
  MoveAll(*heap, used);
  EXPECT_GT(heap->figures().draining_bytes, 0u);
  for (void* cell : retired) heap->Free(cell);
  TidyAll(*heap);
  EXPECT_EQ(heap->figures().draining_bytes, 0u);
}

TEST(SlabTest, TidyingWhollyLeavesLessThanItWouldByItself) {
  OwnedHeap heap;
  std::map<void*, Filled> used;
  for (int i = 0; i < 300'000; ++i) {
    const Filled fresh = Fill(*heap, 56, static_cast<unsigned char>(i));
    used.emplace(fresh.cell, fresh);
  }
  const size_t full = heap->figures().mapped_bytes;
  size_t i = 0;
  for (auto at = used.begin(); at != used.end();) {
    if (++i % 5 < 2) {
      heap->Free(at->first);
      at = used.erase(at);
    } else {
      ++at;
    }
  }
  TidyAll(*heap);
  EXPECT_FALSE(heap->has_entries_to_move());
  heap->TidyWholly();
  EXPECT_TRUE(heap->has_entries_to_move());
  MoveAll(*heap, used);
  TidyAll(*heap);
  EXPECT_LE(heap->figures().mapped_bytes, full * 2 / 3 + 2 * SlabRegion::kBytes);
  for (auto& [cell, filled] : used) {
    ASSERT_TRUE(filled.Intact());
    heap->Free(cell);
  }
}

// A heap whose thread has ended is the next thread's, with what others still hold of it.
TEST(SlabTest, AHeapOutlivesItsThread) {
  std::vector<Filled> cells;
  std::thread([&] {
    SlabHeap& heap = SlabHeap::Take();
    for (int i = 0; i < 10'000; ++i) cells.push_back(Fill(heap, 48, static_cast<unsigned char>(i)));
    SlabHeap::Leave(heap);
  }).join();
  SlabHeap& heap = SlabHeap::Take();
  for (const Filled& filled : cells) {
    ASSERT_TRUE(filled.Intact());
    heap.Free(filled.cell);
  }
  SlabHeap::Leave(heap);
}

// What one thread makes, others free: each cell proves itself at the end, and the memory of the
// maker does not grow.
TEST(SlabTest, OthersMayFree) {
  constexpr int kThreads = 3;
  constexpr size_t kInFlight = 5000;
  struct Mailbox {
    std::mutex mutex;
    std::vector<Filled> cells;
  };
  std::array<Mailbox, kThreads> mail;
  std::atomic<int> makers{kThreads};
  std::atomic<size_t> peak{0};
  const auto run = [&](int me) {
    OwnedHeap heap;
    std::mt19937_64 random(static_cast<uint64_t>(me));
    const auto empty_mailbox = [&] {
      std::vector<Filled> received;
      {
        std::lock_guard lock(mail[static_cast<size_t>(me)].mutex);
        received.swap(mail[static_cast<size_t>(me)].cells);
      }
      std::shuffle(received.begin(), received.end(), random);
      for (const Filled& filled : received) {
        ASSERT_TRUE(filled.Intact());
        heap->Free(filled.cell);
      }
    };
    for (int64_t i = 0; i < test_support::Scaled(100'000); ++i) {
      const Filled fresh = Fill(*heap, 24 + random() % 8 * 8, static_cast<unsigned char>(random()));
      Mailbox& to = mail[random() % kThreads];
      for (bool sent = false; !sent;) {
        {
          std::lock_guard lock(to.mutex);
          if (to.cells.size() < kInFlight) {
            to.cells.push_back(fresh);
            sent = true;
          }
        }
        if (i % 64 == 0 || !sent) empty_mailbox();
      }
      if (i % 500 == 0) heap->Tidy();
    }
    peak.store(std::max(peak.load(), heap->figures().mapped_bytes));
    makers.fetch_sub(1);
    while (makers.load() != 0) {
      empty_mailbox();
      std::this_thread::yield();
    }
    empty_mailbox();
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(run, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(peak.load(), 12 * SlabRegion::kBytes);
}

// The owner reads cells, to see whether they are to be moved, while others free them.
TEST(SlabTest, CellsToMoveAreReadableWhileOthersFreeThem) {
  OwnedHeap heap;
  std::vector<Filled> cells;
  for (int i = 0; i < 300'000; ++i) cells.push_back(Fill(*heap, 56, static_cast<unsigned char>(i)));
  std::vector<Filled> last;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i % 16 == 0) {
      last.push_back(cells[i]);
    } else {
      heap->Free(cells[i].cell);
    }
  }
  TidyAll(*heap);
  ASSERT_TRUE(heap->has_entries_to_move());
  std::thread other([&] {
    OwnedHeap mine;
    for (const Filled& filled : last) mine->Free(filled.cell);
  });
  size_t seen = 0;
  std::vector<void*> shown(16);
  while (heap->has_entries_to_move()) {
    const size_t count = heap->TakeEntriesToMove(shown);
    for (size_t i = 0; i < count; ++i) {
      const auto* bytes = static_cast<unsigned char*>(shown[i]);
      ASSERT_TRUE(std::all_of(bytes, bytes + 56, [&](unsigned char b) { return b == bytes[0]; }));
      ++seen;
    }
  }
  other.join();
  EXPECT_LE(seen, last.size());
  TidyAll(*heap);
  EXPECT_EQ(heap->figures().draining_bytes, 0u);
}

}  // namespace
}  // namespace larder::store
