#include "server/option_parsers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include "protocol/number.h"
#include "protocol/reply_errors.h"
#include "server/option_value.h"

namespace larder::server {
namespace {

constexpr size_t kBindAddressesMax = 16;  // as Redis
constexpr size_t kHostnameBytesMax = 255;
constexpr int64_t kOomScoreAdjMax = 2000;
constexpr int64_t kHzMin = 1;
constexpr int64_t kHzMax = 500;

std::string Join(OptionValues values) {
  std::string joined;
  for (const std::string& value : values) {
    if (!joined.empty()) joined += ' ';
    joined += value;
  }
  return joined;
}

// `directive ""` in a file and an empty CONFIG SET value both mean "none".
bool IsNone(OptionValues values) {
  return values.empty() || (values.size() == 1 && values[0].empty());
}

struct ParsedLimit {
  int64_t hard_bytes = 0;
  int64_t soft_bytes = 0;
  int64_t soft_seconds = 0;
};
using ParsedLimits = std::array<ParsedLimit, kClientClassCount>;

std::optional<size_t> ClientClassIndex(std::string_view name) {
  if (EqualsIgnoringCase(name, "normal")) return static_cast<size_t>(ClientClass::kNormal);
  if (EqualsIgnoringCase(name, "slave") || EqualsIgnoringCase(name, "replica"))
    return static_cast<size_t>(ClientClass::kReplica);
  if (EqualsIgnoringCase(name, "pubsub")) return static_cast<size_t>(ClientClass::kPubSub);
  return std::nullopt;
}

// REQUIRES: values.size() is a multiple of 4.
OptionError ReadLimits(OptionValues values, ParsedLimits* limits) {
  constexpr uint64_t kBytesMax = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < values.size(); i += 4) {
    const std::optional<size_t> index = ClientClassIndex(values[i]);
    if (!index) return "Invalid client class specified in buffer limit configuration.";
    const std::optional<uint64_t> hard = ParseMemory(values[i + 1]);
    const std::optional<uint64_t> soft = ParseMemory(values[i + 2]);
    const std::optional<int64_t> seconds = protocol::ParseInt64(values[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0) {
      return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    }
    (*limits)[*index] = {.hard_bytes = static_cast<int64_t>(std::min(*hard, kBytesMax)),
                         .soft_bytes = static_cast<int64_t>(std::min(*soft, kBytesMax)),
                         .soft_seconds = *seconds};
  }
  return std::nullopt;
}

std::optional<int64_t> ParseInRange(std::string_view text, int64_t min, int64_t max) {
  const std::optional<int64_t> number = protocol::ParseInt64(text);
  if (!number || *number < min || *number > max) return std::nullopt;
  return number;
}

}  // namespace

OptionError ParseBind(OptionValues values, bool /*at_start*/, std::string* text) {
  if (values.size() > kBindAddressesMax) return "Too many bind addresses specified.";
  *text = IsNone(values) ? "" : Join(values);
  return std::nullopt;
}

OptionError ParseOutputLimits(OptionValues values, bool /*at_start*/, std::string* text) {
  if (values.size() % 4 != 0) return "Wrong number of arguments in buffer limit configuration.";
  ParsedLimits limits;
  const std::vector<std::string> present = SplitAtSpaces(*text);
  if (auto error = ReadLimits(present, &limits)) return error;
  if (auto error = ReadLimits(values, &limits)) return error;

  constexpr std::string_view kNames[] = {"normal", "slave", "pubsub"};
  text->clear();
  for (size_t i = 0; i < kClientClassCount; ++i) {
    if (i > 0) *text += ' ';
    text->append(kNames[i]).append(" " + std::to_string(limits[i].hard_bytes));
    text->append(" " + std::to_string(limits[i].soft_bytes))
        .append(" " + std::to_string(limits[i].soft_seconds));
  }
  return std::nullopt;
}

void PublishOutputLimits(std::string_view text, LiveSettings& live) {
  ParsedLimits limits;
  if (ReadLimits(SplitAtSpaces(text), &limits)) return;  // cannot be: ParseOutputLimits wrote it
  for (size_t i = 0; i < kClientClassCount; ++i) {
    // relaxed: a thread that mixes an old limit with a new one closes a client a moment early or
    // late, nothing else.
    live.output_limits[i].hard_bytes.store(limits[i].hard_bytes, std::memory_order_relaxed);
    live.output_limits[i].soft_bytes.store(limits[i].soft_bytes, std::memory_order_relaxed);
    live.output_limits[i].soft_seconds.store(limits[i].soft_seconds, std::memory_order_relaxed);
  }
}

OptionError ParseShards(OptionValues values, bool /*at_start*/, std::string* /*text*/) {
  const int64_t shards = protocol::ParseInt64(values[0]).value_or(0);
  if (shards < 1 || (shards & (shards - 1)) != 0) return "argument must be a power of two";
  return std::nullopt;
}

OptionError RefuseMap(std::string_view present, std::string_view wanted) {
  constexpr std::string_view kCode = "ERR ";  // CONFIG SET puts it before words of its own
  constexpr std::string_view kPlain = "plain";
  if (present == wanted) return std::nullopt;
  if (present == kPlain) return std::string(protocol::kMapIsPlain.substr(kCode.size()));
  if (wanted == kPlain) return std::string(protocol::kNotToPlain.substr(kCode.size()));
  return std::nullopt;
}

void PublishPassword(std::string_view text, LiveSettings& live) {
  // relaxed: the password itself is read under the configuration's lock.
  live.has_password.store(text.empty() ? 0 : 1, std::memory_order_relaxed);
}

OptionError ParseActiveDefrag(OptionValues values, bool /*at_start*/, std::string* /*text*/) {
  if (values[0] == "no") return std::nullopt;
  return "Active defragmentation cannot be enabled: it requires a Redis server compiled with a "
         "modified Jemalloc like the one "
         "shipped by default with the Redis source distribution";
}

OptionError ParseFileName(OptionValues values, bool /*at_start*/, std::string* /*text*/) {
  if (values[0].find('/') == std::string::npos) return std::nullopt;
  return "dbfilename can't be a path, just a filename";
}

OptionError ParseHostname(OptionValues values, bool /*at_start*/, std::string* /*text*/) {
  if (values[0].size() > kHostnameBytesMax) return "Hostnames must be less than 256 characters";
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  };
  if (std::all_of(values[0].begin(), values[0].end(), allowed)) return std::nullopt;
  return "Hostnames may only contain alphanumeric characters, hyphens or dots";
}

