#include "store/slab.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>
#include <utility>

#include "store/mutex.h"

namespace larder::store {
namespace {

// Ready cells of one size: as many as come back at once from readers that have moved on, and not
// more than 64 KiB of them.
constexpr size_t kReadyMax = 1024;
constexpr size_t kReadyBytesMax = size_t{64} << 10;
// A page comes back to its owner when a 32nd of it is free.
constexpr int kAnnounceShare = 32;
// Regions surveyed in a step: about 3 us.
constexpr size_t kSurveyStep = 16;
constexpr size_t kSurveySteps = 64;  // at most so many for one round
// Cells looked at in a step: about 5 us.
constexpr size_t kCellsLookedAt = 2048;
// How many steps pass before cells that could not be moved (nobody could reach them any more, but
// they were not free yet) are shown again.
constexpr size_t kStepsToRequeue = 64;

std::atomic<bool> prefers_huge_pages{false};
std::atomic<size_t> mapped_bytes{0};

void* MapAligned(size_t bytes) {
  void* block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block != MAP_FAILED && reinterpret_cast<uintptr_t>(block) % bytes == 0) return block;
  if (block != MAP_FAILED) munmap(block, bytes);
  block = mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  const auto begin = reinterpret_cast<uintptr_t>(block);
  const uintptr_t aligned = (begin + bytes - 1) / bytes * bytes;
  if (aligned != begin) munmap(block, aligned - begin);
  if (aligned != begin + bytes)
    munmap(reinterpret_cast<void*>(aligned + bytes), begin + bytes - aligned);
  return reinterpret_cast<void*>(aligned);
}

}  // namespace

// --- Heaps

// Heaps that nobody owns: threads end before the cells that they handed out do.
class SlabHeapPool {
 public:
  static SlabHeapPool& Instance() {
    static auto& instance = *new SlabHeapPool;  // never destroyed: threads may end after main()
    return instance;
  }

  SlabHeap& Take() {
    MutexLock lock(mutex_);
    if (idle_.empty()) {
      all_.push_back(std::unique_ptr<SlabHeap>(new SlabHeap));
      return *all_.back();
    }
    SlabHeap* heap = idle_.back();
    idle_.pop_back();
    return *heap;
  }
  void Leave(SlabHeap& heap) {
    MutexLock lock(mutex_);
    idle_.push_back(&heap);
  }

 private:
  Mutex mutex_;
  std::vector<std::unique_ptr<SlabHeap>> all_ GUARDED_BY(mutex_);
  std::vector<SlabHeap*> idle_ GUARDED_BY(mutex_);
};

SlabHeap& SlabHeap::Take() { return SlabHeapPool::Instance().Take(); }

void SlabHeap::Leave(SlabHeap& heap) {
  for (auto& kind : heap.classes_) {
    for (Class& of : kind) {
      Spill(of, of.ready_count);
      if (of.current != nullptr) heap.LetGo(*std::exchange(of.current, nullptr));
      of.ready.reset();
      of.ready_max = 0;
    }
  }
  heap.CollectAnnounced();
  heap.Survey(heap.regions_.size(), 0);
  SlabHeapPool::Instance().Leave(heap);
}

// relaxed, both: a switch that is set before there are regions.
void SlabHeap::PreferHugePages() { prefers_huge_pages.store(true, std::memory_order_relaxed); }

size_t SlabHeap::MappedBytes() {
  return mapped_bytes.load(std::memory_order_relaxed);  // relaxed: a figure
}

SlabHeap::Figures SlabHeap::figures() const {
  const auto draining = static_cast<size_t>(std::count_if(
      regions_.begin(), regions_.end(), [](auto* region) { return region->draining; }));
  return {regions_.size() * SlabRegion::kBytes, draining * SlabRegion::kBytes, moved_cells_};
}

// --- Cells

void SlabHeap::Refill(Class& of, size_t cell_bytes, CellKind kind) {
  if (of.ready == nullptr) {
    of.ready_max = static_cast<uint32_t>(std::min(kReadyMax, kReadyBytesMax / cell_bytes));
    of.ready = std::make_unique_for_overwrite<void*[]>(of.ready_max);
  }
  while (of.ready_count == 0) {
    if (of.current == nullptr) {
      if (of.listed == nullptr) CollectAnnounced();
      if (of.listed != nullptr) {
        of.current = of.listed;
        Unlist(*of.current);
      } else {
        of.current = &TakeVacantPage(cell_bytes, kind);
      }
      const SlabRegion& region = SlabRegion::Of(of.current);
      of.next_word = static_cast<size_t>(region.IndexOf(*of.current)) * SlabRegion::kWordsAPage;
    }
    Harvest(of);
  }
}

