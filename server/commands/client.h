// What the files of CLIENT share: its subcommands' handlers, and what several of them need.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/call.h"

namespace larder::server {

// client_list.cc
void ListClients(Call& call, protocol::ReplyWriter& reply);
// client_kill.cc
void KillClients(Call& call, protocol::ReplyWriter& reply);
// client_pause.cc
void PauseClients(Call& call, protocol::ReplyWriter& reply);
void UnpauseClients(Call& call, protocol::ReplyWriter& reply);
void UnblockClient(Call& call, protocol::ReplyWriter& reply);
// client_tracking.cc
void ClientTracking(Call& call, protocol::ReplyWriter& reply);
void ClientTrackingInfo(Call& call, protocol::ReplyWriter& reply);
void ClientGetRedir(Call& call, protocol::ReplyWriter& reply);
void ClientCaching(Call& call, protocol::ReplyWriter& reply);

// The line of CLIENT LIST and CLIENT INFO. On the client's thread.
std::string DescribeClient(const Client& client, store::UnixMs now);

// The classes of clients that TYPE names. All of larder's are normal so far, monitors too.
enum class ClientType : uint8_t { kNormal, kReplica, kPubSub, kMaster };
std::optional<ClientType> ParseClientType(std::string_view name);

}  // namespace larder::server
