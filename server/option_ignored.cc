// The Redis directives that larder accepts, stores, validates and reports as Redis 7.0.15 does,
// without acting on them: so a redis.conf starts larder unchanged, and tools that read or set them
// find what they expect.

#include <limits>

#include "server/option.h"
#include "server/option_parsers.h"

namespace larder::server {
namespace {

constexpr int64_t kIntMin = std::numeric_limits<int32_t>::min();
constexpr uint64_t kIntMax = std::numeric_limits<int32_t>::max();
constexpr uint64_t kUintMax = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kLongMax = std::numeric_limits<int64_t>::max();
constexpr uint64_t kUnsignedMax = std::numeric_limits<uint64_t>::max();

using Name = std::string_view;

constexpr Option Row(Name name, Name initial, OptionType type, int flags) {
  return {.name = name,
          .type = type,
          .flags = static_cast<uint16_t>(flags | kIgnored),
          .initial = initial};
}
constexpr Option Bool(Name name, Name initial, int flags = 0) {
  return Row(name, initial, OptionType::kBool, flags);
}
constexpr Option Text(Name name, Name initial, int flags = 0) {
  return Row(name, initial, OptionType::kText, flags);
}
constexpr Option Bounded(Option option, int64_t min, uint64_t max) {
  option.min = min;
  option.max = max;
  return option;
}
constexpr Option Integer(Name name, Name initial, int64_t min, uint64_t max, int flags = 0) {
  return Bounded(Row(name, initial, OptionType::kInteger, flags), min, max);
}
constexpr Option Memory(Name name, Name initial, int64_t min, uint64_t max, int flags = 0) {
  return Bounded(Row(name, initial, OptionType::kMemory, flags), min, max);
}
constexpr Option MemoryOrPercent(Name name, Name initial) {
  return Bounded(Row(name, initial, OptionType::kMemoryOrPercent, 0), 0, kLongMax);
}
constexpr Option Choice(Name name, Name initial, std::span<const Name> choices, int flags = 0) {
  Option option = Row(name, initial, OptionType::kChoice, flags);
  option.choices = choices;
  return option;
}
constexpr Option Special(Name name, Name initial, OptionParser parse, int flags = 0) {
  Option option = Row(name, initial, OptionType::kSpecial, flags | kSeveralValues);
  option.parse = parse;
  return option;
}
// `parse` has the last word on a value that its type accepts.
constexpr Option Checked(Option option, OptionParser parse) {
  option.parse = parse;
  return option;
}
// INFO, or a feature to come, reads the value on every I/O thread.
constexpr Option Live(Option option, LiveSettings::Number LiveSettings::*live) {
  option.live = live;
  return option;
}
// The name that releases before Redis 5 gave it.
constexpr Option Old(Name alias, Option option) {
  option.alias = alias;
  return option;
}

constexpr std::string_view kAclPubsubDefault[] = {"allchannels", "resetchannels"};
constexpr std::string_view kAppendfsync[] = {"everysec", "always", "no"};
constexpr std::string_view kClusterPreferredEndpointType[] = {"ip", "hostname", "unknown-endpoint"};
constexpr std::string_view kEnableModuleCommand[] = {"no", "yes", "local"};
constexpr std::string_view kEnableProtectedConfigs[] = {"no", "yes", "local"};
constexpr std::string_view kOomScoreAdj[] = {"no", "yes", "relative", "absolute"};
constexpr std::string_view kPropagationErrorBehavior[] = {"ignore", "panic", "panic-on-replicas"};
constexpr std::string_view kReplDisklessLoad[] = {"disabled", "on-empty-db", "swapdb"};
constexpr std::string_view kSanitizeDumpPayload[] = {"no", "yes", "clients"};
constexpr std::string_view kSyslogFacility[] = {"user",   "local0", "local1", "local2", "local3",
                                                "local4", "local5", "local6", "local7"};
constexpr std::string_view kTlsAuthClients[] = {"no", "yes", "optional"};

constexpr Option kRows[] = {
    Choice("acl-pubsub-default", "resetchannels", kAclPubsubDefault),
    Text("aclfile", "", kImmutable),
    Integer("acllog-max-len", "128", 0, kLongMax),
    Integer("active-defrag-cycle-max", "25", 1, 99),
    Integer("active-defrag-cycle-min", "1", 1, 99),
    Memory("active-defrag-ignore-bytes", "104857600", 1, kLongMax),
    Integer("active-defrag-max-scan-fields", "1000", 1, kLongMax),
    Integer("active-defrag-threshold-lower", "10", 0, 1000),
    Integer("active-defrag-threshold-upper", "100", 0, 1000),
    Live(Integer("active-expire-effort", "1", 1, 10), &LiveSettings::active_expire_effort),
    Checked(Bool("activedefrag", "no"), ParseActiveDefrag),
    Bool("activerehashing", "yes"),
    Bool("always-show-logo", "no", kImmutable),
    Bool("aof-disable-auto-gc", "no"),
    Bool("aof-load-truncated", "yes"),
    Text("aof_rewrite_cpulist", "", kImmutable),
    Bool("aof-rewrite-incremental-fsync", "yes"),
    Bool("aof-timestamp-enabled", "no"),
    Bool("aof-use-rdb-preamble", "yes"),
    Text("appenddirname", "appendonlydir", kImmutable),
    Text("appendfilename", "appendonly.aof", kImmutable),
    Choice("appendfsync", "everysec", kAppendfsync),
    Bool("appendonly", "no"),
    Memory("auto-aof-rewrite-min-size", "67108864", 0, kLongMax),
    Integer("auto-aof-rewrite-percentage", "100", 0, kIntMax),
    Text("bgsave_cpulist", "", kImmutable),
    Text("bind-source-addr", ""),
    Text("bio_cpulist", "", kImmutable),
    Old("lua-time-limit", Integer("busy-reply-threshold", "5000", 0, kLongMax)),
    Bool("cluster-allow-pubsubshard-when-down", "yes"),
    Bool("cluster-allow-reads-when-down", "no"),
    Bool("cluster-allow-replica-migration", "yes"),
    Integer("cluster-announce-bus-port", "0", 0, 65535),
    Checked(Text("cluster-announce-hostname", ""), ParseHostname),
    Text("cluster-announce-ip", ""),
    Integer("cluster-announce-port", "0", 0, 65535),
    Integer("cluster-announce-tls-port", "0", 0, 65535),
    Text("cluster-config-file", "nodes.conf", kImmutable),
    Bool("cluster-enabled", "no", kImmutable),
    Memory("cluster-link-sendbuf-limit", "0", 0, kUnsignedMax),
    Integer("cluster-migration-barrier", "1", 0, kIntMax),
    Integer("cluster-node-timeout", "15000", 0, kLongMax),
    Integer("cluster-port", "0", 0, 65535, kImmutable),
    Choice("cluster-preferred-endpoint-type", "ip", kClusterPreferredEndpointType),
    Old("cluster-slave-no-failover", Bool("cluster-replica-no-failover", "no")),
    Old("cluster-slave-validity-factor",
        Integer("cluster-replica-validity-factor", "10", 0, kIntMax)),
    Bool("cluster-require-full-coverage", "yes"),
    Bool("crash-memcheck-enabled", "yes"),
    Bool("daemonize", "no", kImmutable),
    Checked(Text("dbfilename", "dump.rdb", kProtected), ParseFileName),
    Text("dir", "", kProtected),
    Bool("disable-thp", "yes", kImmutable),
    Bool("dynamic-hz", "yes"),
    Choice("enable-module-command", "no", kEnableModuleCommand, kImmutable),
    Choice("enable-protected-configs", "no", kEnableProtectedConfigs, kImmutable),
    Old("hash-max-ziplist-entries", Integer("hash-max-listpack-entries", "512", 0, kLongMax)),
    Old("hash-max-ziplist-value", Memory("hash-max-listpack-value", "64", 0, kLongMax)),
    Memory("hll-sparse-max-bytes", "3000", 0, kLongMax),
    Live(Checked(Integer("hz", "10", 0, kIntMax), ParseHz), &LiveSettings::hz),
    Text("ignore-warnings", ""),
    Integer("io-threads", "1", 1, 128, kImmutable),
    Bool("io-threads-do-reads", "no", kImmutable),
    Bool("jemalloc-bg-thread", "yes"),
    Integer("key-load-delay", "0", kIntMin, kIntMax, kHidden),
    Bool("lazyfree-lazy-eviction", "no"),
    Bool("lazyfree-lazy-expire", "no"),
    Bool("lazyfree-lazy-server-del", "no"),
    Bool("lazyfree-lazy-user-del", "no"),
    Bool("lazyfree-lazy-user-flush", "no"),
    Integer("list-compress-depth", "0", 0, kIntMax),
    Old("list-max-ziplist-size", Integer("list-max-listpack-size", "-2", kIntMin, kIntMax)),
    Text("list-max-ziplist-entries", "", kFileOnly),
    Text("list-max-ziplist-value", "", kFileOnly),
    Integer("loading-process-events-interval-bytes", "2097152", 1024, kIntMax, kHidden),
    Text("lua-replicate-commands", "", kFileOnly),
    Text("masterauth", "", kSensitive),
    Text("masteruser", "", kSensitive),
    MemoryOrPercent("maxmemory-clients", "0"),
    Integer("maxmemory-eviction-tenacity", "10", 0, 100),
    Old("min-slaves-max-lag", Integer("min-replicas-max-lag", "10", 0, kIntMax)),
    Old("min-slaves-to-write", Integer("min-replicas-to-write", "0", 0, kIntMax)),
    Bool("no-appendfsync-on-rewrite", "no"),
    Checked(Text("notify-keyspace-events", ""), ParseNotifyEvents),
    Choice("oom-score-adj", "no", kOomScoreAdj),
    Special("oom-score-adj-values", "0 200 800", ParseOomScoreAdjValues),
    Text("pidfile", "", kImmutable),
    Checked(Text("proc-title-template", "{title} {listen-addr} {server-mode}"), ParseTitleTemplate),
    Choice("propagation-error-behavior", "ignore", kPropagationErrorBehavior),
    Bool("rdb-del-sync-files", "no"),
    Integer("rdb-key-save-delay", "0", kIntMin, kIntMax, kHidden),
    Bool("rdb-save-incremental-fsync", "yes"),
    Bool("rdbchecksum", "yes", kImmutable),
    Bool("rdbcompression", "yes"),
    Memory("repl-backlog-size", "1048576", 1, kLongMax),
    Integer("repl-backlog-ttl", "3600", 0, kLongMax),
    Bool("repl-disable-tcp-nodelay", "no"),
    Choice("repl-diskless-load", "disabled", kReplDisklessLoad),
    Bool("repl-diskless-sync", "yes"),
    Integer("repl-diskless-sync-delay", "5", 0, kIntMax),
    Integer("repl-diskless-sync-max-replicas", "0", 0, kIntMax),
    Old("repl-ping-slave-period", Integer("repl-ping-replica-period", "10", 1, kIntMax)),
    Integer("repl-timeout", "60", 1, kIntMax),
    Old("slave-announce-ip", Text("replica-announce-ip", "")),
    Old("slave-announce-port", Integer("replica-announce-port", "0", 0, 65535)),
    Bool("replica-announced", "yes"),
    Bool("replica-ignore-disk-write-errors", "no"),
    Old("slave-ignore-maxmemory", Bool("replica-ignore-maxmemory", "yes")),
    Old("slave-lazy-flush", Bool("replica-lazy-flush", "no")),
    Old("slave-priority", Integer("replica-priority", "100", 0, kIntMax)),
    Old("slave-read-only", Bool("replica-read-only", "yes")),
    Old("slave-serve-stale-data", Bool("replica-serve-stale-data", "yes")),
    Old("slaveof", Special("replicaof", "", ParseReplicaOf, kImmutable)),
    Choice("sanitize-dump-payload", "no", kSanitizeDumpPayload),
    Special("save", "", ParseSave),
    Text("server_cpulist", "", kImmutable),
    Integer("set-max-intset-entries", "512", 0, kLongMax),
    Bool("set-proc-title", "yes", kImmutable),
    Special("shutdown-on-sigint", "default", ParseShutdownOn),
    Special("shutdown-on-sigterm", "default", ParseShutdownOn),
    Live(Integer("shutdown-timeout", "10", 0, kIntMax), &LiveSettings::shutdown_timeout_s),
    Integer("socket-mark-id", "0", 0, kUintMax, kImmutable),
    Bool("stop-writes-on-bgsave-error", "yes"),
    Memory("stream-node-max-bytes", "4096", 0, kLongMax),
    Integer("stream-node-max-entries", "100", 0, kLongMax),
    Bool("syslog-enabled", "no", kImmutable),
    Choice("syslog-facility", "local0", kSyslogFacility, kImmutable),
    Text("syslog-ident", "redis", kImmutable),
    Choice("tls-auth-clients", "yes", kTlsAuthClients),
    Text("tls-ca-cert-dir", ""),
    Text("tls-ca-cert-file", ""),
    Text("tls-cert-file", ""),
    Text("tls-ciphers", ""),
    Text("tls-ciphersuites", ""),
    Text("tls-client-cert-file", ""),
    Text("tls-client-key-file", ""),
    Text("tls-client-key-file-pass", "", kSensitive),
    Bool("tls-cluster", "no"),
    Text("tls-dh-params-file", ""),
    Text("tls-key-file", ""),
    Text("tls-key-file-pass", "", kSensitive),
    Checked(Integer("tls-port", "0", 0, 65535), ParseTlsPort),
    Bool("tls-prefer-server-ciphers", "no"),
    Text("tls-protocols", ""),
    Bool("tls-replication", "no"),
    Integer("tls-session-cache-size", "20480", 0, kIntMax),
    Integer("tls-session-cache-timeout", "300", 0, kIntMax),
    Bool("tls-session-caching", "yes"),
    Integer("tracking-table-max-keys", "1000000", 0, kLongMax),
    Bool("use-exit-on-panic", "no", kHidden),
    Integer("watchdog-period", "0", 0, kIntMax, kHidden),
    Old("zset-max-ziplist-entries", Integer("zset-max-listpack-entries", "128", 0, kLongMax)),
    Old("zset-max-ziplist-value", Memory("zset-max-listpack-value", "64", 0, kLongMax)),
};

}  // namespace

std::span<const Option> IgnoredOptions() { return kRows; }

}  // namespace larder::server
