#include "server/client_wait.h"

#include <cassert>

#include "server/call.h"
#include "server/client_pause.h"
#include "server/client_registry.h"

namespace larder::server {

Suspension Suspend(ThreadContext& thread, Client& client) {
  assert(client.suspension == 0);
  client.suspension = ++client.suspensions_total;
  return Suspension(thread.host, client.id, client.suspension);
}

Suspension Block(ThreadContext& thread, Client& client) {
  if (!client.blocked) thread.services.clients.CountBlocked(1);
  client.blocked = true;
  return Suspend(thread, client);
}

void EndWait(Services& services, Client& client) {
  if (client.postponed) services.pause.Forget(client.id);
  if (client.blocked) services.clients.CountBlocked(-1);
  client.blocked = client.postponed = false;
  client.waits.clear();
  client.suspension = 0;
}

}  // namespace larder::server
