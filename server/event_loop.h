// What code outside the I/O layer may ask of an I/O thread: "run this on your thread", now or
// later.
//
// IoThread implements it over its io_context; the test harness over a queue and a manual clock.
// Post() may be called from any thread; the rest from the loop's own thread only. Functions run one
// after the other, never inside the call that posted them. A loop that stops drops what is still
// queued, so a function must not be the only owner of something that has to happen.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace larder::server {

class EventLoop {
 public:
  virtual ~EventLoop() = default;

  virtual void Post(std::function<void()> function) = 0;
  virtual void PostAfter(std::chrono::milliseconds delay, std::function<void()> function) = 0;

  // The owner of a timer: with it go the timer and its function, which does not run then, unless
  // its time has come already. Must not outlive the loop.
  class Timer {
   public:
    virtual ~Timer() = default;
  };
  // As PostAfter(), for who may lose interest.
  virtual std::unique_ptr<Timer> StartTimer(std::chrono::milliseconds delay,
                                            std::function<void()> function) = 0;
};

}  // namespace larder::server
