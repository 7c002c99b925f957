#include "server/watch.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "store/hash.h"

namespace larder::server {
namespace {

using store::Change;
using store::Key;

Key KeyOf(std::string_view name) { return store::Hasher(1)(name); }

TEST(WatchTableTest, IsInterestedWhileSomebodyWatches) {
  WatchTable table;
  EXPECT_FALSE(table.interested());
  auto first = std::make_unique<Watcher>(table);
  auto second = std::make_unique<Watcher>(table);
  first->Watch(0, KeyOf("a"), true);
  second->Watch(0, KeyOf("a"), true);
  first.reset();
  EXPECT_TRUE(table.interested());
  second.reset();
  EXPECT_FALSE(table.interested());
}

TEST(WatchTableTest, AChangeTouchesThoseWhoWatchTheKey) {
  WatchTable table;
  Watcher of_a(table);
  Watcher of_both(table);
  Watcher elsewhere(table);
  of_a.Watch(0, KeyOf("a"), true);
  of_both.Watch(0, KeyOf("a"), true);
  of_both.Watch(0, KeyOf("b"), false);
  elsewhere.Watch(1, KeyOf("a"), true);
  table.OnChange(0, KeyOf("b"), Change::kWritten);
  EXPECT_FALSE(of_a.touched());
  EXPECT_TRUE(of_both.touched());
  table.OnChange(0, KeyOf("a"), Change::kExpired);
  EXPECT_TRUE(of_a.touched());
  EXPECT_FALSE(elsewhere.touched());
}

TEST(WatchTableTest, AKeyIsWatchedOnce) {
  WatchTable table;
  Watcher watcher(table);
  watcher.Watch(0, KeyOf("a"), true);
  watcher.Watch(0, KeyOf("a"), true);
  watcher.Watch(1, KeyOf("a"), true);
  EXPECT_EQ(watcher.keys().size(), 2u);
}

TEST(WatchTableTest, AFlushTouchesWhatWasThere) {
  WatchTable table;
  Watcher of_present(table);
  Watcher of_absent(table);
  of_present.Watch(0, KeyOf("a"), true);
  of_absent.Watch(0, KeyOf("b"), false);
  table.OnFlush(1);
  EXPECT_FALSE(of_present.touched());
  table.OnFlush(0);
  EXPECT_TRUE(of_present.touched());
  EXPECT_FALSE(of_absent.touched());
}

TEST(WatchTableTest, ASwapTouchesWhatWasThereOrCame) {
  WatchTable table;
  Watcher of_present(table);
  Watcher of_coming(table);
  Watcher of_absent(table);
  Watcher elsewhere(table);
  of_present.Watch(0, KeyOf("present"), true);
  of_coming.Watch(2, KeyOf("coming"), false);
  of_absent.Watch(0, KeyOf("absent"), false);
  elsewhere.Watch(1, KeyOf("present"), true);
  table.OnSwap(0, 2, [](int db, const Key& key) { return db == 0 && key.bytes == "coming"; });
  EXPECT_TRUE(of_present.touched());
  EXPECT_TRUE(of_coming.touched());
  EXPECT_FALSE(of_absent.touched());
  EXPECT_FALSE(elsewhere.touched());
}

}  // namespace
}  // namespace larder::server
