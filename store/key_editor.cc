#include "store/key_editor.h"

#include <cassert>
#include <utility>

namespace larder::store {

const Map::Place& KeyEditor::place() {
  shard_.map().AssertHeld();
  if (!located_) {
    place_ = shard_.Locate(worker_, key_);
    located_ = true;
    if (place_) worker_.Touch(*place_.entry());
  }
  return place_;
}

Entry* KeyEditor::mutable_entry() { return place() ? place().entry() : nullptr; }

void KeyEditor::Put(OwnedEntry entry) {
  assert(entry->key() == key_.bytes);
  worker_.MarkNew(*entry, this->entry());
  PutMarked(std::move(entry));
}

void KeyEditor::PutMarked(OwnedEntry entry) {
  shard_.map().AssertHeld();
  shard_.Put(worker_, key_, place(), std::move(entry));
  located_ = false;
}

void KeyEditor::PutString(std::string_view value, UnixMs deadline, Entry::Encoding encoding) {
  Put(Entry::MakeString(worker_.allocator(), key_.bytes, value, deadline, encoding));
}

bool KeyEditor::Erase() {
  shard_.map().AssertHeld();
  if (!place()) return false;
  shard_.Erase(worker_, key_, place());
  located_ = false;
  return true;
}

void KeyEditor::SetDeadline(UnixMs deadline) {
  shard_.map().AssertHeld();
  assert(entry() != nullptr);
  shard_.SetDeadline(worker_, key_, place(), deadline);
}

void KeyEditor::SetInteger(int64_t value) {
  shard_.map().AssertHeld();
  mutable_entry()->SetInteger(value);
  shard_.Altered(key_);
}

void KeyEditor::ReplaceGrowable(LargeValue* fresh) {
  shard_.map().AssertHeld();
  shard_.ReplaceGrowable(worker_, mutable_entry(), fresh);
}

void KeyEditor::ExtendGrowable(size_t capacity) {
  shard_.map().AssertHeld();
  shard_.ExtendGrowable(worker_, mutable_entry(), capacity);
}

void KeyEditor::Altered() {
  shard_.map().AssertHeld();
  shard_.Altered(key_);
}

void KeyEditor::MoveTo(KeyEditor& target) {
  shard_.map().AssertHeld();
  assert(entry() != nullptr && !IsSameKey(target));
  OwnedEntry moved =
      Entry::MakeFrom(worker_.allocator(), target.key_.bytes, *entry(), entry()->deadline());
  shard_.Supersede(worker_, key_, place(), *moved);
  located_ = false;
  target.located_ = false;
  target.PutMarked(std::move(moved));
}

void KeyEditor::CopyTo(KeyEditor& target) {
  assert(entry() != nullptr && !IsSameKey(target));
  target.Put(
      Entry::MakeCopy(worker_.allocator(), target.key_.bytes, *entry(), entry()->deadline()));
  located_ = false;
}

}  // namespace larder::store
