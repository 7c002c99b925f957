#include "store/table.h"

#include <algorithm>
#include <cassert>
#include <new>

#include "store/worker.h"

namespace larder::store {
namespace {

// Loads in tenths of an entry a bucket that is not an overflow: 6.8 of 7 slots and 3.2. Half of the
// buckets have not been split yet and hold up to twice the others' entries, so chains bring the
// share of all slots in use to two thirds. From 5.6 to 7.2 each step of 0.4 saves 0.2 to 0.4 B a
// key and costs a look-up nothing measurable; the last one costs a SET 3 %.
constexpr size_t kGrowAboveTenths = 68;
constexpr size_t kShrinkBelowTenths = 32;

// Segments of 1, 1, 2, 4 and 8 buckets, so that a shard with one key pays for one bucket; then of
// 16 (1 KiB): small enough that the last one, half empty on average, costs 0.5 B a key at 1,000
// keys a shard.
constexpr uint32_t kSegmentBuckets = 16;
constexpr uint32_t kSmallSegments = 5;

// How far into an entry a prefetch goes: the end of a key and a value of together 48 bytes.
constexpr uintptr_t kPrefetchedBytes = 48;

uint32_t SegmentOf(uint32_t bucket) {
  if (bucket >= kSegmentBuckets) [[likely]]
    return kSmallSegments - 1 + bucket / kSegmentBuckets;
  return static_cast<uint32_t>(std::bit_width(bucket));
}

uint32_t OffsetInSegment(uint32_t bucket) {
  if (bucket >= kSegmentBuckets) [[likely]]
    return bucket % kSegmentBuckets;
  return bucket - std::bit_floor(bucket);
}

uint32_t SegmentSize(uint32_t segment) {
  if (segment >= kSmallSegments) return kSegmentBuckets;
  return segment == 0 ? 1 : uint32_t{1} << (segment - 1);
}

uint32_t ReverseBits(uint32_t v) {
  v = (v >> 1 & 0x55555555u) | (v & 0x55555555u) << 1;
  v = (v >> 2 & 0x33333333u) | (v & 0x33333333u) << 2;
  v = (v >> 4 & 0x0F0F0F0Fu) | (v & 0x0F0F0F0Fu) << 4;
  return __builtin_bswap32(v);
}

// The bucket of a hash among `count`: as many low bits as cover the count, one fewer where the
// split has not come yet.
uint32_t BucketIndex(uint32_t bucket_bits, uint32_t count) {
  const uint32_t mask = std::bit_ceil(count) - 1;
  const uint32_t index = bucket_bits & mask;
  return index < count ? index : index & (mask >> 1);
}

static_assert(kSegmentBuckets * sizeof(Bucket) <= SlabHeap::kCellBytesMax, "slabs hold them all");

bool IsInEmptiedMemory(const Bucket* bucket) { return SlabRegion::Of(bucket).IsBeingEmptied(); }

uint32_t BucketBitsOf(const Worker& worker, Slot slot) {
  if (slot.is_deleted()) return slot.deleted_bits();
  return static_cast<uint32_t>(worker.hasher().Hash(slot.entry()->key()));
}

}  // namespace

// --- Directory

struct Table::Directory {
  std::atomic<uint32_t> bucket_count{0};
  uint32_t capacity;  // segments that have room below

  explicit Directory(uint32_t segments) : capacity(segments) {}

  static size_t BytesFor(uint32_t segments) {
    return sizeof(Directory) + segments * sizeof(Bucket*);
  }
  size_t bytes() const { return BytesFor(capacity); }
  static Directory* Make(Allocator& allocator, uint32_t segments) {
    auto* directory = new (allocator.Allocate(sizeof(Directory) + segments * sizeof(Bucket*)))
        Directory(segments);
    for (uint32_t i = 0; i < segments; ++i)
      new (directory->segments() + i) std::atomic<Bucket*>(nullptr);
    return directory;
  }

