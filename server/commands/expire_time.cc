#include "server/commands/expire_time.h"

#include <cassert>

#include "protocol/number.h"
#include "protocol/reply_errors.h"

namespace larder::server {
namespace {

using Kind = ExpiryOption::Kind;

struct Choice {
  std::string_view token;
  Kind kind;
  ExpireUnit unit;
};

constexpr Choice kWithAmount[] = {
    {"EX", Kind::kEx, ExpireUnit::kSeconds},
    {"PX", Kind::kPx, ExpireUnit::kMilliseconds},
    {"EXAT", Kind::kExAt, ExpireUnit::kUnixSeconds},
    {"PXAT", Kind::kPxAt, ExpireUnit::kUnixMilliseconds},
};

}  // namespace

std::optional<store::UnixMs> ToDeadline(int64_t amount, ExpireUnit unit, store::UnixMs now) {
  const bool in_seconds = unit == ExpireUnit::kSeconds || unit == ExpireUnit::kUnixSeconds;
  const bool from_now = unit == ExpireUnit::kSeconds || unit == ExpireUnit::kMilliseconds;
  store::UnixMs deadline = amount;
  if (in_seconds && __builtin_mul_overflow(deadline, 1000, &deadline)) return std::nullopt;
  if (from_now && __builtin_add_overflow(deadline, now, &deadline)) return std::nullopt;
  return deadline;
}

bool TakeExpiry(ArgReader& args, Kind word, ExpiryOption* option) {
  assert(word == Kind::kKeepTtl || word == Kind::kPersist);
  const auto free_for = [&](Kind kind) {
    return option->kind == Kind::kNone || option->kind == kind;
  };
  for (const Choice& choice : kWithAmount) {
    if (free_for(choice.kind) && args.Take(choice.token, 1)) {
      *option = {.kind = choice.kind, .amount = args.Next()};
      return true;
    }
  }
  if (!free_for(word) || !args.Take(word == Kind::kKeepTtl ? "KEEPTTL" : "PERSIST")) return false;
  option->kind = word;
  return true;
}

std::optional<std::string> ReadDeadline(const ExpiryOption& option, store::UnixMs now,
                                        std::string_view command, store::UnixMs* deadline) {
  *deadline = store::kNoDeadline;
  for (const Choice& choice : kWithAmount) {
    if (choice.kind != option.kind) continue;
    const std::optional<int64_t> amount = protocol::ParseInt64(option.amount);
    if (!amount) return std::string(protocol::kNotAnInteger);
    const std::optional<store::UnixMs> at = ToDeadline(*amount, choice.unit, now);
    if (*amount <= 0 || !at) return protocol::InvalidExpireTime(command);
    *deadline = *at;
  }
  return std::nullopt;
}

}  // namespace larder::server
