#include "store/map_chooser.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace larder::store {
namespace {

constexpr auto kMutex = MapKind::kMutex;
constexpr auto kRcu = MapKind::kRcu;

// Feeds shard 0 of a chooser, one second after the other.
class MapChooserTest : public testing::Test {
 protected:
  explicit MapChooserTest(bool automatic = true) : chooser_(4, kMutex, automatic) {}

  void Pass(uint64_t reads, uint64_t stores) {
    counts_.elapsed_ms += 1000;
    counts_.reads += reads;
    counts_.stores += stores;
    counts_.acquisitions += reads + stores;
    chooser_.AddSample(0, counts_);
  }
  void PassSeconds(int seconds, uint64_t reads, uint64_t stores) {
    for (int i = 0; i < seconds; ++i) Pass(reads, stores);
  }
  // Does the work that waits, and returns which shards it was.
  std::set<int> Work() {
    std::set<int> shards;
    while (const std::optional<int> shard = chooser_.TakeWork()) {
      chooser_.HandBack(*shard, chooser_.goal(*shard));
      shards.insert(*shard);
    }
    return shards;
  }

  MapChooser chooser_;
  MapEvidence counts_{.elapsed_ms = 5000};
};

TEST_F(MapChooserTest, MovesAShardWhenSeveralSecondsInARowSaySo) {
  PassSeconds(MapChooser::kAgreements - 1, 1000, 0);
  EXPECT_EQ(chooser_.goal(0), kMutex);
  EXPECT_FALSE(chooser_.has_work());
  Pass(1000, 0);
  EXPECT_EQ(chooser_.goal(0), kRcu);
  EXPECT_EQ(chooser_.goal(1), kMutex);
  EXPECT_EQ(Work(), std::set<int>{0});
  EXPECT_EQ(chooser_.changes(), 1u);

  ASSERT_TRUE(chooser_.has_moves());
  const std::vector<MapMove> moves = chooser_.TakeMoves();
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves[0].shard, 0);
  EXPECT_EQ(moves[0].from, kMutex);
  EXPECT_EQ(moves[0].to.kind, kRcu);
  EXPECT_EQ(moves[0].to.reason, MapReason::kReadsDominate);
  EXPECT_EQ(moves[0].evidence.reads, 1000u);
  EXPECT_EQ(moves[0].evidence.elapsed_ms, 1000u);
  EXPECT_FALSE(chooser_.has_moves());
}

TEST_F(MapChooserTest, AnInterruptedRunBeginsAnew) {
  for (int i = 0; i < 10; ++i) {
    PassSeconds(MapChooser::kAgreements - 1, 1000, 0);
    Pass(0, 0);  // quiet: the present kind
  }
  EXPECT_EQ(chooser_.goal(0), kMutex);
}

TEST_F(MapChooserTest, RestsAfterAMove) {
  PassSeconds(MapChooser::kAgreements, 1000, 0);
  ASSERT_EQ(chooser_.goal(0), kRcu);
  const auto rest_s = static_cast<int>(MapChooser::kRestMs / 1000);
  PassSeconds(rest_s - 1, 0, 1000);
  EXPECT_EQ(chooser_.goal(0), kRcu);
  Pass(0, 1000);
  EXPECT_EQ(chooser_.goal(0), kMutex);
  EXPECT_EQ(chooser_.TakeMoves().size(), 2u);
}

TEST_F(MapChooserTest, AnOrderForAllEndsAutomaticChoice) {
  chooser_.OrderAll(MapKind::kSync);
  EXPECT_FALSE(chooser_.automatic());
  EXPECT_EQ(Work(), (std::set<int>{0, 1, 2, 3}));
  PassSeconds(20, 1000, 0);
  EXPECT_EQ(chooser_.goal(0), MapKind::kSync);
  chooser_.ChooseAutomatically();
  PassSeconds(MapChooser::kAgreements, 1000, 0);
  EXPECT_EQ(chooser_.goal(0), kRcu);
}

// However long the evidence has been the same, somebody who orders another kind gets it for a
// while.
TEST_F(MapChooserTest, AnOrderIsLeftAloneForAWhile) {
  PassSeconds(30, 1000, 0);
  ASSERT_EQ(chooser_.goal(0), kRcu);
  chooser_.Order(0, kMutex);
  PassSeconds(static_cast<int>(MapChooser::kRestMs / 1000) - 1, 1000, 0);
  EXPECT_EQ(chooser_.goal(0), kMutex);
  Pass(1000, 0);
  EXPECT_EQ(chooser_.goal(0), kRcu);
}

TEST_F(MapChooserTest, EvidenceFromBeforeTheChoiceWasAutomaticDoesNotCount) {
  chooser_.OrderAll(MapKind::kSync);
  PassSeconds(30, 1000, 0);
  chooser_.ChooseAutomatically();
  PassSeconds(MapChooser::kAgreements - 1, 1000, 0);
  EXPECT_EQ(chooser_.goal(0), MapKind::kSync);
  Pass(1000, 0);
  EXPECT_EQ(chooser_.goal(0), kRcu);
}

