#include "store/clock.h"

#include <time.h>

#include <cassert>

namespace larder::store {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

// How long a step of the wall clock may go unnoticed. Far below the whole seconds that people set
// clocks by, far above the cost of the second clock read that it saves on every call.
constexpr int64_t kResyncNs = 100 * kNsPerMs;

int64_t ReadNs(clockid_t id) {
  timespec now;
  [[maybe_unused]] const int rc = clock_gettime(id, &now);
  assert(rc == 0);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

}  // namespace

SystemClock::SystemClock() { Resync(); }

UnixMs SystemClock::Now() {
  const int64_t monotonic_ns = ReadNs(CLOCK_MONOTONIC);
  // Relaxed, both: see the fields.
  if (monotonic_ns >= resync_at_ns_.load(std::memory_order_relaxed)) Resync();
  return (monotonic_ns + offset_ns_.load(std::memory_order_relaxed)) / kNsPerMs;
}

void SystemClock::Resync() {
  // The wall clock first: a thread that is preempted between the two reads then computes an offset
  // that is too small, which the maximum below ignores. The other way round, the error would stay
  // for good.
  const int64_t wall_ns = ReadNs(CLOCK_REALTIME);
  const int64_t monotonic_ns = ReadNs(CLOCK_MONOTONIC);
  const int64_t offset_ns = wall_ns - monotonic_ns;
  int64_t known_ns = offset_ns_.load(std::memory_order_relaxed);
  while (known_ns < offset_ns &&
         !offset_ns_.compare_exchange_weak(known_ns, offset_ns, std::memory_order_relaxed)) {
  }
  resync_at_ns_.store(monotonic_ns + kResyncNs, std::memory_order_relaxed);
}

void ManualClock::Advance(int64_t ms) {
  assert(ms >= 0);
  now_.fetch_add(ms, std::memory_order_relaxed);
}

void ManualClock::Set(UnixMs now) {
  assert(now >= Now());
  now_.store(now, std::memory_order_relaxed);
}

}  // namespace larder::store
