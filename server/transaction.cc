#include "server/transaction.h"

#include <algorithm>
#include <memory>

#include "server/command_table.h"

namespace larder::server {

ClientTransaction::ClientTransaction(WatchTable& watches) : watcher_(watches) {
  commands_.reserve(kInLineCommands);
}

void ClientTransaction::Queue(const Command& command, std::span<const std::string_view> args) {
  std::pmr::polymorphic_allocator<> allocator(&memory_);
  auto* const copies = allocator.allocate_object<std::string_view>(args.size());
  std::uninitialized_copy(args.begin(), args.end(), copies);
  for (std::string_view& copy : std::span(copies, args.size())) {
    auto* const bytes = allocator.allocate_object<char>(copy.size());
    std::copy(copy.begin(), copy.end(), bytes);
    copy = {bytes, copy.size()};
    bytes_ += copy.size();
  }
  args_ += args.size();
  commands_.push_back({&command, {copies, args.size()}});
  flags_ = flags_ | command.spec->flags;
}

size_t ClientTransaction::memory_bytes() const {
  return sizeof(*this) + bytes_ + args_ * sizeof(std::string_view) +
         commands_.capacity() * sizeof(Queued);
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
