#include "server/info.h"

#include <sys/resource.h>
#include <unistd.h>

#include <spdlog/fmt/fmt.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "server/arg_reader.h"
#include "server/call.h"
#include "server/client_registry.h"
#include "server/command_table.h"
#include "server/config.h"
#include "server/memory_report.h"
#include "server/server_info.h"
#include "server/version.h"
#include "store/keyspace.h"
#include "store/map_kind.h"

namespace larder::server {
namespace {

// What the sections are written from: one moment's figures, collected when first asked for.
struct Source {
  const Services& services;
  store::UnixMs now;
  std::string text;
  std::optional<store::ShardFigures> shards;

  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
    text += "\r\n";
  }
  const store::ShardFigures& Shards() {
    if (!shards) shards = services.keyspace.Totals();
    return *shards;
  }
};

KeyspaceCounts CountsOf(const store::ShardFigures& totals, const store::EvictionFigures& eviction) {
  return {.hits = totals.reads.hits,
          .misses = totals.reads.loads - totals.reads.hits,
          .expired = totals.counts.expired,
          .evicted = totals.counts.evicted,
          .exceeded_ms = static_cast<uint64_t>(eviction.exceeded_ms)};
}

// 1024 based, two decimals, as in "943.03K".
std::string Human(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{}B", bytes);
  double value = static_cast<double>(bytes);
  std::string_view units = "KMGTPE";
  size_t unit = 0;
  for (value /= 1024; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return fmt::format("{:.2f}{}", value, units[unit]);
}

double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

uint64_t SystemMemoryBytes() {
  return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

void WriteServer(Source& out) {
  const ServerInfo& info = out.services.info;
  const Config& config = out.services.config;
  auto wall_us = std::chrono::duration_cast<std::chrono::microseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count();
  auto uptime_s = std::chrono::duration_cast<std::chrono::seconds>(
                      std::chrono::steady_clock::now() - info.started)
                      .count();
  out.Line("redis_version:{}", kRedisVersion);
  out.Line("larder_version:{}", kLarderVersion);
  out.Line("redis_git_sha1:00000000");
  out.Line("redis_git_dirty:0");
  out.Line("redis_build_id:0");
  out.Line("redis_mode:standalone");
  out.Line("os:{}", info.os);
  out.Line("arch_bits:{}", 8 * sizeof(void*));
  out.Line("monotonic_clock:POSIX clock_gettime");
  out.Line("multiplexing_api:epoll");
  out.Line("atomicvar_api:c11-builtin");
  out.Line("gcc_version:{}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
  out.Line("process_id:{}", info.process_id);
  out.Line("process_supervised:{}", info.supervisor);
  out.Line("run_id:{}", info.run_id);
  out.Line("tcp_port:{}", config.port());
  out.Line("server_time_usec:{}", wall_us);
  out.Line("uptime_in_seconds:{}", uptime_s);
  out.Line("uptime_in_days:{}", uptime_s / 86400);
  out.Line("hz:{}", config.hz());
  out.Line("configured_hz:{}", config.hz());
  out.Line("lru_clock:{}", (out.now / 1000) & 0xffffff);  // Redis' 24 bits of seconds
  out.Line("executable:{}", info.executable);
  out.Line("config_file:{}", config.config_file());
  out.Line("io_threads_active:{}", config.threads() > 1 ? 1 : 0);
}

void WriteClients(Source& out) {
  StatsTotals stats = out.services.stats.Totals();
  out.Line("connected_clients:{}", out.services.clients.connected());
  out.Line("cluster_connections:0");
  out.Line("maxclients:{}", out.services.config.maxclients());
  out.Line("client_recent_max_input_buffer:{}", stats.input_buffer_max);
  out.Line("client_recent_max_output_buffer:{}", stats.output_buffer_max);
  out.Line("blocked_clients:{}", out.services.clients.blocked());
  out.Line("tracking_clients:0");
  out.Line("clients_in_timeout_table:0");
}

void WriteUsedMemory(Source& out, const store::MemoryFigures& memory, uint64_t resident) {
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

void WriteMemory(Source& out) {
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

void WritePersistence(Source& out) {
  out.text +=
      "loading:0\r\nasync_loading:0\r\ncurrent_cow_peak:0\r\ncurrent_cow_size:0\r\n"
      "current_cow_size_age:0\r\ncurrent_fork_perc:0.00\r\ncurrent_save_keys_processed:0\r\n"
      "current_save_keys_total:0\r\n";
  store::ShardCounts counts = out.Shards().counts;
  out.Line("rdb_changes_since_last_save:{}", counts.stores + counts.deletes);
  out.text += "rdb_bgsave_in_progress:0\r\n";
  out.Line("rdb_last_save_time:{}", out.services.info.started_at / 1000);
  out.text +=
      "rdb_last_bgsave_status:ok\r\nrdb_last_bgsave_time_sec:-1\r\n"
      "rdb_current_bgsave_time_sec:-1\r\nrdb_saves:0\r\nrdb_last_cow_size:0\r\n"
      "rdb_last_load_keys_expired:0\r\nrdb_last_load_keys_loaded:0\r\naof_enabled:0\r\n"
      "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\naof_last_rewrite_time_sec:-1\r\n"
      "aof_current_rewrite_time_sec:-1\r\naof_last_bgrewrite_status:ok\r\naof_rewrites:0\r\n"
      "aof_rewrites_consecutive_failures:0\r\naof_last_write_status:ok\r\n"
      "aof_last_cow_size:0\r\nmodule_fork_in_progress:0\r\nmodule_fork_last_cow_size:0\r\n";
}

void WriteStats(Source& out) {
  StatsTotals stats = out.services.stats.Totals();
  Rates rates = out.services.stats.CurrentRates();
  store::EvictionFigures eviction = out.services.keyspace.Evictions(out.now);
  KeyspaceCounts counts = out.services.stats.SinceReset(CountsOf(out.Shards(), eviction));
  out.Line("total_connections_received:{}", stats.connections_received);
  out.Line("total_commands_processed:{}", stats.commands_processed);
  out.Line("instantaneous_ops_per_sec:{}", static_cast<uint64_t>(rates.commands));
  out.Line("total_net_input_bytes:{}", stats.input_bytes);
  out.Line("total_net_output_bytes:{}", stats.output_bytes);
  out.Line("total_net_repl_input_bytes:0");
  out.Line("total_net_repl_output_bytes:0");
  out.Line("instantaneous_input_kbps:{:.2f}", rates.input_bytes / 1024);
  out.Line("instantaneous_output_kbps:{:.2f}", rates.output_bytes / 1024);
  out.Line("instantaneous_input_repl_kbps:0.00");
  out.Line("instantaneous_output_repl_kbps:0.00");
  out.Line("rejected_connections:{}", stats.connections_rejected);
  out.text += "sync_full:0\r\nsync_partial_ok:0\r\nsync_partial_err:0\r\n";
  out.Line("expired_keys:{}", counts.expired);
  out.text +=
      "expired_stale_perc:0.00\r\nexpired_time_cap_reached_count:0\r\n"
      "expire_cycle_cpu_milliseconds:0\r\n";
  out.Line("evicted_keys:{}", counts.evicted);
  out.Line("evicted_clients:0");
  out.Line("total_eviction_exceeded_time:{}",
           counts.exceeded_ms + static_cast<uint64_t>(eviction.exceeded_now_ms));
  out.Line("current_eviction_exceeded_time:{}", eviction.exceeded_now_ms);
  out.Line("keyspace_hits:{}", counts.hits);
  out.Line("keyspace_misses:{}", counts.misses);
  out.text +=
      "pubsub_channels:0\r\npubsub_patterns:0\r\npubsubshard_channels:0\r\nlatest_fork_usec:0\r\n"
      "total_forks:0\r\nmigrate_cached_sockets:0\r\nslave_expires_tracked_keys:0\r\n"
      "active_defrag_hits:0\r\nactive_defrag_misses:0\r\nactive_defrag_key_hits:0\r\n"
      "active_defrag_key_misses:0\r\ntotal_active_defrag_time:0\r\n"
      "current_active_defrag_time:0\r\ntracking_total_keys:0\r\ntracking_total_items:0\r\n"
      "tracking_total_prefixes:0\r\nunexpected_error_replies:0\r\n";
  out.Line("total_error_replies:{}", stats.error_replies);
  out.Line("dump_payload_sanitizations:0");
  out.Line("total_reads_processed:{}", stats.reads);
  out.Line("total_writes_processed:{}", stats.writes);
  bool several = out.services.config.threads() > 1;
  out.Line("io_threaded_reads_processed:{}", several ? stats.reads : 0);
  out.Line("io_threaded_writes_processed:{}", several ? stats.writes : 0);
  out.text += "reply_buffer_shrinks:0\r\nreply_buffer_expands:0\r\n";
}

void WriteReplication(Source& out) {
  out.Line("role:master");
  out.Line("connected_slaves:0");
  out.Line("master_failover_state:no-failover");
  out.Line("master_replid:{}", out.services.info.run_id);
  out.Line("master_replid2:{}", std::string(40, '0'));
  out.text +=
      "master_repl_offset:0\r\nsecond_repl_offset:-1\r\nrepl_backlog_active:0\r\n"
      "repl_backlog_size:1048576\r\nrepl_backlog_first_byte_offset:0\r\n"
      "repl_backlog_histlen:0\r\n";
}

// System and user seconds of the first thread, whose id is the process's.
std::pair<double, double> MainThreadSeconds(int process_id) {
  std::ifstream file(fmt::format("/proc/self/task/{}/stat", process_id));
  std::string line;
  std::getline(file, line);
  size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {0, 0};
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user_ticks = 0, system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  auto ticks_per_s = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return {system_ticks / ticks_per_s, user_ticks / ticks_per_s};
}

void WriteCpu(Source& out) {
  rusage self{}, children{};
  ::getrusage(RUSAGE_SELF, &self);
  ::getrusage(RUSAGE_CHILDREN, &children);
  auto [main_system_s, main_user_s] = MainThreadSeconds(out.services.info.process_id);
  auto line = [&](std::string_view name, const timeval& time) {
    out.Line("{}:{}.{:06}", name, time.tv_sec, time.tv_usec);
  };
  line("used_cpu_sys", self.ru_stime);
  line("used_cpu_user", self.ru_utime);
  line("used_cpu_sys_children", children.ru_stime);
  line("used_cpu_user_children", children.ru_utime);
  out.Line("used_cpu_sys_main_thread:{:.6f}", main_system_s);
  out.Line("used_cpu_user_main_thread:{:.6f}", main_user_s);
}

void WriteCommandStats(Source& out) {
  StatsTotals stats = out.services.stats.Totals();
  for (const Command& command : out.services.commands.commands()) {
    const CommandTotals& totals = stats.commands[command.index];
    if (totals.calls == 0 && totals.rejected == 0 && totals.failed == 0) continue;
    double total_us = out.services.stats.TicksToMicroseconds(totals.ticks);
    out.Line(
        "cmdstat_{}:calls={},usec={:.0f},usec_per_call={:.2f},rejected_calls={},failed_calls={}",
        command.full_name, totals.calls, total_us, Ratio(total_us, double(totals.calls)),
        totals.rejected, totals.failed);
  }
}

void WriteErrorStats(Source& out) {
  for (const auto& [code, count] : out.services.stats.Totals().errors) {
    out.Line("errorstat_{}:count={}", code, count);
  }
}

void WriteLatencyStats(Source& out) {
  const Stats& stats = out.services.stats;
  if (!out.services.config.latency_tracking()) return;
  std::istringstream text(out.services.config.Text("latency-tracking-info-percentiles"));
  const std::vector<std::string> percentiles{std::istream_iterator<std::string>(text), {}};
  for (const Command& command : out.services.commands.commands()) {
    LatencyHistogram::Counts counts = stats.LatenciesOf(command.index);
    if (TotalOf(counts) == 0) continue;
    std::string values;
    for (const std::string& percentile : percentiles) {
      uint64_t ticks = TicksAtPercentile(counts, std::strtod(percentile.c_str(), nullptr));
      values += fmt::format("{}p{}={:.3f}", values.empty() ? "" : ",", percentile,
                            stats.TicksToMicroseconds(ticks));
    }
    out.Line("latency_percentiles_usec_{}:{}", command.full_name, values);
  }
}

void WriteNothing(Source&) {}

void WriteCluster(Source& out) { out.Line("cluster_enabled:0"); }

void WriteKeyspace(Source& out) {
  const store::Keyspace& keyspace = out.services.keyspace;
  for (int db = 0; db < keyspace.databases(); ++db) {
    store::DatabaseFigures figures = keyspace.FiguresOfDb(db, out.now);
    if (figures.keys == 0) continue;
    out.Line("db{}:keys={},expires={},avg_ttl={}", db, figures.keys, figures.expires,
             figures.average_ttl_ms);
  }
}

void WriteLarder(Source& out) {
  const store::ShardFigures& shards = out.Shards();
  store::MemoryFigures memory = out.services.keyspace.Memory();
  out.Line("threads:{}", out.services.config.threads());
  out.Line("map:{}", store::Name(out.services.keyspace.kind()));
  out.Line("shards:{}", out.services.keyspace.shards());
  out.Line("keys:{}", shards.keys);
  out.Line("loads:{}", shards.reads.loads);
  out.Line("hits:{}", shards.reads.hits);
  out.Line("stores:{}", shards.counts.stores);
  out.Line("deletes:{}", shards.counts.deletes);
  out.Line("expired:{}", shards.counts.expired);
  out.Line("evicted:{}", shards.counts.evicted);
  out.Line("lock_acquisitions:{}", shards.lock.acquisitions);
  out.Line("contended:{}", shards.lock.contended);
  out.Line("waited_us:{}", shards.lock.waited_ns / 1000);
  out.Line("promotions:{}", shards.promotions);
  out.Line("misses:{}", shards.misses);
  out.Line("expunged:{}", shards.expunged);
  out.Line("retired_memory:{}", memory.retired_bytes);
  out.Line("shard_memory:{}", shards.memory_bytes);
}

enum class Shown : uint8_t { kDefault, kAll, kEverything };

struct Section {
  std::string_view name;   // as an argument of INFO
  std::string_view title;  // as a heading
  Shown shown;             // from which of the three on it is included
  void (*write)(Source&);
};

constexpr Section kSections[] = {
    {"server", "Server", Shown::kDefault, WriteServer},
    {"clients", "Clients", Shown::kDefault, WriteClients},
    {"memory", "Memory", Shown::kDefault, WriteMemory},
    {"persistence", "Persistence", Shown::kDefault, WritePersistence},
    {"stats", "Stats", Shown::kDefault, WriteStats},
    {"replication", "Replication", Shown::kDefault, WriteReplication},
    {"cpu", "CPU", Shown::kDefault, WriteCpu},
    {"module_list", "Modules", Shown::kDefault, WriteNothing},
    {"commandstats", "Commandstats", Shown::kAll, WriteCommandStats},
    {"errorstats", "Errorstats", Shown::kDefault, WriteErrorStats},
    {"latencystats", "Latencystats", Shown::kAll, WriteLatencyStats},
    {"cluster", "Cluster", Shown::kDefault, WriteCluster},
    {"keyspace", "Keyspace", Shown::kDefault, WriteKeyspace},
    {"larder", "Larder", Shown::kDefault, WriteLarder},
};

bool IsWanted(const Section& section, std::span<const std::string_view> names) {
  if (names.empty()) return section.shown == Shown::kDefault;
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    if (EqualsIgnoreCase(name, "default")) return section.shown == Shown::kDefault;
    if (EqualsIgnoreCase(name, "all")) return section.shown <= Shown::kAll;
    if (EqualsIgnoreCase(name, "everything")) return true;
    // "modules" stands for what modules report; there are none, so only their list is shown.
    if (EqualsIgnoreCase(name, "modules")) return section.name == "module_list";
    return EqualsIgnoreCase(name, section.name);
  });
}

}  // namespace

std::string InfoText(const Services& services, store::UnixMs now,
                     std::span<const std::string_view> names) {
  Source out{.services = services, .now = now, .text = {}, .shards = std::nullopt};
  for (const Section& section : kSections) {
    if (!IsWanted(section, names)) continue;
    if (!out.text.empty()) out.text += "\r\n";
    out.Line("# {}", section.title);
    section.write(out);
  }
  return std::move(out.text);
}

KeyspaceCounts KeyspaceTotals(const Services& services) {
  return CountsOf(services.keyspace.Totals(), services.keyspace.Evictions(services.clock.Now()));
}

}  // namespace larder::server
