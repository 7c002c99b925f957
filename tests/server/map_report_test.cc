#include "server/map_report.h"

#include <gtest/gtest.h>

#include <string>

namespace larder::server {
namespace {

using store::MapEvidence;
using store::MapKind;
using store::MapReason;

// Ten seconds of so many reads and writes a second.
MapEvidence Load(uint32_t reads, uint32_t writes) {
  return {.elapsed_ms = 10'000,
          .reads = reads * 10,
          .hits = reads * 5,
          .stores = writes * 10,
          .acquisitions = (reads + writes) * 10};
}

MapProfile ProfileOf(int shards, MapKind map, const MapEvidence& evidence) {
  MapProfile profile;
  for (int i = 0; i < shards; ++i) profile.shards.push_back({map, evidence});
  return profile;
}

TEST(MapReportTest, ReasonsNameTheNumbersThatTipped) {
  EXPECT_EQ(ReasonInWords(MapKind::kRcu, MapReason::kQuiet, Load(7, 5)),
            "12 operations/s are too few to tell: 100 are wanted");
  EXPECT_EQ(ReasonInWords(MapKind::kMutex, MapReason::kReadsDominate, Load(830, 170)),
            "83 % of 1,000 operations/s are reads of one key (30 % are enough), and rcu reads "
            "without a lock");
  EXPECT_EQ(ReasonInWords(MapKind::kSync, MapReason::kReadsDominate, Load(830, 170)),
            "83 % of 1,000 operations/s are reads of one key (30 % are enough), and rcu reads "
            "without a lock "
            "as sync does, with less work for writers");
  EXPECT_EQ(
      ReasonInWords(MapKind::kRcu, MapReason::kWritesDominate, Load(20, 980)),
      "2 % of 1,000 operations/s are reads of one key (fewer than 5 %): for writes one plain lock "
      "is all that is needed");
  MapEvidence evidence = Load(200, 800);
  evidence.contended = 130;
  EXPECT_EQ(ReasonInWords(MapKind::kMutex, MapReason::kReadersWait, evidence),
            "20 % of 1,000 operations/s are reads of one key (10 % are enough where locks are "
            "waited for), "
            "1.3 % of the locks are waited for, and rcu reads without a lock");
  EXPECT_EQ(ReasonInWords(MapKind::kMutex, MapReason::kFits, Load(200, 800)),
            "20 % of 1,000 operations/s are reads of one key: too many for mutex (below 5 %), too "
            "few for "
            "rcu (30 %, or 10 % where at least 0.1 % of the locks are waited for; 0 % are)");
}

TEST(MapReportTest, AMoveIsOneLine) {
  EXPECT_EQ(MoveInWords({.shard = 17,
                         .from = MapKind::kMutex,
                         .to = {MapKind::kRcu, MapReason::kReadsDominate},
                         .evidence = Load(2'500'000, 0)}),
            "Shard 17: map mutex becomes rcu, since 100 % of 2.50 M operations/s are reads of one "
            "key (30 % "
            "are enough), and rcu reads without a lock");
}

TEST(MapReportTest, WaitClassesHaveTheirUnit) {
  EXPECT_EQ(WaitClassInWords(0), "< 1 us");
  EXPECT_EQ(WaitClassInWords(9), "< 512 us");
  EXPECT_EQ(WaitClassInWords(10), "< 1 ms");
  EXPECT_EQ(WaitClassInWords(14), "< 16 ms");
  EXPECT_EQ(WaitClassInWords(15), ">= 16 ms");
}

TEST(MapReportTest, AWholeProfile) {
  MapProfile profile = ProfileOf(4, MapKind::kMutex, Load(900, 100));
  profile.threads = 2;
  profile.shards[3] = {MapKind::kMutex, Load(1, 1)};
  profile.shards[1].evidence.contended = 50;
  profile.shards[1].evidence.waited_us = 2000;
  profile.waits[1] = 40;
  profile.waits[3] = 10;
  EXPECT_EQ(ProfileInWords(profile),
            R"(The last 10.0 s: 2 I/O threads, 4 shards

Load       3,002 operations/s on keys: 90 % reads (50 % of them hits), 10 % stores, 0 % removals
Locks      taken 3,002 times/s, 0.17 % of them after a wait
Waiting    200 us/s, 0.01 % of the time of 2 I/O threads
Maps       4 mutex

How long locks were waited for, in this time
    < 2 us           40  ########################################
    < 4 us            0
    < 8 us           10  ##########

Where most of the waiting was, of 1 shard
  shard  map      operations/s   reads  locks after a wait  waited us/s
      1  mutex           1,000    90 %               0.5 %          200

Verdict
All shards together: rcu
    90 % of 3,002 operations/s are reads of one key (30 % are enough), and rcu reads without a lock
Shard by shard:
  3 would do better as rcu: 0, 1, 2; 0 is the busiest of them:
    90 % of 1,000 operations/s are reads of one key (30 % are enough), and rcu reads without a lock
  1 saw fewer than 100 operations/s: too few to tell
What to do: CONFIG SET map rcu
)");
}

std::string WhatToDo(const MapProfile& profile) {
  const std::string text = ProfileInWords(profile);
  return text.substr(text.rfind("What to do: "));
}

TEST(MapReportTest, WhatToDoFollowsTheShards) {
  EXPECT_EQ(WhatToDo(ProfileOf(8, MapKind::kRcu, Load(900, 100))), "What to do: nothing\n");
  EXPECT_EQ(WhatToDo(ProfileOf(8, MapKind::kRcu, {})), "What to do: nothing\n");
  EXPECT_EQ(WhatToDo(ProfileOf(8, MapKind::kPlain, Load(900, 100))), "What to do: nothing\n");
  EXPECT_EQ(WhatToDo(ProfileOf(8, MapKind::kRcu, Load(0, 1000))),
            "What to do: CONFIG SET map mutex\n");
  EXPECT_EQ(WhatToDo(ProfileOf(8, MapKind::kMutex, Load(50, 0))),
            "What to do: CONFIG SET map rcu, but with so little to do it makes no great "
            "difference\n");

  MapProfile two_differ = ProfileOf(8, MapKind::kRcu, Load(900, 100));
  two_differ.shards[2].evidence = two_differ.shards[6].evidence = Load(0, 1000);
  EXPECT_EQ(WhatToDo(two_differ), "What to do: LARDER MAP 2 mutex, LARDER MAP 6 mutex\n");
  two_differ.automatic = true;
  EXPECT_EQ(WhatToDo(two_differ),
            "What to do: nothing: under map auto these shards move by themselves, if their load "
            "stays like this\n");

  MapProfile many_differ = ProfileOf(16, MapKind::kRcu, Load(900, 100));
  for (size_t i = 0; i < 5; ++i) many_differ.shards[i].evidence = Load(0, 1000);
  EXPECT_EQ(WhatToDo(many_differ),
            "What to do: CONFIG SET map auto, which lets each shard follow its own load\n");
}

TEST(MapReportTest, NamesTheShardsThatDiffer) {
  const auto has = [](const MapProfile& profile, const std::string& line) {
    return ProfileInWords(profile).find("\n  " + line + "\n") != std::string::npos;
  };
  MapProfile profile = ProfileOf(12, MapKind::kMutex, Load(900, 100));
  EXPECT_TRUE(has(profile, "all would do better as rcu; 0 is the busiest of them:"));
  profile.shards[11] = {MapKind::kRcu, Load(900, 100)};
  profile.shards[10].evidence = Load(1800, 200);
  EXPECT_TRUE(has(profile,
                  "11 would do better as rcu: 0, 1, 2, 3, 4, 5, 6, 7 ...; 10 is the busiest of "
                  "them:"));
  EXPECT_TRUE(has(profile, "1 is of a kind that suits it"));
  profile = ProfileOf(12, MapKind::kRcu, Load(900, 100));
  profile.shards[7].evidence = Load(0, 1000);
  EXPECT_TRUE(has(profile, "shard 7 would do better as mutex:"));
  EXPECT_TRUE(has(profile, "11 are of a kind that suits them"));
}

TEST(MapReportTest, SharesHaveTwoDigits) {
  const auto contended = [](uint32_t of_a_million) {
    MapEvidence evidence = Load(200, 800);
    evidence.acquisitions = 1'000'000;
    evidence.contended = of_a_million;
    const std::string text = ReasonInWords(MapKind::kMutex, MapReason::kReadersWait, evidence);
    const std::string begin = "waited for), ";
    const size_t from = text.find(begin) + begin.size();
    return text.substr(from, text.find(" of the locks") - from);
  };
  EXPECT_EQ(contended(0), "0 %");
  EXPECT_EQ(contended(1), "< 0.01 %");
  EXPECT_EQ(contended(1'234), "0.12 %");
  EXPECT_EQ(contended(50'000), "5 %");
  EXPECT_EQ(contended(123'456), "12 %");
  EXPECT_EQ(contended(996'000), "99.6 %");
  EXPECT_EQ(contended(999'999), "99.9 %");
  EXPECT_EQ(contended(1'000'000), "100 %");
}

TEST(MapReportTest, NothingHasHappened) {
  MapProfile profile = ProfileOf(1, MapKind::kSync, {});
  profile.waits_since_start = true;
  EXPECT_EQ(ProfileInWords(profile), R"(The last 0.0 s: 1 I/O thread, 1 shard

Load       0 operations/s on keys
Locks      taken 0 times/s, 0 % of them after a wait
Waiting    0 us/s, 0 % of the time of 1 I/O thread
Maps       1 sync

Nobody has had to wait for a lock since the server started.

Verdict
All shards together: no advice
    0 operations/s are too few to tell: 100 are wanted
Shard by shard:
  1 saw fewer than 100 operations/s: too few to tell
What to do: nothing
)");
}

TEST(MapReportTest, SumsBeyond32BitsKeepTheirShares) {
  const MapProfile profile =
      ProfileOf(16, MapKind::kRcu,
                {.elapsed_ms = 3'600'000, .reads = 3'000'000'000, .stores = 1'000'000'000});
  const MapEvidence sum = profile.Sum();
  EXPECT_NEAR(sum.read_share(), 0.75, 1e-6);
  EXPECT_NEAR(sum.operations_per_second(), 16 * 4e9 / 3600, 100);
}

}  // namespace
}  // namespace larder::server
