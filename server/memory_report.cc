#include "server/memory_report.h"

#include <unistd.h>

#include <spdlog/fmt/fmt.h>
#include <algorithm>
#include <fstream>
#include <iterator>

#include "server/server_info.h"
#include "server/stats.h"
#include "store/expiry.h"
#include "store/keyspace.h"
#include "store/table.h"

namespace larder::server {
namespace {

constexpr int64_t kMiB = 1 << 20;

}  // namespace

int64_t MemoryReport::keys() const {
  int64_t sum = 0;
  for (const Db& db : dbs) sum += db.keys;
  return sum;
}

int64_t MemoryReport::overhead_bytes() const {
  int64_t sum = startup_bytes + client_bytes;
  for (const Db& db : dbs) sum += db.table_bytes + db.deadline_bytes;
  return sum;
}

int64_t MemoryReport::dataset_bytes() const {
  return std::max<int64_t>(used_bytes + client_bytes - overhead_bytes(), 0);
}

int64_t MemoryReport::grown_bytes() const {
  return std::max<int64_t>(used_bytes - startup_bytes, 1);
}

double MemoryReport::fragmentation() const {
  return double(resident_bytes) / double(std::max<int64_t>(used_bytes, 1));
}

MemoryReport MemoryReport::Collect(const Services& services, store::UnixMs now) {
  const store::MemoryFigures memory = services.keyspace.Memory();
  MemoryReport report;
  report.used_bytes = memory.used_bytes;
  report.allocated_bytes = memory.used_bytes + memory.retired_bytes;
  report.peak_bytes =
      static_cast<int64_t>(services.stats.PeakMemory(static_cast<size_t>(memory.used_bytes)));
  report.startup_bytes = static_cast<int64_t>(services.info.startup_memory_bytes);
  report.resident_bytes = static_cast<int64_t>(ResidentBytes());
  for (int i = 0; i < services.keyspace.databases(); ++i) {
    const store::DatabaseFigures db = services.keyspace.FiguresOfDb(i, now);
    if (db.keys == 0) continue;
    report.dbs.push_back(
        {.index = i,
         .keys = db.keys,
         .table_bytes = db.keys * int64_t{store::Table::kBytesPerKey},
         .deadline_bytes = db.expires * int64_t{store::DeadlineWheel::kBytesPerDeadline}});
  }
  return report;
}

std::string MemoryAdvice(const MemoryReport& report) {
  if (report.used_bytes < 5 * kMiB) return "There is too little data to say anything about it.\n";
  std::string advice;
  if (report.peak_bytes > report.used_bytes * 3 / 2) {
    fmt::format_to(std::back_inserter(advice),
                   "- At its peak the data took {} MiB, now {} MiB. MEMORY PURGE gives free memory "
                   "back to the system.\n",
                   report.peak_bytes / kMiB, report.used_bytes / kMiB);
  }
  const int64_t beyond = report.resident_bytes - report.allocated_bytes;
  if (report.fragmentation() > 1.4 && beyond > 10 * kMiB) {
    fmt::format_to(std::back_inserter(advice),
                   "- The process takes {:.1f} times the memory that its data take: what was freed "
                   "lies between what is still used.\n",
                   report.fragmentation());
  }
  if (report.client_bytes > report.used_bytes / 2) {
    fmt::format_to(std::back_inserter(advice),
                   "- Clients take {} MiB. CLIENT LIST shows which (tot-mem).\n",
                   report.client_bytes / kMiB);
  }
  return advice.empty() ? "Nothing is wrong with the memory.\n" : advice;
}

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total_pages = 0, resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace larder::server
