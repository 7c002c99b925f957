#include "protocol/reply_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

namespace larder::protocol {
namespace {

constexpr size_t kChunk = ReplyBuffer::kChunkBytes;

// All that is unwritten, gathered a few pieces at a time and consumed.
std::string Drain(ReplyBuffer& buffer) {
  std::string bytes;
  std::array<std::string_view, 3> spans;
  while (const size_t filled = buffer.Gather(spans)) {
    size_t n = 0;
    for (size_t i = 0; i < filled; ++i) {
      EXPECT_FALSE(spans[i].empty());
      bytes.append(spans[i]);
      n += spans[i].size();
    }
    buffer.Consume(n);
  }
  EXPECT_EQ(buffer.size(), 0u);
  return bytes;
}

TEST(ReplyBufferTest, OwnsNothingAtFirst) {
  ReplyBuffer buffer;
  std::array<std::string_view, 1> spans;
  EXPECT_EQ(buffer.capacity_bytes(), 0u);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.Gather(spans), 0u);
  buffer.Append("");
  buffer.Consume(0);
  EXPECT_EQ(buffer.capacity_bytes(), 0u);
}

TEST(ReplyBufferTest, KeepsOrderAcrossChunks) {
  ReplyBuffer buffer;
  std::string expected;
  for (int i = 0; i < 50'000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    buffer.Append(piece);
    expected += piece;
  }
  EXPECT_EQ(buffer.size(), expected.size());
  EXPECT_EQ(Drain(buffer), expected);
}

TEST(ReplyBufferTest, ReusesItsChunk) {
  ReplyBuffer buffer;
  for (int i = 0; i < 100; ++i) {
    buffer.Append(std::string(60'000, 'x'));
    buffer.Consume(60'000);
    EXPECT_EQ(buffer.capacity_bytes(), kChunk);
  }
  buffer.Append(std::string(10 * kChunk, 'x'));
  buffer.Clear();
  EXPECT_EQ(buffer.capacity_bytes(), kChunk);
  EXPECT_TRUE(buffer.empty());
  buffer.Append("y");
  EXPECT_EQ(buffer.capacity_bytes(), kChunk);
  EXPECT_EQ(Drain(buffer), "y");
  buffer.Release();
  EXPECT_EQ(buffer.capacity_bytes(), 0u);
}

TEST(ReplyBufferTest, ALargeAppendHasAChunkOfItsOwn) {
  ReplyBuffer buffer;
  const std::string large(ReplyBuffer::kOwnChunkBytes, 'x');
  buffer.Append("$1048576\r\n");
  buffer.Append(large);
  buffer.Append("\r\n");
  std::array<std::string_view, 8> spans;
  ASSERT_EQ(buffer.Gather(spans), 2u);
  EXPECT_EQ(spans[1], large + "\r\n");
  EXPECT_LT(buffer.capacity_bytes(), large.size() + kChunk + 1024);
}

TEST(ReplyBufferTest, ReserveIsContiguous) {
  ReplyBuffer buffer;
  std::string expected;
  for (size_t n = 1; n <= ReplyBuffer::kReserveMax; n = n * 3 + 1) {
    for (int i = 0; i < 10; ++i) {
      char* const at = buffer.Reserve(n);
      std::memset(at, 'a' + i, n);
      buffer.Commit(at + n / 2);
      expected.append(n / 2, static_cast<char>('a' + i));
    }
  }
  EXPECT_EQ(Drain(buffer), expected);
}

TEST(ReplyBufferTest, AFewBytesMoveWithoutTheirChunk) {
  ReplyBuffer scratch;
  ReplyBuffer kept;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    scratch.Append("xx0123456789");
    scratch.Consume(2);
    scratch.MoveRemainderTo(kept);
    expected += "0123456789";
    EXPECT_TRUE(scratch.empty());
    EXPECT_EQ(scratch.capacity_bytes(), kChunk);
    EXPECT_LE(kept.capacity_bytes(), 4 * kept.size());
  }
  EXPECT_EQ(Drain(kept), expected);
}

TEST(ReplyBufferTest, FullChunksChangeHands) {
  ReplyBuffer scratch;
  ReplyBuffer kept;
  const std::string bytes(5 * kChunk + 10, 'x');
  kept.Append("first");
  for (size_t at = 0; at < bytes.size(); at += 1000) {
    scratch.Append(std::string_view(bytes).substr(at, 1000));
  }
  scratch.Consume(100);
  std::array<std::string_view, 1> front;
  ASSERT_EQ(scratch.Gather(front), 1u);
  scratch.MoveRemainderTo(kept);
  std::array<std::string_view, 2> moved;
  ASSERT_EQ(kept.Gather(moved), 2u);
  EXPECT_EQ(moved[1].data(), front[0].data());
  kept.Append("last");
  EXPECT_EQ(Drain(kept), "first" + bytes.substr(100) + "last");
}

TEST(ReplyBufferTest, RandomOperationsKeepTheBytes) {
  std::mt19937 random(1);
  ReplyBuffer scratch;
  ReplyBuffer kept;
  std::string scratch_model;
  std::string kept_model;
  const auto check_front = [](const ReplyBuffer& buffer, const std::string& model) {
    ASSERT_EQ(buffer.size(), model.size());
    ASSERT_GE(buffer.capacity_bytes(), buffer.size());
    std::array<std::string_view, 4> spans;
    std::string gathered;
    for (size_t i = 0, n = buffer.Gather(spans); i < n; ++i) gathered.append(spans[i]);
    ASSERT_EQ(gathered, model.substr(0, gathered.size()));
    ASSERT_EQ(gathered.empty(), model.empty());
  };
  for (int i = 0; i < 1'500; ++i) {
    const size_t n = random() % 8 == 0 ? random() % (3 * kChunk) : random() % 2000;
    switch (random() % 8) {
      default: {
        const std::string bytes(n, static_cast<char>('a' + random() % 26));
        scratch.Append(bytes);
        scratch_model += bytes;
        break;
      }
      case 1: {
        const size_t consumed = std::min(n * 4, scratch_model.size());
        scratch.Consume(consumed);
        scratch_model.erase(0, consumed);
        break;
      }
      case 2:
        scratch.MoveRemainderTo(kept);
        kept_model += scratch_model;
        scratch_model.clear();
        break;
      case 3: {
        const size_t consumed = std::min(n * 16, kept_model.size());
        kept.Consume(consumed);
        kept_model.erase(0, consumed);
        break;
      }
      case 4:
        if (random() % 32 == 0) {
          kept.Release();
          kept_model.clear();
          EXPECT_EQ(kept.capacity_bytes(), 0u);
        }
        break;
    }
    check_front(scratch, scratch_model);
    check_front(kept, kept_model);
  }
  EXPECT_EQ(Drain(scratch), scratch_model);
  EXPECT_EQ(Drain(kept), kept_model);
}

}  // namespace
}  // namespace larder::protocol
