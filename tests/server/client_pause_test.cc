#include "server/client_pause.h"

#include <gtest/gtest.h>

#include <vector>

#include "store/clock.h"
#include "store/keyspace.h"

namespace larder::server {
namespace {

// Notes which clients are resumed.
class Host final : public SuspensionHost {
 public:
  void ResumeClient(int64_t client_id, uint64_t, WriteReply) override {
    resumed.push_back(client_id);
  }
  std::vector<int64_t> resumed;
};

class ClientPauseTest : public testing::Test {
 protected:
  store::ManualClock clock_;
  store::Keyspace keyspace_{{}, clock_};
  ClientPause pause_{keyspace_};
  Host host_;
};

TEST_F(ClientPauseTest, HoldsByFlags) {
  EXPECT_FALSE(pause_.Holds(kWrite));
  pause_.Start(ClientPause::Kind::kWrites, 200, 100);
  EXPECT_TRUE(pause_.Holds(kWrite | kFast));
  EXPECT_TRUE(pause_.Holds(kMayReplicate));
  EXPECT_FALSE(pause_.Holds(kReadonly));
  pause_.Start(ClientPause::Kind::kEverything, 150, 100);
  EXPECT_TRUE(pause_.Holds(kReadonly));
  EXPECT_TRUE(pause_.Holds(kNoFlags));
}

TEST_F(ClientPauseTest, EndsInTime) {
  pause_.Start(ClientPause::Kind::kWrites, 200, 100);
  pause_.Start(ClientPause::Kind::kWrites, 150, 100);
  pause_.Hold(Suspension(host_, 7, 1));
  EXPECT_EQ(pause_.EndIfOver(199), 1);
  EXPECT_TRUE(host_.resumed.empty());
  EXPECT_EQ(pause_.EndIfOver(200), std::nullopt);
  EXPECT_EQ(host_.resumed, std::vector<int64_t>{7});
  EXPECT_FALSE(pause_.Holds(kWrite));
  EXPECT_EQ(pause_.EndIfOver(300), std::nullopt);
  EXPECT_EQ(host_.resumed.size(), 1u);
}

// A command saw the pause, and by the time its client is held there is none.
TEST_F(ClientPauseTest, DoesNotKeepWhoComesTooLate) {
  pause_.Start(ClientPause::Kind::kWrites, 200, 100);
  pause_.End();
  pause_.Hold(Suspension(host_, 7, 1));
  EXPECT_EQ(host_.resumed, std::vector<int64_t>{7});
}

TEST_F(ClientPauseTest, ForgetsWhoGoes) {
  pause_.Start(ClientPause::Kind::kWrites, 200, 100);
  for (const int64_t id : {7, 8, 9}) pause_.Hold(Suspension(host_, id, 1));
  pause_.Forget(8);
  pause_.Forget(10);
  EXPECT_EQ(pause_.held(), 2u);
  pause_.End();
  EXPECT_EQ(host_.resumed, (std::vector<int64_t>{7, 9}));
  EXPECT_EQ(pause_.held(), 0u);
}

TEST_F(ClientPauseTest, APauseThatIsOverAlreadyIsNone) {
  pause_.Start(ClientPause::Kind::kEverything, 100, 100);
  EXPECT_FALSE(pause_.Holds(kWrite));
}

}  // namespace
}  // namespace larder::server
