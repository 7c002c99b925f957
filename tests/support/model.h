// What a keyspace should hold: a std::map a database, with deadlines in virtual time.
//
// Deliberately naive: every function walks or copies as it likes. A key is dead once the model's
// time is past its deadline, and is dropped the next time anything looks at it. Single-threaded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/clock.h"

namespace larder::test_support {

class StoreModel {
 public:
  struct Item {
    std::string value;
    store::UnixMs deadline = store::kNoDeadline;
    bool operator==(const Item&) const = default;
  };
  using Items = std::map<std::string, Item>;

  explicit StoreModel(int databases) : databases_(static_cast<size_t>(databases)) {}

  void set_now(store::UnixMs now) { now_ = now; }

  // The live keys of a database.
  const Items& Live(int db) {
    std::erase_if(At(db), [this](const auto& item) {
      return item.second.deadline != store::kNoDeadline && now_ > item.second.deadline;
    });
    return At(db);
  }
  // The live item of a key, or null.
  Item* Find(int db, const std::string& key) {
    Live(db);
    const auto found = At(db).find(key);
    return found == At(db).end() ? nullptr : &found->second;
  }
  void Set(int db, const std::string& key, std::string value, store::UnixMs deadline) {
    At(db)[key] = {std::move(value), deadline};
  }
  bool Erase(int db, const std::string& key) {
    Live(db);
    return At(db).erase(key) != 0;
  }
  bool Rename(int db, const std::string& from, const std::string& to) {
    const Item* item = Find(db, from);
    if (item == nullptr) return false;
    const Item moved = *item;
    At(db).erase(from);
    At(db)[to] = moved;
    return true;
  }
  void Flush(int db) { At(db).clear(); }
  void Swap(int a, int b) { std::swap(At(a), At(b)); }

 private:
  Items& At(int db) { return databases_[static_cast<size_t>(db)]; }

  std::vector<Items> databases_;
  store::UnixMs now_ = 0;
};

}  // namespace larder::test_support
