"""Section 8: what size costs. CPU of a pipelined GET as the keys grow from thousands to millions,
and what the server gives back to the system when most of them go.

The same server grows from step to step. At the last one 95 % of the keys are deleted, in no order
that they were stored in, and RSS is watched for as long as the target allows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import resp
import server_section
from progress import Progress
from servers import Fleet, Server

STEPS = (10_000, 100_000, 1_000_000, 10_000_000)
STEPS_QUICK = (10_000, 100_000, 1_000_000)
PIPELINE = 100
DELETED_SHARE = 0.95
# Coprime to every step, so that multiples of it run through all keys in an order of their own.
STRIDE = 7_368_787
GIVEN_BACK_AFTER_S = 10.0


@dataclass
class SizeStep:
    """One server at one number of keys; one element a round."""

    keys: int
    get_us: list[float] = field(default_factory=list)

    @property
    def get_us_median(self) -> float:
        return statistics.median(self.get_us)


@dataclass
class Growth:
    server: str
    kind: str
    map: str
    steps: list[SizeStep] = field(default_factory=list)
    rss_peak_bytes: int = 0
    rss_deleted_bytes: int = 0  # GIVEN_BACK_AFTER_S after the last DEL
    rss_empty_bytes: int = 0  # of the server before its first key

    @property
    def left_share(self) -> float:
        return self.rss_deleted_bytes / self.rss_peak_bytes


def measure(
    fleet: Fleet,
    progress: Progress,
    found: list[Growth],
    *,
    default_map: str,
    quick: bool,
    rounds: int,
) -> None:
    """Runs the section, one server at a time; adds to `found` as it goes.

    Raises RuntimeError without redis-benchmark.
    """
    fleet.require_redis_benchmark()
    specs = fleet.larder_and_redis([default_map])
    steps = STEPS_QUICK if quick else STEPS
    progress.section("growth", len(specs) * (len(steps) + 1))
    for spec in specs:
        server = fleet.start(spec)
        one = Growth(spec.label, spec.kind, spec.map, rss_empty_bytes=server.rss_bytes())
        found.append(one)
        loaded = 0
        for count in steps:
            chunks = resp.set_chunks(loaded, count - loaded, server_section.VALUE)
            resp.load(server.port, chunks)
            loaded = count
            one.steps.append(_measure_step(fleet, server, count, quick, rounds))
            us = one.steps[-1].get_us_median
            progress.step(f"{one.server}: {us:.3f} us a GET among {count:,} keys")
        _delete_most(server, one, loaded)
        progress.step(
            f"{one.server}: RSS {one.rss_peak_bytes / 1e6:.0f} MB, "
            f"{one.rss_deleted_bytes / 1e6:.0f} MB without {DELETED_SHARE:.0%} of the keys"
        )
        fleet.stop(server)


def _measure_step(fleet: Fleet, server: Server, keys: int, quick: bool, rounds: int) -> SizeStep:
    requests = (server_section.REQUESTS_QUICK if quick else server_section.REQUESTS)[PIPELINE]
    step = SizeStep(keys)
    for _ in range(rounds):
        spec = server.spec
        row = server_section.Row(
            spec.label, spec.kind, spec.map, spec.threads, "GET", PIPELINE, requests
        )
        server_section.run(fleet.binaries, server, row, keys)
        step.get_us += row.cpu_us
    return step


def _delete_most(server: Server, one: Growth, keys: int) -> None:
    one.rss_peak_bytes = server.rss_bytes()
    resp.load(server.port, _delete_chunks(keys, int(keys * DELETED_SHARE)))
    time.sleep(GIVEN_BACK_AFTER_S)
    one.rss_deleted_bytes = server.rss_bytes()


def _delete_chunks(keys: int, count: int) -> Iterator[tuple[bytes, bytes]]:
    command = b"*2\r\n$3\r\nDEL\r\n$16\r\nkey:%012d\r\n"
    for at in range(0, count, resp.CHUNK_COMMANDS):
        numbers = [i * STRIDE % keys for i in range(at, min(at + resp.CHUNK_COMMANDS, count))]
        yield (command * len(numbers)) % tuple(numbers), b":1\r\n" * len(numbers)
