#include "server/transaction.h"

#include <algorithm>

#include "server/command_table.h"

namespace larder::server {

void ClientTransaction::Queue(const Command& command, std::span<const std::string_view> args) {
  if (commands_.empty()) {  // room for an ordinary transaction at once
    bytes_.reserve(256);
    arg_ends_.reserve(32);
    commands_.reserve(8);
  }
  for (std::string_view arg : args) {
    bytes_.append(arg);
    arg_ends_.push_back(bytes_.size());
  }
  commands_.push_back({&command, args.size()});
  flags_ = flags_ | command.spec->flags;
}

std::vector<ClientTransaction::Queued> ClientTransaction::Commands() {
  views_.clear();
  views_.reserve(arg_ends_.size());
  size_t begin = 0;
  for (size_t end : arg_ends_) {
    views_.push_back(std::string_view(bytes_).substr(begin, end - begin));
    begin = end;
  }
  std::vector<Queued> queued;
  queued.reserve(commands_.size());
  size_t first = 0;
  for (const auto& [command, arg_count] : commands_) {
    queued.push_back({command, std::span(views_).subspan(first, arg_count)});
    first += arg_count;
  }
  return queued;
}

size_t ClientTransaction::memory_bytes() const {
  return sizeof(*this) + bytes_.capacity() + arg_ends_.capacity() * sizeof(size_t) +
         commands_.capacity() * sizeof(Place);
}

void PendingReplies::Await(uint64_t number, protocol::RespVersion version) {
  Part& part = parts_.emplace_back();
  part.suspension = number;
  part.version = version;
}

std::optional<PendingReplies::Place> PendingReplies::Take(uint64_t number) {
  auto it = std::find_if(parts_.begin(), parts_.end(),
                         [&](const Part& part) { return part.suspension == number; });
  if (number == 0 || it == parts_.end()) return std::nullopt;
  it->suspension = 0;
  return Place{it->reply, it->version};
}

bool PendingReplies::complete() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.suspension == 0; });
}

void PendingReplies::MoveTo(protocol::ReplyBuffer& out) {
  for (Part& part : parts_) {
    part.reply.MoveRemainderTo(out);
    part.following.MoveRemainderTo(out);
  }
  parts_.clear();
}

}  // namespace larder::server
