// One configuration option: a row of the option table (option_table.cc), which is data and nothing
// else. The configuration file, the command line, the environment, CONFIG GET/SET, --help and the
// test of conf/larder.conf are all derived from it. Threads: rows are constant; any thread may read
// them.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/map_kind.h"

namespace larder::server {

// The classes of `client-output-buffer-limit`, in the order CONFIG GET shows them.
enum class ClientClass : uint8_t { kNormal, kReplica, kPubSub };
inline constexpr size_t kClientClassCount = 3;

// The number of `map auto`: each shard's kind follows its load.
inline constexpr int64_t kMapAuto = static_cast<int64_t>(store::kMapKinds.size());

// What the I/O threads read while they serve, one relaxed load each. Relaxed is enough everywhere:
// a value stands for itself (no other data is published through it), and a thread that sees a
// CONFIG SET one command late is as right as one that came earlier.
struct LiveSettings {
  using Number = std::atomic<int64_t>;
  Number port{}, threads{}, map{}, shards{}, databases{}, maxclients{}, tcp_backlog{},
      tcp_keepalive_s{}, timeout_s{}, hz{};
  Number proto_max_bulk_len{}, query_buffer_limit{}, loglevel{}, debug_command{}, protected_mode{},
      crash_log{}, unixsocketperm{}, supervised{};
  Number maxmemory{}, maxmemory_policy{}, maxmemory_samples{}, lfu_log_factor{},
      lfu_decay_minutes{};
  Number active_expire_effort{}, shutdown_timeout_s{};
  Number slowlog_slower_than_us{}, slowlog_max_len{}, latency_tracking{},
      latency_monitor_threshold_ms{}, has_password{};
  struct Limit {
    Number hard_bytes{}, soft_bytes{}, soft_seconds{};
  };
  std::array<Limit, kClientClassCount> output_limits;
};

enum class OptionType : uint8_t {
  kBool,             // yes | no
  kInteger,          // min..max
  kMemory,           // min..max bytes; units b k kb m mb g gb, where k is 1000 and kb is 1024
  kMemoryOrPercent,  // the same, or 0%..100%
  kOctal,            // min..max in base 8
  kChoice,           // one of `choices`
  kText,             // any text
  kSpecial,          // `parse` decides
};

enum OptionFlag : uint16_t {
  kImmutable = 1 << 0,      // CONFIG SET refuses it: fixed at start
  kProtected = 1 << 1,      // CONFIG SET refuses it: reserved for an administrator at the machine
  kHidden = 1 << 2,         // CONFIG GET shows it only under its exact name
  kSensitive = 1 << 3,      // the value is a secret: never logged
  kSeveralValues = 1 << 4,  // `directive a b c`, and CONFIG SET splits its value at spaces
  kIgnored = 1 << 5,   // a Redis directive that larder stores and reports but does not act on: one
                       // warning at start
  kFileOnly = 1 << 6,  // an obsolete directive that redis.conf files still carry: accepted, not
                       // shown by CONFIG GET
  kAppliedAnew = 1 << 7,  // the server may differ from it in parts, so CONFIG SET to the present
                          // value is applied too, and after all that may fail: it is not undone
};

// Parses the values of a kSpecial option. `*text` is the present value in CONFIG GET's form and
// becomes the new one. `at_start`: a line of a file or a flag, not CONFIG SET. Returns why not, in
// Redis' words.
using OptionParser = std::optional<std::string> (*)(std::span<const std::string> values,
                                                    bool at_start, std::string* text);
// Why CONFIG SET may not go from the present value to another, both in CONFIG GET's form.
using ChangeRefusal = std::optional<std::string> (*)(std::string_view present,
                                                     std::string_view wanted);
// Stores a value (in CONFIG GET's form) where I/O threads read it.
using OptionPublisher = void (*)(std::string_view text, LiveSettings& live);

struct Option {
  std::string_view name;
  std::string_view alias = {};  // a second name, which CONFIG GET shows as an option of its own
  OptionType type = OptionType::kText;
  uint16_t flags = 0;
  std::string_view initial = {};  // the default, in the form CONFIG GET shows
  int64_t min = 0;                // kInteger, kMemory*, kOctal: inclusive bounds
  uint64_t max = 0;
  std::span<const std::string_view> choices = {};  // kChoice; the live value is the index
  // Where the numeric value is kept for I/O threads, if they need it.
  LiveSettings::Number LiveSettings::*live = nullptr;
  OptionParser parse = nullptr;       // kSpecial; else a further check of one accepted value
  ChangeRefusal refuse = nullptr;     // when not every value can follow on every other
  OptionPublisher publish = nullptr;  // when one number is not enough
  std::string_view doc = {};          // one sentence for --help; empty on ignored options

  bool Is(OptionFlag flag) const { return (flags & flag) != 0; }
};

// The rows larder acts on, then those it merely accepts; each part in the order of --help.
std::span<const Option> ServedOptions();
std::span<const Option> IgnoredOptions();

// Both parts as one table.
size_t OptionCount();
const Option& OptionAt(size_t index);  // REQUIRES: index < OptionCount()

// The index of the row with that name or alias, in any case. O(rows).
std::optional<size_t> FindOption(std::string_view name);

// The option whose name is nearest to a misspelt one; empty when none is near.
std::string_view NearestOption(std::string_view misspelt);

}  // namespace larder::server
