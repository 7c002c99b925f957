// The sections of INFO: what each is written from, and who writes it. Internal to server/info*.cc.
//
// Threads and cost: info.h.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "server/call.h"
#include "server/info.h"
#include "store/clock.h"
#include "store/keyspace.h"

namespace larder::server {

// What the sections are written from: one moment's figures, collected when first asked for.
struct InfoSource {
  const Services& services;
  store::UnixMs now;
  std::string text;
  std::optional<store::ShardFigures> shards;

  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
    text += "\r\n";
  }
  const store::ShardFigures& Shards() {
    if (!shards) shards = services.keyspace.Totals();
    return *shards;
  }
};

inline double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

// The process and its surroundings (info_process.cc).
void WriteServerInfo(InfoSource& out);
void WriteClientsInfo(InfoSource& out);
void WritePersistenceInfo(InfoSource& out);
void WriteReplicationInfo(InfoSource& out);
void WriteCpuInfo(InfoSource& out);
void WriteClusterInfo(InfoSource& out);
// Memory (info_memory.cc).
void WriteMemoryInfo(InfoSource& out);
// What commands have done (info_stats.cc).
void WriteStatsInfo(InfoSource& out);
void WriteCommandStatsInfo(InfoSource& out);
void WriteErrorStatsInfo(InfoSource& out);
void WriteLatencyStatsInfo(InfoSource& out);
// The keys (info_keyspace.cc).
void WriteKeyspaceInfo(InfoSource& out);
void WriteLarderInfo(InfoSource& out);

}  // namespace larder::server