// Makes free cells of the current page ready, as many as are of use soon.
void SlabHeap::Harvest(Class& of) {
  SlabPage& page = *of.current;
  SlabRegion& region = SlabRegion::Of(&page);
  const int index = region.IndexOf(page);
  const size_t end = static_cast<size_t>(index + 1) * SlabRegion::kWordsAPage;
  const uint32_t before = of.ready_count;
  size_t& at = of.next_word;
  for (; at < end && of.ready_count < of.ready_max / 4; ++at) {
    // relaxed: a bit that comes later waits for the next time.
    if (region.bits[at].load(std::memory_order_relaxed) == 0) continue;
    // acquire [slab.free]: whoever freed the cell has finished with it.
    uint64_t free = region.bits[at].exchange(0, std::memory_order_acquire);
    for (; free != 0; free &= free - 1)
      of.ready[of.ready_count++] = region.CellOfBit(index, at, std::countr_zero(free));
  }
  // relaxed: only the owner takes away.
  page.state.fetch_sub(static_cast<int32_t>(of.ready_count - before) * SlabPage::kOneFree,
                       std::memory_order_relaxed);
  if (at == end) {
    of.current = nullptr;
    LetGo(page);
  }
}

// Gives back the cells that have been ready for longest.
void SlabHeap::Spill(Class& of, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) Return(of.ready[i]);
  std::copy(of.ready.get() + count, of.ready.get() + of.ready_count, of.ready.get());
  of.ready_count -= count;
}

void SlabHeap::SpillAll(CellKind kind) {
  for (Class& of : classes_[static_cast<size_t>(kind)]) Spill(of, of.ready_count);
}

// Marks a cell as free. Any thread.
void SlabHeap::Return(void* cell) {
  SlabRegion& region = SlabRegion::Of(cell);
  SlabPage& page = region.PageOf(cell);
  const int announce_at = page.announce_at;
  // release [slab.free]: we have finished with the cell.
  [[maybe_unused]] const uint64_t bits =
      region.WordOf(cell).fetch_or(SlabRegion::BitOf(cell), std::memory_order_release);
  assert((bits & SlabRegion::BitOf(cell)) == 0);
  // release [slab.count]: the owner gives a page away when all its cells are counted, so this is
  // the last that we see of it, unless we are the one to announce it: it is not given away before.
  // acquire [slab.let_go].
  const int32_t state = page.state.fetch_add(SlabPage::kOneFree, std::memory_order_acq_rel);
  if ((state & SlabPage::kHeld) == 0 && SlabPage::FreeIn(state) + 1 == announce_at) {
    page.state.fetch_or(SlabPage::kHeld, std::memory_order_relaxed);  // relaxed: no data with it
    region.owner->Announce(page);
  }
}

// --- Pages

void SlabHeap::Announce(SlabPage& page) {
  page.next = announced_.load(std::memory_order_relaxed);  // relaxed: checked by the exchange
  // release [slab.announce]; relaxed on failure: it is tried again.
  while (!announced_.compare_exchange_weak(page.next, &page, std::memory_order_release,
                                           std::memory_order_relaxed)) {
  }
}

void SlabHeap::CollectAnnounced() {
  if (announced_.load(std::memory_order_relaxed) == nullptr) return;  // relaxed: a hint
  SlabPage* page =
      announced_.exchange(nullptr, std::memory_order_acquire);  // acquire [slab.announce]
  while (page != nullptr) {
    SlabPage* next = page->next;
    page->in_hand = true;
    if (!SlabRegion::Of(page).draining) List(*page);
    page = next;
  }
}

void SlabHeap::List(SlabPage& page) {
  Class& of = ClassOf(page);
  page.listed = true;
  page.previous = nullptr;
  page.next = of.listed;
  if (of.listed != nullptr) of.listed->previous = &page;
  of.listed = &page;
}

void SlabHeap::Unlist(SlabPage& page) {
  if (page.next != nullptr) page.next->previous = page.previous;
  (page.previous != nullptr ? page.previous->next : ClassOf(page).listed) = page.next;
  page.listed = false;
}

// A page that has been harvested: it is announced again when enough of it is free.
void SlabHeap::LetGo(SlabPage& page) {
  page.in_hand = false;
  // relaxed: what the number says is checked by the exchange.
  int32_t state = page.state.load(std::memory_order_relaxed);
  while (SlabPage::FreeIn(state) < page.announce_at) {
    // release [slab.let_go]: whoever announces it may write to it. relaxed: it is tried again.
    if (page.state.compare_exchange_weak(state, state & ~SlabPage::kHeld, std::memory_order_release,
                                         std::memory_order_relaxed))
      return;
  }
  page.in_hand = true;
  List(page);
}

