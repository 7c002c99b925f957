// How a client comes to wait for its reply, and how its wait ends: by the reply, or because the
// client goes. The one place where a suspension (suspension.h) begins and ends.
//
// Threads: the client's.
#pragma once

#include "server/client.h"
#include "server/suspension.h"

namespace larder::server {

struct Services;
struct ThreadContext;

// Holds back the client's next commands until somebody resumes it. REQUIRES: they are not held back
// yet.
Suspension Suspend(ThreadContext& thread, Client& client);

// The same for a client that waits for time to pass or for other clients: it is blocked (client.h).
Suspension Block(ThreadContext& thread, Client& client);

// Takes back whatever the wait has left elsewhere: its timers and their copies of its arguments,
// its place in a CLIENT PAUSE, its share of `blocked_clients`. For the end of a suspension, and for
// a client that goes. Idempotent.
void EndWait(Services& services, Client& client);

}  // namespace larder::server
