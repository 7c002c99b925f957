#include "tests/support/store_fixture.h"

#include <chrono>
#include <cstdlib>

#include "store/string_value.h"

namespace larder::test_support {

using store::Entry;
using store::IntegerText;
using store::KeyAt;
using store::KeyEditor;
using store::kNoDeadline;
using store::MapKind;
using store::MultiEditor;
using store::MultiReader;
using store::UnixMs;

namespace {

std::optional<std::string> ValueOf(const Entry* entry) {
  if (entry == nullptr) return std::nullopt;
  IntegerText text;
  return std::string(entry->value(text));
}

}  // namespace

std::vector<MapKind> AllMapKinds() { return {store::kMapKinds.begin(), store::kMapKinds.end()}; }

std::vector<MapKind> SharedMapKinds() {
  return {MapKind::kMutex, MapKind::kRwMutex, MapKind::kSync, MapKind::kRcu};
}

std::string KindName(MapKind kind) { return std::string(Name(kind)); }

int64_t Scaled(int64_t rounds) {
  const char* text = std::getenv("LARDER_ROUNDS");
  const double factor = text != nullptr ? std::atof(text) : 1.0;
  return factor > 0 ? static_cast<int64_t>(static_cast<double>(rounds) * factor) : rounds;
}

std::optional<std::string> StoreSession::Get(std::string_view key) {
  return keyspace_.Read(worker_, db_, keyspace_.Hash(key), ValueOf);
}

bool StoreSession::Exists(std::string_view key) {
  return keyspace_.Read(worker_, db_, keyspace_.Hash(key),
                        [](const Entry* entry) { return entry != nullptr; });
}

std::optional<UnixMs> StoreSession::Deadline(std::string_view key) {
  return keyspace_.Read(worker_, db_, keyspace_.Hash(key),
                        [](const Entry* entry) -> std::optional<UnixMs> {
                          return entry == nullptr ? std::nullopt : std::optional(entry->deadline());
                        });
}

void StoreSession::Set(std::string_view key, std::string_view value, UnixMs deadline) {
  keyspace_.Write(worker_, db_, keyspace_.Hash(key),
                  [&](KeyEditor& editor) { editor.PutString(value, deadline); });
}

bool StoreSession::SetNx(std::string_view key, std::string_view value) {
  return keyspace_.Write(worker_, db_, keyspace_.Hash(key), [&](KeyEditor& editor) {
    if (editor.entry() != nullptr) return false;
    editor.PutString(value);
    return true;
  });
}

std::optional<std::string> StoreSession::SetXxGet(std::string_view key, std::string_view value) {
  return keyspace_.Write(worker_, db_, keyspace_.Hash(key), [&](KeyEditor& editor) {
    std::optional<std::string> old = ValueOf(editor.entry());
    if (old) editor.PutString(value);
    return old;
  });
}

std::optional<std::string> StoreSession::GetDel(std::string_view key) {
  return keyspace_.Write(worker_, db_, keyspace_.Hash(key), [&](KeyEditor& editor) {
    std::optional<std::string> value = ValueOf(editor.entry());
    editor.Erase();
    return value;
  });
}

bool StoreSession::Erase(std::string_view key) {
  return keyspace_.Write(worker_, db_, keyspace_.Hash(key),
                         [](KeyEditor& editor) { return editor.Erase(); });
}

store::Result<int64_t> StoreSession::Incr(std::string_view key, int64_t delta) {
  return keyspace_.Write(worker_, db_, keyspace_.Hash(key),
                         [&](KeyEditor& editor) { return store::Increment(editor, delta); });
}

bool StoreSession::SetDeadline(std::string_view key, UnixMs deadline) {
  return keyspace_.Write(worker_, db_, keyspace_.Hash(key), [&](KeyEditor& editor) {
    if (editor.entry() == nullptr) return false;
    editor.SetDeadline(deadline);
    return true;
  });
}

bool StoreSession::Persist(std::string_view key) {
  return keyspace_.Write(worker_, db_, keyspace_.Hash(key), [&](KeyEditor& editor) {
    if (editor.entry() == nullptr || editor.entry()->deadline() == kNoDeadline) return false;
    editor.SetDeadline(kNoDeadline);
    return true;
  });
}

std::vector<KeyAt> StoreSession::At(const Keys& keys) const {
  std::vector<KeyAt> at;
  for (const std::string& key : keys) at.push_back({db_, keyspace_.Hash(key)});
  return at;
}

std::vector<KeyAt> StoreSession::At(const Pairs& pairs) const {
  std::vector<KeyAt> at;
  for (const auto& pair : pairs) at.push_back({db_, keyspace_.Hash(pair.first)});
  return at;
}

int64_t StoreSession::Del(const Keys& keys) {
  std::vector<KeyAt> at = At(keys);
  return keyspace_.WriteAll(worker_, at, [](MultiEditor& multi) {
    int64_t erased = 0;
    for (size_t i = 0; i < multi.size(); ++i) erased += multi[i].Erase() ? 1 : 0;
    return erased;
  });
}

int64_t StoreSession::CountExisting(const Keys& keys) {
  std::vector<KeyAt> at = At(keys);
  return keyspace_.ReadAll(worker_, at, [](MultiReader& multi) {
    int64_t found = 0;
    for (size_t i = 0; i < multi.size(); ++i) found += multi[i] != nullptr ? 1 : 0;
    return found;
  });
}

void StoreSession::MSet(const Pairs& pairs) {
  std::vector<KeyAt> at = At(pairs);
  keyspace_.WriteAll(worker_, at, [&](MultiEditor& multi) {
    for (size_t i = 0; i < multi.size(); ++i) multi[i].PutString(pairs[i].second);
  });
}

bool StoreSession::MSetNx(const Pairs& pairs) {
  std::vector<KeyAt> at = At(pairs);
  return keyspace_.WriteAll(worker_, at, [&](MultiEditor& multi) {
    for (size_t i = 0; i < multi.size(); ++i) {
      if (multi[i].entry() != nullptr) return false;
    }
    for (size_t i = 0; i < multi.size(); ++i) multi[i].PutString(pairs[i].second);
    return true;
  });
}

std::vector<std::optional<std::string>> StoreSession::MGet(const Keys& keys) {
  std::vector<KeyAt> at = At(keys);
  return keyspace_.ReadAll(worker_, at, [](MultiReader& multi) {
    std::vector<std::optional<std::string>> values;
    for (size_t i = 0; i < multi.size(); ++i) values.push_back(ValueOf(multi[i]));
    return values;
  });
}

bool StoreSession::Rename(std::string_view from, std::string_view to) {
  std::vector<KeyAt> keys = {{db_, keyspace_.Hash(from)}, {db_, keyspace_.Hash(to)}};
  return keyspace_.WriteAll(worker_, keys, [&](MultiEditor& multi) {
    multi[1].entry();  // first: if its time has come, removing it moves others
    KeyEditor source = multi[0];
    if (source.entry() == nullptr) return false;
    KeyEditor target = multi[1];
    if (from != to) source.MoveTo(target);
    return true;
  });
}

bool StoreSession::Copy(std::string_view from, std::string_view to) {
  std::vector<KeyAt> keys = {{db_, keyspace_.Hash(from)}, {db_, keyspace_.Hash(to)}};
  return keyspace_.WriteAll(worker_, keys, [&](MultiEditor& multi) {
    const bool taken = multi[1].entry() != nullptr;  // first: see Rename()
    KeyEditor source = multi[0];
    if (source.entry() == nullptr || taken) return false;
    KeyEditor target = multi[1];
    source.CopyTo(target);
    return true;
  });
}

StoreSession::Keys StoreSession::ScanAll(size_t count) {
  Keys keys;
  uint64_t cursor = 0;
  do {
    cursor = keyspace_.Scan(worker_, db_, cursor, count,
                            [&](const Entry& entry) { keys.emplace_back(entry.key()); });
  } while (cursor != 0);
  return keys;
}

void StoreSession::Prefetch(const Keys& keys) {
  std::vector<KeyAt> at = At(keys);
  keyspace_.Prefetch(worker_, at);
}

StoreUnderTest::StoreUnderTest(store::KeyspaceOptions options, int workers)
    : keyspace_(options, clock_) {
  for (int i = 0; i < workers; ++i) workers_.push_back(&keyspace_.AddWorker());
}

void StoreUnderTest::Advance(int64_t ms) {
  clock_.Advance(ms);
  for (store::Worker* worker : workers_) worker->set_now(clock_.Now());
}

void StoreUnderTest::MaintainAll() {
  for (store::Worker* worker : workers_) keyspace_.Maintain(*worker, std::chrono::seconds(10));
}

void StoreUnderTest::Settle() {
  for (bool more = true; more;) {
    more = false;
    for (store::Worker* worker : workers_) {
      more = keyspace_.Maintain(*worker, std::chrono::seconds(10)).more_now || more;
    }
    more = keyspace_.Memory().retired_bytes != 0 || more;
  }
}

void StoreUnderTest::ChangeKind(store::Worker& worker, MapKind kind) {
  for (int shard = 0; shard < keyspace_.shards(); ++shard) {
    while (!keyspace_.ChangeKindStep(worker, shard, kind)) {
    }
  }
}

}  // namespace larder::test_support
