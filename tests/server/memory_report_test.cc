#include "server/memory_report.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/harness.h"

namespace larder::server {
namespace {

using test_support::Harness;

constexpr int64_t kMiB = 1 << 20;

TEST(MemoryReportTest, SumsUp) {
  const MemoryReport report{.peak_bytes = 3000,
                            .used_bytes = 2000,
                            .startup_bytes = 500,
                            .client_bytes = 100,
                            .allocated_bytes = 2000,
                            .resident_bytes = 5000,
                            .dbs = {{0, 10, 120, 0}, {3, 5, 60, 40}}};
  EXPECT_EQ(report.keys(), 15);
  EXPECT_EQ(report.overhead_bytes(), 820);
  EXPECT_EQ(report.dataset_bytes(), 1280);
  EXPECT_EQ(report.grown_bytes(), 1500);
  EXPECT_DOUBLE_EQ(report.fragmentation(), 2.5);
}

TEST(MemoryReportTest, CollectsTheServersFigures) {
  Harness h;
  h.Run("MSET a 1 b 2");
  h.Run("EXPIRE a 100");
  const MemoryReport report = MemoryReport::Collect(h.thread().services, h.Now());
  ASSERT_EQ(report.dbs.size(), 1u);
  EXPECT_EQ(report.dbs[0].keys, 2);
  EXPECT_EQ(report.dbs[0].table_bytes, 24);
  EXPECT_EQ(report.dbs[0].deadline_bytes, 9);
  EXPECT_GT(report.used_bytes, 0);
  EXPECT_GT(report.resident_bytes, kMiB);
}

TEST(MemoryAdviceTest, NamesWhatIsWrong) {
  EXPECT_NE(MemoryAdvice({}).find("too little data"), std::string::npos);
  MemoryReport report{.peak_bytes = 10 * kMiB,
                      .used_bytes = 10 * kMiB,
                      .allocated_bytes = 10 * kMiB,
                      .resident_bytes = 11 * kMiB};
  EXPECT_NE(MemoryAdvice(report).find("Nothing is wrong"), std::string::npos);
  report.peak_bytes = 20 * kMiB;
  EXPECT_NE(MemoryAdvice(report).find("At its peak"), std::string::npos);
  report.resident_bytes = 30 * kMiB;
  EXPECT_NE(MemoryAdvice(report).find("3.0 times"), std::string::npos);
  report.client_bytes = 6 * kMiB;
  EXPECT_NE(MemoryAdvice(report).find("Clients take 6 MiB"), std::string::npos);
}

}  // namespace
}  // namespace larder::server
