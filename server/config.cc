#include "server/config.h"

#include <algorithm>
#include <cassert>
#include <filesystem>
#include <system_error>
#include <thread>

#include "server/config_rewrite.h"
#include "server/option_value.h"
#include "store/glob.h"

namespace larder::server {
namespace {

struct LessIgnoringCase {
  bool operator()(std::string_view a, std::string_view b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return Lower(x) < Lower(y); });
  }
  static char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
};

std::string DefaultOf(const Option& option) {
  if (option.name == "threads") {
    const int64_t cores = std::max(1U, std::thread::hardware_concurrency());
    return std::to_string(std::min(cores, static_cast<int64_t>(option.max)));
  }
  if (option.name == "dir") {
    std::error_code error;  // a deleted directory: report none
    return std::filesystem::current_path(error).string();
  }
  return std::string(option.initial);
}

// redis.conf directives that change what clients may do: to ignore them would be unsafe.
std::optional<std::string> WhyRefused(std::string_view name) {
  if (EqualsIgnoringCase(name, "user")) {
    return "'user' is not supported: larder has no ACL users yet, only 'requirepass'";
  }
  if (EqualsIgnoringCase(name, "loadmodule")) {
    return "'loadmodule' is not supported: larder loads no modules";
  }
  return std::nullopt;
}

// The name under which a row was asked for: its own or its alias, as the table spells it.
std::string_view TableName(const Option& option, std::string_view asked) {
  return EqualsIgnoringCase(option.name, asked) ? option.name : option.alias;
}

std::string SetFailed(std::string_view name, std::string_view reason) {
  std::string text = "ERR CONFIG SET failed (possibly related to argument '";
  return text.append(name).append("') - ").append(reason);
}

bool HasGlob(std::string_view pattern) { return pattern.find_first_of("[*?") != pattern.npos; }

}  // namespace

Config::Config() {
  store::MutexLock lock(mu_);
  texts_.resize(OptionCount());
  set_at_start_.resize(OptionCount());
  for (size_t i = 0; i < OptionCount(); ++i) StoreLocked(i, DefaultOf(OptionAt(i)));
}

void Config::StoreLocked(size_t index, std::string text) {
  const Option& option = OptionAt(index);
  if (option.live != nullptr) {
    // relaxed: as every access to LiveSettings; nothing else is published through it.
    (live_.*option.live).store(NumberOf(option, text), std::memory_order_relaxed);
  }
  if (option.publish != nullptr) option.publish(text, live_);
  texts_[index] = std::move(text);
}

OutputLimit Config::output_limit(ClientClass client_class) const {
  const LiveSettings::Limit& limit = live_.output_limits[static_cast<size_t>(client_class)];
  // relaxed: three limits of which one is older than the others do no harm.
  return {.hard_bytes = limit.hard_bytes.load(std::memory_order_relaxed),
          // relaxed: the same.
          .soft_bytes = limit.soft_bytes.load(std::memory_order_relaxed),
          // relaxed: the same.
          .soft_seconds = limit.soft_seconds.load(std::memory_order_relaxed)};
}

store::EvictionSettings Config::eviction() const {
  return {.maxmemory = maxmemory(),
          .kind = static_cast<store::EvictionKind>(Load(&LiveSettings::maxmemory_policy)),
          .samples = static_cast<int>(Load(&LiveSettings::maxmemory_samples)),
          .lfu = {.log_factor = static_cast<uint32_t>(Load(&LiveSettings::lfu_log_factor)),
                  .decay_minutes = static_cast<uint32_t>(Load(&LiveSettings::lfu_decay_minutes))}};
}

std::vector<BindAddress> Config::bind() const {
  std::vector<BindAddress> addresses;
  for (std::string& host : SplitAtSpaces(Text("bind"))) {
    const bool optional = host.starts_with('-');
    if (optional) host.erase(0, 1);
    if (!host.empty()) addresses.push_back({.host = std::move(host), .optional = optional});
  }
  return addresses;
}

