#include "protocol/read_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

namespace larder::protocol {
namespace {

void Receive(ReadBuffer& buffer, std::string_view bytes, size_t wanted = 0) {
  const auto free = buffer.Prepare(bytes.size(), wanted);
  ASSERT_GE(free.size(), bytes.size());
  std::memcpy(free.data(), bytes.data(), bytes.size());
  buffer.Commit(bytes.size());
}

TEST(ReadBufferTest, OwnsNothingAtFirst) {
  ReadBuffer buffer;
  EXPECT_EQ(buffer.capacity(), 0u);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.Pending(), "");
  EXPECT_EQ(buffer.Prepare(4096).size(), 4096u);
  EXPECT_EQ(buffer.capacity(), 4096u);
}

TEST(ReadBufferTest, PendingIsWhatWasReceivedAndNotConsumed) {
  ReadBuffer buffer;
  Receive(buffer, "hello ");
  Receive(buffer, "world");
  EXPECT_EQ(buffer.Pending(), "hello world");
  buffer.Consume(6);
  EXPECT_EQ(buffer.Pending(), "world");
  Receive(buffer, std::string(1000, 'x'));
  EXPECT_EQ(buffer.Pending(), "world" + std::string(1000, 'x'));
}

TEST(ReadBufferTest, ADrainedBufferStartsOverWithoutGrowing) {
  ReadBuffer buffer;
  (void)buffer.Prepare(100);
  for (int i = 0; i < 1000; ++i) {
    Receive(buffer, std::string(100, 'x'));
    buffer.Consume(100);
  }
  EXPECT_EQ(buffer.capacity(), 100u);
}

TEST(ReadBufferTest, CapacityFollowsWhatWasReceived) {
  ReadBuffer buffer;
  const std::string piece(4096, 'x');
  for (size_t received = 0; received < (8u << 20); received += piece.size()) {
    // The client announced half a gigabyte.
    (void)buffer.Prepare(piece.size(), 512u << 20);
    EXPECT_LE(buffer.capacity(), 2 * received + piece.size());
    Receive(buffer, piece);
  }
}

TEST(ReadBufferTest, GrowthStopsAtWhatIsWanted) {
  ReadBuffer buffer;
  constexpr size_t kTotal = 3'000'000;
  const std::string piece(1000, 'x');
  while (buffer.Pending().size() < kTotal) {
    Receive(buffer, piece, kTotal - buffer.Pending().size());
  }
  EXPECT_LE(buffer.capacity(), kTotal * 5 / 4);
}

TEST(ReadBufferTest, SmallWantsStillGrowGeometrically) {
  ReadBuffer buffer;
  const std::string piece(1000, 'x');
  size_t growths = 0;
  for (int i = 0; i < 10'000; ++i) {
    const size_t capacity = buffer.capacity();
    Receive(buffer, piece, piece.size());
    growths += buffer.capacity() != capacity;
  }
  EXPECT_LE(growths, 50u);
}

TEST(ReadBufferTest, ShrinksToWhatWasAskedFor) {
  ReadBuffer buffer;
  Receive(buffer, std::string(100'000, 'x'));
  buffer.ShrinkTo(4096);
  EXPECT_GE(buffer.capacity(), 100'000u) << "pending does not fit";
  buffer.Consume(99'990);
  buffer.ShrinkTo(4096);
  EXPECT_EQ(buffer.capacity(), 4096u);
  EXPECT_EQ(buffer.Pending(), "xxxxxxxxxx");
  buffer.ShrinkTo(8192);
  EXPECT_EQ(buffer.capacity(), 4096u) << "never grows";
  buffer.Consume(10);
  buffer.ShrinkTo(0);
  EXPECT_EQ(buffer.capacity(), 0u);
  Receive(buffer, "again");
  EXPECT_EQ(buffer.Pending(), "again");
}

TEST(ReadBufferTest, RandomOperationsKeepTheBytes) {
  std::mt19937 random(1);
  ReadBuffer buffer;
  std::string model;
  for (int i = 0; i < 20'000; ++i) {
    const size_t n = random() % 300;
    switch (random() % 4) {
      case 0: {
        std::string bytes(n + 1, static_cast<char>(random()));
        Receive(buffer, bytes, random() % 1000);
        model += bytes;
        break;
      }
      case 1: {
        const std::string bytes(n, static_cast<char>(random()));
        buffer.Append(bytes);
        model += bytes;
        break;
      }
      case 2: {
        const size_t consumed = std::min(n * 2, model.size());
        buffer.Consume(consumed);
        model.erase(0, consumed);
        break;
      }
      default:
        buffer.ShrinkTo(n * 10);
    }
    ASSERT_EQ(buffer.Pending(), model);
  }
}

}  // namespace
}  // namespace larder::protocol
