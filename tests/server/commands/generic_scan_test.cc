#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kInvalidCursorReply = "-ERR invalid cursor\r\n";
constexpr std::string_view kNothing = "*2\r\n$1\r\n0\r\n*0\r\n";

// The bulk strings of a reply, in order.
std::vector<std::string> BulksOf(std::string_view reply) {
  std::vector<std::string> bulks;
  for (size_t at = 0; (at = reply.find('$', at)) != reply.npos;) {
    const size_t body = reply.find("\r\n", at) + 2;
    const size_t size = std::stoul(std::string(reply.substr(at + 1)));
    bulks.emplace_back(reply.substr(body, size));
    at = body + size;
  }
  return bulks;
}

class GenericScanCommandsTest : public test_support::CommandTest {
 protected:
  // All keys that a whole scan returns.
  std::set<std::string> ScanAll(const std::string& options) {
    std::set<std::string> keys;
    std::string cursor = "0";
    do {
      const std::vector<std::string> bulks = BulksOf(h_.Run("SCAN " + cursor + " " + options));
      cursor = bulks.at(0);
      keys.insert(bulks.begin() + 1, bulks.end());
    } while (cursor != "0");
    return keys;
  }

  std::set<std::string> Keys(std::string_view pattern) {
    const std::vector<std::string> bulks = BulksOf(h_.Run({"KEYS", pattern}));
    const std::set<std::string> keys(bulks.begin(), bulks.end());
    EXPECT_EQ(keys.size(), bulks.size()) << "a key came twice";
    return keys;
  }

  std::set<std::string> Fill(size_t count) {
    std::set<std::string> keys;
    for (size_t i = 0; i < count; ++i) keys.insert("key:" + std::to_string(i));
    for (const std::string& key : keys) h_.Run({"SET", key, "v"});
    return keys;
  }
};

INSTANTIATE_TEST_SUITE_P(AllMaps, GenericScanCommandsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(GenericScanCommandsTest, AnEmptyDatabaseIsScannedAtOnce) {
  Play({{"SCAN 0", kNothing}, {"KEYS *", "*0\r\n"}, {"RANDOMKEY", "$-1\r\n"}});
}

TEST_P(GenericScanCommandsTest, EveryKeyIsFound) {
  const std::set<std::string> keys = Fill(3000);
  EXPECT_EQ(ScanAll("COUNT 1"), keys);
  EXPECT_EQ(ScanAll(""), keys);
  EXPECT_EQ(ScanAll("COUNT 100000"), keys);
  EXPECT_EQ(ScanAll("COUNT 9223372036854775807"), keys);
  EXPECT_EQ(Keys("*"), keys);
  EXPECT_TRUE(keys.contains(BulksOf(h_.Run("RANDOMKEY")).at(0)));
}

TEST_P(GenericScanCommandsTest, PatternsAndTypesFilter) {
  Fill(300);
  h_.Run("SET \"\" v");
  EXPECT_EQ(ScanAll("MATCH key:[2]"), std::set<std::string>{"key:2"});
  EXPECT_EQ(Keys("key:?9?"), ScanAll("match key:?9?"));
  EXPECT_EQ(Keys("key:?9?").size(), 20u);
  EXPECT_EQ(ScanAll("TYPE String MATCH nosuch*"), std::set<std::string>{});
  EXPECT_EQ(ScanAll("TYPE STRING").size(), 301u);
  EXPECT_EQ(ScanAll("TYPE hash").size(), 0u);
  EXPECT_EQ(ScanAll("TYPE nosuch").size(), 0u);
  EXPECT_TRUE(Keys("*").contains(""));
  EXPECT_EQ(Keys(""), std::set<std::string>{""});
}

TEST_P(GenericScanCommandsTest, ExpiredKeysAreNotShown) {
  h_.keyspace().set_active_expiry(false);
  Play({{"SET k v PX 10", "+OK\r\n"}});
  h_.Advance(11ms);
  Play({{"SCAN 0", kNothing}, {"KEYS *", "*0\r\n"}, {"RANDOMKEY", "$-1\r\n"}});
}

TEST_P(GenericScanCommandsTest, CursorsAreUntrusted) {
  Fill(50);
  for (std::string_view cursor : {"x", "1x", " 1", "1 ", "-", "+-1", "0x10", "1.0",
                                  "18446744073709551616", "-18446744073709551616"}) {
    EXPECT_EQ(h_.Run({"SCAN", cursor}), kInvalidCursorReply) << cursor;
  }
  for (std::string_view cursor : {"1", "-1", "+1", "", "007", "18446744073709551615", "4294967296",
                                  "9007199254740993", "281474976710656"}) {
    EXPECT_TRUE(h_.Run({"SCAN", cursor}).starts_with("*2\r\n$")) << cursor;
  }
}

TEST_P(GenericScanCommandsTest, BadOptionsAreRefused) {
  Play({{"SCAN 0 COUNT 0", "-ERR syntax error\r\n"},
        {"SCAN 0 COUNT -1", "-ERR syntax error\r\n"},
        {"SCAN 0 COUNT x", "-ERR value is not an integer or out of range\r\n"},
        {"SCAN 0 COUNT", "-ERR syntax error\r\n"},
        {"SCAN 0 MATCH", "-ERR syntax error\r\n"},
        {"SCAN 0 NOSUCH 1", "-ERR syntax error\r\n"}});
}

}  // namespace
}  // namespace larder::server
