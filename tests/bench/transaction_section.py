"""Section 5: what a transaction costs. MULTI, five SETs and GETs of random keys, EXEC: in each round
a pipeline of whole transactions over one connection, CPU microseconds of the server for each."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field

import resp
import server_section
from progress import Progress
from servers import Fleet

TRANSACTIONS = 100_000
TRANSACTIONS_QUICK = 20_000
TRANSACTIONS_A_CHUNK = 50
COMMANDS = 5


@dataclass
class TransactionCpu:
    """CPU microseconds a transaction, one element a round."""

    server: str
    kind: str
    map: str
    cpu_us: list[float] = field(default_factory=list)

    @property
    def cpu_us_median(self) -> float:
        return statistics.median(self.cpu_us)


def measure(
    fleet: Fleet,
    progress: Progress,
    found: list[TransactionCpu],
    *,
    maps: tuple[str, ...],
    quick: bool,
    rounds: int,
    keys: int,
) -> None:
    """Runs the section; adds to `found`."""
    specs = fleet.larder_and_redis(maps)
    progress.section("transactions", rounds * len(specs))
    servers = [
        (fleet.start(spec), TransactionCpu(spec.label, spec.kind, spec.map)) for spec in specs
    ]
    for server, _ in servers:
        resp.load(server.port, resp.set_chunks(0, keys, server_section.VALUE))
    found += [result for _, result in servers]
    count = TRANSACTIONS_QUICK if quick else TRANSACTIONS
    for turn in range(rounds):
        for server, result in servers:
            before_ns = server.cpu_ns()
            resp.load(server.port, _chunks(turn, count, keys))
            result.cpu_us.append((server.cpu_ns() - before_ns) / 1e3 / count)
            progress.step(f"{result.server}: {result.cpu_us[-1]:.2f} us a transaction")
    fleet.stop_all()


def _chunks(seed: int, count: int, keys: int) -> Iterator[tuple[bytes, bytes]]:
    """(requests, replies) of `count` transactions; the values are those that the keys have."""
    draw = random.Random(seed)
    value = server_section.VALUE
    read = b"$%d\r\n%s\r\n" % (len(value), value)
    for _ in range(count // TRANSACTIONS_A_CHUNK):
        requests, replies = [], []
        for _ in range(TRANSACTIONS_A_CHUNK):
            requests.append(resp.encode("MULTI"))
            replies.append(b"+OK\r\n" + b"+QUEUED\r\n" * COMMANDS + b"*%d\r\n" % COMMANDS)
            for i in range(COMMANDS):
                key = b"key:%012d" % draw.randrange(keys)
                write = i % 2 == 0
                requests.append(resp.encode("SET", key, value) if write else resp.encode("GET", key))
                replies.append(b"+OK\r\n" if write else read)
            requests.append(resp.encode("EXEC"))
        yield b"".join(requests), b"".join(replies)
