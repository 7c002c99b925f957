// The options that larder acts on. To add one: a row here, its prose in conf/larder.conf, an
// accessor in config.h.

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "server/option.h"
#include "server/option_parsers.h"
#include "server/option_value.h"
#include "store/map_kind.h"
#include "store/mutex.h"

namespace larder::server {
namespace {

constexpr uint64_t kIntMax = std::numeric_limits<int32_t>::max();
constexpr uint64_t kLongMax = std::numeric_limits<int64_t>::max();

constexpr std::string_view kLogLevels[] = {"debug", "verbose", "notice", "warning"};
constexpr std::string_view kDebugCommand[] = {"no", "yes", "local"};
// The index of a choice is its number: that of Supervision.
constexpr std::string_view kSupervised[] = {"upstart", "systemd", "auto", "no"};

// The index of a choice is its number: that of store::EvictionKind.
constexpr std::string_view kEvictionKinds[] = {"volatile-lru",   "volatile-lfu", "volatile-random",
                                               "volatile-ttl",   "allkeys-lru",  "allkeys-lfu",
                                               "allkeys-random", "noeviction"};
// The index of a choice is its number: that of store::MapKind, and kMapAuto behind them.
constexpr std::string_view kMaps[] = {
    store::Name(store::MapKind::kPlain),   store::Name(store::MapKind::kMutex),
    store::Name(store::MapKind::kRwMutex), store::Name(store::MapKind::kSync),
    store::Name(store::MapKind::kRcu),     "auto"};
static_assert(std::size(kMaps) == kMapAuto + 1);

constexpr Option kRows[] = {
    {.name = "bind",
     .type = OptionType::kSpecial,
     .flags = kSeveralValues,
     .initial = "127.0.0.1 -::1",
     .parse = ParseBind,
     .doc = "Addresses to listen on; * and ::* are all; -ADDRESS may be missing."},
    {.name = "port",
     .type = OptionType::kInteger,
     .initial = "6379",
     .max = 65535,
     .live = &LiveSettings::port,
     .doc = "TCP port; 0 = do not listen."},
    {.name = "unixsocket",
     .type = OptionType::kText,
     .flags = kImmutable,
     .doc = "Path of a socket to listen on as well; empty = none."},
    {.name = "unixsocketperm",
     .type = OptionType::kOctal,
     .flags = kImmutable,
     .initial = "0",
     .max = 0777,
     .live = &LiveSettings::unixsocketperm,
     .doc = "Its permissions, in octal; 0 = what the umask leaves."},
    {.name = "protected-mode",
     .type = OptionType::kBool,
     .initial = "yes",
     .live = &LiveSettings::protected_mode,
     .doc = "Without a password, refuse clients from other machines."},
    {.name = "tcp-backlog",
     .type = OptionType::kInteger,
     .flags = kImmutable,
     .initial = "511",
     .max = kIntMax,
     .live = &LiveSettings::tcp_backlog,
     .doc = "Connections that may wait to be accepted."},
    {.name = "tcp-keepalive",
     .type = OptionType::kInteger,
     .initial = "300",
     .max = kIntMax,
     .live = &LiveSettings::tcp_keepalive_s,
     .doc = "Seconds of silence before a connection is probed; 0 = never."},
    {.name = "timeout",
     .type = OptionType::kInteger,
     .initial = "0",
     .max = kIntMax,
     .live = &LiveSettings::timeout_s,
     .doc = "Seconds after which an idle client is closed; 0 = never."},
    {.name = "maxclients",
     .type = OptionType::kInteger,
     .initial = "10000",
     .min = 1,
     .max = std::numeric_limits<uint32_t>::max(),
     .live = &LiveSettings::maxclients,
     .doc = "Clients that may be connected at the same time."},
    {.name = "requirepass",
     .type = OptionType::kText,
     .flags = kSensitive,
     .publish = PublishPassword,
     .doc = "The password that AUTH asks for; empty = none."},
    {.name = "threads",
     .type = OptionType::kInteger,
     .flags = kImmutable,
     .initial = "1",  // replaced by the number of cores
     .min = 1,
     .max = store::ReaderSlots::kThreadsMax,
     .live = &LiveSettings::threads,
     .doc = "I/O threads; one a core unless set."},
    {.name = "map",
     .type = OptionType::kChoice,
     .flags = kAppliedAnew,
     .initial = "rcu",
     .choices = kMaps,
     .live = &LiveSettings::map,
     .refuse = RefuseMap,
     .doc =
         "What guards a shard: plain (threads 1), mutex, rwmutex, sync, rcu; auto = by its load."},
    {.name = "shards",
     .type = OptionType::kInteger,
     .flags = kImmutable,
     .initial = "256",
     .min = 1,
     .max = 65536,
     .live = &LiveSettings::shards,
     .parse = ParseShards,
     .doc = "Parts of a database with a guard of their own; a power of two."},
    {.name = "databases",
     .type = OptionType::kInteger,
     .flags = kImmutable,
     .initial = "16",
     .min = 1,
     .max = kIntMax,
     .live = &LiveSettings::databases,
     .doc = "How many databases SELECT can choose from."},
    {.name = "maxmemory",
     .type = OptionType::kMemory,
     .initial = "0",
     .max = std::numeric_limits<uint64_t>::max(),
     .live = &LiveSettings::maxmemory,
     .doc = "Bytes all keys may use; 0 = no limit."},
    {.name = "maxmemory-policy",
     .type = OptionType::kChoice,
     .initial = "noeviction",
     .choices = kEvictionKinds,
     .live = &LiveSettings::maxmemory_policy,
     .doc = "Which keys make room at that limit."},
    {.name = "maxmemory-samples",
     .type = OptionType::kInteger,
     .initial = "5",
     .min = 1,
     .max = kIntMax,
     .live = &LiveSettings::maxmemory_samples,
     .doc = "Keys looked at to evict one, at least."},
    {.name = "lfu-log-factor",
     .type = OptionType::kInteger,
     .initial = "10",
     .max = kIntMax,
     .live = &LiveSettings::lfu_log_factor,
     .doc = "How slowly an LFU counter rises."},
    {.name = "lfu-decay-time",
     .type = OptionType::kInteger,
     .initial = "1",
     .max = kIntMax,
     .live = &LiveSettings::lfu_decay_minutes,
     .doc = "Minutes in which an LFU counter falls by one; 0 = never."},
    {.name = "proto-max-bulk-len",
     .type = OptionType::kMemory,
     .initial = "536870912",
     .min = 1 << 20,
     .max = kLongMax,
     .live = &LiveSettings::proto_max_bulk_len,
     .doc = "Bytes one argument, and one string, may have."},
    {.name = "client-query-buffer-limit",
     .type = OptionType::kMemory,
     .initial = "1073741824",
     .min = 1 << 20,
     .max = kLongMax,
     .live = &LiveSettings::query_buffer_limit,
     .doc = "Bytes of an unfinished request that close its client."},
    {.name = "client-output-buffer-limit",
     .type = OptionType::kSpecial,
     .flags = kSeveralValues,
     .initial = "normal 268435456 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
     .parse = ParseOutputLimits,
     .publish = PublishOutputLimits,
     .doc = "CLASS HARD SOFT SECONDS ...: unsent bytes that close a client; 0 = no limit."},
    {.name = "enable-debug-command",
     .type = OptionType::kChoice,
     .flags = kImmutable,
     .initial = "no",
     .choices = kDebugCommand,
     .live = &LiveSettings::debug_command,
     .doc = "Who may use DEBUG: no, yes, or local clients only (local)."},
    {.name = "latency-tracking",
     .type = OptionType::kBool,
     .initial = "yes",
     .live = &LiveSettings::latency_tracking,
     .doc = "Count how long the calls of each command take (INFO latencystats)."},
    {.name = "latency-tracking-info-percentiles",
     .type = OptionType::kSpecial,
     .flags = kSeveralValues,
     .initial = "50 99 99.9",
     .parse = ParsePercentiles,
     .doc = "Which percentiles of that INFO latencystats shows."},
    {.name = "supervised",
     .type = OptionType::kChoice,
     .flags = kImmutable,
     .initial = "no",
     .choices = kSupervised,
     .live = &LiveSettings::supervised,
     .doc = "Whom to tell that the server is ready: no, systemd, auto."},
    {.name = "latency-monitor-threshold",
     .type = OptionType::kInteger,
     .initial = "0",
     .max = kLongMax,
     .live = &LiveSettings::latency_monitor_threshold_ms,
     .doc = "Milliseconds from which LATENCY remembers an event; 0 = never."},
    {.name = "slowlog-log-slower-than",
     .type = OptionType::kInteger,
     .initial = "10000",
     .min = -1,
     .max = kLongMax,
     .live = &LiveSettings::slowlog_slower_than_us,
     .doc = "Microseconds from which SLOWLOG shows a command; -1 = never."},
    {.name = "slowlog-max-len",
     .type = OptionType::kInteger,
     .initial = "128",
     .max = kLongMax,
     .live = &LiveSettings::slowlog_max_len,
     .doc = "Commands that SLOWLOG remembers."},
    {.name = "loglevel",
     .type = OptionType::kChoice,
     .initial = "notice",
     .choices = kLogLevels,
     .live = &LiveSettings::loglevel,
     .doc = "debug, verbose, notice or warning."},
    {.name = "logfile",
     .type = OptionType::kText,
     .flags = kImmutable,
     .doc = "File to append the log to; empty = standard output."},
    {.name = "crash-log-enabled",
     .type = OptionType::kBool,
     .initial = "yes",
     .live = &LiveSettings::crash_log,
     .doc = "Print a backtrace when the server crashes."},
};

// Edits that turn one name into the other: insert, delete, replace, swap neighbours (optimal string
// alignment). Names are short: O(a * b) is nothing.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> rows(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

std::span<const Option> ServedOptions() { return kRows; }

size_t OptionCount() { return ServedOptions().size() + IgnoredOptions().size(); }

const Option& OptionAt(size_t index) {
  const size_t served = ServedOptions().size();
  return index < served ? ServedOptions()[index] : IgnoredOptions()[index - served];
}

std::optional<size_t> FindOption(std::string_view name) {
  for (size_t i = 0; i < OptionCount(); ++i) {
    const Option& option = OptionAt(i);
    if (EqualsIgnoringCase(option.name, name)) return i;
    if (!option.alias.empty() && EqualsIgnoringCase(option.alias, name)) return i;
  }
  return std::nullopt;
}

std::string_view NearestOption(std::string_view misspelt) {
  constexpr size_t kNameBytesMax = 64;  // longer is no misspelling
  constexpr size_t kEditsMax = 3;       // farther is another word; in a short one, even less
  if (misspelt.size() > kNameBytesMax) return {};
  size_t nearest = std::clamp<size_t>(misspelt.size() / 3, 1, kEditsMax);
  std::string_view found;
  for (size_t i = 0; i < OptionCount(); ++i) {
    const size_t size = OptionAt(i).name.size();
    const size_t unmatched = std::max(size, misspelt.size()) - std::min(size, misspelt.size());
    if (unmatched > nearest) continue;  // cannot be nearer, and comparing costs the most
    const size_t distance = EditDistance(misspelt, OptionAt(i).name);
    // At the same distance the first wins: options that larder acts on come first.
    if (distance < nearest || (distance == nearest && found.empty())) {
      nearest = distance;
      found = OptionAt(i).name;
    }
  }
  return found;
}

}  // namespace larder::server
