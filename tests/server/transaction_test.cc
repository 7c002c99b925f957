#include "server/transaction.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "server/command_table.h"
#include "server/commands/families.h"
#include "tests/support/written.h"

namespace larder::server {
namespace {

using test_support::TakeBytes;

TEST(ClientTransactionTest, KeepsCopiesOfWhatIsQueued) {
  const CommandTable commands(AllFamilies());
  WatchTable watches;
  ClientTransaction transaction(watches);
  transaction.BeginQueueing();
  std::string value(100'000, 'x');
  transaction.Queue(*commands.Find("ping"), std::array<std::string_view, 1>{"PING"});
  transaction.Queue(*commands.Find("set"), std::array<std::string_view, 3>{"SET", "", value});
  value.clear();
  const auto queued = transaction.commands();
  ASSERT_EQ(queued.size(), 2u);
  EXPECT_EQ(queued[0].command->full_name, "ping");
  ASSERT_EQ(queued[1].args.size(), 3u);
  EXPECT_EQ(queued[1].args[1], "");
  EXPECT_EQ(queued[1].args[2], std::string(100'000, 'x'));
  EXPECT_EQ(transaction.args(), 4u);
  EXPECT_EQ(transaction.bytes(), 4u + 3u + 100'000u);
  EXPECT_NE(transaction.flags() & kDenyOom, 0);
}

TEST(ClientTransactionTest, OnlyAQueueCanBeAborted) {
  WatchTable watches;
  ClientTransaction transaction(watches);
  transaction.Abort();
  EXPECT_FALSE(transaction.aborted());
  transaction.BeginQueueing();
  transaction.Abort();
  EXPECT_TRUE(transaction.aborted());
}

TEST(PendingRepliesTest, JoinsRepliesInTheOrderOfTheirCommands) {
  PendingReplies pending;
  pending.Await(7, protocol::RespVersion::kResp2);
  pending.following().Append("b");
  pending.Await(8, protocol::RespVersion::kResp3);
  EXPECT_FALSE(pending.Take(9));
  const auto second = pending.Take(8);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->version, protocol::RespVersion::kResp3);
  second->buffer.Append("c");
  EXPECT_FALSE(pending.complete());
  pending.Take(7)->buffer.Append("a");
  EXPECT_TRUE(pending.complete());
  EXPECT_FALSE(pending.Take(7)) << "a reply comes once";
  protocol::ReplyBuffer all;
  pending.MoveTo(all);
  EXPECT_EQ(TakeBytes(all), "abc");
}

}  // namespace
}  // namespace larder::server
