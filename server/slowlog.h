// The slow log: the last commands that took longer than `slowlog-log-slower-than`.
//
// Any thread. Only slow commands and SLOWLOG itself take its mutex, so it costs others nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/command.h"
#include "store/mutex.h"

namespace larder::server {

struct SlowLogEntry {
  int64_t id = 0;  // set by Add()
  int64_t unix_seconds = 0;
  int64_t microseconds = 0;
  std::vector<std::string> args;  // as ShownArguments() makes them
  std::string address;
  std::string client_name;
};

class SlowLog {
 public:
  // Keeps the newest `length_max` entries. Ids count on over Reset().
  void Add(SlowLogEntry entry, size_t length_max) EXCLUDES(mu_);
  // The newest `count` entries, newest first.
  std::vector<SlowLogEntry> Newest(size_t count) const EXCLUDES(mu_);
  size_t size() const EXCLUDES(mu_);
  void Reset() EXCLUDES(mu_);

 private:
  mutable store::Mutex mu_;
  std::deque<SlowLogEntry> entries_ GUARDED_BY(mu_);  // newest first
  int64_t next_id_ GUARDED_BY(mu_) = 0;
};

// The arguments of a command for people to read: at most 32 of them, at most 128 bytes of each,
// "(redacted)" for secrets.
std::vector<std::string> ShownArguments(const CommandSpec& spec,
                                        std::span<const std::string_view> args);

}  // namespace larder::server
