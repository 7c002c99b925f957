#include "store/epoch.h"

#include <algorithm>
#include <cassert>

namespace larder::store {
namespace {

constexpr uintptr_t kLargeTag = 1;
constexpr uintptr_t kCellTag = 2;

// A full bag is sealed: large enough that the barrier and the look at all slots cost little a
// block.
constexpr size_t kBagBlocks = 128;
// How far ahead of freeing a block its memory's descriptor is fetched.
constexpr size_t kPrefetchAhead = 8;
// At most this many blocks are freed in one Collect(): about 0.2 ms, longer with values of a MB.
constexpr size_t kCollectBlocksMax = 4096;
// One munmap step: about 0.8 ms.
constexpr size_t kUnmapStepBytes = size_t{4} << 20;

}  // namespace

EpochParticipant::EpochParticipant(EpochDomain& domain, Allocator& allocator)
    : domain_(domain), allocator_(allocator), slot_(domain.TakeSlot()) {}

EpochParticipant::~EpochParticipant() {
  Unpin();
  Seal();
  for (Bag& bag : sealed_) FreeBag(bag);
  while (UnmapStep()) {
  }
}

void EpochParticipant::Retire(void* block, size_t bytes) {
  open_bytes_ += static_cast<int64_t>(allocator_.Retire(block, bytes));
  Push(reinterpret_cast<Retired>(block) | (Allocator::IsCell(bytes) ? kCellTag : 0));
}

void EpochParticipant::RetireLarge(LargeValue* value) {
  LargeValue::Retire(allocator_, value);
  if (!value->is_mapped()) retired_value_bytes_ += value->capacity();
  Push(reinterpret_cast<Retired>(value) | kLargeTag);
}

void EpochParticipant::Push(Retired block) {
  open_.push_back(block);
  if (open_.size() >= kBagBlocks) Seal();
}

void EpochParticipant::Seal() {
  if (open_.empty()) return;
  sealed_.push_back({domain_.Seal(slot_), open_bytes_, std::move(open_)});
  open_ = {};
  open_.reserve(kBagBlocks);
  open_bytes_ = 0;
}

bool EpochParticipant::Collect() {
  assert(!pinned_);
  Seal();
  if (!sealed_.empty()) domain_.TryAdvance();
  const uint64_t epoch = domain_.current();
  size_t freed = 0;
  while (!sealed_.empty() && EpochDomain::MayFree(sealed_.front().epoch, epoch) &&
         freed < kCollectBlocksMax) {
    freed += sealed_.front().blocks.size();
    FreeBag(sealed_.front());
    sealed_.pop_front();
  }
  const bool unmapping = UnmapStep();
  return unmapping || !sealed_.empty();
}

void EpochParticipant::FreeBag(Bag& bag) {
  allocator_.CountFreed(bag.bytes);
  for (size_t i = 0; i < bag.blocks.size(); ++i) {
    const size_t later = std::min(i + kPrefetchAhead, bag.blocks.size() - 1);
    if ((bag.blocks[later] & kCellTag) != 0)
      SlabHeap::PrefetchFree(reinterpret_cast<void*>(bag.blocks[later]));
    const Retired block = bag.blocks[i];
    if ((block & kLargeTag) == 0) {
      allocator_.FreeRetired(reinterpret_cast<void*>(block & ~kCellTag), (block & kCellTag) != 0);
      continue;
    }
    auto* value = reinterpret_cast<LargeValue*>(block & ~kLargeTag);
    if (value->is_mapped()) {
      unmapping_.push_back(value);
    } else {
      retired_value_bytes_ -= value->capacity();
      LargeValue::FreeStep(allocator_, value, SIZE_MAX);
    }
  }
}

bool EpochParticipant::UnmapStep() {
  size_t budget = kUnmapStepBytes;
  while (!unmapping_.empty() && budget > 0) {
    LargeValue* value = unmapping_.back();
    const size_t step = std::min(budget, value->capacity());
    if (!LargeValue::FreeStep(allocator_, value, budget)) unmapping_.pop_back();
    budget -= step;
  }
  return !unmapping_.empty();
}

}  // namespace larder::store
