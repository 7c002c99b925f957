// What the files of LARDER share: its subcommands' handlers, and what several of them need.
#pragma once

#include "protocol/reply_writer.h"
#include "server/call.h"

namespace larder::server {

// 0.12345 as the number 12.35. Not Double(), which writes 12.35 with Redis' 17 digits.
void ReplyPercent(protocol::ReplyWriter& reply, double share);

// larder_profile.cc
void LarderProfile(Call& call, protocol::ReplyWriter& reply);
void LarderHotKeys(Call& call, protocol::ReplyWriter& reply);

}  // namespace larder::server
