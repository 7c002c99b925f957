// What the maps of one shard have been through, and which kind of map that speaks for.
//
// The counters are kept anyway, by workers, shards and locks; MapEvidence is a copy of them, or the
// difference of two copies: what happened in between. AdviseMap() is a pure function of one such
// difference. LARDER PROFILE shows its answer, and `--map auto` follows it (store/map_chooser.h).
//
// Threads: values; any.
#pragma once

#include <cstdint>

#include "store/map_kind.h"

namespace larder::store {

// What takes the lock and changes nothing (DEL of an absent key, say) is no operation here.
struct MapEvidence {
  uint64_t elapsed_ms = 0;
  uint64_t reads = 0;
  uint64_t locked_reads = 0;  // of these, under the lock in every kind: MGET's, those of an EXEC
  uint64_t hits = 0;
  uint64_t stores = 0;    // of a value or a deadline
  uint64_t removals = 0;  // deleted, expired and evicted keys
  uint64_t acquisitions = 0;
  uint64_t contended = 0;
  uint64_t waited_us = 0;

  MapEvidence Since(const MapEvidence& earlier) const;
  void Add(const MapEvidence& other);  // of another shard in the same time

  uint64_t operations() const { return reads + stores + removals; }
  double operations_per_second() const;
  double read_share() const;       // of the operations
  double free_read_share() const;  // the same, of reads that some kinds do without the lock
  double hit_share() const;        // of the reads
  double removal_share() const;    // of the operations
  double contended_share() const;  // of the acquisitions of the lock
  double waiting_share() const;    // of one thread's time; above 1 if several wait
};

// Why a kind is advised.
enum class MapReason : uint8_t {
  kQuiet,           // too little happens to tell
  kFits,            // nothing speaks against the present kind
  kReadsDominate,   // a read that takes no lock is cheaper, with rivals or without
  kReadersWait,     // readers and writers wait for each other
  kWritesDominate,  // nearly nobody reads: the plain lock is all that is needed
};

struct MapAdvice {
  MapKind kind;
  MapReason reason;
};

// The thresholds of the rule. Between kReadShareOut and the two others nothing is advised, so that
// a load on a border does not send a shard to and fro. Reads are those of free_read_share().
inline constexpr double kQuietOperationsPerSecond = 100;
inline constexpr double kReadShareIn = 0.3;             // this many reads pay by themselves,
inline constexpr double kReadShareInIfContended = 0.1;  // or this many where the lock is fought for
inline constexpr double kContendedShare = 0.001;
inline constexpr double kReadShareOut = 0.05;

// Which kind the evidence favours for a map that is of kind `present` now: rcu or mutex. The other
// kinds are never advised. A shared lock (rwmutex) and a split of the table (sync) were measured to
// be no cheaper than rcu for reads of one key, and to cost writers more (tests/bench/map_bench.cc);
// plain cannot be left or entered while a server runs.
MapAdvice AdviseMap(MapKind present, const MapEvidence& evidence);

}  // namespace larder::store
