#include "server/map_report.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace larder::server {
namespace {

using store::AdviseMap;
using store::MapAdvice;
using store::MapEvidence;
using store::MapKind;
using store::MapReason;

constexpr size_t kRowsMax = 10;        // of the table of contended shards
constexpr size_t kShardsNamedMax = 8;  // in a sentence
constexpr size_t kOrdersMax = 4;       // single shards that people are asked to move by hand
constexpr size_t kBarWidth = 40;

template <typename... Args>
void Append(std::string& text, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
}

std::string WithCommas(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

// "0.4", "7.5", "982", "12,345", "1.23 M".
std::string Number(double number) {
  constexpr double kMillions = 1e6;
  if (number >= kMillions) return fmt::format("{:.2f} M", number / kMillions);
  if (number < 10 && number != std::floor(number)) return fmt::format("{:.1f}", number);
  return WithCommas(static_cast<uint64_t>(std::llround(number)));
}

// Two digits that say something; nothing that happened is "0 %", and nothing short of all "100 %".
std::string Percent(double share) {
  const double percent = share * 100;
  if (percent == 0) return "0 %";
  if (percent < 0.01) return "< 0.01 %";
  if (percent < 10) return fmt::format("{:.2g} %", percent);
  if (percent < 100 && percent >= 99.5) return fmt::format("{:.1f} %", std::min(percent, 99.9));
  return fmt::format("{:.0f} %", percent);
}

double ShareOf(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double PerSecond(const MapEvidence& evidence, uint64_t count) {
  return 1000 * ShareOf(count, evidence.elapsed_ms);
}

std::string ListOf(const std::vector<int>& shards) {
  std::string text;
  for (size_t i = 0; i < shards.size() && i < kShardsNamedMax; ++i)
    Append(text, "{}{}", i == 0 ? "" : ", ", shards[i]);
  if (shards.size() > kShardsNamedMax) text += " ...";
  return text;
}

// How many shards there are of each kind.
using ShardsByMap = std::array<size_t, store::kMapKinds.size()>;
ShardsByMap CountMaps(const MapProfile& profile) {
  ShardsByMap of_kind{};
  for (const auto& shard : profile.shards) ++of_kind[static_cast<size_t>(shard.map)];
  return of_kind;
}

void WriteHeading(const MapProfile& profile, std::string& text) {
  const size_t shards = profile.shards.size();
  Append(text, "The last {:.1f} s: {} I/O thread{}, {} shard{}{}\n\n", profile.seconds(),
         profile.threads, profile.threads == 1 ? "" : "s", shards, shards == 1 ? "" : "s",
         profile.automatic ? ", map auto" : "");
}

void WriteLoad(const MapProfile& profile, std::string& text) {
  const MapEvidence sum = profile.Sum();
  Append(text, "Load       {} operations/s on keys", Number(sum.operations_per_second()));
  if (sum.operations() > 0) {
    Append(text, ": {} reads ({} of them hits), {} stores, {} removals", Percent(sum.read_share()),
           Percent(sum.hit_share()), Percent(ShareOf(sum.stores, sum.operations())),
           Percent(sum.removal_share()));
  }
  Append(text, "\nLocks      taken {} times/s, {} of them after a wait\n",
         Number(PerSecond(sum, sum.acquisitions)), Percent(sum.contended_share()));
  Append(text, "Waiting    {} us/s, {} of the time of {} I/O thread{}\n",
         Number(PerSecond(sum, sum.waited_us)), Percent(sum.waiting_share() / profile.threads),
         profile.threads, profile.threads == 1 ? "" : "s");

  const ShardsByMap of_kind = CountMaps(profile);
  text += "Maps       ";
  std::string_view comma;
  for (const MapKind kind : store::kMapKinds) {
    const size_t count = of_kind[static_cast<size_t>(kind)];
    if (count == 0) continue;
    Append(text, "{}{} {}", std::exchange(comma, ", "), count, store::Name(kind));
  }
  text += "\n\n";
}

void WriteWaits(const MapProfile& profile, std::string& text) {
  const store::WaitCounts& waits = profile.waits;
  uint64_t total = 0;
  for (const uint64_t count : waits) total += count;
  const std::string_view period =
      profile.waits_since_start ? "since the server started" : "in this time";
  if (total == 0) {
    Append(text, "Nobody has had to wait for a lock {}.\n\n", period);
    return;
  }
  Append(text, "How long locks were waited for, {}\n", period);
  const uint64_t most = *std::max_element(waits.begin(), waits.end());
  size_t first = 0, last = waits.size() - 1;
  while (waits[first] == 0) ++first;
  while (waits[last] == 0) --last;
  for (size_t i = first; i <= last; ++i) {
    const auto bar = static_cast<size_t>(std::ceil(ShareOf(waits[i], most) * kBarWidth));
    const std::string line = fmt::format("  {:>8}  {:>11}  {}", WaitClassInWords(i),
                                         WithCommas(waits[i]), std::string(bar, '#'));
    Append(text, "{}\n", std::string_view(line).substr(0, line.find_last_not_of(' ') + 1));
  }
  text += '\n';
}

void WriteMostContended(const MapProfile& profile, std::string& text) {
  std::vector<int> contended;
  for (size_t i = 0; i < profile.shards.size(); ++i)
    if (profile.shards[i].evidence.contended > 0) contended.push_back(static_cast<int>(i));
  if (contended.empty()) return;
  const auto evidence_of = [&profile](int shard) -> const MapEvidence& {
    return profile.shards[static_cast<size_t>(shard)].evidence;
  };
  std::stable_sort(contended.begin(), contended.end(), [&](int a, int b) {
    return evidence_of(a).waited_us > evidence_of(b).waited_us;
  });
  Append(text, "Where most of the waiting was, of {} shard{}\n", contended.size(),
         contended.size() == 1 ? "" : "s");
  text += "  shard  map      operations/s   reads  locks after a wait  waited us/s\n";
  if (contended.size() > kRowsMax) contended.resize(kRowsMax);
  for (const int shard : contended) {
    const MapEvidence& evidence = evidence_of(shard);
    Append(text, "  {:>5}  {:<7}  {:>12}  {:>6}  {:>18}  {:>11}\n", shard,
           store::Name(profile.shards[static_cast<size_t>(shard)].map),
           Number(evidence.operations_per_second()), Percent(evidence.read_share()),
           Percent(evidence.contended_share()), Number(PerSecond(evidence, evidence.waited_us)));
  }
  text += '\n';
}

// What each shard's own evidence says.
struct Verdict {
  size_t quiet = 0;
  size_t fitting = 0;
  std::array<std::vector<int>, store::kMapKinds.size()> better_as;  // by the kind advised

  const std::vector<int>& to(MapKind kind) const { return better_as[static_cast<size_t>(kind)]; }
  size_t moves() const {
    size_t sum = 0;
    for (const auto& shards : better_as) sum += shards.size();
    return sum;
  }
};

Verdict JudgeShards(const MapProfile& profile) {
  Verdict verdict;
  for (size_t i = 0; i < profile.shards.size(); ++i) {
    const auto& [map, evidence] = profile.shards[i];
    const MapAdvice advice = AdviseMap(map, evidence);
    if (advice.reason == MapReason::kQuiet) {
      ++verdict.quiet;
    } else if (advice.kind == map) {
      ++verdict.fitting;
    } else {
      verdict.better_as[static_cast<size_t>(advice.kind)].push_back(static_cast<int>(i));
    }
  }
  return verdict;
}

// The kind that most shards are.
MapKind UsualMap(const MapProfile& profile) {
  const ShardsByMap of_kind = CountMaps(profile);
  const auto* const most = std::max_element(of_kind.begin(), of_kind.end());
  return static_cast<MapKind>(most - of_kind.begin());
}

// "all would do better as rcu; 3 is the busiest of them:", "shard 7 would do better as rcu:".
std::string WhichShards(const MapProfile& profile, const std::vector<int>& shards, MapKind kind,
                        int busiest) {
  if (shards.size() == 1)
    return fmt::format("shard {} would do better as {}:", busiest, store::Name(kind));
  if (shards.size() == profile.shards.size()) {
    return fmt::format("all would do better as {}; {} is the busiest of them:", store::Name(kind),
                       busiest);
  }
  return fmt::format("{} would do better as {}: {}; {} is the busiest of them:", shards.size(),
                     store::Name(kind), ListOf(shards), busiest);
}

void WriteShardVerdicts(const MapProfile& profile, const Verdict& verdict, std::string& text) {
  if (verdict.fitting > 0) {
    Append(text, "  {} {} of a kind that suits {}\n", verdict.fitting,
           verdict.fitting == 1 ? "is" : "are", verdict.fitting == 1 ? "it" : "them");
  }
  for (const MapKind kind : store::kMapKinds) {
    const std::vector<int>& shards = verdict.to(kind);
    if (shards.empty()) continue;
    const int busiest = *std::max_element(shards.begin(), shards.end(), [&](int a, int b) {
      return profile.shards[static_cast<size_t>(a)].evidence.operations() <
             profile.shards[static_cast<size_t>(b)].evidence.operations();
    });
    const auto& [map, evidence] = profile.shards[static_cast<size_t>(busiest)];
    Append(text, "  {}\n    {}\n", WhichShards(profile, shards, kind, busiest),
           ReasonInWords(map, AdviseMap(map, evidence).reason, evidence));
  }
  if (verdict.quiet > 0) {
    Append(text, "  {} saw fewer than {} operations/s: too few to tell\n", verdict.quiet,
           Number(store::kQuietOperationsPerSecond));
  }
}

// The commands that would bring what the verdict asks for, or why none are needed.
std::string WhatToDo(const MapProfile& profile, const Verdict& verdict, MapKind usual,
                     MapKind favoured) {
  if (profile.automatic) {
    return verdict.moves() == 0 ? "nothing"
                                : "nothing: under map auto these shards move by themselves, if "
                                  "their load stays like this";
  }
  if (verdict.moves() == 0) {
    if (favoured == usual || verdict.fitting > 0) return "nothing";
    return fmt::format("CONFIG SET map {}, but with so little to do it makes no great difference",
                       store::Name(favoured));
  }
  const size_t same_way = verdict.to(favoured).size();
  if (same_way == verdict.moves() && verdict.fitting == 0)
    return fmt::format("CONFIG SET map {}", store::Name(favoured));
  if (verdict.moves() > kOrdersMax)
    return "CONFIG SET map auto, which lets each shard follow its own load";
  std::string orders;
  for (const MapKind kind : store::kMapKinds) {
    for (const int shard : verdict.to(kind)) {
      Append(orders, "{}LARDER MAP {} {}", orders.empty() ? "" : ", ", shard, store::Name(kind));
    }
  }
  return orders;
}

void WriteVerdict(const MapProfile& profile, std::string& text) {
  text += "Verdict\n";
  const MapKind usual = UsualMap(profile);
  const MapEvidence sum = profile.Sum();
  if (usual == MapKind::kPlain) {
    text +=
        "Plain has no guard to wait for; it can be neither left nor entered while larder runs.\n"
        "What to do: nothing\n";
    return;
  }
  const MapAdvice advice = AdviseMap(usual, sum);
  Append(text, "All shards together: {}\n    {}\n",
         advice.reason == MapReason::kQuiet ? "no advice" : store::Name(advice.kind),
         ReasonInWords(usual, advice.reason, sum));
  const Verdict verdict = JudgeShards(profile);
  text += "Shard by shard:\n";
  WriteShardVerdicts(profile, verdict, text);
  Append(text, "What to do: {}\n", WhatToDo(profile, verdict, usual, advice.kind));
}

}  // namespace

double MapProfile::seconds() const { return static_cast<double>(Sum().elapsed_ms) / 1000; }

MapEvidence MapProfile::Sum() const {
  MapEvidence sum;
  for (const Shard& shard : shards) {
    sum.elapsed_ms = std::max(sum.elapsed_ms, shard.evidence.elapsed_ms);
    sum.Add(shard.evidence);
  }
  return sum;
}

std::string ReasonInWords(MapKind present, MapReason reason, const MapEvidence& evidence) {
  const std::string rate = Number(evidence.operations_per_second());
  const std::string reads = Percent(evidence.free_read_share());
  const std::string contended = Percent(evidence.contended_share());
  switch (reason) {
    case MapReason::kQuiet:
      return fmt::format("{} operations/s are too few to tell: {} are wanted", rate,
                         Number(store::kQuietOperationsPerSecond));
    case MapReason::kFits:
      return fmt::format(
          "{} of {} operations/s are reads of one key: too many for mutex (below {}), too few for "
          "rcu ({}, or "
          "{} where at least {} of the locks are waited for; {} are)",
          reads, rate, Percent(store::kReadShareOut), Percent(store::kReadShareIn),
          Percent(store::kReadShareInIfContended), Percent(store::kContendedShare), contended);
    case MapReason::kReadsDominate:
      return fmt::format("{} of {} operations/s are reads of one key ({} are enough), and {}",
                         reads, rate, Percent(store::kReadShareIn),
                         present == MapKind::kSync
                             ? "rcu reads without a lock as sync does, with less work for writers"
                             : "rcu reads without a lock");
    case MapReason::kReadersWait:
      return fmt::format(
          "{} of {} operations/s are reads of one key ({} are enough where locks are waited for), "
          "{} of the "
          "locks are waited for, and rcu reads without a lock",
          reads, rate, Percent(store::kReadShareInIfContended), contended);
    case MapReason::kWritesDominate:
      return fmt::format(
          "{} of {} operations/s are reads of one key (fewer than {}): for writes one plain lock "
          "is all that "
          "is needed",
          reads, rate, Percent(store::kReadShareOut));
  }
  return {};
}

std::string MoveInWords(const store::MapMove& move) {
  return fmt::format("Shard {}: map {} becomes {}, since {}", move.shard, store::Name(move.from),
                     store::Name(move.to.kind),
                     ReasonInWords(move.from, move.to.reason, move.evidence));
}

std::string WaitClassInWords(size_t index) {
  const bool is_last = index + 1 == store::kWaitClasses;  // it has what took longer, too
  const uint64_t bound_us = uint64_t{1} << (is_last ? index - 1 : index);
  const bool in_ms = bound_us >= 1024;
  return fmt::format("{} {} {}", is_last ? ">=" : "<", in_ms ? bound_us / 1024 : bound_us,
                     in_ms ? "ms" : "us");
}

std::string ProfileInWords(const MapProfile& profile) {
  std::string text;
  WriteHeading(profile, text);
  WriteLoad(profile, text);
  WriteWaits(profile, text);
  WriteMostContended(profile, text);
  WriteVerdict(profile, text);
  return text;
}

}  // namespace larder::server