SlabPage& SlabHeap::TakeVacantPage(size_t cell_bytes, CellKind kind) {
  auto& roomy = roomy_[static_cast<size_t>(kind)];
  SlabRegion& region = roomy.empty() ? MapRegion(kind) : *roomy.back();
  const int index = std::countr_zero(region.vacant);
  region.vacant &= region.vacant - 1;
  if (region.vacant == 0) roomy.pop_back();

  SlabPage& page = region.pages[index];
  const size_t begin = SlabRegion::BeginOf(index);
  const size_t end = SlabRegion::EndOf(index);
  page.cell_bytes = static_cast<uint16_t>(cell_bytes);
  page.cells = static_cast<uint16_t>((end - begin) / cell_bytes);
  page.announce_at = static_cast<uint16_t>(std::max(1, page.cells / kAnnounceShare));
  page.in_hand = true;
  size_t cell = begin;
  for (size_t word = begin / SlabRegion::kWordBytes; word * SlabRegion::kWordBytes < end; ++word) {
    uint64_t free = 0;
    for (; cell + cell_bytes <= end && cell < (word + 1) * SlabRegion::kWordBytes;
         cell += cell_bytes)
      free |= uint64_t{1} << (cell / SlabRegion::kGranule % 64);
    region.bits[word].store(free, std::memory_order_relaxed);  // relaxed: no cell is anybody's yet
  }
  // relaxed: the same.
  page.state.store(page.cells * SlabPage::kOneFree + SlabPage::kHeld, std::memory_order_relaxed);
  return page;
}

// REQUIRES: in hand, not current, all cells free.
void SlabHeap::Vacate(SlabRegion& region, SlabPage& page) {
  if (page.listed) Unlist(page);
  page.cell_bytes = 0;
  page.cells = 0;
  page.in_hand = false;
  if (region.vacant == 0 && !region.draining)
    roomy_[static_cast<size_t>(region.kind)].push_back(&region);
  region.vacant |= uint64_t{1} << region.IndexOf(page);
}

// --- Regions

