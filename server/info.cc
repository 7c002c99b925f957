#include "server/info.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/arg_reader.h"
#include "server/info_section.h"

namespace larder::server {
namespace {

enum class Shown : uint8_t { kDefault, kAll, kEverything };

struct Section {
  std::string_view name;   // as an argument of INFO
  std::string_view title;  // as a heading
  Shown shown;             // from which of the three on it is included
  void (*write)(InfoSource&);
};

constexpr Section kSections[] = {
    {"server", "Server", Shown::kDefault, WriteServerInfo},
    {"clients", "Clients", Shown::kDefault, WriteClientsInfo},
    {"memory", "Memory", Shown::kDefault, WriteMemoryInfo},
    {"persistence", "Persistence", Shown::kDefault, WritePersistenceInfo},
    {"stats", "Stats", Shown::kDefault, WriteStatsInfo},
    {"replication", "Replication", Shown::kDefault, WriteReplicationInfo},
    {"cpu", "CPU", Shown::kDefault, WriteCpuInfo},
    {"module_list", "Modules", Shown::kDefault, [](InfoSource&) {}},
    {"commandstats", "Commandstats", Shown::kAll, WriteCommandStatsInfo},
    {"errorstats", "Errorstats", Shown::kDefault, WriteErrorStatsInfo},
    {"latencystats", "Latencystats", Shown::kAll, WriteLatencyStatsInfo},
    {"cluster", "Cluster", Shown::kDefault, WriteClusterInfo},
    {"keyspace", "Keyspace", Shown::kDefault, WriteKeyspaceInfo},
    {"larder", "Larder", Shown::kDefault, WriteLarderInfo},
};

bool IsWanted(const Section& section, std::span<const std::string_view> names) {
  if (names.empty()) return section.shown == Shown::kDefault;
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    if (EqualsIgnoreCase(name, "default")) return section.shown == Shown::kDefault;
    if (EqualsIgnoreCase(name, "all")) return section.shown <= Shown::kAll;
    if (EqualsIgnoreCase(name, "everything")) return true;
    // "modules" stands for what modules report; there are none, so only their list is shown.
    if (EqualsIgnoreCase(name, "modules")) return section.name == "module_list";
    return EqualsIgnoreCase(name, section.name);
  });
}

}  // namespace

std::string InfoText(const Services& services, store::UnixMs now,
                     std::span<const std::string_view> names) {
  InfoSource out{.services = services, .now = now, .text = {}, .shards = std::nullopt};
  for (const Section& section : kSections) {
    if (!IsWanted(section, names)) continue;
    if (!out.text.empty()) out.text += "\r\n";
    out.Line("# {}", section.title);
    section.write(out);
  }
  return std::move(out.text);
}

}  // namespace larder::server
