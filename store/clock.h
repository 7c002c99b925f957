// The time that the store sees: milliseconds since the Unix epoch, from a source that the caller
// injects.
//
// Threads: every Clock may be read from any thread. Time read through one object never runs
// backwards: a value read after another one (in the same thread, or in a thread that synchronised
// with the first) is at least as large.
#pragma once

#include <atomic>
#include <cstdint>

namespace larder::store {

// Milliseconds since 1970-01-01 00:00 UTC; as a deadline, the last instant at which the key is
// still alive.
using UnixMs = int64_t;

// The deadline of a key that never expires.
inline constexpr UnixMs kNoDeadline = -1;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMs Now() = 0;
};

// The machine's wall clock, made monotone. A step forwards is followed within 0.1 s. After a step
// backwards it goes on ticking from where it was, ahead of the wall clock: it neither jumps back
// nor stands still, so deadlines keep falling due. A call is one vDSO clock read and takes no lock.
class SystemClock final : public Clock {
 public:
  SystemClock();
  SystemClock(const SystemClock&) = delete;
  SystemClock& operator=(const SystemClock&) = delete;

  UnixMs Now() override;

 private:
  // Reads the wall clock and raises offset_ns_ to it.
  void Resync();

  // Wall clock minus CLOCK_MONOTONIC; only ever raised. Relaxed: it carries no other data, and the
  // coherence of one atomic is all that monotone time needs.
  std::atomic<int64_t> offset_ns_{INT64_MIN};
  // When, on CLOCK_MONOTONIC, to look at the wall clock again. Relaxed: a thread that misses an
  // update resyncs twice.
  std::atomic<int64_t> resync_at_ns_{0};
};

// A clock that moves only when told to, for tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UnixMs start = 1'700'000'000'000) : now_(start) {}
  ManualClock(const ManualClock&) = delete;
  ManualClock& operator=(const ManualClock&) = delete;

  UnixMs Now() override { return now_.load(std::memory_order_relaxed); }

  // REQUIRES: ms >= 0.
  void Advance(int64_t ms);
  // REQUIRES: now is not before the present value.
  void Set(UnixMs now);

 private:
  // Relaxed: tests that move time across threads synchronise by other means.
  std::atomic<UnixMs> now_;
};

}  // namespace larder::store
