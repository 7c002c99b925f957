#include "server/server_info.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace larder::server {
namespace {

TEST(ServerInfoTest, TellsOfThisProcess) {
  ServerInfo info = ServerInfo::Collect(1234);
  EXPECT_EQ(info.process_id, ::getpid());
  EXPECT_EQ(info.started_at, 1234);
  EXPECT_TRUE(info.executable.starts_with('/')) << info.executable;
  EXPECT_TRUE(info.os.starts_with("Linux ")) << info.os;
}

TEST(ServerInfoTest, EveryRunHasItsOwnId) {
  std::string id = ServerInfo::Collect(0).run_id;
  EXPECT_EQ(id.size(), 40u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
  EXPECT_NE(id, ServerInfo::Collect(0).run_id);
}

}  // namespace
}  // namespace larder::server
