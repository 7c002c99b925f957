"""A load of pipelines over many connections, each of which sends the next when it has its replies.

Unlike redis-benchmark it can mix commands. It compares every byte of the replies. One process of it
is slower than a server with one thread: whoever wants a server that always has something to do
takes as many loops as processors, each in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import random
import select
import socket
import time
from dataclasses import dataclass

import resp

TIMEOUT_S = 60.0
RECEIVED_MAX = 65_536


@dataclass(frozen=True)
class Pipeline:
    requests: bytes
    replies: bytes  # what the server must answer


def pipelines(
    count: int, commands: int, *, keys: int, value: bytes, set_share: float
) -> list[Pipeline]:
    """`count` pipelines of GETs and SETs of random keys, all of which must hold `value`."""
    draw = random.Random(count)
    hit = b"$%d\r\n%s\r\n" % (len(value), value)
    made = []
    for _ in range(count):
        requests, replies = [], []
        for _ in range(commands):
            key = b"key:%012d" % draw.randrange(keys)
            write = draw.random() < set_share
            requests.append(resp.encode("SET", key, value) if write else resp.encode("GET", key))
            replies.append(b"+OK\r\n" if write else hit)
        made.append(Pipeline(b"".join(requests), b"".join(replies)))
    return made


class ClosedLoop:
    """Connections to one server; a context manager that closes them."""

    def __init__(self, port: int, connections: int) -> None:
        self._sockets: dict[int, socket.socket] = {}
        self._poller = select.epoll()
        for _ in range(connections):
            one = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[one.fileno()] = one
            self._poller.register(one.fileno(), select.EPOLLIN)

    def __enter__(self) -> ClosedLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self._poller.close()
        for one in self._sockets.values():
            one.close()

    def run(self, load: list[Pipeline], count: int) -> None:
        """Sends `count` pipelines, over and over those of `load`.

        REQUIRES: there are at least as many as connections.
        """
        expected: dict[int, bytes] = {}
        for sent, (descriptor, one) in enumerate(self._sockets.items()):
            pipeline = load[sent % len(load)]
            one.sendall(pipeline.requests)
            expected[descriptor] = pipeline.replies
        sent, waiting = len(expected), len(expected)
        while waiting:
            ready = self._poller.poll(TIMEOUT_S)
            if not ready:
                raise RuntimeError(f"no reply for {TIMEOUT_S:.0f} s")
            for descriptor, _ in ready:
                rest = self._receive(descriptor, expected[descriptor])
                if not rest and sent < count:
                    pipeline = load[sent % len(load)]
                    self._sockets[descriptor].sendall(pipeline.requests)
                    rest = pipeline.replies
                    sent += 1
                elif not rest:
                    waiting -= 1
                expected[descriptor] = rest

    def _receive(self, descriptor: int, expected: bytes) -> bytes:
        """Returns what is still to come."""
        got = self._sockets[descriptor].recv(RECEIVED_MAX)
        if not got or not expected.startswith(got):
            raise resp.ReplyError(f"unexpected reply in a load: {got[:80]!r}")
        return expected[len(got) :]


def run_together(loops: list[ClosedLoop], load: list[Pipeline], count: int) -> float:
    """Each loop sends its share of `count` from a process of its own; returns seconds."""
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=loop.run, args=(load[at:] + load[:at], count // len(loops)))
        for loop, at in ((loop, i * len(load) // len(loops)) for i, loop in enumerate(loops))
    ]
    started = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - started
    if any(process.exitcode for process in processes):
        raise RuntimeError("a process of the load failed, see above")
    return seconds
