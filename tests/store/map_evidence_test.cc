#include "store/map_evidence.h"

#include <gtest/gtest.h>

namespace larder::store {
namespace {

// One second of a shard that is in use.
MapEvidence Second(uint64_t reads, uint64_t stores, uint64_t removals = 0, uint64_t contended = 0) {
  const uint64_t all = reads + stores + removals;
  return {.elapsed_ms = 1000,
          .reads = reads,
          .hits = reads / 2,
          .stores = stores,
          .removals = removals,
          .acquisitions = all,
          .contended = contended,
          .waited_us = contended * 3};
}

struct AdviceCase {
  const char* what;
  MapEvidence evidence;
  MapKind present;
  MapKind kind;
  MapReason reason;
};

TEST(AdviseMapTest, FollowsTheEvidence) {
  constexpr auto kMutex = MapKind::kMutex;
  constexpr auto kRcu = MapKind::kRcu;
  const AdviceCase cases[] = {
      {"nothing happens", Second(0, 0), kMutex, kMutex, MapReason::kQuiet},
      {"too little to tell", Second(99, 0), kMutex, kMutex, MapReason::kQuiet},
      {"a shard without time", {}, kMutex, kMutex, MapReason::kQuiet},
      {"reads only", Second(5000, 0), kMutex, kRcu, MapReason::kReadsDominate},
      {"reads pay at the threshold", Second(300, 700), kMutex, kRcu, MapReason::kReadsDominate},
      {"some reads, no rivals", Second(290, 710), kMutex, kMutex, MapReason::kFits},
      {"some reads and rivals", Second(290, 710, 0, 1), kMutex, kRcu, MapReason::kReadersWait},
      {"few reads and rivals", Second(90, 910, 0, 50), kMutex, kMutex, MapReason::kFits},
      {"writes only, with rivals", Second(0, 9000, 0, 900), kMutex, kMutex,
       MapReason::kWritesDominate},
      {"what rcu has won it keeps in between", Second(90, 910), kRcu, kRcu, MapReason::kFits},
      {"rcu without readers", Second(40, 960), kRcu, kMutex, MapReason::kWritesDominate},
      {"churn without readers", Second(0, 500, 500), kRcu, kMutex, MapReason::kWritesDominate},
      {"reads under a shared lock", Second(900, 100), MapKind::kRwMutex, kRcu,
       MapReason::kReadsDominate},
      {"reads of a split table", Second(900, 100), MapKind::kSync, kRcu, MapReason::kReadsDominate},
      {"a quiet split table stays", Second(10, 1), MapKind::kSync, MapKind::kSync,
       MapReason::kQuiet},
      {"plain has no choice", Second(5000, 0), MapKind::kPlain, MapKind::kPlain, MapReason::kFits},
  };
  for (const AdviceCase& each : cases) {
    const MapAdvice advice = AdviseMap(each.present, each.evidence);
    EXPECT_EQ(advice.kind, each.kind) << each.what;
    EXPECT_EQ(advice.reason, each.reason) << each.what;
  }
}

// Property: following the advice leads to a kind for which the same evidence advises no other.
TEST(AdviseMapTest, SendsNoShardToAndFro) {
  for (const MapKind kind : {MapKind::kMutex, MapKind::kRwMutex, MapKind::kSync, MapKind::kRcu}) {
    for (uint64_t reads = 0; reads <= 1000; reads += 10) {
      for (const uint64_t contended : {0u, 1u, 500u}) {
        const MapEvidence evidence = Second(reads, 1000 - reads, 0, contended);
        const MapKind advised = AdviseMap(kind, evidence).kind;
        EXPECT_EQ(AdviseMap(advised, evidence).kind, advised) << Name(kind) << " " << reads;
      }
    }
  }
}

// MGET and its like take the lock under every kind: no other kind would help them.
TEST(AdviseMapTest, ReadsThatLockAnywayAreNoReasonToMove) {
  MapEvidence evidence = Second(1000, 0);
  evidence.locked_reads = 1000;
  EXPECT_EQ(AdviseMap(MapKind::kMutex, evidence).kind, MapKind::kMutex);
  evidence.locked_reads = 600;
  EXPECT_EQ(AdviseMap(MapKind::kMutex, evidence).kind, MapKind::kRcu);
}

TEST(MapEvidenceTest, SharesOfNothingAreNothing) {
  const MapEvidence nothing;
  EXPECT_EQ(nothing.read_share(), 0);
  EXPECT_EQ(nothing.hit_share(), 0);
  EXPECT_EQ(nothing.contended_share(), 0);
  EXPECT_EQ(nothing.waiting_share(), 0);
  EXPECT_EQ(nothing.operations_per_second(), 0);
}

TEST(MapEvidenceTest, SharesAreOfWhatTheirNamesSay) {
  const MapEvidence evidence{.elapsed_ms = 2000,
                             .reads = 600,
                             .locked_reads = 100,
                             .hits = 150,
                             .stores = 300,
                             .removals = 100,
                             .acquisitions = 400,
                             .contended = 4,
                             .waited_us = 20'000};
  EXPECT_DOUBLE_EQ(evidence.operations_per_second(), 500);
  EXPECT_DOUBLE_EQ(evidence.read_share(), 0.6);
  EXPECT_DOUBLE_EQ(evidence.free_read_share(), 0.5);
  EXPECT_DOUBLE_EQ(evidence.hit_share(), 0.25);
  EXPECT_DOUBLE_EQ(evidence.removal_share(), 0.1);
  EXPECT_DOUBLE_EQ(evidence.contended_share(), 0.01);
  EXPECT_DOUBLE_EQ(evidence.waiting_share(), 0.01);
}

TEST(MapEvidenceTest, ASumIsOfTheSameTime) {
  MapEvidence sum = Second(10, 20);
  sum.Add(Second(1, 2, 3));
  EXPECT_EQ(sum.elapsed_ms, 1000u);
  EXPECT_EQ(sum.reads, 11u);
  EXPECT_EQ(sum.operations(), 36u);
}

}  // namespace
}  // namespace larder::store
