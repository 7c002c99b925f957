// CLIENT LIST: the clients of all I/O threads. The asking client is suspended while each thread
// describes its own (client_registry.h).
#include <spdlog/fmt/fmt.h>
#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/reply_errors.h"
#include "protocol/reply_writer.h"
#include "server/arg_reader.h"
#include "server/client_registry.h"
#include "server/command_table.h"
#include "server/commands/client.h"

namespace larder::server {
namespace {

using protocol::ReplyWriter;

// One letter for each thing that is special about the client; N if nothing is.
std::string Flags(const Client& client) {
  std::string flags;
  if (client.monitor) flags += 'O';
  if (IsQueueing(client)) flags += 'x';
  if (client.blocked) flags += 'b';
  if (client.transaction != nullptr && client.transaction->watcher().touched()) flags += 'd';
  if (client.close_after_reply) flags += 'c';
  if (client.is_unix) flags += 'U';
  if (client.no_evict) flags += 'e';
  if (client.no_touch) flags += 'T';
  return flags.empty() ? "N" : flags;
}

struct ListedClient {
  int64_t id;
  std::string line;
};
using Lines = std::vector<ListedClient>;

// In the order that was asked for, or by id, which is the order in which they came.
std::string JoinLines(std::vector<Lines>&& parts, const std::vector<int64_t>& wanted) {
  Lines all;
  for (Lines& part : parts) std::move(part.begin(), part.end(), std::back_inserter(all));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  std::string text;
  auto append = [&](const ListedClient& client) { text.append(client.line).append("\n"); };
  if (wanted.empty()) {
    for (const ListedClient& client : all) append(client);
    return text;
  }
  for (int64_t id : wanted) {
    auto it = std::lower_bound(all.begin(), all.end(), id,
                               [](const ListedClient& a, int64_t b) { return a.id < b; });
    if (it != all.end() && it->id == id) append(*it);
  }
  return text;
}

}  // namespace

// Fields of features that larder does not have carry the value that Redis shows for a client that
// does not use them.
std::string DescribeClient(const Client& client, store::UnixMs now) {
  std::string line;
  fmt::format_to(
      std::back_inserter(line),
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 "
      "multi={} qbuf={} qbuf-free={} argv-mem=0 multi-mem={} rbs=0 rbp=0 obl=0 oll={} omem={} "
      "tot-mem={} events={} cmd={} user={} redir=-1 resp={} lib-name={} lib-ver={}",
      client.id, client.address, client.local_address, client.fd, client.name,
      std::max<int64_t>(0, now - client.created_at) / 1000,
      std::max<int64_t>(0, now - client.last_interaction) / 1000, Flags(client), client.db,
      IsQueueing(client) ? static_cast<int64_t>(client.transaction->commands().size()) : -1,
      client.query_bytes, client.query_free_bytes,
      client.transaction == nullptr ? 0 : client.transaction->memory_bytes(), client.output_chunks,
      client.output_bytes, client.memory_bytes, client.output_bytes == 0 ? "r" : "rw",
      client.last_command == nullptr ? "NULL" : std::string_view(client.last_command->full_name),
      client.user, client.resp == protocol::RespVersion::kResp3 ? 3 : 2, client.lib_name,
      client.lib_ver);
  return line;
}

std::optional<ClientType> ParseClientType(std::string_view name) {
  if (EqualsIgnoreCase(name, "normal")) return ClientType::kNormal;
  if (EqualsIgnoreCase(name, "replica") || EqualsIgnoreCase(name, "slave")) {
    return ClientType::kReplica;
  }
  if (EqualsIgnoreCase(name, "pubsub")) return ClientType::kPubSub;
  if (EqualsIgnoreCase(name, "master")) return ClientType::kMaster;
  return std::nullopt;
}

void ListClients(Call& call, ReplyWriter& reply) {
  std::vector<int64_t> wanted;
  ArgReader args(call.args, 2);
  if (call.args.size() == 4 && args.Take("TYPE")) {
    std::string_view name = args.Next();
    std::optional<ClientType> type = ParseClientType(name);
    if (!type) return reply.Error(protocol::UnknownClientType(name));
    if (*type != ClientType::kNormal) return reply.Verbatim("txt", "");
  } else if (call.args.size() > 3 && args.Take("ID")) {
    while (!args.done()) wanted.push_back(args.NextInt64(protocol::kInvalidClientId));
  } else if (!args.done()) {
    args.Fail(protocol::kSyntax);
  }
  if (auto error = args.error()) return reply.Error(*error);

  Suspension suspension = call.Suspend();
  call.services.clients.Gather<Lines>(
      [now = call.now(), wanted](Client& client, Lines& lines) {
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), client.id) == wanted.end()) {
          return;
        }
        lines.push_back({client.id, DescribeClient(client, now)});
      },
      [suspension, wanted](std::vector<Lines>&& parts) {
        suspension.Resume([text = JoinLines(std::move(parts), wanted)](Client&, ReplyWriter& out) {
          out.Verbatim("txt", text);
        });
      });
}

}  // namespace larder::server
