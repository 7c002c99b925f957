#include "server/call.h"

#include <memory>
#include <utility>

#include "protocol/reply_errors.h"
#include "server/client_wait.h"
#include "server/event_loop.h"
#include "store/keyspace.h"
#include "store/worker.h"

namespace larder::server {

Call::Call(ThreadContext& thread_context, const Command& to_run, Client& caller,
           std::span<const std::string_view> arguments, size_t first_key_index,
           const store::Key& first_key)
    : args(arguments),
      command(to_run),
      spec(*to_run.spec),
      client(caller),
      services(thread_context.services),
      worker(thread_context.worker),
      thread(thread_context),
      first_key_index_(first_key_index),
      first_key_(first_key) {}

store::UnixMs Call::now() const { return worker.now(); }

store::Key Call::HashArgument(size_t i) const { return services.keyspace.Hash(args[i]); }

Suspension Call::Suspend() { return server::Suspend(thread, client); }

void Call::SuspendFor(std::chrono::milliseconds delay, Suspension::WriteReply write) {
  SuspendForEver(std::move(write));
  Wait& wait = client.waits.back();
  wait.timer =
      thread.loop.StartTimer(delay, [suspension = wait.suspension, write = wait.on_timeout] {
        suspension.Resume(
            [write](Client& resumed, protocol::ReplyWriter& out) { (*write)(resumed, out); });
      });
}

void Call::SuspendForEver(Suspension::WriteReply write) {
  client.waits.push_back(
      {.suspension = Block(thread, client),
       .on_timeout = std::make_shared<const Suspension::WriteReply>(std::move(write)),
       .timer = nullptr});
}

bool Call::MakeRoom(protocol::ReplyWriter& reply, size_t bytes) const {
  if (keyspace().MakeRoom(worker, bytes)) [[likely]]
    return true;
  reply.Error(protocol::kOutOfMemory);
  return false;
}

void Call::ReplyError(protocol::ReplyWriter& reply, store::StoreError error) const {
  switch (error) {
    case store::StoreError::kWrongType:
      return reply.Error(protocol::kWrongType);
    case store::StoreError::kNotAnInteger:
      return reply.Error(protocol::kNotAnInteger);
    case store::StoreError::kOverflow:
      return reply.Error(protocol::kIncrementOverflow);
    case store::StoreError::kStringTooLong:
      return reply.Error(protocol::kStringTooLong);
    case store::StoreError::kNoSuchKey:
      return reply.Error(protocol::kNoSuchKey);
  }
}

}  // namespace larder::server
