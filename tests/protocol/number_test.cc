#include "protocol/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace larder::protocol {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::string Text(int64_t value) {
  char out[kInt64CharsMax];
  return {out, FormatInt64(value, out)};
}

std::string Text(double value) {
  char out[kDoubleCharsMax];
  return {out, FormatDouble(value, out)};
}

TEST(NumberTest, IntegersThatAreTaken) {
  EXPECT_EQ(ParseInt64("0"), 0);
  EXPECT_EQ(ParseInt64("7"), 7);
  EXPECT_EQ(ParseInt64("-1"), -1);
  EXPECT_EQ(ParseInt64("1234567890"), 1234567890);
  EXPECT_EQ(ParseInt64("9223372036854775807"), kMax);
  EXPECT_EQ(ParseInt64("-9223372036854775808"), kMin);
}

TEST(NumberTest, IntegersThatAreRefused) {
  const std::string_view refused[] = {"",
                                      "-",
                                      "+1",
                                      "-0",
                                      "00",
                                      "01",
                                      "-01",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1a",
                                      "a",
                                      "0x10",
                                      "9223372036854775808",
                                      "--1",
                                      "1e3",
                                      "\t1",
                                      "- 1",
                                      "0-",
                                      "-9223372036854775809",
                                      "18446744073709551616",
                                      "99999999999999999999999999999999",
                                      {"1\0", 2},
                                      {"\0", 1}};
  for (std::string_view text : refused) EXPECT_EQ(ParseInt64(text), std::nullopt) << text;
}

TEST(NumberTest, IntegersAsText) {
  for (int64_t value :
       {int64_t{0}, int64_t{-1}, int64_t{10}, int64_t{99}, int64_t{100}, kMin, kMax}) {
    EXPECT_EQ(Text(value), std::to_string(value));
    EXPECT_EQ(ParseInt64(Text(value)), value);
  }
}

TEST(NumberTest, FloatsThatAreTaken) {
  EXPECT_EQ(ParseDouble("3.5"), 3.5);
  EXPECT_EQ(ParseDouble("+3.5"), 3.5);
  EXPECT_EQ(ParseDouble("-.5e1"), -5);
  EXPECT_EQ(ParseDouble("0"), 0);
  EXPECT_EQ(ParseDouble("007"), 7);
  EXPECT_EQ(ParseDouble("0x10"), 16);
  EXPECT_EQ(ParseDouble("inf"), HUGE_VAL);
  EXPECT_EQ(ParseDouble("+INF"), HUGE_VAL);
  EXPECT_EQ(ParseDouble("-infinity"), -HUGE_VAL);
  EXPECT_EQ(ParseDouble("5e-324"), 5e-324) << "a denormal is a number";
  EXPECT_EQ(ParseLongDouble("3.25"), 3.25L);
  EXPECT_EQ(ParseLongDouble("1e400"), 1e400L);
}

TEST(NumberTest, FloatsThatAreRefused) {
  const std::string longer_than_any(6000, '1');
  const std::string_view refused[] = {
      "",    " 1",   "1 ",     "\n1",       "1a",         "a",
      "nan", "-nan", "nan(1)", "1e9999999", "-1e9999999", "1e-9999999",
      ".",   "+",    "1..2",   "1,5",       {"1\0", 2},   longer_than_any};
  for (std::string_view text : refused) {
    EXPECT_EQ(ParseDouble(text), std::nullopt) << text;
    EXPECT_EQ(ParseLongDouble(text), std::nullopt) << text;
  }
}

TEST(NumberTest, DoublesAsText) {
  EXPECT_EQ(Text(0.0), "0");
  EXPECT_EQ(Text(-0.0), "-0");
  EXPECT_EQ(Text(3.0), "3");
  EXPECT_EQ(Text(3.141), "3.141");
  EXPECT_EQ(Text(0.1), "0.10000000000000001");
  EXPECT_EQ(Text(1e17), "1e+17");
  EXPECT_EQ(Text(1e-7), "9.9999999999999995e-08");
  EXPECT_EQ(Text(-std::numeric_limits<double>::max()), "-1.7976931348623157e+308");
  EXPECT_EQ(Text(-std::numeric_limits<double>::denorm_min()), "-4.9406564584124654e-324");
  EXPECT_EQ(Text(HUGE_VAL), "inf");
  EXPECT_EQ(Text(-HUGE_VAL), "-inf");
  EXPECT_EQ(Text(-std::nan("")), "nan");
}

TEST(NumberTest, LongDoublesAsTextAreForPeople) {
  EXPECT_EQ(FormatLongDouble(0), "0");
  EXPECT_EQ(FormatLongDouble(-0.0L), "0");
  EXPECT_EQ(FormatLongDouble(10.5L), "10.5");
  EXPECT_EQ(FormatLongDouble(3), "3");
  EXPECT_EQ(FormatLongDouble(100), "100");
  EXPECT_EQ(FormatLongDouble(5.0e3L), "5000");
  EXPECT_EQ(FormatLongDouble(*ParseLongDouble("3.1")), "3.1");
  EXPECT_EQ(FormatLongDouble(-1e-20L), "0");
  EXPECT_EQ(FormatLongDouble(std::numeric_limits<long double>::max()).size(), 4933u);
}

}  // namespace
}  // namespace larder::protocol
