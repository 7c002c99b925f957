#include "server/slowlog.h"

#include <algorithm>
#include <utility>

namespace larder::server {
namespace {

constexpr size_t kArgumentsShownMax = 32;
constexpr size_t kBytesShownMax = 128;

std::string Shown(std::string_view arg) {
  if (arg.size() <= kBytesShownMax) return std::string(arg);
  return std::string(arg.substr(0, kBytesShownMax)) + "... (" +
         std::to_string(arg.size() - kBytesShownMax) + " more bytes)";
}

}  // namespace

void SlowLog::Add(SlowLogEntry entry, size_t length_max) {
  store::MutexLock lock(mu_);
  entry.id = next_id_++;
  entries_.push_front(std::move(entry));
  if (entries_.size() > length_max) entries_.resize(length_max);
}

std::vector<SlowLogEntry> SlowLog::Newest(size_t count) const {
  store::MutexLock lock(mu_);
  count = std::min(count, entries_.size());
  return {entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count)};
}

size_t SlowLog::size() const {
  store::MutexLock lock(mu_);
  return entries_.size();
}

void SlowLog::Reset() {
  store::MutexLock lock(mu_);
  entries_.clear();
}

std::vector<std::string> ShownArguments(const CommandSpec& spec,
                                        std::span<const std::string_view> args) {
  // The last place is for how many are left out.
  const bool all = args.size() <= kArgumentsShownMax;
  const size_t count = all ? args.size() : kArgumentsShownMax - 1;
  std::vector<std::string> shown;
  shown.reserve(kArgumentsShownMax);
  for (size_t i = 0; i < count; ++i) {
    shown.push_back(Shown(WithoutSecret(spec, args, i)));
  }
  if (!all) {
    shown.push_back("... (" + std::to_string(args.size() - count) + " more arguments)");
  }
  return shown;
}

}  // namespace larder::server
