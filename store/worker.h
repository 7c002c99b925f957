// One thread's standing in the store: what it needs to read without locks, to retire memory and to
// be counted.
//
// Every I/O thread (and every thread of a test) has one Worker, made by Keyspace::AddWorker()
// before traffic starts, and passes it to each call. It carries the thread's epoch participant, its
// reader slot, its share of used_memory, its read counters and the clock of the running batch.
//
// Threads: the owner only; the counters and the memory figures may be read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "store/allocator.h"
#include "store/apart.h"
#include "store/clock.h"
#include "store/entry.h"
#include "store/epoch.h"
#include "store/hash.h"
#include "store/hot_keys.h"
#include "store/memory_budget.h"
#include "store/mutex.h"

namespace larder::store {

class Transaction;

struct ReadCounts {
  uint64_t loads = 0;
  uint64_t hits = 0;
};

class alignas(kApart) Worker {
 public:
  // What all workers of one keyspace share.
  struct Shared {
    EpochDomain epochs;
    ReaderSlots reader_slots;
    Hasher hasher;
    int shards;
    MemoryBudget budget;
  };

  Worker(Shared& shared, int index, uint64_t random_seed)
      : index_(index),
        shared_(shared),
        epoch_(shared.epochs, allocator_),
        reader_slot_(shared.reader_slots.Take()),
        reads_(std::make_unique<ReadsLine[]>(ReadsLines(shared.shards))),
        random_state_(random_seed | 1) {}

  int index() const { return index_; }

  // The time that the commands of the running batch see; read once after the recv that brought it.
  void set_now(UnixMs now) {
    now_ = now;
    counts_accesses_ = IsLfu(shared_.budget.kind());
    fresh_access_ = counts_accesses_ ? LfuWord(kLfuInitial, now) : AccessTick(now);
  }
  UnixMs now() const { return now_; }

  // Whether the commands that follow count as accesses of their keys: those that only ask about a
  // key do not, nor do those of a client that wants it so.
  void set_touch(bool on) { touches_ = on; }
  // Marks an entry as accessed. Its line is written only if the word changes.
  void Touch(const Entry& entry) {
    if (!touches_) return;
    const uint32_t old = entry.access();
    const uint32_t word =
        counts_accesses_ ? LfuTouched(old, now_, Random(), shared_.budget.lfu()) : fresh_access_;
    if (word != old) entry.SetAccess(word);
  }
  // Gives a new entry its access word. Like Redis, a count of accesses passes to the successor of a
  // replaced entry.
  void MarkNew(const Entry& entry, const Entry* replaced) const {
    entry.SetAccess(counts_accesses_ && replaced != nullptr ? replaced->access() : fresh_access_);
  }

  // Pins the thread for a run of lock-free reads; free while pinned. Unpin() ends the run: at the
  // end of a batch, and before anything that may wait.
  Protection Pin() { return epoch_.Pin(); }
  void Unpin() { epoch_.Unpin(); }

  // The transaction that the worker is in, or null. store/transaction.h sets it.
  Transaction* transaction() const { return transaction_; }
  bool in_transaction() const { return transaction_ != nullptr; }
  void set_transaction(Transaction* transaction) { transaction_ = transaction; }

  // Frees retired memory that nobody can see any more, a bounded amount; true if some remains.
  // REQUIRES: not pinned.
  bool Reclaim() { return epoch_.Collect(); }
  // Reclaims if enough has been retired to be worth it; for the end of every batch.
  // REQUIRES: not pinned.
  void ReclaimIfCrowded() {
    if (epoch_.crowded()) [[unlikely]]
      epoch_.Collect();
  }
  // Bytes that this worker has retired and not freed yet.
  int64_t retired_bytes() const { return allocator_.retired(); }

