// The configuration: every option's present value, in the form CONFIG GET shows, plus the numbers
// I/O threads read as they serve.
//
// Life: main() builds it from the defaults, then a file, then the environment, then flags
// (config_file.h) with SetAtStart(), and the Server keeps it for as long as it runs. Threads:
// SetAtStart() before any thread starts. Afterwards everything may be called from any thread:
// accessors of numbers are one relaxed load; accessors of texts and Get() take a short lock and
// copy; Set() calls are serialized. Errors are texts, worded as Redis words them, because people
// and client libraries match on them.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/command.h"
#include "server/option.h"
#include "store/map_kind.h"
#include "store/memory_budget.h"
#include "store/mutex.h"

namespace larder::server {

enum class LogLevel : uint8_t { kDebug, kVerbose, kNotice, kWarning };
// kLocal: only to clients of this machine.
enum class DebugCommand : uint8_t { kNo, kYes, kLocal };

// Who started the server and wants to be told when it is ready. kAuto: the environment says.
enum class Supervision : uint8_t { kUpstart, kSystemd, kAuto, kNo };

// When a client gets more replies while hard_bytes are unsent, or when its unsent replies stay
// above soft_bytes for soft_seconds, it is closed. 0 = no limit.
struct OutputLimit {
  int64_t hard_bytes = 0;
  int64_t soft_bytes = 0;
  int64_t soft_seconds = 0;
};

// An address of `bind`. "-::1" is optional: a host that cannot bind it (no IPv6, say) starts
// without it.
struct BindAddress {
  std::string host;  // "*" = every IPv4 address, "::*" = every IPv6 address
  bool optional = false;
};

class Config {
 public:
  using NameAndValue = std::pair<std::string, std::string>;
  // Applies a changed option (re-listens on a port, resizes a table ...). Returns why it cannot,
  // and then the whole CONFIG SET is undone, and the callbacks that had already run are called once
  // more with the old values in place.
  using ChangeCallback = std::function<std::optional<std::string>()>;

  Config();
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  // Fixed at start.
  int threads() const { return static_cast<int>(Load(&LiveSettings::threads)); }  // at least 1
  int shards() const { return static_cast<int>(Load(&LiveSettings::shards)); }    // a power of two
  int databases() const { return static_cast<int>(Load(&LiveSettings::databases)); }
  int tcp_backlog() const { return static_cast<int>(Load(&LiveSettings::tcp_backlog)); }
  DebugCommand enable_debug_command() const {
    return static_cast<DebugCommand>(Load(&LiveSettings::debug_command));
  }
  bool crash_log_enabled() const { return Load(&LiveSettings::crash_log) != 0; }

  // May change while the server runs.
  // What shards are, or begin as where map_is_auto().
  store::MapKind map() const {
    const int64_t choice = Load(&LiveSettings::map);
    return choice == kMapAuto ? store::MapKind::kMutex : static_cast<store::MapKind>(choice);
  }
  bool map_is_auto() const { return Load(&LiveSettings::map) == kMapAuto; }
  int port() const { return static_cast<int>(Load(&LiveSettings::port)); }  // 0 = do not listen
  int64_t maxclients() const { return Load(&LiveSettings::maxclients); }
  int timeout_s() const { return static_cast<int>(Load(&LiveSettings::timeout_s)); }  // 0 = never
  // 0 = off.
  int tcp_keepalive_s() const { return static_cast<int>(Load(&LiveSettings::tcp_keepalive_s)); }
  int hz() const { return static_cast<int>(Load(&LiveSettings::hz)); }  // 1..500
  int64_t proto_max_bulk_len() const { return Load(&LiveSettings::proto_max_bulk_len); }
  int64_t client_query_buffer_limit() const { return Load(&LiveSettings::query_buffer_limit); }
  LogLevel loglevel() const { return static_cast<LogLevel>(Load(&LiveSettings::loglevel)); }
  std::string unixsocket() const { return Text("unixsocket"); }  // empty = none
  // 0 = what the umask leaves.
  int unixsocketperm() const { return static_cast<int>(Load(&LiveSettings::unixsocketperm)); }
  Supervision supervised() const {
    return static_cast<Supervision>(Load(&LiveSettings::supervised));
  }
  bool protected_mode() const { return Load(&LiveSettings::protected_mode) != 0; }
  bool has_password() const { return Load(&LiveSettings::has_password) != 0; }
  uint64_t maxmemory() const { return static_cast<uint64_t>(Load(&LiveSettings::maxmemory)); }
  // maxmemory and all that says how it is kept.
  store::EvictionSettings eviction() const;
  int active_expire_effort() const {
    return static_cast<int>(Load(&LiveSettings::active_expire_effort));
  }
  int shutdown_timeout_s() const {
    return static_cast<int>(Load(&LiveSettings::shutdown_timeout_s));
  }
  // -1 = off.
  int64_t slowlog_slower_than_us() const { return Load(&LiveSettings::slowlog_slower_than_us); }
  int64_t slowlog_max_len() const { return Load(&LiveSettings::slowlog_max_len); }
  // 0 = off.
  int64_t latency_monitor_threshold_ms() const {
    return Load(&LiveSettings::latency_monitor_threshold_ms);
  }
  bool latency_tracking() const { return Load(&LiveSettings::latency_tracking) != 0; }
  OutputLimit output_limit(ClientClass client_class) const;

