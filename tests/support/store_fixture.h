// A keyspace for tests: virtual time, a worker a thread, and the commands of a client as plain
// functions.
//
// StoreUnderTest owns the keyspace; a StoreSession is one client of it and belongs to one thread at
// a time (the one that uses its worker). Nothing here sleeps: time is what a test makes it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/clock.h"
#include "store/keyspace.h"
#include "store/result.h"

namespace larder::test_support {

// All kinds, and those that several threads may use.
std::vector<store::MapKind> AllMapKinds();
std::vector<store::MapKind> SharedMapKinds();

// Names a kind in a parameterised test.
std::string KindName(store::MapKind kind);

// A sanitizer makes everything ten times slower; it needs no long runs to find what it looks for.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kUnderSanitizer = true;
#elif defined(__has_feature)  // clang
inline constexpr bool kUnderSanitizer =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kUnderSanitizer = false;
#endif

// Repetitions for stress: `rounds`, times LARDER_ROUNDS.
int64_t Scaled(int64_t rounds);

// One client: each function is one command, run the way a handler runs it.
class StoreSession {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  using Keys = std::vector<std::string>;

  StoreSession(store::Keyspace& keyspace, store::Worker& worker, int db = 0)
      : keyspace_(keyspace), worker_(worker), db_(db) {}

  store::Worker& worker() { return worker_; }
  void Select(int db) { db_ = db; }

  std::optional<std::string> Get(std::string_view key);
  bool Exists(std::string_view key);
  // The deadline of a key that is there.
  std::optional<store::UnixMs> Deadline(std::string_view key);

  void Set(std::string_view key, std::string_view value,
           store::UnixMs deadline = store::kNoDeadline);
  bool SetNx(std::string_view key, std::string_view value);
  // Returns the old value; sets nothing if there is none.
  std::optional<std::string> SetXxGet(std::string_view key, std::string_view value);
  std::optional<std::string> GetDel(std::string_view key);
  bool Erase(std::string_view key);
  store::Result<int64_t> Incr(std::string_view key, int64_t delta = 1);
  // False if the key is not there. kNoDeadline: PERSIST.
  bool SetDeadline(std::string_view key, store::UnixMs deadline);
  // False if it has no deadline.
  bool Persist(std::string_view key);

  // Atomic over all of their keys.
  int64_t Del(const Keys& keys);
  int64_t CountExisting(const Keys& keys);
  void MSet(const Pairs& pairs);
  bool MSetNx(const Pairs& pairs);
  std::vector<std::optional<std::string>> MGet(const Keys& keys);
  // False if `from` is not there.
  bool Rename(std::string_view from, std::string_view to);
  // False if `from` is not there, or `to` is.
  bool Copy(std::string_view from, std::string_view to);

  // Every key that a whole SCAN returns, duplicates included, in calls of `count`.
  Keys ScanAll(size_t count);

  // What the server does before a batch: hints for all keys, which pin the worker.
  void Prefetch(const Keys& keys);
  void Unpin() { worker_.Unpin(); }

 private:
  std::vector<store::KeyAt> At(const Keys& keys) const;
  std::vector<store::KeyAt> At(const Pairs& pairs) const;

  store::Keyspace& keyspace_;
  store::Worker& worker_;
  int db_;
};

class StoreUnderTest {
 public:
  explicit StoreUnderTest(store::KeyspaceOptions options, int workers = 1);
  // A keyspace of one kind with `shards` shards.
  StoreUnderTest(store::MapKind kind, int shards, int workers = 1)
      : StoreUnderTest(store::KeyspaceOptions{.shards = shards, .kind = kind}, workers) {}

  store::Keyspace& keyspace() { return keyspace_; }
  store::ManualClock& clock() { return clock_; }
  store::UnixMs now() { return clock_.Now(); }
  store::Worker& worker(int i = 0) { return *workers_[static_cast<size_t>(i)]; }
  StoreSession Session(int worker_index = 0, int db = 0) {
    return {keyspace_, worker(worker_index), db};
  }

  // Moves time on, and what every worker takes for the present. No other thread may run.
  void Advance(int64_t ms);
  // Lets every worker do its background work once.
  void MaintainAll();
  // The same until nothing is retired any more and nothing is left to do. No other thread may run.
  void Settle();
  // Brings all shards to another kind.
  void ChangeKind(store::Worker& worker, store::MapKind kind);

 private:
  store::ManualClock clock_;
  store::Keyspace keyspace_;
  std::vector<store::Worker*> workers_;
};

}  // namespace larder::test_support
