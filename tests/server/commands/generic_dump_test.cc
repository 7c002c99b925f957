#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "server/rdb_payload.h"
#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

constexpr std::string_view kBusy = "-BUSYKEY Target key name already exists.\r\n";
constexpr std::string_view kBadPayload = "-ERR DUMP payload version or checksum are wrong\r\n";
constexpr std::string_view kNoInteger = "-ERR value is not an integer or out of range\r\n";
constexpr std::string_view kSyntax = "-ERR syntax error\r\n";

class GenericDumpTest : public test_support::CommandTest {
 protected:
  const std::string payload_ = EncodeStringPayload("value");
};
INSTANTIATE_TEST_SUITE_P(AllMaps, GenericDumpTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(GenericDumpTest, DumpEncodesTheValue) {
  Play({{"DUMP none", "$-1\r\n"}, {"SET a value", "+OK\r\n"}, {"INCRBY n 12", ":12\r\n"}});
  EXPECT_EQ(h_.Run("DUMP a"), "$17\r\n" + payload_ + "\r\n");
  EXPECT_EQ(h_.Run("DUMP n"), "$13\r\n\x00\xc0\x0c\n\x00<*\xf8Q\\\x04\xbc\xd5\r\n"sv);
  h_.Run({"APPEND", "large", std::string(20'000, 'x')});
  EXPECT_EQ(h_.Run({"RESTORE", "b", "0", EncodeStringPayload(std::string(20'000, 'x'))}),
            "+OK\r\n");
  EXPECT_EQ(h_.Run("DUMP b"), h_.Run("DUMP large"));
}

TEST_P(GenericDumpTest, RestoreSetsTheDeadline) {
  const std::string at = std::to_string(h_.Now() + 500);
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_}), "+OK\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "b", "1000", payload_}), "+OK\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "c", at, payload_, "absttl"}), "+OK\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "d", "0", payload_, "ABSTTL"}), "+OK\r\n");
  Play({{"MGET a b", "*2\r\n$5\r\nvalue\r\n$5\r\nvalue\r\n"},
        {"PTTL a", ":-1\r\n"},
        {"PTTL b", ":1000\r\n"},
        {"PTTL c", ":500\r\n"},
        {"PTTL d", ":-1\r\n"}});
}

TEST_P(GenericDumpTest, RestoreReplacesOnlyIfAskedTo) {
  h_.Run("SET a old");
  for (std::string_view ttl : {"0", "-1", "x"}) {
    EXPECT_EQ(h_.Run({"RESTORE", "a", ttl, "rubbish"}), kBusy);
  }
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", "rubbish", "REPLACE"}), kBadPayload);
  EXPECT_EQ(h_.Run("GET a"), "$3\r\nold\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_, "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(h_.Run("GET a"), "$5\r\nvalue\r\n");
}

TEST_P(GenericDumpTest, RestoreWithAPastDeadlineLeavesNoKey) {
  h_.Run("SET a old");
  EXPECT_EQ(h_.Run({"RESTORE", "a", "1000", payload_, "ABSTTL"}), kBusy);
  EXPECT_EQ(h_.Run({"RESTORE", "a", "1000", payload_, "ABSTTL", "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "b", "9223372036854775807", payload_}), "+OK\r\n");
  EXPECT_EQ(h_.Run("DBSIZE"), ":0\r\n");
}

TEST_P(GenericDumpTest, RestoreChecksItsArguments) {
  EXPECT_EQ(h_.Run({"RESTORE", "a", "-1", payload_}), "-ERR Invalid TTL value, must be >= 0\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "a", "x", payload_}), kNoInteger);
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_, "IDLETIME", "-1"}),
            "-ERR Invalid IDLETIME value, must be >= 0\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_, "FREQ", "256"}),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_, "FREQ", "x"}), kNoInteger);
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_, "FREQ", "1", "IDLETIME", "1"}), kSyntax);
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_, "IDLETIME", "1", "FREQ", "1"}), kSyntax);
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_, "IDLETIME"}), kSyntax);
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_, "NX"}), kSyntax);
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_ + "x"}), kBadPayload);
  EXPECT_EQ(h_.Run("DBSIZE"), ":0\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", payload_, "IDLETIME", "1", "IDLETIME", "0"}), "+OK\r\n");
  EXPECT_EQ(h_.Run({"RESTORE", "b", "0", payload_, "FREQ", "255"}), "+OK\r\n");
}

TEST_P(GenericDumpTest, RestoreTakesNoOtherTypeAndNoOverlongString) {
  // An empty list pack as a hash, sealed by Redis.
  std::string hash = EncodeStringPayload("value");
  hash[0] = 4;
  hash.resize(hash.size() - 8);
  uint64_t crc = Crc64(hash);
  for (int i = 0; i < 8; ++i, crc >>= 8) hash += static_cast<char>(crc);
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", hash}), "-ERR Bad data format\r\n");
  h_.Run("CONFIG SET proto-max-bulk-len 1mb");
  const std::string bomb = EncodeStringPayload(std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(h_.Run({"RESTORE", "a", "0", bomb}), "-ERR Bad data format\r\n");
}

}  // namespace
}  // namespace larder::server