  std::vector<BindAddress> bind() const EXCLUDES(mu_);
  // In time that does not depend on where they differ.
  bool PasswordIs(std::string_view password) const EXCLUDES(mu_);
  std::string logfile() const { return Text("logfile"); }
  // Absolute path; empty when there is none or it is standard input.
  std::string config_file() const EXCLUDES(mu_);
  // In the order of the file.
  const std::vector<CommandRename>& command_renames() const { return command_renames_; }
  std::string maxmemory_policy() const { return Text("maxmemory-policy"); }
  // Any option's value as CONFIG GET shows it; empty for an unknown name.
  std::string Text(std::string_view name) const EXCLUDES(mu_);

  // CONFIG GET: the options that match any of the patterns (glob, any case), sorted by name, each
  // once.
  std::vector<NameAndValue> Get(std::span<const std::string_view> patterns) const EXCLUDES(mu_);

  // CONFIG SET: all pairs or none. Returns the whole text of the error reply ("ERR CONFIG SET
  // failed ..."), or nothing on success.
  std::optional<std::string> Set(
      std::span<const std::pair<std::string_view, std::string_view>> pairs) EXCLUDES(set_mu_, mu_);

  // CONFIG REWRITE. Returns why it failed, in the system's words. REQUIRES: there is a file.
  std::optional<std::string> Rewrite() EXCLUDES(set_mu_, mu_);

  // Calls `apply` on the thread of each later Set() that changes this option, after the new value
  // is in place and before the client gets its reply. It may read the configuration but not Set()
  // it. REQUIRES: the option exists. Call before traffic.
  void OnChange(std::string_view option, ChangeCallback apply) EXCLUDES(set_mu_);

  // One directive from a file, a flag or the environment. Returns why not; the caller knows where
  // it came from.
  std::optional<std::string> SetAtStart(std::string_view name, std::span<const std::string> values)
      EXCLUDES(mu_);
  // Checks what no single option can (--map plain needs --threads 1). Call once, after the last
  // SetAtStart().
  std::optional<std::string> CheckAtStart() const EXCLUDES(mu_);
  // What to log once logging works: ignored directives.
  std::vector<std::string> StartWarnings() const EXCLUDES(mu_);
  void set_config_file(std::string path) EXCLUDES(mu_);
  // The server lowers maxclients at start when the system grants fewer file descriptors.
  void LowerMaxClients(int64_t maxclients) EXCLUDES(mu_);

 private:
  struct Change {
    size_t index;  // of the option
    std::string new_text;
    std::string old_text;
  };
  using Changes = std::vector<Change>;
  using Pairs = std::span<const std::pair<std::string_view, std::string_view>>;

  int64_t Load(LiveSettings::Number LiveSettings::*number) const {
    return (live_.*number).load(std::memory_order_relaxed);  // relaxed: see LiveSettings
  }
  void StoreLocked(size_t index, std::string text) REQUIRES(mu_);
  // Parses all pairs on top of the present values; on success *changes has one entry an option.
  std::optional<std::string> ParsePairs(Pairs pairs, Changes* changes) const EXCLUDES(mu_);
  std::optional<std::string> RunCallback(size_t index) REQUIRES(set_mu_);

  // set_mu_ serializes Set() from check to callback; mu_ guards the texts and is held for copies
  // only. Order: set_mu_, then mu_.
  mutable store::Mutex set_mu_;
  mutable store::Mutex mu_;
  std::map<size_t, ChangeCallback> callbacks_ GUARDED_BY(set_mu_);
  std::vector<std::string> texts_ GUARDED_BY(mu_);  // one an option, in table order
  std::vector<bool> set_at_start_ GUARDED_BY(mu_);  // by a file, a flag or the environment
  std::string config_file_ GUARDED_BY(mu_);
  std::vector<CommandRename> command_renames_;  // fixed at start
  LiveSettings live_;  // written under mu_ once threads run, read by all of them
};

}  // namespace larder::server