TEST_F(MapChooserTest, AShardOrderedToAndFroOnItsWayIsLookedAtOnceMore) {
  chooser_.Order(1, MapKind::kSync);
  ASSERT_EQ(chooser_.TakeWork(), 1);
  chooser_.Order(1, kRcu);
  chooser_.Order(1, MapKind::kSync);
  chooser_.HandBack(1, MapKind::kSync);  // but a database may have been made as rcu meanwhile
  EXPECT_EQ(Work(), std::set<int>{1});
}

TEST_F(MapChooserTest, AnOlderSampleThatComesLateIsLeftOut) {
  Pass(10, 0);
  MapEvidence late = counts_;
  late.elapsed_ms -= 500;
  late.reads -= 5;
  chooser_.AddSample(0, late);
  Pass(10, 0);
  EXPECT_EQ(chooser_.Recent(0, counts_).reads, 20u);
}

TEST_F(MapChooserTest, AnOrderForWhatIsThereIsNoWork) {
  chooser_.Order(2, kMutex);
  EXPECT_FALSE(chooser_.has_work());
  chooser_.Order(2, kRcu);
  EXPECT_EQ(Work(), std::set<int>{2});
  EXPECT_TRUE(chooser_.TakeMoves().empty());  // nothing was chosen
  EXPECT_EQ(chooser_.changes(), 1u);
}

TEST_F(MapChooserTest, AShardOnItsWayIsWorkUntilItHasArrived) {
  chooser_.Order(1, MapKind::kSync);
  ASSERT_EQ(chooser_.TakeWork(), 1);
  chooser_.HandBack(1, std::nullopt);
  EXPECT_EQ(chooser_.changes(), 0u);
  ASSERT_EQ(chooser_.TakeWork(), 1);
  chooser_.Order(1, kRcu);  // meanwhile
  chooser_.HandBack(1, MapKind::kSync);
  ASSERT_TRUE(chooser_.has_work());
  EXPECT_EQ(chooser_.changes(), 0u);
  EXPECT_EQ(Work(), std::set<int>{1});
  EXPECT_EQ(chooser_.changes(), 1u);
}

TEST_F(MapChooserTest, AsksForASampleOfEachShardOnceASecond) {
  constexpr UnixMs kNow = 10'000;
  for (int round = 0; round < 3; ++round) {
    const UnixMs now = kNow + round * MapChooser::kSamplePeriodMs;
    for (int shard = 0; shard < 4; ++shard) EXPECT_EQ(chooser_.NextToSample(now), shard);
    EXPECT_EQ(chooser_.NextToSample(now), std::nullopt);
    EXPECT_EQ(chooser_.NextToSample(now + MapChooser::kSamplePeriodMs - 1), std::nullopt);
  }
}

TEST(ManyShardsTest, AreSampledInSteps) {
  constexpr int kShards = 3 * MapChooser::kSamplesAStep;
  MapChooser chooser(kShards, kMutex, true);
  UnixMs now = 10'000;
  for (int shard = 0; shard < kShards; ++shard) {
    if (shard % MapChooser::kSamplesAStep == 0 && shard > 0) {
      EXPECT_EQ(chooser.NextToSample(now), std::nullopt);
      now += MapChooser::kSampleStepMs;
    }
    ASSERT_EQ(chooser.NextToSample(now), shard);
  }
  EXPECT_EQ(chooser.NextToSample(10'000 + MapChooser::kSamplePeriodMs - 1), std::nullopt);
  EXPECT_EQ(chooser.NextToSample(10'000 + MapChooser::kSamplePeriodMs), 0);
}

TEST_F(MapChooserTest, LooksBackTenSeconds) {
  Pass(7, 0);
  EXPECT_EQ(chooser_.Recent(0, counts_).reads, 7u);
  EXPECT_EQ(chooser_.Recent(0, counts_).elapsed_ms, 1000u);
  PassSeconds(30, 100, 0);
  EXPECT_EQ(chooser_.Recent(0, counts_).reads, 1000u);
  EXPECT_EQ(chooser_.Recent(0, counts_).elapsed_ms, 10'000u);
  // What was not sampled yet is in it too.
  counts_.reads += 5;
  counts_.elapsed_ms += 500;
  EXPECT_EQ(chooser_.Recent(0, counts_).reads, 1005u);
  EXPECT_EQ(chooser_.Recent(0, counts_).elapsed_ms, 10'500u);
}

TEST_F(MapChooserTest, AShardThatWasNeverSampledHasAllItsCountsInTheLastSecond) {
  const MapEvidence counts{.elapsed_ms = 90'000, .reads = 3, .acquisitions = 1000};
  EXPECT_EQ(chooser_.Recent(3, counts).reads, 3u);
  EXPECT_EQ(chooser_.Recent(3, counts).acquisitions, 0u);  // by scans, say, at any time
  EXPECT_EQ(chooser_.Recent(3, counts).elapsed_ms, 1000u);
}

class OrderedMapChooserTest : public MapChooserTest {
 protected:
  OrderedMapChooserTest() : MapChooserTest(false) {}
};

TEST_F(OrderedMapChooserTest, KeepsTheKindWhateverTheEvidence) {
  PassSeconds(60, 5000, 0);
  EXPECT_EQ(chooser_.goal(0), kMutex);
  EXPECT_EQ(chooser_.Recent(0, counts_).reads, 50'000u);
}

}  // namespace
}  // namespace larder::store
