#include "store/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace larder::store {
namespace {

TEST(HashTest, DependsOnTheSeedAndOnEveryByte) {
  const Hasher one(1);
  const Hasher two(2);
  EXPECT_EQ(one.Hash("key"), one.Hash("key"));
  EXPECT_NE(one.Hash("key"), two.Hash("key"));
  EXPECT_NE(one.Hash("key"), one.Hash(std::string_view("key\0", 4)));
  EXPECT_NE(one.Hash(""), two.Hash(""));
}

TEST(HashTest, AKeyKeepsItsBytes) {
  const Hasher hasher(7);
  const Key key = hasher("abc");
  EXPECT_EQ(key.bytes, "abc");
  EXPECT_EQ(key.hash, hasher.Hash("abc"));
}

TEST(HashTest, ShardsComeFromTheTopBits) {
  const Key key{"", 0xABCDEF0123456789};
  EXPECT_EQ(key.shard(0), 0u);
  EXPECT_EQ(key.shard(8), 0xABu);
  EXPECT_EQ(key.shard(24), 0xABCDEFu);
  EXPECT_EQ(key.bucket_bits(), 0x23456789u);
  EXPECT_EQ(key.fingerprint(), 0x23u);
  EXPECT_EQ(FingerprintOf(key.bucket_bits()), key.fingerprint());
}

TEST(HashTest, SpreadsSimilarKeysEvenlyOverShards) {
  constexpr int kShardBits = 8;
  constexpr int kKeysAShard = 400;
  const Hasher hasher(42);
  std::vector<int> keys_of(1 << kShardBits);
  for (int i = 0; i < (1 << kShardBits) * kKeysAShard; ++i) {
    ++keys_of[hasher("user:" + std::to_string(i)).shard(kShardBits)];
  }
  // Six standard deviations of a fair spread.
  EXPECT_GT(*std::min_element(keys_of.begin(), keys_of.end()), kKeysAShard - 6 * 20);
  EXPECT_LT(*std::max_element(keys_of.begin(), keys_of.end()), kKeysAShard + 6 * 20);
}

}  // namespace
}  // namespace larder::store
