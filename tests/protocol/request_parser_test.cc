#include "protocol/request_parser.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace larder::protocol {
namespace {

using namespace std::string_literals;

using Status = RequestParser::Status;
using Request = std::vector<std::string>;

// All that a stream of bytes comes to.
struct Outcome {
  std::vector<Request> requests = {};
  std::string error = {};  // empty: none
  size_t bytes_left = 0;   // of an unfinished request

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  for (const Request& request : outcome.requests) {
    out << "[";
    for (const std::string& arg : request) out << testing::PrintToString(arg) << " ";
    out << "] ";
  }
  return out << "error '" << outcome.error << "', " << outcome.bytes_left << " bytes left";
}

// Feeds the pieces one after the other. The pending bytes live in a fresh allocation of exactly
// their size at each call, so that a parser that looks beyond them, or back at where they were, is
// found out.
Outcome Feed(const std::vector<std::string_view>& pieces, const ParserLimits& limits = {}) {
  RequestParser parser(limits);
  Outcome outcome;
  std::vector<char> pending;
  for (std::string_view piece : pieces) {
    std::vector<char> grown;
    grown.reserve(pending.size() + piece.size());
    grown.insert(grown.end(), pending.begin(), pending.end());
    grown.insert(grown.end(), piece.begin(), piece.end());
    pending = std::move(grown);

    std::string_view input(pending.data(), pending.size());
    std::vector<std::string_view> args;  // of the whole batch, as the server keeps them
    std::vector<size_t> ends;
    Status status;
    while ((status = parser.Next(input, &args)) == Status::kRequest) {
      ends.push_back(args.size());
      input.remove_prefix(parser.consumed());
    }
    size_t begin = 0;
    for (size_t end : ends) {
      outcome.requests.emplace_back(args.begin() + begin, args.begin() + end);
      begin = end;
    }
    EXPECT_EQ(begin, args.size()) << "arguments were left behind without a request";
    if (status == Status::kError) {
      outcome.error = parser.error();
      return outcome;
    }
    input.remove_prefix(parser.consumed());
    pending = std::vector<char>(input.begin(), input.end());
    parser.ReleaseInlineStorage();
  }
  outcome.bytes_left = pending.size();
  return outcome;
}

struct Case {
  std::string_view name;
  std::string bytes;
  Outcome expected;
  ParserLimits limits = {};
};

constexpr ParserLimits kStrangers = {.authenticated = false};
constexpr ParserLimits kSmall = {.bulk_bytes_max = 5, .args_max = 3, .inline_bytes_max = 20};

const Case kCases[] = {
    // RESP arrays.
    {"Ping", "*1\r\n$4\r\nPING\r\n", {{{"PING"}}}},
    {"Set", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nvv\r\n", {{{"SET", "k", "vv"}}}},
    {"EmptyArgument", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", {{{"ECHO", ""}}}},
    {"Binary", "*2\r\n$4\r\nECHO\r\n$6\r\n\0\r\n$1\xff\r\n"s, {{{"ECHO", "\0\r\n$1\xff"s}}}},
    {"TwoDigitLength", "*1\r\n$12\r\nabcdefghijkl\r\n", {{{"abcdefghijkl"}}}},
    {"TwoDigitCount",
     "*10\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n$"
     "1\r\n7\r\n"
     "$1\r\n8\r\n$1\r\n9\r\n",
     {{{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}}}},
    {"Pipeline",
     "*1\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n*1\r\n$1\r\nd\r\n",
     {{{"a"}, {"b", "c"}, {"d"}}}},
    {"LineEndsAreNotRead", "*1\rx$4\ryPINGzz*1\r\n$1\r\na\r\n", {{{"PING"}, {"a"}}}},
    {"Nothing", "", {}},
    {"CountOnly", "*3\r\n", {{}, "", 4}},
    {"CountWithoutLineFeed", "*3\r", {{}, "", 3}},
    {"LengthWithoutLineFeed", "*1\r\n$3\r", {{}, "", 7}},
    {"BodyWithoutLineEnd", "*1\r\n$3\r\nabc\r", {{}, "", 12}},
    {"HugeCountReservesNothing", "*2147483647\r\n$1\r\na\r\n", {{}, "", 20}},
    {"HugeLengthReservesNothing", "*1\r\n$536870912\r\nabc", {{}, "", 19}},
    {"UnfinishedAfterRequest", "*1\r\n$1\r\na\r\n*1\r\n$1", {{{"a"}}, "", 6}},

    // Empty requests.
    {"EmptyArray", "*0\r\n", {}},
    {"NullArray", "*-1\r\n", {}},
    {"NegativeCount", "*-1000\r\n*1\r\n$1\r\na\r\n", {{{"a"}}}},
    {"BlankLines", "\r\n\n   \r\n\t\n", {}},
    {"EmptyOnesBetween", "\r\n*0\r\n*1\r\n$1\r\na\r\n*-1\r\n\nb\r\n\r\n", {{{"a"}, {"b"}}}},

    // Errors in counts and lengths.
    {"CountNotANumber", "*a\r\n", {{}, "Protocol error: invalid multibulk length"}},
    {"CountMissing", "*\r\n", {{}, "Protocol error: invalid multibulk length"}},
    {"CountWithPlus", "*+1\r\n", {{}, "Protocol error: invalid multibulk length"}},
    {"CountWithLeadingZero",
     "*01\r\n$1\r\na\r\n",
     {{}, "Protocol error: invalid multibulk length"}},
    {"CountMinusZero", "*-0\r\n", {{}, "Protocol error: invalid multibulk length"}},
    {"CountWithBlank", "* 1\r\n", {{}, "Protocol error: invalid multibulk length"}},
    {"CountAboveInt", "*2147483648\r\n", {{}, "Protocol error: invalid multibulk length"}},
    {"CountAboveInt64",
     "*99999999999999999999\r\n",
     {{}, "Protocol error: invalid multibulk length"}},
    {"CountWithNul", "*1\0\r\n"s, {{}, "Protocol error: invalid multibulk length"}},
    {"LengthNotANumber",
     "*3\r\n$3\r\nSET\r\n$abc\r\n",
     {{}, "Protocol error: invalid bulk length"}},
    {"LengthMissing", "*1\r\n$\r\n", {{}, "Protocol error: invalid bulk length"}},
    {"LengthWithTail", "*1\r\n$3xyz\r\nabc\r\n", {{}, "Protocol error: invalid bulk length"}},
    {"LengthNegative", "*1\r\n$-1\r\n", {{}, "Protocol error: invalid bulk length"}},
    {"LengthWithLeadingZero", "*1\r\n$04\r\nPING\r\n", {{}, "Protocol error: invalid bulk length"}},
    {"LengthDoubleZero", "*1\r\n$00\r\n\r\n", {{}, "Protocol error: invalid bulk length"}},
    {"LengthAboveMax", "*1\r\n$536870913\r\n", {{}, "Protocol error: invalid bulk length"}},
    {"LengthAboveInt64",
     "*1\r\n$9223372036854775808\r\n",
     {{}, "Protocol error: invalid bulk length"}},
    {"LengthTenDigits", "*1\r\n$9999999999\r\n", {{}, "Protocol error: invalid bulk length"}},
    {"LengthThatWraps",
     "*1\r\n$18446744073709551615\r\n",
     {{}, "Protocol error: invalid bulk length"}},
    {"NoDollar", "*1\r\nPING\r\n", {{}, "Protocol error: expected '$', got 'P'"}},
    {"NoDollarButReturn", "*1\r\n\r\n", {{}, "Protocol error: expected '$', got '\r'"}},
    {"NoDollarSecondArgument",
     "*2\r\n$1\r\na\r\n*1\r\n",
     {{}, "Protocol error: expected '$', got '*'"}},
    {"ErrorAfterRequests",
     "*1\r\n$1\r\na\r\nb\r\n*x\r\n",
     {{{"a"}, {"b"}}, "Protocol error: invalid multibulk length"}},

    // Inline commands.
    {"Inline", "PING\r\n", {{{"PING"}}}},
    {"InlineLineFeedOnly", "SET k v\n", {{{"SET", "k", "v"}}}},
    {"InlineBlanks", " \t SET \x0b k\t\tv  \r\n", {{{"SET", "k", "v"}}}},
    {"InlineVerticalTabInWord",
     "a\x0b"
     "b\r\n",
     {{{"a\x0b"
        "b"}}}},
    {"InlineReturnSeparates", "ECHO a\rb\r\n", {{{"ECHO", "a", "b"}}}},
    {"InlineTwoReturns", "PING\r\r\n", {{{"PING"}}}},
    {"InlineNul", "a\0b c\r\n"s, {{{"a\0b"s, "c"}}}},
    {"InlineUnfinished", "PIN", {{}, "", 3}},
    {"InlineDoubleQuotes", "SET \"a b\" \"\"\r\n", {{{"SET", "a b", ""}}}},
    {"InlineEscapes",
     "ECHO \"\\x41\\xfF\\n\\r\\t\\b\\a\\\\\\\"\\q\"\r\n",
     {{{"ECHO", "A\xff\n\r\t\b\a\\\"q"}}}},
    {"InlineBrokenHex", "ECHO \"\\xZZ\\x4\" \"\\X41\"\r\n", {{{"ECHO", "xZZx4", "X41"}}}},
    {"InlineSingleQuotes", "ECHO 'a\\'b' 'c\\n\"'\r\n", {{{"ECHO", "a'b", "c\\n\""}}}},
    {"InlineQuoteInWord", "ECHO a\"b c\"\r\n", {{{"ECHO", "ab c"}}}},
    {"InlineBackslashUnquoted", "ECHO a\\nb\r\n", {{{"ECHO", "a\\nb"}}}},
    {"InlineQuotedThenVerticalTab", "ECHO \"a\"\x0b\r\n", {{{"ECHO", "a"}}}},
    {"InlineQuotedPipeline", "\"a\" x\n'b'\n\"c\"\n", {{{"a", "x"}, {"b"}, {"c"}}}},
    {"InlineUnbalanced", "ECHO \"a\r\n", {{}, "Protocol error: unbalanced quotes in request"}},
    {"InlineUnbalancedSingle", "ECHO 'a\r\n", {{}, "Protocol error: unbalanced quotes in request"}},
    {"InlineQuoteThenText",
     "ECHO x \"a\"b\r\n",
     {{}, "Protocol error: unbalanced quotes in request"}},
    {"InlineBackslashAtEnd",
     "ECHO \"a\\\r\n",
     {{}, "Protocol error: unbalanced quotes in request"}},

    // Limits, made small.
    {"AtLimits", "*3\r\n$5\r\nabcde\r\n$0\r\n\r\n$1\r\na\r\n", {{{"abcde", "", "a"}}}, kSmall},
    {"ArgumentsAboveMax", "*4\r\n", {{}, "Protocol error: invalid multibulk length"}, kSmall},
    {"BulkAboveMax", "*1\r\n$6\r\n", {{}, "Protocol error: invalid bulk length"}, kSmall},
    {"InlineAtMax", "12345678901234567890\n", {{{"12345678901234567890"}}}, kSmall},
    {"InlineAboveMax",
     "123456789012345678901\n",
     {{}, "Protocol error: too big inline request"},
     kSmall},
    {"CountLineAboveMax",
     "*" + std::string(20, '1'),
     {{}, "Protocol error: too big mbulk count string"},
     kSmall},
    {"LengthLineAboveMax",
     "*1\r\n$" + std::string(20, '1'),
     {{}, "Protocol error: too big bulk count string"},
     kSmall},
    {"UnfinishedLineAtMax", "*" + std::string(19, '1'), {{}, "", 20}, kSmall},

    // Before authentication.
    {"StrangerMayAuthenticate",
     "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\nAUTH p\r\n",
     {{{"AUTH", "p"}, {"AUTH", "p"}}},
     kStrangers},
    {"StrangerTenArguments", "*10\r\n$16384\r\n", {{}, "", 13}, kStrangers},
    {"StrangerArguments",
     "*11\r\n",
     {{}, "Protocol error: unauthenticated multibulk length"},
     kStrangers},
    {"StrangerBulk",
     "*1\r\n$16385\r\n",
     {{}, "Protocol error: unauthenticated bulk length"},
     kStrangers},
    {"StrangerInvalidComesFirst",
     "*2147483648\r\n",
     {{}, "Protocol error: invalid multibulk length"},
     kStrangers},
};

class RequestParserTable : public testing::TestWithParam<Case> {};

TEST_P(RequestParserTable, FedWhole) {
  EXPECT_EQ(Feed({GetParam().bytes}, GetParam().limits), GetParam().expected);
}

TEST_P(RequestParserTable, FedByteByByte) {
  const std::string_view bytes = GetParam().bytes;
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < bytes.size(); ++i) pieces.push_back(bytes.substr(i, 1));
  EXPECT_EQ(Feed(pieces, GetParam().limits), GetParam().expected);
}

TEST_P(RequestParserTable, CutAtEachPosition) {
  const std::string_view bytes = GetParam().bytes;
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    EXPECT_EQ(Feed({bytes.substr(0, cut), bytes.substr(cut)}, GetParam().limits),
              GetParam().expected)
        << "cut at " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(RequestParser, RequestParserTable, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(RequestParserTest, LinesOf64KiBPass) {
  const std::string word(64 * 1024, 'x');
  EXPECT_EQ(Feed({word, "\n"}), (Outcome{{{word}}}));
  EXPECT_EQ(Feed({word, "x"}), (Outcome{{}, "Protocol error: too big inline request"}));
  EXPECT_EQ(Feed({word, "x\n"}), (Outcome{{}, "Protocol error: too big inline request"}));
}

TEST(RequestParserTest, ViewsTheInputAndCopiesNothing) {
  const std::string input = "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\nPING now\r\n";
  RequestParser parser;
  std::vector<std::string_view> args;
  ASSERT_EQ(parser.Next(input, &args), Status::kRequest);
  EXPECT_EQ(args[1].data(), input.data() + 17);
  ASSERT_EQ(parser.Next(std::string_view(input).substr(parser.consumed()), &args),
            Status::kRequest);
  ASSERT_EQ(args.size(), 4u);
  EXPECT_EQ(args[2].data(), input.data() + 22);
}

TEST(RequestParserTest, QuotedArgumentsOutliveLaterRequestsOfTheBatch) {
  std::string input;
  for (int i = 0; i < 100; ++i) input += "SET 'key " + std::to_string(i) + "' plain \"v\\n\"\n";
  RequestParser parser;
  std::vector<std::string_view> args;
  std::string_view rest = input;
  while (parser.Next(rest, &args) == Status::kRequest) rest.remove_prefix(parser.consumed());
  ASSERT_EQ(args.size(), 400u);
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(args[4 * i + 1], "key " + std::to_string(i));
    EXPECT_EQ(args[4 * i + 3], "v\n");
  }
  parser.ReleaseInlineStorage();
}

TEST(RequestParserTest, SaysHowManyBytesAreWanted) {
  RequestParser parser;
  std::vector<std::string_view> args;
  EXPECT_EQ(parser.Next("*2\r\n$3", &args), Status::kNeedMore);
  EXPECT_EQ(parser.bytes_wanted(), 0u);
  EXPECT_EQ(parser.Next("*2\r\n$3\r\nGE", &args), Status::kNeedMore);
  EXPECT_EQ(parser.bytes_wanted(), 3u);
  EXPECT_EQ(parser.Next("*2\r\n$3\r\nGET\r\n$1000\r\n", &args), Status::kNeedMore);
  EXPECT_EQ(parser.bytes_wanted(), 1002u);
}

TEST(RequestParserTest, EmptyRequestsAreConsumedBeforeAnUnfinishedOne) {
  RequestParser parser;
  std::vector<std::string_view> args;
  EXPECT_EQ(parser.Next("\r\n*0\r\n*1\r\n$4\r\nPI", &args), Status::kNeedMore);
  EXPECT_EQ(parser.consumed(), 6u);
  EXPECT_EQ(parser.Next("*1\r\n$4\r\nPING\r\n", &args), Status::kRequest);
  EXPECT_EQ(parser.consumed(), 14u);
}

TEST(RequestParserTest, LimitsChangeWhileTheClientIsConnected) {
  RequestParser parser(kStrangers);
  std::vector<std::string_view> args;
  ASSERT_EQ(parser.Next("AUTH p\n", &args), Status::kRequest);
  parser.set_limits({});
  EXPECT_EQ(parser.Next("*11\r\n", &args), Status::kNeedMore);
  parser.set_limits({.bulk_bytes_max = 1});
  EXPECT_EQ(parser.Next("*11\r\n$2\r\n", &args), Status::kError);
}

TEST(RequestParserTest, ManyArgumentsInManyPieces) {
  constexpr size_t kArguments = 100'000;
  std::string input = "*" + std::to_string(kArguments) + "\r\n";
  for (size_t i = 0; i < kArguments; ++i) input += "$3\r\nabc\r\n";
  std::vector<std::string_view> pieces;
  for (size_t at = 0; at < input.size(); at += 16'384) {
    pieces.push_back(std::string_view(input).substr(at, 16'384));
  }
  EXPECT_EQ(Feed(pieces), (Outcome{{Request(kArguments, "abc")}}));
}

}  // namespace
}  // namespace larder::protocol