OptionError ParseHz(OptionValues values, bool /*at_start*/, std::string* text) {
  *text =
      std::to_string(std::clamp(protocol::ParseInt64(values[0]).value_or(kHzMin), kHzMin, kHzMax));
  return std::nullopt;
}

OptionError ParseNotifyEvents(OptionValues values, bool /*at_start*/, std::string* text) {
  constexpr std::string_view kAll = "g$lshzxetd";     // what `A` stands for
  constexpr std::string_view kShown = "g$lshzxetdn";  // in CONFIG GET's order, when not `A`
  const std::string& value = values[0];
  if (value.find_first_not_of("Ag$lshzxeKEtmdn") != std::string::npos) {
    return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
  }
  const auto has = [&value, kAll](char c) {
    return value.find(c) != std::string::npos ||
           (kAll.find(c) != kAll.npos && value.find('A') != std::string::npos);
  };
  std::string shown;
  if (std::all_of(kAll.begin(), kAll.end(), has)) {
    shown = "A";
  } else {
    std::copy_if(kShown.begin(), kShown.end(), std::back_inserter(shown), has);
  }
  for (const char c : {'K', 'E', 'm'}) {
    if (has(c)) shown += c;
  }
  *text = shown;
  return std::nullopt;
}

OptionError ParseOomScoreAdjValues(OptionValues values, bool /*at_start*/, std::string* text) {
  if (values.size() != 3) return "wrong number of arguments";
  for (const std::string& value : values) {
    if (!ParseInRange(value, -kOomScoreAdjMax, kOomScoreAdjMax)) {
      return "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
    }
  }
  *text = Join(values);
  return std::nullopt;
}

