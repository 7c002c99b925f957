// What code outside the I/O layer may ask of an I/O thread: "run this on your thread", now or
// later.
//
// IoThread implements it over its io_context; the test harness over a queue and a manual clock.
// Post() may be called from any thread; PostAfter() from the loop's own thread only. Functions run
// one after the other, never inside the call that posted them. A loop that stops drops what is
// still queued, so a function must not be the only owner of something that has to happen.
#pragma once

#include <chrono>
#include <functional>

namespace larder::server {

class EventLoop {
 public:
  virtual ~EventLoop() = default;

  virtual void Post(std::function<void()> function) = 0;
  virtual void PostAfter(std::chrono::milliseconds delay, std::function<void()> function) = 0;
};

}  // namespace larder::server
