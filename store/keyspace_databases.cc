// Keyspace's databases as a whole: what their numbers mean, and how that changes.
#include <cassert>
#include <utility>

#include "store/keyspace.h"

namespace larder::store {
namespace {

using std::chrono::steady_clock;

// Flushed databases that may wait to be emptied; see HelpClearing().
constexpr int kFlushedMax = 4;
constexpr std::chrono::milliseconds kFlushHelp{1};

}  // namespace

Database& Keyspace::MakeDatabase(int db) {
  MutexLock lock(change_);
  if (Database* made_meanwhile = Find(db); made_meanwhile != nullptr) return *made_meanwhile;
  return PutDatabase(db, nullptr);
}

Database& Keyspace::FindOrMakeInTransaction(const Worker& worker, int db) {
  Transaction& transaction = *worker.transaction();
  if (Database* found = transaction.Find(db); found != nullptr) return *found;
  assert(transaction.holds_all_databases());
  change_.AssertHeld();
  return PutDatabase(db, &transaction);
}

Database& Keyspace::PutDatabase(int db, Transaction* maker) {
  Database* database = TakeFreeDatabase();
  if (database == nullptr) database = &BuildDatabase(maker);
  database->owner.db.store(db, std::memory_order_relaxed);  // relaxed: published by the store below
  databases_[static_cast<size_t>(db)].store(
      database, std::memory_order_release);  // release [keyspace.database]
  return *database;
}

Database* Keyspace::TakeFreeDatabase() {
  MutexLock lock(admin_);
  if (free_.empty()) return nullptr;
  Database* database = free_.back();
  free_.pop_back();
  return database;
}

// Its shards are locked for its maker, if it has one, before anybody else can find it.
Database& Keyspace::BuildDatabase(Transaction* maker) {
  const int id = static_cast<int>(AllDatabases().size());  // change_ is held: it stays the next one
  auto database = std::make_unique<Database>(
      id, options_.shards, [this](size_t shard) { return map_of(static_cast<int>(shard)); });
  Database& built = *database;
  built.owner.listener = options_.listener;
  if (maker != nullptr) maker->Hold(built);
  shared_.budget.Add(static_cast<int64_t>(BytesOfADatabase()));
  MutexLock lock(admin_);
  made_.push_back(std::move(database));
  return built;
}

std::vector<Database*> Keyspace::AllDatabases() const {
  MutexLock lock(admin_);
  std::vector<Database*> all;
  all.reserve(made_.size());
  for (const auto& database : made_) all.push_back(database.get());
  return all;
}

// While the generation is odd, readers and writers that come wait; those that were here before find
// out.
void Keyspace::BeginExclusive() {
  change_.Lock();
  generation_.fetch_add(1, std::memory_order_acq_rel);  // acq_rel [keyspace.generation]
}

void Keyspace::EndExclusive() {
  generation_.fetch_add(1, std::memory_order_acq_rel);  // acq_rel [keyspace.generation]
  change_.Unlock();
}

// The scope of a flush or swap. A transaction that has one in it is exclusive as a whole.
class Keyspace::DatabaseChange {
 public:
  // The analysis cannot follow a lock that somebody else may hold for us.
  DatabaseChange(Keyspace& keyspace, const Worker& worker) NO_THREAD_SAFETY_ANALYSIS
      : keyspace_(worker.in_transaction() ? nullptr : &keyspace) {
    assert(!worker.in_transaction() || worker.transaction()->holds_all_databases());
    if (keyspace_ != nullptr) keyspace_->BeginExclusive();
  }
  ~DatabaseChange() NO_THREAD_SAFETY_ANALYSIS {  // see the constructor
    if (keyspace_ != nullptr) keyspace_->EndExclusive();
  }
  DatabaseChange(const DatabaseChange&) = delete;
  DatabaseChange& operator=(const DatabaseChange&) = delete;

 private:
  Keyspace* const keyspace_;
};

// Takes a database out of use; it is emptied later, in steps, but its memory counts as retired from
// now on.
void Keyspace::Detach(Worker& worker, int db) {
  Database* database = Find(db);
  if (database == nullptr) return;
  databases_[static_cast<size_t>(db)].store(
      nullptr, std::memory_order_release);  // release [keyspace.database]
  if (options_.listener != nullptr && options_.listener->interested())
    options_.listener->OnFlush(db);
  int64_t bytes = 0;
  for (const Shard& shard : database->shards) bytes += shard.memory_bytes();
  worker.allocator().MoveToRetired(bytes);
  MutexLock lock(admin_);
  flushed_.push_back({database, 0, bytes});
  flushed_count_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a hint
}

void Keyspace::FlushDb(Worker& worker, int db) {
  worker.Unpin();
  {
    DatabaseChange change(*this, worker);
    Detach(worker, db);
  }
  HelpClearing(worker);
}

void Keyspace::FlushAll(Worker& worker) {
  worker.Unpin();
  {
    DatabaseChange change(*this, worker);
    for (int db = 0; db < databases(); ++db) Detach(worker, db);
  }
  HelpClearing(worker);
}

// A pipeline of SET and FLUSHDB would make a database each time before anybody gets to empty one:
// with more than kFlushedMax waiting, whoever flushes lends a hand, newest (smallest) first.
void Keyspace::HelpClearing(Worker& worker) {
  // relaxed: a hint.
  if (flushed_count_.load(std::memory_order_relaxed) <= kFlushedMax || worker.in_transaction())
    return;
  ClearFlushed(worker, steady_clock::now() + kFlushHelp);
}

// All shards of both are locked, so that no writer that found its shard under the old number stores
// after the swap.
void Keyspace::SwapDb(Worker& worker, int a, int b) {
  worker.Unpin();
  if (a == b) return;
  DatabaseChange change(*this, worker);
  Database* first = Find(a);
  Database* second = Find(b);
  ShardSet set(worker, 2 * static_cast<size_t>(shards()));
  for (Database* database : {first, second}) {
    for (size_t i = 0; database != nullptr && i < database->shards.size(); ++i)
      set.Add(*database, i);
  }
  set.Lock();
  if (options_.listener != nullptr && options_.listener->interested()) {
    options_.listener->OnSwap(a, b, [&](int db, const Key& key) {
      return HasKeyLocked(worker, db == a ? first : second, key);
    });
  }
  // relaxed: read under a lock that we hold. release [keyspace.database].
  if (first != nullptr) first->owner.db.store(b, std::memory_order_relaxed);
  if (second != nullptr) second->owner.db.store(a, std::memory_order_relaxed);
  databases_[static_cast<size_t>(a)].store(second, std::memory_order_release);
  databases_[static_cast<size_t>(b)].store(first, std::memory_order_release);
}

bool Keyspace::HasKeyLocked(const Worker& worker, Database* database, const Key& key) const {
  if (database == nullptr) return false;
  Shard& shard = database->shards[ShardOf(key)];
  shard.map().AssertHeld();
  const Map::Place place = shard.map().Locate(key);
  return place && !place.entry()->ExpiredAt(worker.now());
}

}  // namespace larder::store
