// The cheapest clock there is, for the time each command takes: one register read, about 20 cycles.
//
// Any thread. A tick has no fixed length; Stats measures it against the steady clock when somebody
// asks for microseconds. On the machines larder is made for (x86-64 with an invariant TSC, ARMv8)
// ticks run at one rate on all cores and never backwards; a difference below zero counts as zero.
#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace larder::server {

inline uint64_t Ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

}  // namespace larder::server