OptionError ParsePercentiles(OptionValues values, bool /*at_start*/, std::string* text) {
  std::string shown;
  if (!IsNone(values)) {
    for (const std::string& value : values) {
      const std::optional<double> percentile = protocol::ParseDouble(value);
      if (!percentile) return "Invalid latency-tracking-info-percentiles parameters";
      if (*percentile < 0.0 || *percentile > 100.0) {
        return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
      }
      char digits[32];
      const char* const end = std::to_chars(digits, digits + sizeof digits, *percentile).ptr;
      if (!shown.empty()) shown += ' ';
      shown.append(std::string_view(digits, end));
    }
  }
  *text = shown;
  return std::nullopt;
}

OptionError ParseReplicaOf(OptionValues values, bool /*at_start*/, std::string* text) {
  if (values.size() != 2) return "wrong number of arguments";
  if (EqualsIgnoringCase(values[0], "no") && EqualsIgnoringCase(values[1], "one")) {
    text->clear();
    return std::nullopt;
  }
  if (!ParseInRange(values[1], 0, 65535)) return "Invalid master port";
  *text = Join(values);
  return std::nullopt;
}

OptionError ParseSave(OptionValues values, bool at_start, std::string* text) {
  if (IsNone(values)) {
    text->clear();
    return std::nullopt;
  }
  if (values.size() % 2 != 0) return "Invalid save parameters";
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  for (size_t i = 0; i < values.size(); i += 2) {
    if (!ParseInRange(values[i], 1, kMax) || !ParseInRange(values[i + 1], 0, kMax))
      return "Invalid save parameters";
  }
  // Lines of a file add up; CONFIG SET replaces.
  const std::string before = at_start && !text->empty() ? *text + " " : "";
  *text = before + Join(values);
  return std::nullopt;
}

OptionError ParseShutdownOn(OptionValues values, bool /*at_start*/, std::string* text) {
  constexpr std::string_view kNames[] = {"default", "save", "nosave", "now", "force"};
  std::array<bool, std::size(kNames)> given{};
  for (const std::string& value : values) {
    const auto* const name =
        std::find_if(std::begin(kNames), std::end(kNames),
                     [&value](std::string_view n) { return EqualsIgnoringCase(n, value); });
    if (name == std::end(kNames)) values = {};
    if (values.empty()) break;
    given[static_cast<size_t>(name - std::begin(kNames))] = true;
  }
  if (values.empty())
    return "argument(s) must be one of the following: default, save, nosave, now, force";
  if (given[1] && given[2]) return "shutdown options SAVE and NOSAVE can't be used simultaneously";
  std::string shown;
  for (size_t i = 1; i < std::size(kNames); ++i) {
    if (given[i]) shown.append(shown.empty() ? "" : " ").append(kNames[i]);
  }
  *text = shown.empty() ? "default" : shown;
  return std::nullopt;
}

OptionError ParseTitleTemplate(OptionValues values, bool /*at_start*/, std::string* /*text*/) {
  constexpr std::string_view kVariables[] = {"title",    "listen-addr", "server-mode", "port",
                                             "tls-port", "unixsocket",  "config-file"};
  constexpr const char* kInvalid = "template format is invalid or contains unknown variables";
  std::string_view rest = values[0];
  if (rest.empty()) return kInvalid;
  for (size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    rest.remove_prefix(open + 1);
    if (rest.starts_with('{')) {  // "{{" is a brace
      rest.remove_prefix(1);
      continue;
    }
    const size_t close = rest.find('}');
    const bool known =
        close != std::string_view::npos && std::find(std::begin(kVariables), std::end(kVariables),
                                                     rest.substr(0, close)) != std::end(kVariables);
    if (!known) return kInvalid;
    rest.remove_prefix(close + 1);
  }
  return std::nullopt;
}

OptionError ParseTlsPort(OptionValues values, bool at_start, std::string* /*text*/) {
  if (values[0] == "0") return std::nullopt;
  return at_start ? "larder does not speak TLS: put a TLS proxy in front of it"
                  : "Unable to update TLS configuration. Check server logs.";
}

}  // namespace larder::server
