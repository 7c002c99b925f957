#include "server/call.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "protocol/reply_writer.h"
#include "server/command_table.h"
#include "tests/support/harness.h"
#include "tests/support/written.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;
using protocol::RespVersion;
using store::StoreError;
using test_support::Harness;

class CallTest : public testing::Test {
 protected:
  std::string ErrorText(StoreError error) {
    Call call(h_.thread(), *h_.commands().Find("GET"), h_.client(), args_, 1,
              h_.keyspace().Hash("k"));
    return test_support::Written(RespVersion::kResp2,
                                 [&](ReplyWriter& reply) { call.ReplyError(reply, error); });
  }

  Harness h_;
  std::array<std::string_view, 2> args_ = {"GET", "k"};
};

TEST_F(CallTest, TurnsEachStoreErrorIntoRedisText) {
  EXPECT_EQ(ErrorText(StoreError::kWrongType),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  EXPECT_EQ(ErrorText(StoreError::kNotAnInteger),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(ErrorText(StoreError::kOverflow), "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(ErrorText(StoreError::kStringTooLong),
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n");
  EXPECT_EQ(ErrorText(StoreError::kNoSuchKey), "-ERR no such key\r\n");
}

TEST_F(CallTest, ReusesTheHashOfThePrefetchedKeyOnly) {
  store::Key marked{.bytes = "k", .hash = 42};
  std::array<std::string_view, 3> args = {"EXISTS", "k", "l"};
  Call call(h_.thread(), *h_.commands().Find("EXISTS"), h_.client(), args, 1, marked);
  EXPECT_EQ(call.KeyAt(1).hash, 42u);
  EXPECT_EQ(call.KeyAt(2).hash, h_.keyspace().Hash("l").hash);
}

TEST_F(CallTest, ALateOrSecondResumeDoesNothing) {
  const store::Key none{};
  Call call(h_.thread(), *h_.commands().Find("GET"), h_.client(), args_, 0, none);
  Suspension suspension = call.Suspend();
  EXPECT_EQ(h_.Run("PING"), "");
  suspension.Resume([](Client&, ReplyWriter& reply) { reply.Ok(); });
  suspension.Resume([](Client&, ReplyWriter& reply) { reply.Error("ERR twice"); });
  EXPECT_EQ(h_.Send(""), "+OK\r\n+PONG\r\n");
}

}  // namespace
}  // namespace larder::server
