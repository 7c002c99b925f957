#include "server/monitor.h"

#include <spdlog/spdlog.h>
#include <iterator>
#include <memory>
#include <utility>

#include "server/client.h"

namespace larder::server {
namespace {

// In quotes, with everything that is not printable ASCII escaped.
void AppendQuoted(std::string_view text, std::string* line) {
  constexpr std::string_view kEscaped = "\\\"\n\r\t\a\b";
  constexpr std::string_view kLetters = "\\\"nrtab";
  line->push_back('"');
  for (const char c : text) {
    if (const size_t i = kEscaped.find(c); i != kEscaped.npos) {
      line->append({'\\', kLetters[i]});
    } else if (c >= ' ' && c <= '~') {
      line->push_back(c);
    } else {
      fmt::format_to(std::back_inserter(*line), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  line->push_back('"');
}

}  // namespace

void Monitors::Add(const ClientHandle& client) {
  store::MutexLock lock(mu_);
  clients_.push_back(client);
  count_.store(clients_.size(), std::memory_order_relaxed);  // relaxed: see any()
}

void Monitors::Remove(int64_t client_id) {
  store::MutexLock lock(mu_);
  std::erase_if(clients_,
                [&](const ClientHandle& client) { return client.client_id() == client_id; });
  count_.store(clients_.size(), std::memory_order_relaxed);  // relaxed: see any()
}

void Monitors::Publish(std::string lines, size_t backlog_max) {
  auto bytes = std::make_shared<const std::string>(std::move(lines));
  store::MutexLock lock(mu_);
  for (const ClientHandle& client : clients_) client.Push(bytes, backlog_max);
}

void AppendMonitorLine(std::chrono::system_clock::time_point now, const Client& client,
                       const CommandSpec& spec, std::span<const std::string_view> args,
                       std::string* lines) {
  if ((spec.flags & (kSkipMonitor | kAdmin)) != 0) return;
  const int64_t us =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  std::string_view address = client.address;
  if (client.is_unix) address.remove_suffix(std::string_view(":0").size());
  fmt::format_to(std::back_inserter(*lines), "+{}.{:06} [{} {}{}]", us / 1'000'000, us % 1'000'000,
                 client.db, client.is_unix ? "unix:" : "", address);
  for (size_t i = 0; i < args.size(); ++i) {
    lines->push_back(' ');
    AppendQuoted(WithoutSecret(spec, args, i), lines);
  }
  lines->append("\r\n");
}

}  // namespace larder::server
