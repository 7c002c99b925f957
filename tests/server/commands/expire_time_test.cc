#include "server/commands/expire_time.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/arg_reader.h"

namespace larder::server {
namespace {

using Kind = ExpiryOption::Kind;

constexpr store::UnixMs kNow = 1'700'000'000'000;

TEST(ToDeadlineTest, CountsInTheUnitAskedFor) {
  EXPECT_EQ(ToDeadline(10, ExpireUnit::kSeconds, kNow), kNow + 10'000);
  EXPECT_EQ(ToDeadline(10, ExpireUnit::kMilliseconds, kNow), kNow + 10);
  EXPECT_EQ(ToDeadline(10, ExpireUnit::kUnixSeconds, kNow), 10'000);
  EXPECT_EQ(ToDeadline(10, ExpireUnit::kUnixMilliseconds, kNow), 10);
  EXPECT_EQ(ToDeadline(-10, ExpireUnit::kSeconds, kNow), kNow - 10'000);
}

TEST(ToDeadlineTest, EndsWhereTheRangeEnds) {
  const int64_t seconds_max = INT64_MAX / 1000;
  EXPECT_EQ(ToDeadline(seconds_max, ExpireUnit::kUnixSeconds, kNow), seconds_max * 1000);
  EXPECT_EQ(ToDeadline(seconds_max + 1, ExpireUnit::kUnixSeconds, kNow), std::nullopt);
  EXPECT_EQ(ToDeadline(-seconds_max, ExpireUnit::kUnixSeconds, kNow), -seconds_max * 1000);
  EXPECT_EQ(ToDeadline(-seconds_max - 1, ExpireUnit::kUnixSeconds, kNow), std::nullopt);
  EXPECT_EQ(ToDeadline(seconds_max, ExpireUnit::kSeconds, kNow), std::nullopt);
  EXPECT_EQ(ToDeadline(INT64_MAX - kNow, ExpireUnit::kMilliseconds, kNow), INT64_MAX);
  EXPECT_EQ(ToDeadline(INT64_MAX - kNow + 1, ExpireUnit::kMilliseconds, kNow), std::nullopt);
  EXPECT_EQ(ToDeadline(INT64_MIN, ExpireUnit::kUnixMilliseconds, kNow), INT64_MIN);
}

// The option that all of `args` make up; nothing if one is refused.
std::optional<ExpiryOption> Take(const std::vector<std::string_view>& args, Kind word) {
  ExpiryOption option;
  ArgReader reader(args, 0);
  while (!reader.done()) {
    if (!TakeExpiry(reader, word, &option)) return std::nullopt;
  }
  return option;
}

TEST(TakeExpiryTest, TakesEachOptionOnItsOwn) {
  EXPECT_EQ(Take({"ex", "5"}, Kind::kKeepTtl)->kind, Kind::kEx);
  EXPECT_EQ(Take({"PX", "5"}, Kind::kKeepTtl)->kind, Kind::kPx);
  EXPECT_EQ(Take({"ExAt", "5"}, Kind::kPersist)->kind, Kind::kExAt);
  EXPECT_EQ(Take({"PXAT", "5"}, Kind::kPersist)->amount, "5");
  EXPECT_EQ(Take({"KEEPTTL"}, Kind::kKeepTtl)->kind, Kind::kKeepTtl);
  EXPECT_EQ(Take({"persist"}, Kind::kPersist)->kind, Kind::kPersist);
}

TEST(TakeExpiryTest, TakesTheWordOfTheCommandOnly) {
  EXPECT_FALSE(Take({"PERSIST"}, Kind::kKeepTtl));
  EXPECT_FALSE(Take({"KEEPTTL"}, Kind::kPersist));
}

TEST(TakeExpiryTest, RefusesASecondOptionButNotTheSameAgain) {
  EXPECT_FALSE(Take({"EX", "5", "PX", "5"}, Kind::kKeepTtl));
  EXPECT_FALSE(Take({"EX", "5", "KEEPTTL"}, Kind::kKeepTtl));
  EXPECT_FALSE(Take({"PERSIST", "PXAT", "5"}, Kind::kPersist));
  EXPECT_EQ(Take({"EX", "5", "EX", "6"}, Kind::kKeepTtl)->amount, "6");
  EXPECT_TRUE(Take({"KEEPTTL", "KEEPTTL"}, Kind::kKeepTtl));
}

TEST(TakeExpiryTest, WantsTheAmount) { EXPECT_FALSE(Take({"EX"}, Kind::kKeepTtl)); }

TEST(ReadDeadlineTest, GivesNoneWithoutAnAmount) {
  for (Kind kind : {Kind::kNone, Kind::kKeepTtl, Kind::kPersist}) {
    store::UnixMs deadline = 7;
    EXPECT_EQ(ReadDeadline({.kind = kind}, kNow, "set", &deadline), std::nullopt);
    EXPECT_EQ(deadline, store::kNoDeadline);
  }
}

TEST(ReadDeadlineTest, SaysWhatIsWrongWithTheAmount) {
  const std::string no_number = "ERR value is not an integer or out of range";
  const std::string bad_time = "ERR invalid expire time in 'getex' command";
  const struct {
    Kind kind;
    std::string_view amount;
    std::string error;
  } cases[] = {
      {Kind::kEx, "x", no_number},
      {Kind::kEx, "", no_number},
      {Kind::kPx, "9223372036854775808", no_number},
      {Kind::kEx, "0", bad_time},
      {Kind::kPxAt, "-1", bad_time},
      {Kind::kEx, "9223372036854775", bad_time},
      {Kind::kExAt, "9223372036854776", bad_time},
      {Kind::kPx, "9223372036854775807", bad_time},
  };
  for (const auto& each : cases) {
    store::UnixMs deadline = 0;
    EXPECT_EQ(ReadDeadline({.kind = each.kind, .amount = each.amount}, kNow, "getex", &deadline),
              each.error)
        << each.amount;
  }
}

}  // namespace
}  // namespace larder::server