bool Config::PasswordIs(std::string_view password) const {
  const std::string expected = Text("requirepass");
  unsigned difference = expected.size() == password.size() ? 0 : 1;
  for (size_t i = 0; i < password.size(); ++i) {
    const char c = expected.empty() ? '\0' : expected[i % expected.size()];
    difference |= static_cast<unsigned char>(c ^ password[i]);
  }
  return difference == 0;
}

std::string Config::Text(std::string_view name) const {
  const std::optional<size_t> index = FindOption(name);
  if (!index) return {};
  store::MutexLock lock(mu_);
  return texts_[*index];
}

std::string Config::config_file() const {
  store::MutexLock lock(mu_);
  return config_file_;
}

void Config::set_config_file(std::string path) {
  store::MutexLock lock(mu_);
  config_file_ = std::move(path);
}

std::vector<Config::NameAndValue> Config::Get(std::span<const std::string_view> patterns) const {
  // An option asked for by its exact name is shown as the client spelt it, as Redis does.
  std::map<std::string, size_t, LessIgnoringCase> found;
  for (const std::string_view pattern : patterns) {
    if (!HasGlob(pattern)) {
      const std::optional<size_t> index = FindOption(pattern);
      if (index && !OptionAt(*index).Is(kFileOnly)) found.emplace(pattern, *index);
      continue;
    }
    for (size_t i = 0; i < OptionCount(); ++i) {
      const Option& option = OptionAt(i);
      if (option.Is(kHidden) || option.Is(kFileOnly)) continue;
      for (const std::string_view name : {option.name, option.alias}) {
        if (!name.empty() && store::GlobMatch(pattern, name, true)) found.emplace(name, i);
      }
    }
  }
  std::vector<NameAndValue> result;
  result.reserve(found.size());
  store::MutexLock lock(mu_);
  for (const auto& [name, index] : found) result.emplace_back(name, texts_[index]);
  return result;
}

std::optional<std::string> Config::ParsePairs(Pairs pairs, Changes* changes) const {
  // First whether each may be set at all, then the values: the order in which Redis complains.
  std::vector<size_t> indexes;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const std::string_view name = pairs[i].first;
    const std::optional<size_t> index = FindOption(name);
    if (!index || OptionAt(*index).Is(kFileOnly)) {
      std::string text = "ERR Unknown option or number of arguments for CONFIG SET - '";
      return text.append(name).append("'");
    }
    if (OptionAt(*index).Is(kImmutable)) return SetFailed(name, "can't set immutable config");
    if (OptionAt(*index).Is(kProtected)) return SetFailed(name, "can't set protected config");
    const auto same_name = [name](const auto& pair) {
      return EqualsIgnoringCase(pair.first, name);
    };
    if (std::any_of(pairs.begin(), pairs.begin() + static_cast<ptrdiff_t>(i), same_name)) {
      return SetFailed(name, "duplicate parameter");
    }
    indexes.push_back(*index);
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const Option& option = OptionAt(indexes[i]);
    const auto [name, value] = pairs[i];
    const auto same_option = [&indexes, i](const Change& change) {
      return change.index == indexes[i];  // under its other name, earlier in this command
    };
    auto change = std::find_if(changes->begin(), changes->end(), same_option);
    if (change == changes->end()) {
      const std::string present = Text(option.name);
      change = changes->insert(changes->end(),
                               {.index = indexes[i], .new_text = present, .old_text = present});
    }
    const std::vector<std::string> values =
        option.Is(kSeveralValues) ? SplitAtSpaces(value) : std::vector{std::string(value)};
    if (auto reason = ParseOptionValue(option, values, false, &change->new_text)) {
      return SetFailed(TableName(option, name), *reason);
    }
  }
  return std::nullopt;
}

std::optional<std::string> Config::RunCallback(size_t index) {
  const auto callback = callbacks_.find(index);
  return callback == callbacks_.end() ? std::nullopt : callback->second();
}

