"""The client side of the benchmarks: one blocking RESP connection and fast bulk loads.

A bulk load sends thousands of commands in one write and then reads as many bytes as their replies
must have. It knows those replies beforehand, so one comparison checks them all.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Iterator

CHUNK_COMMANDS = (
    5_000  # ~0.5 MB of requests, replies well below a socket's buffer: sending never dead-locks
)
KEY_BYTES = 16
DAY_MS = 86_400_000
DAY_SPREAD_MS = 12_000_000  # far deadlines lie within 3.3 hours of a day from now
REPLY_TIMEOUT_S = 120.0

Reply = int | bytes | list | None | Exception


class ReplyError(Exception):
    """A server answered a command with an error, or with something else than a load expects."""


class Connection:
    """One blocking connection. Simple replies only: RESP2, as every server here speaks it."""

    def __init__(self, port: int, timeout_s: float = REPLY_TIMEOUT_S) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self.socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()
        self.socket.close()

    def run(self, *args: str | bytes | int) -> Reply:
        """Sends one command and returns its reply; an error reply is raised."""
        self.send(*args)
        return self.receive()

    def send(self, *args: str | bytes | int) -> None:
        """Sends one command; the caller fetches its reply with receive()."""
        self.socket.sendall(encode(*args))

    def receive(self) -> Reply:
        reply = self._read()
        if isinstance(reply, Exception):
            raise reply
        return reply

    def integer(self, *args: str | bytes | int) -> int:
        self.send(*args)
        return self.receive_integer()

    def receive_integer(self) -> int:
        reply = self.receive()
        if not isinstance(reply, int):
            raise ReplyError(f"{reply!r} is not an integer")
        return reply

    def info(self, section: str) -> dict[str, str]:
        """INFO's fields of one section."""
        text = self.run("INFO", section)
        if not isinstance(text, bytes):
            raise ReplyError(f"INFO {section} answered {text!r}")
        pairs = (line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
        return {name: value for name, value in pairs}

    def used_memory(self) -> int:
        return int(self.info("memory")["used_memory"])

    def transfer(self, requests: bytes, replies: bytes) -> None:
        """Sends `requests` and reads as many bytes as `replies` has, which must be equal."""
        self.socket.sendall(requests)
        self.expect(replies)

    def expect(self, replies: bytes) -> None:
        got = self._reader.read(len(replies))
        if got != replies:
            at = next((i for i, (a, b) in enumerate(zip(got, replies)) if a != b), len(got))
            raise ReplyError(f"unexpected reply in a load: {got[max(at - 5, 0):at + 80]!r}")

    def _read(self) -> Reply:
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        marker, rest = line[:1], line[1:-2]
        if marker == b"+":
            return rest
        if marker == b":":
            return int(rest)
        if marker == b"-":
            return ReplyError(rest.decode(errors="replace"))
        if marker == b"$":
            return None if rest == b"-1" else self._reader.read(int(rest) + 2)[:-2]
        if marker == b"*":
            return None if rest == b"-1" else [self._read() for _ in range(int(rest))]
        raise ReplyError(f"not RESP: {line!r}")


def encode(*args: str | bytes | int) -> bytes:
    """One command as a RESP array of bulk strings."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        raw = arg if isinstance(arg, bytes) else str(arg).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(raw), raw))
    return b"".join(parts)


def set_chunks(
    first: int,
    count: int,
    value: bytes,
    *,
    prefix: bytes = b"key:",
    far_ttl: bool = False,
    deadline_ms: int = 0,
) -> Iterator[tuple[bytes, bytes]]:
    """(requests, replies) that SET keys `first` .. `first + count - 1`, 16 bytes each, in chunks.

    far_ttl: each dies in about a day (PX, spread). deadline_ms: all die at that Unix time (PXAT).
    """
    value = value.replace(b"%", b"%%")
    key = b"$%d\r\n%s%%0%dd\r\n" % (KEY_BYTES, prefix, KEY_BYTES - len(prefix))
    body = key + b"$%d\r\n%s\r\n" % (len(value), value)
    if far_ttl:
        command = b"*5\r\n$3\r\nSET\r\n" + body + b"$2\r\nPX\r\n$8\r\n%08d\r\n"
    elif deadline_ms:
        command = b"*5\r\n$3\r\nSET\r\n" + body + b"$4\r\nPXAT\r\n$13\r\n%d\r\n" % deadline_ms
    else:
        command = b"*3\r\n$3\r\nSET\r\n" + body
    source = random.Random(first)
    for at in range(first, first + count, CHUNK_COMMANDS):
        size = min(CHUNK_COMMANDS, first + count - at)
        fields = list(range(at, at + size))
        if far_ttl:
            ttls = [DAY_MS + source.randrange(-DAY_SPREAD_MS, DAY_SPREAD_MS) for _ in range(size)]
            fields = [number for pair in zip(fields, ttls) for number in pair]
        yield (command * size) % tuple(fields), b"+OK\r\n" * size


def load(port: int, chunks: Iterable[tuple[bytes, bytes]]) -> None:
    """Runs a whole load over one connection of its own; the server works while a chunk is made."""
    with Connection(port) as connection:
        outstanding = b""
        for requests, replies in chunks:
            connection.socket.sendall(requests)
            connection.expect(outstanding)
            outstanding = replies
        connection.expect(outstanding)


def load_memcached(port: int, first: int, count: int, value: bytes, *, far_ttl: bool) -> None:
    """The same keys in memcached's protocol, no replies; a last `version` waits for them all."""
    ttl_s = b"%d" % (DAY_MS // 1000) if far_ttl else b"0"
    command = (
        b"set key:%012d 0 "
        + ttl_s
        + b" %d noreply\r\n%s\r\n" % (len(value), value.replace(b"%", b"%%"))
    )
    with socket.create_connection(("127.0.0.1", port), REPLY_TIMEOUT_S) as connection:
        for at in range(first, first + count, CHUNK_COMMANDS):
            size = min(CHUNK_COMMANDS, first + count - at)
            connection.sendall((command * size) % tuple(range(at, at + size)))
        connection.sendall(b"version\r\n")
        if not connection.recv(100).startswith(b"VERSION"):
            raise ReplyError("memcached did not take the load")


def memcached_stats(port: int) -> dict[str, str]:
    """memcached's `stats`; `bytes` is what its items take, `curr_items` how many there are."""
    with socket.create_connection(("127.0.0.1", port), REPLY_TIMEOUT_S) as connection:
        connection.sendall(b"stats\r\n")
        text = b""
        while not text.endswith(b"END\r\n"):
            text += connection.recv(65536)
    return {
        name: value
        for _, name, value in (line.split(" ", 2) for line in text.decode().splitlines()[:-1])
    }
