// INFO memory.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/config.h"
#include "server/info_section.h"
#include "server/memory_report.h"
#include "server/server_info.h"
#include "server/stats.h"

namespace larder::server {
namespace {

// 1024 based, two decimals, as in "943.03K".
std::string Human(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{}B", bytes);
  double value = static_cast<double>(bytes);
  std::string_view units = "KMGTPE";
  size_t unit = 0;
  for (value /= 1024; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return fmt::format("{:.2f}{}", value, units[unit]);
}

uint64_t SystemMemoryBytes() {
  return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

void WriteUsedMemory(InfoSource& out, const store::MemoryFigures& memory, uint64_t resident) {
  auto used = static_cast<uint64_t>(memory.used_bytes);
  auto overhead = static_cast<uint64_t>(memory.overhead_bytes);
  uint64_t peak = out.services.stats.PeakMemory(used);
  uint64_t startup = out.services.info.startup_memory_bytes;
  uint64_t dataset = used - std::min(used, overhead);
  out.Line("used_memory:{}", used);
  out.Line("used_memory_human:{}", Human(used));
  out.Line("used_memory_rss:{}", resident);
  out.Line("used_memory_rss_human:{}", Human(resident));
  out.Line("used_memory_peak:{}", peak);
  out.Line("used_memory_peak_human:{}", Human(peak));
  out.Line("used_memory_peak_perc:{:.2f}%", 100 * Ratio(double(used), double(peak)));
  out.Line("used_memory_overhead:{}", overhead);
  out.Line("used_memory_startup:{}", startup);
  out.Line("used_memory_dataset:{}", dataset);
  out.Line("used_memory_dataset_perc:{:.2f}%",
           100 * Ratio(double(dataset), double(used - std::min(used, startup))));
}

}  // namespace

void WriteMemoryInfo(InfoSource& out) {
  const Config& config = out.services.config;
  store::MemoryFigures memory = out.services.keyspace.Memory();
  uint64_t resident = ResidentBytes();
  // All that the accounting knows of; the allocator's own view is not asked for.
  auto allocated = static_cast<uint64_t>(memory.used_bytes + memory.retired_bytes);
  auto beyond = [&](uint64_t bytes) { return int64_t(resident) - int64_t(bytes); };
  WriteUsedMemory(out, memory, resident);
  out.Line("allocator_allocated:{}", allocated);
  out.Line("allocator_active:{}", resident);
  out.Line("allocator_resident:{}", resident);
  out.Line("total_system_memory:{}", SystemMemoryBytes());
  out.Line("total_system_memory_human:{}", Human(SystemMemoryBytes()));
  out.Line("used_memory_lua:0");
  out.Line("used_memory_vm_eval:0");
  out.Line("used_memory_lua_human:0B");
  out.Line("used_memory_scripts_eval:0");
  out.Line("number_of_cached_scripts:0");
  out.Line("number_of_functions:0");
  out.Line("number_of_libraries:0");
  out.Line("used_memory_vm_functions:0");
  out.Line("used_memory_vm_total:0");
  out.Line("used_memory_vm_total_human:0B");
  out.Line("used_memory_functions:0");
  out.Line("used_memory_scripts:0");
  out.Line("used_memory_scripts_human:0B");
  out.Line("maxmemory:{}", config.maxmemory());
  out.Line("maxmemory_human:{}", Human(config.maxmemory()));
  out.Line("maxmemory_policy:{}", config.maxmemory_policy());
  out.Line("allocator_frag_ratio:{:.2f}", Ratio(double(resident), double(allocated)));
  out.Line("allocator_frag_bytes:{}", beyond(allocated));
  out.Line("allocator_rss_ratio:1.00");
  out.Line("allocator_rss_bytes:0");
  out.Line("rss_overhead_ratio:1.00");
  out.Line("rss_overhead_bytes:0");
  auto used = static_cast<uint64_t>(memory.used_bytes);
  out.Line("mem_fragmentation_ratio:{:.2f}", Ratio(double(resident), double(used)));
  out.Line("mem_fragmentation_bytes:{}", beyond(used));
  out.Line("mem_not_counted_for_evict:0");
  out.Line("mem_replication_backlog:0");
  out.Line("mem_total_replication_buffers:0");
  out.Line("mem_clients_slaves:0");
  out.Line("mem_clients_normal:0");
  out.Line("mem_cluster_links:0");
  out.Line("mem_aof_buffer:0");
#ifdef LARDER_SYSTEM_MALLOC
  out.Line("mem_allocator:libc");
#else
  out.Line("mem_allocator:mimalloc");
#endif
  out.Line("active_defrag_running:0");
  out.Line("lazyfree_pending_objects:0");
  out.Line("lazyfreed_objects:0");
}

}  // namespace larder::server