  uint32_t count() const {
    return bucket_count.load(std::memory_order_acquire);
  }  // acquire [table.count]
  void SetCount(uint32_t n) {
    bucket_count.store(n, std::memory_order_release);
  }  // release [table.count]

  std::atomic<Bucket*>* segments() { return reinterpret_cast<std::atomic<Bucket*>*>(this + 1); }
  Bucket* Segment(uint32_t i) {
    return segments()[i].load(std::memory_order_acquire);
  }  // acquire [table.segment]
  void SetSegment(uint32_t i, Bucket* segment) {
    segments()[i].store(
        segment,
        std::memory_order_release);  // release [table.segment]: before the count that needs it
  }
  void RetireSegment(Worker& worker, uint32_t i) {
    worker.epoch().Retire(Segment(i), SegmentSize(i) * sizeof(Bucket));
  }
  [[gnu::always_inline]] Bucket* At(uint32_t bucket) {
    return Segment(SegmentOf(bucket)) + OffsetInSegment(bucket);
  }
  static Bucket* HeadIn(Directory* directory, uint32_t bucket_bits);
};

// --- Look-up

Table::~Table() {
  assert(directory_.load(std::memory_order_relaxed) == nullptr);
}  // relaxed: the last user

// A reader of an old directory, count or segment is protected: all three are retired, never freed
// at once. In line: a look-up that the caches hold spends a good part of its time on calls.
[[gnu::always_inline]] inline Bucket* Table::Directory::HeadIn(Directory* directory,
                                                               uint32_t bucket_bits) {
  return directory == nullptr ? nullptr
                              : directory->At(BucketIndex(bucket_bits, directory->count()));
}

Bucket* Table::HeadFor(uint32_t bucket_bits) const {
  // acquire [table.directory]
  return Directory::HeadIn(directory_.load(std::memory_order_acquire), bucket_bits);
}

// Whoever retires a head, or makes it another's, moves the version on first: with the version of
// the short cut, its head is the one that a walk through the directory would find, and alive.
[[gnu::always_inline]] inline Bucket* Table::HeadFor(const Key& key) const {
  const ShortCut& known = key.short_cut;
  if (known.table == this && layout_.SameStructure(known.layout)) [[likely]]
    return known.head;
  // acquire [table.directory]
  return Directory::HeadIn(directory_.load(std::memory_order_acquire), key.bucket_bits());
}

size_t Table::buckets() const {
  Directory* directory = directory_.load(std::memory_order_acquire);  // acquire [table.directory]
  return directory == nullptr ? 0 : directory->count();
}

Table::Found Table::Find(const Key& key, Protection) const {
  for (const Bucket* bucket = HeadFor(key); bucket != nullptr;) {
    const Bucket::Look look = bucket->Find(
        key.fingerprint(), [&](const Entry* entry) { return entry->HasKey(key.bytes); });
    if (look.entry != nullptr || look.torn) return {look.entry, look.torn};
    bucket = look.next;
  }
  return {};
}

void Table::PrefetchBucket(Key& key, Protection) const {
  const uint64_t layout = layout_.Load();
  Bucket* head = HeadFor(key.bucket_bits());
  __builtin_prefetch(head);
  // No short cut to nowhere: the first bucket comes without a new version.
  if (head != nullptr) key.short_cut = {this, head, layout};
}

void Table::PrefetchBucketOnly(const Key& key, Protection) const {
  __builtin_prefetch(HeadFor(key.bucket_bits()));
}

bool Table::PrefetchEntry(const Key& key, int hop, Protection) const {
  const Bucket* bucket = HeadFor(key);
  for (; bucket != nullptr && hop > 0; --hop) bucket = bucket->Next();
  if (bucket == nullptr) return false;
  const Bucket::Control control = bucket->control();
  const uint64_t matches = control.Matches(key.fingerprint());
  if (matches != 0) {
    // An entry begins anywhere in a line: key and value are on this one and, likely, the next.
    const uintptr_t entry = bucket->slot(std::countr_zero(matches) / 8).word();
    __builtin_prefetch(reinterpret_cast<const void*>(entry));
    __builtin_prefetch(reinterpret_cast<const void*>(entry + kPrefetchedBytes));
    return false;
  }
  if (!control.chained()) return false;
  const Slot next = bucket->slot(Bucket::kChainSlot);
  if (!next.is_chain()) return false;
  __builtin_prefetch(next.chain());
  return true;
}

Table::Position Table::Locate(const Key& key) const {
  int length = 0;
  for (Bucket* bucket = HeadFor(key); bucket != nullptr; bucket = bucket->Next(), ++length) {
    for (uint64_t matches = bucket->control().Matches(key.fingerprint()); matches != 0;
         matches &= matches - 1) {
      const Position at{bucket, std::countr_zero(matches) / 8};
      if (at.slot().is_entry() && at.entry()->HasKey(key.bytes)) return at;
    }
  }
  if (length > kChainMax) ++long_chains_;
  return {};
}

Table::Position Table::LocateDeleted(const Key& key) const {
  for (Bucket* bucket = HeadFor(key); bucket != nullptr; bucket = bucket->Next()) {
    for (uint64_t matches = bucket->control().Matches(key.fingerprint()); matches != 0;
         matches &= matches - 1) {
      const Position at{bucket, std::countr_zero(matches) / 8};
      if (at.slot().is_deleted() && at.slot().deleted_bits() == key.bucket_bits()) return at;
    }
  }
  return {};
}

// --- Change

void Table::Insert(Worker& worker, const Key& key, const Entry* entry) {
  if (directory_.load(std::memory_order_relaxed) == nullptr)
    AddBucket(worker);  // relaxed: we hold the lock
  Place(worker, HeadFor(key), key.fingerprint(), Slot::Of(entry));
  ++size_;
  if (size_ * 10 > buckets() * kGrowAboveTenths) Grow(worker);
}

// Puts an entry into the first free slot of a chain, making the chain longer if there is none.
void Table::Place(Worker& worker, Bucket* head, uint8_t fingerprint, Slot content) {
  Bucket* bucket = head;
  for (;;) {
    const int free = bucket->FreeSlot();
    if (free >= 0) {
      bucket->Put(free, fingerprint, content);
      return;
    }
    Bucket* next = bucket->Next();
    if (next == nullptr) break;
    bucket = next;
  }
  auto* overflow = new (worker.allocator().AllocateBuckets(sizeof(Bucket))) Bucket;
  bucket->ChainTo(overflow);
  overflow->Put(1, fingerprint, content);  // published to everyone at once, as any other entry
}

void Table::Erase(Worker& worker, uint32_t bucket_bits, Position at) {
  at.bucket->Remove(at.index);
  if (--size_ == 0) {
    Release(worker);
    return;
  }
  Bucket* head = HeadFor(bucket_bits);
  if (head->Next() != nullptr) CompactChain(worker, head);
  if (size_ * 10 < buckets() * kShrinkBelowTenths) Shrink(worker);
}

// Empties the last bucket of a chain into free slots before it, as often as they suffice.
void Table::CompactChain(Worker& worker, Bucket* head) {
  for (;;) {
    Bucket* before_last = nullptr;
    Bucket* last = head;
    int free = 0;
    for (Bucket* next = last->Next(); next != nullptr; next = last->Next()) {
      free += Bucket::kSlots - 1 - std::popcount(last->control().taken());
      before_last = last;
      last = next;
    }
    if (before_last == nullptr || free < std::popcount(last->control().taken())) return;
    for (uint32_t taken = last->control().taken(); taken != 0; taken &= taken - 1) {
      const int from = std::countr_zero(taken);
      Bucket* to = head;
      int slot = to->FreeSlot();
      for (; slot < 0; slot = to->FreeSlot()) to = to->Next();
      to->Put(slot, last->control().fingerprint(from), last->slot(from));
    }
    layout_.EntryMoved();
    before_last->Unchain();
    worker.epoch().Retire(last, sizeof(Bucket));
  }
}

// Makes bucket number buckets() exist and empty, but not yet counted. Returns it; counts the very
// first.
Bucket* Table::AddBucket(Worker& worker) {
  Directory* directory = directory_.load(std::memory_order_relaxed);  // relaxed: we hold the lock
  const uint32_t count = directory == nullptr ? 0 : directory->count();
  const uint32_t segment = SegmentOf(count);
  if (directory == nullptr || segment >= directory->capacity) {
    Directory* larger = Directory::Make(worker.allocator(),
                                        directory == nullptr ? 2 : directory->capacity * 3 / 2 + 1);
    for (uint32_t i = 0; i < segment; ++i) larger->SetSegment(i, directory->Segment(i));
    larger->SetCount(count);
    directory_.store(larger, std::memory_order_release);  // release [table.directory]
    if (directory != nullptr) worker.epoch().Retire(directory, directory->bytes());
    directory = larger;
  }
  if (OffsetInSegment(count) == 0) {
    const uint32_t size = SegmentSize(segment);
    auto* buckets = static_cast<Bucket*>(worker.allocator().AllocateBuckets(size * sizeof(Bucket)));
    for (uint32_t i = 0; i < size; ++i) new (buckets + i) Bucket;
    directory->SetSegment(segment, buckets);
  }
  if (count == 0) directory->SetCount(1);
  return directory->At(count);
}

// Splits the next bucket in turn: entries with one more hash bit set move to a new bucket at the
// end.
void Table::Grow(Worker& worker) {
  Bucket* to = AddBucket(worker);
  Directory* directory = directory_.load(std::memory_order_relaxed);  // relaxed: we hold the lock
  const uint32_t count = directory->count();
  const uint32_t split_bit = std::bit_floor(count);
  Bucket* from = directory->At(count - split_bit);
  VisitBucket(count - split_bit, [](Position at) { __builtin_prefetch(at.slot().entry()); });
  VisitBucket(count - split_bit, [&](Position at) {
    if ((BucketBitsOf(worker, at.slot()) & split_bit) != 0) {
      Place(worker, to, at.bucket->control().fingerprint(at.index), at.slot());
    }
  });
  directory->SetCount(count + 1);
  layout_.EntryMoved();
  ClearMoved(from, split_bit, worker);
  CompactChain(worker, from);
}

void Table::ClearMoved(Bucket* head, uint32_t split_bit, Worker& worker) {
  for (Bucket* bucket = head; bucket != nullptr; bucket = bucket->Next()) {
    Bucket::Control control = bucket->control();
    for (uint32_t taken = control.taken(); taken != 0; taken &= taken - 1) {
      const int i = std::countr_zero(taken);
      if ((BucketBitsOf(worker, bucket->slot(i)) & split_bit) != 0) control = control.Without(i);
    }
    bucket->SetControl(control);
  }
}

// Merges the last bucket into the one that it was split from.
void Table::Shrink(Worker& worker) {
  Directory* directory = directory_.load(std::memory_order_relaxed);  // relaxed: we hold the lock
  const uint32_t last = directory->count() - 1;
  if (last == 0) return;
  Bucket* from = directory->At(last);
  Bucket* to = directory->At(last - std::bit_floor(last));
  for (Bucket* bucket = from; bucket != nullptr; bucket = bucket->Next()) {
    for (uint32_t taken = bucket->control().taken(); taken != 0; taken &= taken - 1) {
      const int i = std::countr_zero(taken);
      Place(worker, to, bucket->control().fingerprint(i), bucket->slot(i));
    }
  }
  directory->SetCount(last);
  layout_.EntryMoved();
  for (Bucket* bucket = from->Next(); bucket != nullptr;) {
    Bucket* next = bucket->Next();
    worker.epoch().Retire(bucket, sizeof(Bucket));
    bucket = next;
  }
  from->SetControl(Bucket::Control(0));
  if (OffsetInSegment(last) == 0) directory->RetireSegment(worker, SegmentOf(last));
}

// Gives everything back once the last entry is gone.
void Table::Release(Worker& worker) {
  Directory* directory = directory_.load(std::memory_order_relaxed);  // relaxed: we hold the lock
  const uint32_t count = directory->count();
  directory_.store(nullptr, std::memory_order_release);  // release [table.directory]
  // What was a short cut leads nowhere now.
  layout_.EntryMoved();
  for (uint32_t i = 0; i < count; ++i) {
    for (Bucket* bucket = directory->At(i)->Next(); bucket != nullptr;) {
      Bucket* next = bucket->Next();
      worker.epoch().Retire(bucket, sizeof(Bucket));
      bucket = next;
    }
  }
  for (uint32_t i = 0; i <= SegmentOf(count - 1); ++i) directory->RetireSegment(worker, i);
  worker.epoch().Retire(directory, directory->bytes());
}

// --- Moving

uint32_t Table::MoveBuckets(Worker& worker, uint32_t from, uint32_t heads) {
  Directory* directory = directory_.load(std::memory_order_relaxed);  // relaxed: we hold the lock
  const uint32_t count = directory == nullptr ? 0 : directory->count();
  const uint32_t end = std::min(count, from + heads);
  for (uint32_t head = from; head < end; ++head) {
    if (IsInEmptiedMemory(directory->At(head))) MoveSegment(worker, *directory, SegmentOf(head));
    MoveChain(worker, directory->At(head));
  }
  return end < count ? end : 0;
}

// As in CompactChain(): what is left behind keeps its content, and the version moves on before
// anything changes in the copy.
void Table::MoveSegment(Worker& worker, Directory& directory, uint32_t segment) {
  const uint32_t size = SegmentSize(segment);
  Bucket* old = directory.Segment(segment);
  auto* fresh = static_cast<Bucket*>(worker.allocator().AllocateBuckets(size * sizeof(Bucket)));
  for (uint32_t i = 0; i < size; ++i) (new (fresh + i) Bucket)->CopyFrom(old[i]);
  directory.SetSegment(segment, fresh);
  layout_.EntryMoved();
  worker.epoch().Retire(old, size * sizeof(Bucket));
}

void Table::MoveChain(Worker& worker, Bucket* head) {
  for (Bucket* before = head; before->Next() != nullptr; before = before->Next()) {
    Bucket* old = before->Next();
    if (!IsInEmptiedMemory(old)) continue;
    auto* fresh = new (worker.allocator().AllocateBuckets(sizeof(Bucket))) Bucket;
    fresh->CopyFrom(*old);
    before->SetSlot(Bucket::kChainSlot, Slot::Chain(fresh));
    layout_.EntryMoved();
    worker.epoch().Retire(old, sizeof(Bucket));
  }
}

// --- Drawing

const Bucket* Table::Draw(uint32_t random, Protection) const {
  Directory* directory = directory_.load(std::memory_order_acquire);  // acquire [table.directory]
  const uint32_t count = directory == nullptr ? 0 : directory->count();
  return count == 0 ? nullptr
                    : directory->At(static_cast<uint32_t>(uint64_t{random} * count >> 32));
}

// --- Scan

uint32_t Table::BucketBitsAt(uint32_t position) { return ReverseBits(position); }

uint64_t Table::NextScanPosition(uint32_t position) const {
  const auto count = static_cast<uint32_t>(buckets());
  if (count <= 1) return kScanEnd;
  const uint32_t full = std::bit_ceil(count);
  const uint32_t index = BucketIndex(ReverseBits(position), count);
  // A bucket that has not been split this round, and has no twin yet, is told apart by one bit
  // fewer.
  const bool split = (index | full >> 1) < count;
  const int depth = std::countr_zero(full) - (split ? 0 : 1);
  const uint64_t width = uint64_t{1} << (32 - depth);
  return (position / width + 1) * width;
}

}  // namespace larder::store