std::optional<std::string> Config::Set(Pairs pairs) {
  store::MutexLock set_lock(set_mu_);
  Changes changes;
  if (auto error = ParsePairs(pairs, &changes)) return error;
  std::erase_if(changes, [](const Change& change) {
    return change.new_text == change.old_text && !OptionAt(change.index).Is(kAppliedAnew);
  });
  std::stable_partition(changes.begin(), changes.end(), [](const Change& change) {
    return !OptionAt(change.index).Is(kAppliedAnew);
  });
  {
    store::MutexLock lock(mu_);
    for (const Change& change : changes) StoreLocked(change.index, change.new_text);
  }
  for (size_t i = 0; i < changes.size(); ++i) {
    const std::optional<std::string> reason = RunCallback(changes[i].index);
    if (!reason) continue;
    {
      store::MutexLock lock(mu_);
      for (const Change& change : changes) StoreLocked(change.index, change.old_text);
    }
    // The one that failed may have got half-way. Going back to values that worked is not expected
    // to fail, and nobody could act on it.
    for (size_t j = 0; j <= i; ++j) static_cast<void>(RunCallback(changes[j].index));
    return SetFailed(OptionAt(changes[i].index).name, *reason);
  }
  return std::nullopt;
}

std::optional<std::string> Config::Rewrite() {
  store::MutexLock set_lock(set_mu_);
  return RewriteConfigFile(config_file(), *this);
}

void Config::OnChange(std::string_view option, ChangeCallback apply) {
  const std::optional<size_t> index = FindOption(option);
  assert(index.has_value());
  store::MutexLock lock(set_mu_);
  callbacks_[*index] = std::move(apply);
}

std::optional<std::string> Config::SetAtStart(std::string_view name,
                                              std::span<const std::string> values) {
  if (auto refused = WhyRefused(name)) return refused;
  if (EqualsIgnoringCase(name, "rename-command")) {
    if (values.size() != 2) {
      return "'rename-command' takes a name and a new one, in the configuration file only";
    }
    command_renames_.push_back({.from = values[0], .to = values[1]});
    return std::nullopt;
  }
  const std::optional<size_t> index = FindOption(name);
  if (!index) {
    constexpr size_t kShownMax = 64;  // of a file that is no configuration
    std::string reason = "'" + std::string(name.substr(0, kShownMax)) + "' is not a directive";
    const std::string_view nearest = NearestOption(name);
    if (!nearest.empty()) reason.append("; did you mean '").append(nearest).append("'?");
    return reason;
  }
  store::MutexLock lock(mu_);
  std::string text = texts_[*index];
  if (auto reason = ParseOptionValue(OptionAt(*index), values, true, &text)) {
    return std::string(name) + ": " + *reason;
  }
  StoreLocked(*index, std::move(text));
  set_at_start_[*index] = true;
  return std::nullopt;
}

std::optional<std::string> Config::CheckAtStart() const {
  if (map() == store::MapKind::kPlain && threads() != 1) {
    return "map plain guards nothing, so it needs threads 1, and threads is " +
           std::to_string(threads()) + ": add --threads 1 or choose another map";
  }
  return std::nullopt;
}

std::vector<std::string> Config::StartWarnings() const {
  std::vector<std::string> warnings;
  std::string ignored;
  {
    store::MutexLock lock(mu_);
    for (size_t i = 0; i < OptionCount(); ++i) {
      const Option& option = OptionAt(i);
      if (!set_at_start_[i] || !option.Is(kIgnored)) continue;
      ignored.append(ignored.empty() ? "" : ", ").append(option.name);
    }
  }
  if (!ignored.empty()) {
    warnings.push_back("Accepted without effect, larder does not need or have it: " + ignored);
  }
  return warnings;
}

void Config::LowerMaxClients(int64_t maxclients) {
  const std::optional<size_t> index = FindOption("maxclients");
  assert(index.has_value());
  store::MutexLock lock(mu_);
  StoreLocked(*index, std::to_string(maxclients));
}

}  // namespace larder::server
