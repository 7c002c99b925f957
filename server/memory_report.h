// Where the memory is: the figures of MEMORY STATS and DOCTOR.
//
// Any thread. Cost: O(shards x databases), and one file of /proc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/call.h"

namespace larder::server {

struct MemoryReport {
  struct Db {
    int index = 0;
    int64_t keys = 0;
    int64_t table_bytes = 0;
    int64_t deadline_bytes = 0;
  };

  int64_t peak_bytes = 0;
  int64_t used_bytes = 0;
  int64_t startup_bytes = 0;
  int64_t client_bytes = 0;
  int64_t allocated_bytes = 0;  // used, and retired but not freed yet
  int64_t resident_bytes = 0;   // of the process
  std::vector<Db> dbs;          // those with keys

  int64_t keys() const;
  // What is no user's data: the empty server, its clients, tables and deadlines.
  int64_t overhead_bytes() const;
  int64_t dataset_bytes() const;
  // Used since the start: at least 1, so that it can be divided by.
  int64_t grown_bytes() const;
  double fragmentation() const;  // resident per used byte

  // `client_bytes` is not known here.
  static MemoryReport Collect(const Services& services, store::UnixMs now);
};

// What is wrong, in words.
std::string MemoryAdvice(const MemoryReport& report);

// Physical memory of this process.
uint64_t ResidentBytes();

}  // namespace larder::server