  // used_memory: this thread's share to the byte, that of others as they published it last.
  // Publishes ours when it has changed by more than the slack.
  int64_t UsedMemory() {
    int64_t unpublished = allocator_.used() - published_bytes_;
    const int64_t slack = shared_.budget.slack();
    if (unpublished > slack || unpublished < -slack) [[unlikely]] {
      Publish(unpublished);
      unpublished = 0;
    }
    return shared_.budget.used() + unpublished;
  }
  // Announces what this thread is about to allocate, if that is more than the slack, so that no
  // other thread takes the same room. The next UsedMemory() puts it right.
  void Reserve(int64_t bytes) {
    if (bytes > shared_.budget.slack()) Publish(bytes);
  }
  void PublishUsed() { Publish(allocator_.used() - published_bytes_); }
  MemoryBudget& budget() const { return shared_.budget; }

  Allocator& allocator() { return allocator_; }
  const Allocator& allocator() const { return allocator_; }
  EpochParticipant& epoch() { return epoch_; }
  ReaderSlot& reader_slot() { return reader_slot_; }
  const ReaderSlots& reader_slots() const { return shared_.reader_slots; }
  const Hasher& hasher() const { return shared_.hasher; }

  // Counts a single-key read of shard `shard`.
  void CountRead(uint32_t shard, bool hit) {
    std::atomic<uint64_t>& count = hit ? ReadsOf(shard).hits : ReadsOf(shard).misses;
    // relaxed, load and store: only the owner writes, the figures are tied to no other data.
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  ReadCounts reads(uint32_t shard) const {
    const Reads& reads = ReadsOf(shard);
    // relaxed, both: see CountRead().
    const uint64_t hits = reads.hits.load(std::memory_order_relaxed);
    return {hits + reads.misses.load(std::memory_order_relaxed), hits};
  }

  // What a worker's counters of reads take.
  static size_t BytesOfReads(int shards) { return ReadsLines(shards) * sizeof(ReadsLine); }

  // Shows keys that a command has used, or is about to use, to the sketch of hot keys, which looks
  // at some. REQUIRES: not pinned.
  void SampleKeys(std::span<const KeyAt> keys) {
    hot_keys_.Sample(keys, [this] { return Random(); });
  }
  HotKeySketch& hot_keys() { return hot_keys_; }
  const HotKeySketch& hot_keys() const { return hot_keys_; }

  // xorshift64* (Vigna): for sampling, not for secrets.
  uint64_t Random() {
    random_state_ ^= random_state_ >> 12;
    random_state_ ^= random_state_ << 25;
    random_state_ ^= random_state_ >> 27;
    return random_state_ * 0x2545F4914F6CDD1DULL;
  }

 private:
  struct Reads {
    std::atomic<uint64_t> hits{0};
    std::atomic<uint64_t> misses{0};
  };
  static constexpr uint32_t kReadsALine = kApart / sizeof(Reads);
  struct alignas(kApart) ReadsLine {
    std::array<Reads, kReadsALine> of;
  };
  static size_t ReadsLines(int shards) { return static_cast<size_t>(shards) / kReadsALine + 1; }
  Reads& ReadsOf(uint32_t shard) const {
    return reads_[shard / kReadsALine].of[shard % kReadsALine];
  }

  void Publish(int64_t bytes) {
    if (bytes == 0) return;
    published_bytes_ += bytes;
    shared_.budget.Add(bytes);
  }

  const int index_;
  Shared& shared_;
  Allocator allocator_;
  EpochParticipant epoch_;
  ReaderSlot& reader_slot_;
  std::unique_ptr<ReadsLine[]> reads_;
  UnixMs now_ = 0;
  Transaction* transaction_ = nullptr;
  uint32_t fresh_access_ = 0;     // of an entry that is accessed now
  bool counts_accesses_ = false;  // under the LFU policies; a batch long
  bool touches_ = true;
  int64_t published_bytes_ = 0;  // what the budget has been told of allocator_.used()
  uint64_t random_state_;
  HotKeySketch hot_keys_;
};

}  // namespace larder::store