SlabRegion& SlabHeap::MapRegion(CellKind kind) {
  const auto of_kind = static_cast<size_t>(kind);
  void* memory = MapAligned(SlabRegion::kBytes);
  // A huge page is resident as a whole: that is for what look-ups go through, and not for a server
  // with few keys.
  const bool huge = kind != CellKind::kFixed && regions_of_kind_[of_kind] != 0 &&
                    prefers_huge_pages.load(std::memory_order_relaxed);  // relaxed: a switch
  madvise(memory, SlabRegion::kBytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  auto* region = new (memory) SlabRegion(this, kind);
  region->live_bytes = SlabRegion::kBytes;  // not to be drained before it has been filled
  regions_.push_back(region);
  ++regions_of_kind_[of_kind];
  roomy_[of_kind].push_back(region);
  mapped_bytes.fetch_add(SlabRegion::kBytes, std::memory_order_relaxed);  // relaxed: a figure
  return *region;
}

void SlabHeap::Unmap(size_t index) {
  SlabRegion* region = regions_[index];
  regions_[index] = regions_.back();
  regions_.pop_back();
  --regions_of_kind_[static_cast<size_t>(region->kind)];
  std::erase(roomy_[static_cast<size_t>(region->kind)], region);
  munmap(region, SlabRegion::kBytes);
  mapped_bytes.fetch_sub(SlabRegion::kBytes, std::memory_order_relaxed);  // relaxed: a figure
}

// Takes the round over all regions on; true if this ends one. Keeps `kept` regions of each kind
// that are not draining, whether they are used or not.
bool SlabHeap::Survey(size_t regions_max, size_t kept) {
  for (; regions_max > 0 && survey_at_ < regions_.size(); --regions_max) {
    SlabRegion& region = *regions_[survey_at_];
    SurveyRegion(region);
    const bool empty = region.vacant == SlabRegion::kAllVacant && !region.queued;
    const bool spare = region.draining || regions_of_kind_[static_cast<size_t>(region.kind)] > kept;
    if (empty && spare) {
      Unmap(survey_at_);
    } else {
      ++survey_at_;
    }
  }
  if (survey_at_ < regions_.size()) return false;
  survey_at_ = 0;
  return true;
}

void SlabHeap::SurveyRegion(SlabRegion& region) {
  size_t live = 0;
  for (uint64_t taken = ~region.vacant; taken != 0; taken &= taken - 1) {
    SlabPage& page = region.pages[std::countr_zero(taken)];
    // acquire [slab.count]: whoever has counted has finished with the page.
    const int free = SlabPage::FreeIn(page.state.load(std::memory_order_acquire));
    if (free == page.cells && page.in_hand && ClassOf(page).current != &page) {
      Vacate(region, page);
    } else {
      live += static_cast<size_t>(page.cells - std::max(free, 0)) * page.cell_bytes;
    }
  }
  region.live_bytes = static_cast<uint32_t>(live);
}

void SlabHeap::DrainSparse(const Thresholds& thresholds) {
  DrainSparse(CellKind::kEntry, thresholds);
  DrainSparse(CellKind::kBucket, thresholds);
}

void SlabHeap::DrainSparse(CellKind kind, const Thresholds& thresholds) {
  size_t live = 0;
  size_t mapped = 0;
  for (const SlabRegion* region : regions_) {
    if (region->kind != kind || region->draining) continue;
    live += region->live_bytes;
    mapped += SlabRegion::kBytes;
  }
  const size_t waste = mapped - std::min(mapped, live);
  if (waste <= std::max(thresholds.waste_bytes, mapped / thresholds.waste_divisor)) return;
  const auto& roomy = roomy_[static_cast<size_t>(kind)];
  const SlabRegion* filling = roomy.empty() ? nullptr : roomy.back();
  SpillAll(kind);
  for (SlabRegion* region : regions_) {
    if (region->kind == kind && !region->draining && region != filling &&
        region->live_bytes < thresholds.live_bytes)
      Drain(*region);
  }
}

void SlabHeap::Drain(SlabRegion& region) {
  region.draining = true;
  region.reuses.store(nullptr, std::memory_order_relaxed);  // relaxed: see there
  for (uint64_t taken = ~region.vacant; taken != 0; taken &= taken - 1) {
    SlabPage& page = region.pages[std::countr_zero(taken)];
    if (page.listed) Unlist(page);
    if (ClassOf(page).current == &page) ClassOf(page).current = nullptr;
  }
  std::erase(roomy_[static_cast<size_t>(region.kind)], &region);
  QueueForMoving(region);
}

void SlabHeap::QueueForMoving(SlabRegion& region) {
  if (region.kind == CellKind::kBucket) {
    bucket_rounds_ = 2;
  } else if (!region.queued) {
    region.queued = true;
    to_move_.push_back(&region);
  }
}

void SlabHeap::RequeueDraining() {
  for (SlabRegion* region : regions_) {
    if (region->draining) QueueForMoving(*region);
  }
}

void SlabHeap::Tidy() {
  constexpr Thresholds kSparse = {.waste_bytes = 2 * SlabRegion::kBytes,
                                  .waste_divisor = 4,
                                  .live_bytes = SlabRegion::kBytes / 2};
  CollectAnnounced();
  if (Survey(std::max(kSurveyStep, regions_.size() / kSurveySteps), 1)) DrainSparse(kSparse);
  const bool idle = !has_entries_to_move() && !has_buckets_to_move();
  if (++tidies_ % kStepsToRequeue == 0 && idle) RequeueDraining();
}

void SlabHeap::TidyWholly() {
  constexpr Thresholds kNotFull = {
      .waste_bytes = 0, .waste_divisor = 8, .live_bytes = SlabRegion::kBytes / 4 * 3};
  for (const auto kind : {CellKind::kFixed, CellKind::kEntry, CellKind::kBucket}) SpillAll(kind);
  CollectAnnounced();
  survey_at_ = 0;
  Survey(regions_.size(), 1);
  DrainSparse(kNotFull);
  RequeueDraining();
}

size_t SlabHeap::TakeEntriesToMove(std::span<void*> cells) {
  size_t taken = 0;
  for (size_t looked_at = 0; looked_at < kCellsLookedAt && taken < cells.size();) {
    if (to_move_.empty()) break;
    SlabRegion& region = *to_move_.front();
    if (move_page_ == SlabRegion::kPages) {
      region.queued = false;
      to_move_.pop_front();
      move_page_ = 0;
    } else if (move_cell_ >= region.pages[move_page_].cells) {
      ++move_page_;
      ++looked_at;
      move_cell_ = 0;
    } else {
      void* cell = region.CellAt(move_page_, move_cell_++);
      ++looked_at;
      if (!region.IsFree(cell)) cells[taken++] = cell;
    }
  }
  moved_cells_ += taken;
  return taken;
}

}  // namespace larder::store
