// One key in the hands of a command that may write it: valid inside Keyspace::Write() or WriteAll()
// only, under the lock of its shard.
//
// Threads: the one that runs the command. It remembers where the key is until the key is written
// through it; a change of another key through another editor invalidates that, so take a fresh
// editor then (MultiEditor::operator[] does). Cost: O(1) each, besides copying the value.
#pragma once

#include <string_view>

#include "store/shard.h"

namespace larder::store {

class KeyEditor {
 public:
  // REQUIRES: the shard's lock is held until the editor is gone.
  KeyEditor(Shard& shard, Worker& worker, const Key& key)
      : shard_(shard), worker_(worker), key_(key) {}

  const Key& key() const { return key_; }
  Worker& worker() const { return worker_; }

  // The live entry, or null. Good until the next change. The first look counts as an access.
  const Entry* entry() { return mutable_entry(); }

  // Inserts or replaces. Build a large entry before Write(), so that the lock is not held while its
  // bytes are copied.
  void Put(OwnedEntry entry);
  void PutString(std::string_view value, UnixMs deadline = kNoDeadline,
                 Entry::Encoding encoding = Entry::Encoding::kByContent);
  // False if the key was not there.
  bool Erase();
  // kNoDeadline makes the key persistent. REQUIRES: entry().
  void SetDeadline(UnixMs deadline);

  // For store/string_value.cc, which writes values in place. REQUIRES: entry().
  void SetInteger(int64_t value);
  // REQUIRES: entry()->is_growable(). The value's block, to be written; Altered() once that is
  // done.
  LargeValue* growable() { return mutable_entry()->large(); }
  void ReplaceGrowable(LargeValue* fresh);
  // REQUIRES: growable()->is_mapped(). The block moves, its bytes are not copied.
  void ExtendGrowable(size_t capacity);
  void Altered();

  // Moves the entry to `target`'s key, deadline included, overwriting what is there. REQUIRES:
  // entry(), and both keys or their databases differ. A large value changes hands without being
  // copied.
  void MoveTo(KeyEditor& target);
  // The same, but the entry stays and a large value is copied.
  void CopyTo(KeyEditor& target);

 private:
  Entry* mutable_entry();
  bool IsSameKey(const KeyEditor& other) const {
    return &shard_ == &other.shard_ && key_.bytes == other.key_.bytes;
  }
  const Map::Place& place();
  // Put() of an entry that has its access word already.
  void PutMarked(OwnedEntry entry);

  Shard& shard_;
  Worker& worker_;
  const Key key_;
  Map::Place place_;
  bool located_ = false;
};

}  // namespace larder::store
