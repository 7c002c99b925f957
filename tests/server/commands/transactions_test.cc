#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/map_kind.h"
#include "tests/support/command_test.h"
#include "tests/support/harness.h"

namespace larder::server {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kOk = "+OK\r\n";
constexpr std::string_view kQueued = "+QUEUED\r\n";
constexpr std::string_view kNothing = "*-1\r\n";
constexpr std::string_view kAborted =
    "-EXECABORT Transaction discarded because of previous errors.\r\n";

class TransactionCommandsTest : public test_support::CommandTest {
 protected:
  // What EXEC answers to one PING queued by the first client.
  std::string ExecPing() {
    EXPECT_EQ(h_.Run("MULTI"), kOk);
    EXPECT_EQ(h_.Run("PING"), kQueued);
    return h_.Run("EXEC");
  }
  static constexpr std::string_view kRan = "*1\r\n+PONG\r\n";

  test_support::Harness::Session& other_ = h_.Connect();
};

INSTANTIATE_TEST_SUITE_P(AllMaps, TransactionCommandsTest, testing::ValuesIn(store::kMapKinds),
                         test_support::ParamName);

TEST_P(TransactionCommandsTest, ExecRunsWhatWasQueued) {
  Play({{"MULTI", kOk},
        {"SET a 1", kQueued},
        {"INCR a", kQueued},
        {"MSET b 2 c 3", kQueued},
        {"MGET a b c", kQueued},
        {"RENAME a d", kQueued},
        {"EXISTS a d", kQueued}});
  EXPECT_EQ(other_.Run("EXISTS a b c"), ":0\r\n");
  Play({{"EXEC", "*6\r\n+OK\r\n:2\r\n+OK\r\n*3\r\n$1\r\n2\r\n$1\r\n2\r\n$1\r\n3\r\n+OK\r\n:1\r\n"},
        {"GET d", "$1\r\n2\r\n"},
        {"EXEC", "-ERR EXEC without MULTI\r\n"}});
}

TEST_P(TransactionCommandsTest, AnErrorInOneCommandLeavesTheOthers) {
  Play({{"SET a x", kOk},
        {"MULTI", kOk},
        {"INCR a", kQueued},
        {"SET b 1", kQueued},
        {"EXEC", "*2\r\n-ERR value is not an integer or out of range\r\n+OK\r\n"},
        {"GET b", "$1\r\n1\r\n"}});
}

TEST_P(TransactionCommandsTest, ARefusedCommandAbortsTheTransaction) {
  Play({{"MULTI", kOk},
        {"SET a 1", kQueued},
        {"GET", "-ERR wrong number of arguments for 'get' command\r\n"},
        {"EXEC", kAborted},
        {"MULTI", kOk},
        {"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"},
        {"EXEC", kAborted},
        {"MULTI", kOk},
        {"SHUTDOWN", "-ERR Command not allowed inside a transaction\r\n"},
        {"EXEC", kAborted},
        {"EXISTS a", ":0\r\n"}});
  EXPECT_EQ(ExecPing(), kRan);
}

TEST_P(TransactionCommandsTest, MisplacedCommandsAreErrors) {
  Play({{"EXEC", "-ERR EXEC without MULTI\r\n"},
        {"DISCARD", "-ERR DISCARD without MULTI\r\n"},
        {"MULTI", kOk},
        {"MULTI", "-ERR MULTI calls can not be nested\r\n"},
        {"WATCH a", "-ERR WATCH inside MULTI is not allowed\r\n"},
        {"PING", kQueued},
        {"EXEC", "*1\r\n+PONG\r\n"}});
}

TEST_P(TransactionCommandsTest, DiscardForgets) {
  Play({{"WATCH a", kOk}, {"MULTI", kOk}, {"SET a 1", kQueued}, {"DISCARD", kOk}});
  other_.Run("SET a 2");
  EXPECT_EQ(ExecPing(), kRan);
  EXPECT_EQ(h_.Run("GET a"), "$1\r\n2\r\n");
}

TEST_P(TransactionCommandsTest, SelectCountsForWhatFollows) {
  Play({{"MULTI", kOk},
        {"SET a 0", kQueued},
        {"SELECT 3", kQueued},
        {"SET a 3", kQueued},
        {"SELECT 99", kQueued},
        {"GET a", kQueued},
        {"EXEC", "*5\r\n+OK\r\n+OK\r\n+OK\r\n-ERR DB index is out of range\r\n$1\r\n3\r\n"},
        {"SELECT 0", kOk},
        {"GET a", "$1\r\n0\r\n"}});
}

TEST_P(TransactionCommandsTest, CommandsOnWholeDatabasesWorkInside) {
  Play({{"MSET a 1 b 2", kOk},
        {"MULTI", kOk},
        {"DBSIZE", kQueued},
        {"SWAPDB 0 1", kQueued},
        {"KEYS *", kQueued},
        {"SET c 3", kQueued},
        {"RANDOMKEY", kQueued},
        {"FLUSHDB", kQueued},
        {"DBSIZE", kQueued},
        {"SELECT 1", kQueued},
        {"EXISTS a b", kQueued},
        {"FLUSHALL", kQueued},
        {"SET d 4", kQueued},
        {"SCAN 0", kQueued},
        {"EXEC",
         "*12\r\n:2\r\n+OK\r\n*0\r\n+OK\r\n$1\r\nc\r\n+OK\r\n:0\r\n+OK\r\n:2\r\n+OK\r\n+OK\r\n"
         "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nd\r\n"}});
}

TEST_P(TransactionCommandsTest, CopyAndMoveReachOtherDatabasesInside) {
  Play(
      {{"SET a 1", kOk},
       {"MULTI", kOk},
       {"COPY a b DB 2 DB 1 REPLACE", kQueued},
       {"MOVE a 3", kQueued},
       {"COPY a b DB 99", kQueued},
       {"MOVE a x", kQueued},
       {"COPY b c DB", kQueued},
       {"SELECT 1", kQueued},
       {"COPY b c", kQueued},
       {"MOVE c 0", kQueued},
       {"EXEC",
        "*8\r\n:1\r\n:1\r\n-ERR DB index is out of range\r\n"
        "-ERR value is not an integer or out of range\r\n-ERR syntax error\r\n+OK\r\n:1\r\n:1\r\n"},
       {"GET b", "$1\r\n1\r\n"},
       {"SELECT 0", kOk},
       {"KEYS *", "*1\r\n$1\r\nc\r\n"}});
}

// They once claimed all databases, and so kept everybody from everything.
TEST_P(TransactionCommandsTest, CopyAndMoveClaimTheirTwoKeysOnly) {
  if (GetParam() == store::MapKind::kPlain) GTEST_SKIP() << "counts no locks";
  for (const char* command : {"COPY a b DB 1 REPLACE", "COPY a b REPLACE", "MOVE a 2"}) {
    h_.Run("SELECT 1");
    h_.Run("SET a 1");
    h_.Run("SELECT 0");
    h_.Run("SET a 1");
    h_.Run("MULTI");
    h_.Run(command);
    const uint64_t before = h_.keyspace().Totals().lock.acquisitions;
    EXPECT_EQ(h_.Run("EXEC"), "*1\r\n:1\r\n");
    EXPECT_LE(h_.keyspace().Totals().lock.acquisitions - before, 2u) << command;
  }
}

TEST_P(TransactionCommandsTest, AChangedKeyStopsItsWatchers) {
  const std::vector<std::string_view> changes = {
      "SET a 2",   "APPEND a x", "INCR a",     "DEL a",    "EXPIRE a 100",
      "PERSIST a", "RENAME a b", "RENAME c a", "GETDEL a", "MSET a 1 d 2",
      "FLUSHDB",   "FLUSHALL",   "SWAPDB 0 1"};
  for (std::string_view change : changes) {
    other_.Run("FLUSHALL");
    other_.Run("MSET a 1 c 1");
    other_.Run("EXPIRE a 50");
    h_.Run("WATCH x a y");
    other_.Run(change);
    EXPECT_EQ(ExecPing(), kNothing) << change;
    EXPECT_EQ(ExecPing(), kRan) << "an EXEC ends the watch";
  }
}

// What writes a key counts as a change, even one that leaves it as it was.
TEST_P(TransactionCommandsTest, AWriteWithoutEffectStopsWatchers) {
  for (const char* value : {"x", "5000 bytes"}) {
    h_.Run({"SET", "a", value == std::string_view("x") ? "x" : std::string(5000, 'x')});
    h_.Run("APPEND a x");
    h_.Run("WATCH a");
    EXPECT_NE(other_.Run("APPEND a \"\""), ":0\r\n");
    EXPECT_EQ(ExecPing(), kNothing) << value;
  }
  h_.Run("SET a x PXAT 33000000000000");
  h_.Run("WATCH a");
  other_.Run("GETEX a PXAT 33000000000000");
  EXPECT_EQ(ExecPing(), kNothing);
  h_.Run("SET a x");
  h_.Run("WATCH a");
  other_.Run("GETEX a PERSIST");
  EXPECT_EQ(ExecPing(), kRan);
}

TEST_P(TransactionCommandsTest, WhatLeavesAKeyAloneDoesNotStopItsWatchers) {
  const std::vector<std::string_view> others = {"GET a",      "SET b 2",          "SETNX a 9",
                                                "DEL none",   "EXPIRE none 10",   "FLUSHALL",
                                                "SWAPDB 2 3", "SETRANGE a 0 \"\""};
  for (std::string_view command : others) {
    h_.Run("FLUSHALL");
    if (command != "FLUSHALL") h_.Run("SET a 1");
    h_.Run("WATCH a");
    other_.Run(command);
    EXPECT_EQ(ExecPing(), kRan) << command;
  }
}

TEST_P(TransactionCommandsTest, AWatchBelongsToItsDatabase) {
  h_.Run("WATCH a");
  other_.Run("SELECT 1");
  other_.Run("SET a 1");
  EXPECT_EQ(ExecPing(), kRan);
  h_.Run("WATCH a");
  h_.Run("SELECT 5");
  other_.Run("SELECT 0");
  other_.Run("SET a 1");
  EXPECT_EQ(ExecPing(), kNothing);
}

TEST_P(TransactionCommandsTest, UnwatchForgets) {
  h_.Run("WATCH a");
  other_.Run("SET a 1");
  EXPECT_EQ(h_.Run("UNWATCH"), kOk);
  EXPECT_EQ(ExecPing(), kRan);
}

TEST_P(TransactionCommandsTest, AKeyThatExpiresStopsItsWatchers) {
  h_.Run("SET a 1 PX 100");
  h_.Run("WATCH a");
  h_.Advance(50ms);
  EXPECT_EQ(ExecPing(), kRan);
  h_.Run("WATCH a");
  h_.Advance(51ms);
  EXPECT_EQ(ExecPing(), kNothing);
}

TEST_P(TransactionCommandsTest, AKeyThatHadExpiredBeforeIsAbsent) {
  h_.keyspace().set_active_expiry(false);
  h_.Run("SET a 1 PX 100");
  h_.Advance(101ms);
  h_.Run("WATCH a");
  other_.Run("FLUSHALL");
  EXPECT_EQ(ExecPing(), kRan);
  h_.keyspace().set_active_expiry(true);
}

TEST_P(TransactionCommandsTest, RepliesThatComeLaterKeepTheirPlace) {
  h_.Run("MULTI");
  for (const char* command : {"SET a 1", "CLIENT LIST ID 77", "INCR a", "CLIENT KILL ID 77",
                              "CLIENT LIST ID 78", "GET a"})
    EXPECT_EQ(h_.Run(command), kQueued);
  EXPECT_EQ(h_.Run("EXEC"), "*6\r\n+OK\r\n$0\r\n\r\n:2\r\n:0\r\n$0\r\n\r\n$1\r\n2\r\n");
  EXPECT_EQ(h_.Run("PING"), "+PONG\r\n");
}

TEST_P(TransactionCommandsTest, HelloInsideChangesTheProtocolOfWhatFollows) {
  h_.Run("MULTI");
  h_.Run("GET none");
  h_.Run("HELLO 3");
  h_.Run("GET none");
  const std::string reply = h_.Run("EXEC");
  EXPECT_TRUE(reply.starts_with("*3\r\n$-1\r\n%7\r\n")) << reply;
  EXPECT_TRUE(reply.ends_with("_\r\n")) << reply;
  h_.Run("WATCH a");
  other_.Run("SET a 1");
  EXPECT_EQ(ExecPing(), "_\r\n");
}

TEST_P(TransactionCommandsTest, RepliesKeepTheOutputLimit) {
  h_.Run("CONFIG SET client-output-buffer-limit \"normal 100000 0 0\"");
  h_.Run({"SET", "big", std::string(30'000, 'x')});
  h_.Run("MULTI");
  for (int i = 0; i < 1000; ++i) h_.Run("GET big");
  h_.Run("SET after 1");
  EXPECT_LT(h_.Run("EXEC").size(), 200'000u);
  EXPECT_TRUE(h_.first().closed());
  EXPECT_EQ(other_.Run("GET after"), "$1\r\n1\r\n") << "all of it ran";
}

TEST_P(TransactionCommandsTest, MonitorIsRefusedInside) {
  h_.Run("MULTI");
  h_.Run("MONITOR");
  EXPECT_EQ(h_.Run("EXEC"), "*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
}

// Whatever a command touches, EXEC has to have locked it.
TEST_P(TransactionCommandsTest, EveryCommandMayBeQueued) {
  for (const Command& command : h_.commands().commands()) {
    if (command.is_container() || command.has(kNeverQueued)) continue;
    for (int more = 0; more < 3; ++more) {
      std::string line = command.container == nullptr ? command.full_name
                                                      : std::string(command.container->full_name) +
                                                            " " + std::string(command.spec->name);
      const int words = command.container == nullptr ? 1 : 2;
      const int arity = command.spec->arity < 0 ? -command.spec->arity : command.spec->arity;
      for (int i = words; i < arity + more; ++i) line += " 1";
      auto& session = h_.Connect();
      session.Run("MULTI");
      session.Run("SELECT 1");
      session.Run(line);
      const std::string reply = session.Run("EXEC");
      EXPECT_TRUE(reply.starts_with("*2\r\n") || reply == kAborted || reply.empty())
          << line << ": " << reply;
    }
  }
}

}  // namespace
}  // namespace larder::server
