// What COMMAND INFO and COMMAND DOCS say of one command, as reply elements. Pure functions over
// immutable data, any thread; DOCS parses the row's syntax each time, a few microseconds.
#pragma once

#include <span>
#include <string_view>

#include "server/command_table.h"

namespace larder::protocol {
class ReplyWriter;
}

namespace larder::server {

// One array of ten elements; the last holds `subcommands`.
void WriteCommandInfo(const Command& command, std::span<const Command> subcommands,
                      protocol::ReplyWriter& reply);

// Two elements: the full name and a map of what is known.
void WriteCommandDocs(const Command& command, std::span<const Command> subcommands,
                      protocol::ReplyWriter& reply);

// The flags of a key by name, as a set.
void WriteKeyFlags(KeyFlags flags, protocol::ReplyWriter& reply);

// "string" or "STRING"; kAclNone if there is no such category.
AclCategory AclByName(std::string_view name);

}  // namespace larder::server
