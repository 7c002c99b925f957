// The store-then-load litmus: two clients, each writes one key and then reads the other's.
//
//   thread 0: SET x; GET y        thread 1: SET y; GET x
//
// In every order of the four commands at least one of the reads finds its key, so both missing is a
// violation: a store that was still in its core's write buffer when the load behind it was done.
// Guarded by the exchange that unlocks a shard, and by the exchange that pins a run of reads.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

constexpr int64_t kRoundsAMeeting = 16;

class LitmusTest : public testing::TestWithParam<MapKind> {
 protected:
  // Returns how often both reads missed. With `pinned`, both keys are prefetched first, as the
  // server does for a batch, so that the thread enters its write pinned.
  int64_t CountBothMissed(int64_t rounds, bool pinned) {
    StoreUnderTest store(GetParam(), 4, 2);
    std::atomic<int> arrived{0};
    std::vector<std::vector<bool>> missed(2, std::vector<bool>(static_cast<size_t>(rounds)));
    // Both threads start some rounds within nanoseconds of each other: a spinning barrier. On one
    // core, or a busy machine, the other is let run.
    const auto meet = [&arrived](int64_t round) {
      if (round % kRoundsAMeeting != 0) return;
      const auto both = static_cast<int>(2 * (round / kRoundsAMeeting + 1));
      arrived.fetch_add(1);
      for (int spins = 0; arrived.load() < both; ++spins) {
        if (spins > 2000) std::this_thread::yield();
      }
    };
    const auto client = [&](int self) {
      StoreSession session = store.Session(self);
      for (int64_t round = 0; round < rounds; ++round) {
        // A key a round and thread: each read finds what this round wrote, or nothing.
        const std::string number = std::to_string(round);
        const std::string own = (self == 0 ? "x" : "y") + number;
        const std::string other = (self == 0 ? "y" : "x") + number;
        if (pinned) session.Prefetch({own, other});
        meet(round);
        session.Set(own, "1");
        missed[static_cast<size_t>(self)][static_cast<size_t>(round)] = !session.Exists(other);
        session.Unpin();
        // What is older than a meeting was read by the other, if ever.
        const int64_t old = round - 2 * kRoundsAMeeting;
        if (old >= 0) session.Erase((self == 0 ? "x" : "y") + std::to_string(old));
        if (round % 64 == 0) session.worker().Reclaim();
      }
    };
    std::thread other(client, 1);
    client(0);
    other.join();
    int64_t both = 0;
    for (size_t i = 0; i < static_cast<size_t>(rounds); ++i) both += missed[0][i] && missed[1][i];
    return both;
  }
};

INSTANTIATE_TEST_SUITE_P(EveryMap, LitmusTest, testing::ValuesIn(test_support::SharedMapKinds()),
                         [](const auto& kind) { return test_support::KindName(kind.param); });

// The sanitizers' own instructions hide the race.
constexpr int64_t kRounds = test_support::kUnderSanitizer ? 20'000 : 200'000;

TEST_P(LitmusTest, OneOfTwoClientsSeesTheOthersWrite) {
  EXPECT_EQ(CountBothMissed(test_support::Scaled(kRounds), false), 0);
}

TEST_P(LitmusTest, OneOfTwoClientsSeesTheOthersWriteInPinnedBatches) {
  EXPECT_EQ(CountBothMissed(test_support::Scaled(kRounds), true), 0);
}

}  // namespace
}  // namespace larder::store
