// INFO's sections about the process: server, clients, persistence, replication, cpu, cluster.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "server/client_registry.h"
#include "server/config.h"
#include "server/info_section.h"
#include "server/server_info.h"
#include "server/stats.h"
#include "server/version.h"

namespace larder::server {
namespace {

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

}  // namespace

void WriteServerInfo(InfoSource& out) {
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

void WriteClientsInfo(InfoSource& out) {
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

void WritePersistenceInfo(InfoSource& out) {
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

void WriteReplicationInfo(InfoSource& out) {
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

void WriteCpuInfo(InfoSource& out) {
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

void WriteClusterInfo(InfoSource& out) { out.Line("cluster_enabled:0"); }

}  // namespace larder::server
