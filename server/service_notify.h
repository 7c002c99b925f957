// Tells the service manager that started the process (systemd: Type=notify) how it is doing: one
// datagram to the socket that $NOTIFY_SOCKET names, "@name" being an abstract one. The protocol is
// that of sd_notify(3), in the twenty lines that it takes. Any thread.
#pragma once

#include <string_view>

namespace larder::server {

// `state`: "READY=1", "STOPPING=1". False if nobody asked to be told, or the message did not get
// through: nothing that a server could act on.
bool NotifyServiceManager(std::string_view state);

}  // namespace larder::server
