// Everything at once, for as long as one likes: threads read, write and delete while the table
// grows and shrinks, kinds change, keys expire and are evicted, databases are flushed and swapped.
// Two seconds in the suite; LARDER_SOAK_SECONDS=600 for a soak, best under a sanitizer.
//
// What each thread checks of what it sees:
//   - A value proves its key and its deadline, byte by byte, and is not seen past the deadline.
//   - Two keys that are only ever written together are never seen with different values.
// And at the end: a scan finds as many keys as are counted, and an empty store uses what it used
// at first.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/store_fixture.h"

namespace larder::store {
namespace {

using test_support::StoreSession;
using test_support::StoreUnderTest;

constexpr int kClients = 3;
constexpr size_t kKeys = 20'000;
constexpr size_t kPairs = 100;
constexpr int kOperationsATurn = 64;
constexpr std::chrono::milliseconds kPhase{300};  // of growth, then of shrinking
constexpr int64_t kMaxMemory = 3 << 20;           // met in a phase of growth, unless all is slow
constexpr int64_t kLeftMax = 64 << 10;            // what tables of an empty store may keep

std::chrono::milliseconds Duration() {
  const char* seconds = std::getenv("LARDER_SOAK_SECONDS");
  return std::chrono::seconds(seconds == nullptr ? 2 : std::atoll(seconds));
}

// The value of a key with this deadline; of one in 64, too long for its entry.
std::string ValueOf(const std::string& key, UnixMs deadline, uint64_t random) {
  std::string value = key + ";" + std::to_string(deadline) + ";";
  value.resize(value.size() + (random % 64 == 0 ? 5000 : random % 100), key.back());
  return value;
}

// The deadline that a value proves; a failure if it proves none for this key.
UnixMs DeadlineIn(const std::string& key, const std::string& value) {
  EXPECT_EQ(value.compare(0, key.size() + 1, key + ";"), 0) << key << ": " << value;
  const size_t end = value.find(';', key.size() + 1);
  EXPECT_NE(end, std::string::npos) << key << ": " << value;
  if (end == std::string::npos) return kNoDeadline;
  EXPECT_EQ(value.find_first_not_of(key.back(), end + 1), std::string::npos) << key;
  return std::stoll(value.substr(key.size() + 1));
}

class SoakTest : public testing::Test {
 protected:
  void RunFor(std::chrono::milliseconds duration) {
    const auto end = std::chrono::steady_clock::now() + duration;
    std::vector<std::thread> threads;
    for (int i = 0; i < kClients; ++i) {
      threads.emplace_back([this, i, end] {
        for (uint64_t turn = 0; std::chrono::steady_clock::now() < end && !HasFailure(); ++turn) {
          ClientTurn(i, turn);
        }
      });
    }
    Disturb(end);
    for (std::thread& thread : threads) thread.join();
  }

  // A batch of one client, and its share of the background work.
  void ClientTurn(int client, uint64_t turn) {
    std::mt19937_64 random(turn * kClients + static_cast<uint64_t>(client));
    StoreSession session = store_.Session(client);
    session.worker().set_now(store_.now());
    for (int i = 0; i < kOperationsATurn; ++i) Operate(session, random);
    session.Unpin();
    store_.keyspace().Maintain(session.worker(), std::chrono::microseconds(200));
  }

  void Operate(StoreSession& session, std::mt19937_64& random) {
    const std::string key = "key:" + std::to_string(random() % kKeys);
    const uint64_t action = random() % 16;
    session.Select(action < 14 ? 0 : 1);
    if (action == 0) return TakePair(session, random());
    if (action == 1) return PutPair(session, random());
    if (action < 8) return Look(session, key);
    const bool removes = random() % 4 == 0 ? growing_.load() : !growing_.load();
    if (removes && action % 2 == 0) {
      session.Erase(key);
    } else {
      store_.keyspace().MakeRoom(session.worker(), 6000);
      Put(session, key, random(), /*soon=*/removes);
    }
  }

  void Put(StoreSession& session, const std::string& key, uint64_t random, bool soon) {
    const UnixMs now = session.worker().now();
    const UnixMs later = now + (soon ? 1 + static_cast<UnixMs>(random % 20) : 100'000);
    const UnixMs deadline = soon || random % 4 == 0 ? later : kNoDeadline;
    session.Set(key, ValueOf(key, deadline, random / 4), deadline);
  }

  void Look(StoreSession& session, const std::string& key) {
    const auto value = session.Get(key);
    if (!value) return;
    const UnixMs deadline = DeadlineIn(key, *value);
    EXPECT_TRUE(deadline == kNoDeadline || session.worker().now() <= deadline) << key;
  }

  static StoreSession::Keys PairOf(uint64_t random) {
    const std::string number = std::to_string(random % kPairs);
    return {"left:" + number, "right:" + number};
  }

  static void PutPair(StoreSession& session, uint64_t random) {
    const auto keys = PairOf(random);
    const std::string value = std::to_string(random);
    session.MSet({{keys[0], value}, {keys[1], value}});
  }

  // One of the two may have been evicted.
  static void TakePair(StoreSession& session, uint64_t random) {
    const auto values = session.MGet(PairOf(random));
    if (values[0] && values[1]) {
      EXPECT_EQ(*values[0], *values[1]);
    }
  }

  // What goes on around the clients: time, kinds, growth, databases 1 and 2.
  void Disturb(std::chrono::steady_clock::time_point end) {
    Worker& worker = store_.worker(kClients);
    const auto kinds = test_support::SharedMapKinds();
    auto turned = std::chrono::steady_clock::now();
    for (uint64_t turn = 0; std::chrono::steady_clock::now() < end && !HasFailure(); ++turn) {
      store_.clock().Advance(1);
      store_.ChangeKind(worker, kinds[turn % kinds.size()]);
      if (turn % 16 == 0) store_.keyspace().SwapDb(worker, 1, 2);
      if (turn % 64 == 0) store_.keyspace().FlushDb(worker, 1);
      store_.keyspace().Maintain(worker, std::chrono::milliseconds(1));
      if (std::chrono::steady_clock::now() - turned > kPhase) {
        turned = std::chrono::steady_clock::now();
        growing_.store(!growing_.load());
      }
      std::this_thread::yield();
    }
  }

  StoreUnderTest store_{MapKind::kRcu, 4, kClients + 1};
  std::atomic<bool> growing_{true};
};

TEST_F(SoakTest, NothingIsLostTornOrSeenTooLate) {
  const int64_t used_at_first = store_.keyspace().Memory().used_bytes;
  store_.keyspace().SetEviction({.maxmemory = kMaxMemory, .kind = EvictionKind::kAllKeysLru});
  RunFor(Duration());
  if (HasFailure()) return;

  store_.Advance(1'000'000);  // whatever has a deadline is past it, and swept
  store_.Settle();
  StoreSession session = store_.Session();
  const auto scanned = session.ScanAll(100);
  EXPECT_EQ(static_cast<int64_t>(scanned.size()), store_.keyspace().Size(0));
  EXPECT_GT(store_.keyspace().Totals().counts.expired, 0u);
  for (const std::string& key : scanned) {
    if (key.starts_with("key:")) Look(session, key);
  }
  session.Unpin();

  store_.keyspace().FlushAll(session.worker());
  store_.Settle();
  EXPECT_LE(store_.keyspace().Memory().used_bytes, used_at_first + kLeftMax);
}

}  // namespace
}  // namespace larder::store
