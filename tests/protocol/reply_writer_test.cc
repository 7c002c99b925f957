#include "protocol/reply_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "tests/support/written.h"

namespace larder::protocol {
namespace {

using test_support::Written;
using namespace std::string_literals;

struct Case {
  std::string_view name;
  std::function<void(ReplyWriter&)> write;
  std::string resp2;
  std::string resp3;
};

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

#define WRITE(statements) [](ReplyWriter& reply) { statements; }

const Case kCases[] = {
    {"Ok", WRITE(reply.Ok()), "+OK\r\n", "+OK\r\n"},
    {"SimpleString", WRITE(reply.SimpleString("PONG")), "+PONG\r\n", "+PONG\r\n"},
    {"SimpleStringIsOneLine", WRITE(reply.SimpleString("a\r\nb")), "+a  b\r\n", "+a  b\r\n"},
    {"Error", WRITE(reply.Error("ERR syntax error")), "-ERR syntax error\r\n",
     "-ERR syntax error\r\n"},
    {"ErrorIsOneLine", WRITE(reply.Error("ERR a\r\nb\rc\n\r\n")), "-ERR a  b c\r\n",
     "-ERR a  b c\r\n"},
    {"IntegerZero", WRITE(reply.Integer(0)), ":0\r\n", ":0\r\n"},
    {"IntegerMinusOne", WRITE(reply.Integer(-1)), ":-1\r\n", ":-1\r\n"},
    {"IntegerTwoDigits", WRITE(reply.Integer(42)), ":42\r\n", ":42\r\n"},
    {"IntegerMin", WRITE(reply.Integer(kMin)), ":-9223372036854775808\r\n",
     ":-9223372036854775808\r\n"},
    {"IntegerMax", WRITE(reply.Integer(kMax)), ":9223372036854775807\r\n",
     ":9223372036854775807\r\n"},
    {"Bulk", WRITE(reply.Bulk("hello")), "$5\r\nhello\r\n", "$5\r\nhello\r\n"},
    {"BulkEmpty", WRITE(reply.Bulk({})), "$0\r\n\r\n", "$0\r\n\r\n"},
    {"BulkTwoDigits", WRITE(reply.Bulk("0123456789")), "$10\r\n0123456789\r\n",
     "$10\r\n0123456789\r\n"},
    {"BulkBinary", WRITE(reply.Bulk("\r\n\0"s)), "$3\r\n\r\n\0\r\n"s, "$3\r\n\r\n\0\r\n"s},
    {"BulkFromInteger", WRITE(reply.BulkFromInteger(-12)), "$3\r\n-12\r\n", "$3\r\n-12\r\n"},
    {"Null", WRITE(reply.Null()), "$-1\r\n", "_\r\n"},
    {"NullArray", WRITE(reply.NullArray()), "*-1\r\n", "_\r\n"},
    {"Array", WRITE(reply.Array(2); reply.Integer(1); reply.Null()), "*2\r\n:1\r\n$-1\r\n",
     "*2\r\n:1\r\n_\r\n"},
    {"ArrayEmpty", WRITE(reply.Array(0)), "*0\r\n", "*0\r\n"},
    {"Map", WRITE(reply.Map(1); reply.Bulk("k"); reply.Integer(1)), "*2\r\n$1\r\nk\r\n:1\r\n",
     "%1\r\n$1\r\nk\r\n:1\r\n"},
    {"Set", WRITE(reply.Set(1); reply.Integer(1)), "*1\r\n:1\r\n", "~1\r\n:1\r\n"},
    {"Push", WRITE(reply.Push(1); reply.Integer(1)), "*1\r\n:1\r\n", ">1\r\n:1\r\n"},
    {"Nested",
     WRITE(reply.Array(2); reply.Map(1); reply.Ok(); reply.Array(0); reply.Set(1); reply.Ok()),
     "*2\r\n*2\r\n+OK\r\n*0\r\n*1\r\n+OK\r\n", "*2\r\n%1\r\n+OK\r\n*0\r\n~1\r\n+OK\r\n"},
    {"Double", WRITE(reply.Double(3.141)), "$5\r\n3.141\r\n", ",3.141\r\n"},
    {"DoubleInfinite", WRITE(reply.Double(-HUGE_VAL)), "$4\r\n-inf\r\n", ",-inf\r\n"},
    {"True", WRITE(reply.Boolean(true)), ":1\r\n", "#t\r\n"},
    {"False", WRITE(reply.Boolean(false)), ":0\r\n", "#f\r\n"},
    {"BigNumber", WRITE(reply.BigNumber("12345678901234567890")), "$20\r\n12345678901234567890\r\n",
     "(12345678901234567890\r\n"},
    {"Verbatim", WRITE(reply.Verbatim("txt", "a\nb")), "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"},
    {"Raw", WRITE(reply.Array(2); reply.Raw(":1\r\n:2\r\n", 2)), "*2\r\n:1\r\n:2\r\n",
     "*2\r\n:1\r\n:2\r\n"},
};

class ReplyWriterTable : public testing::TestWithParam<Case> {};

TEST_P(ReplyWriterTable, WritesBothDialects) {
  EXPECT_EQ(Written(RespVersion::kResp2, GetParam().write), GetParam().resp2);
  EXPECT_EQ(Written(RespVersion::kResp3, GetParam().write), GetParam().resp3);
}

INSTANTIATE_TEST_SUITE_P(ReplyWriter, ReplyWriterTable, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(ReplyWriterTest, TheVersionChangesInMidStream) {
  EXPECT_EQ(Written(RespVersion::kResp2,
                    [](ReplyWriter& reply) {
                      reply.Null();
                      reply.set_version(RespVersion::kResp3);
                      reply.Null();
                    }),
            "$-1\r\n_\r\n");
}

TEST(ReplyWriterTest, BodiesOfEverySizeKeepTheirFrame) {
  for (size_t size : {9u, 10u, 99u, 100u, 16'000u, 16'384u, 70'000u, 1u << 20, 3u << 20}) {
    const std::string body(size, 'x');
    const std::string frame = "$" + std::to_string(size) + "\r\n" + body + "\r\n";
    EXPECT_EQ(Written(RespVersion::kResp2,
                      [&](ReplyWriter& reply) {
                        reply.Bulk(body);
                        reply.Bulk(body);
                      }),
              frame + frame);
    EXPECT_EQ(Written(RespVersion::kResp3, [&](ReplyWriter& reply) { reply.Error(body + "\n"); }),
              "-" + body + "\r\n");
  }
}

TEST(ReplyWriterDeathTest, AnAggregateGetsWhatItAnnounced) {
#ifdef NDEBUG
  GTEST_SKIP() << "assertions are off";
#else
  EXPECT_DEATH(Written(RespVersion::kResp2, [](ReplyWriter& reply) { reply.Array(1); }), "fewer");
  EXPECT_DEATH(Written(RespVersion::kResp3,
                       [](ReplyWriter& reply) {
                         reply.Map(1);
                         reply.Ok();
                       }),
               "fewer");
  EXPECT_DEATH(Written(RespVersion::kResp2,
                       [](ReplyWriter& reply) {
                         reply.Array(1);
                         reply.Raw(":1\r\n:2\r\n", 2);
                       }),
               "more");
#endif
}

}  // namespace
}  // namespace larder::protocol
