"""Talks to two servers at once."""

import socket
import struct
import time

import resp

REPLY_TIMEOUT_S = 20
CLOSED = b"<connection closed>"
NO_REPLY = b"<no reply>"


class Connection:
    """A blocking connection that hands out replies as the raw bytes they came in."""

    def __init__(self, address, timeout_s=REPLY_TIMEOUT_S):
        """`address`: a port of 127.0.0.1, or the path of a Unix socket."""
        if isinstance(address, int):
            self.socket = socket.create_connection(("127.0.0.1", address), timeout=timeout_s)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout_s)
            try:
                self.socket.connect(address)
            except OSError:
                self.socket.close()
                raise
        self.buffer = bytearray()
        self.at = 0

    def send(self, payload):
        try:
            self.socket.sendall(payload)
        except (BrokenPipeError, ConnectionResetError):
            pass  # reading will tell

    def read_replies(self, count):
        """`count` raw replies; CLOSED or NO_REPLY in place of the first that does not come."""
        replies = []
        while len(replies) < count:
            try:
                end = resp.reply_end(self.buffer, self.at)
                replies.append(bytes(self.buffer[self.at : end]))
                self.at = end
            except resp.Incomplete:
                problem = self._fill()
                if problem:
                    replies.append(problem + bytes(self.buffer[self.at :]))
                    break
            except resp.Malformed:
                replies.append(bytes(self.buffer[self.at :]))
                break
        del self.buffer[: self.at]
        self.at = 0
        return replies

    def _fill(self):
        try:
            received = self.socket.recv(1 << 18)
        except TimeoutError:
            return NO_REPLY
        except ConnectionResetError:
            return CLOSED
        if not received:
            return CLOSED
        self.buffer += received
        return None

    def read_all(self):
        """Says that no more requests will come; everything the server sends until it closes."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        problem = None
        while problem is None:
            problem = self._fill()
        received = bytes(self.buffer)
        return received if problem is CLOSED else received + NO_REPLY

    def command(self, *args):
        """The reply to one command, as resp.parse() gives it: its kind and its value."""
        self.send(resp.encode(args))
        return resp.parse(self.read_replies(1)[0])

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a TCP reset: what is under way in either direction is lost."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Pair:
    """The same bytes to larder and to the oracle."""

    def __init__(self, servers, resp_version, password=None):
        self.servers = servers
        self.resp_version = resp_version
        self.password = password
        self.connections = []
        self.connect()

    def connect(self):
        if self.connections:
            self.close()
            time.sleep(0.02)  # until the servers noticed: CLIENT LIST must not show the old ones
        self.connections = [Connection(server.port) for server in self.servers]
        if self.resp_version == 3:
            self.exchange([self._hello()])

    def _hello(self):
        auth = [b"AUTH", b"default", self.password] if self.password else []
        return [b"HELLO", b"3"] + auth

    def exchange(self, commands):
        """Sends all commands in one write; returns the replies of larder and of the oracle."""
        return self.exchange_bytes(b"".join(map(resp.encode, commands)), len(commands))

    def exchange_bytes(self, payload, replies):
        for connection in self.connections:
            connection.send(payload)
        return [connection.read_replies(replies) for connection in self.connections]

    def exchange_raw(self, payload):
        """Sends `payload` on new connections and closes the sending side; all that comes back.
        The connections speak RESP3 in its turn, unless that would take a password."""
        connections = [Connection(server.port) for server in self.servers]
        if self.resp_version == 3 and not self.password:
            for connection in connections:
                connection.send(resp.encode(self._hello()))
                connection.read_replies(1)
        for connection in connections:
            connection.send(payload)
        received = [connection.read_all() for connection in connections]
        for connection in connections:
            connection.close()
        return received

    def reset(self):
        """Both servers empty, on new connections."""
        self.connect()
        self.exchange([[b"FLUSHALL"], [b"CONFIG", b"RESETSTAT"]])

    def close(self):
        for connection in self.connections:
            connection.close()
        self.connections = []
