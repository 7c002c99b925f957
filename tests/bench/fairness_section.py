"""Section 6: what one greedy client costs the others.

Polite clients send one request at a time, under redis-benchmark; the greedy one beside them sends
pipelines of 10,000 and reads the replies, over and over. Runs with and without it take turns.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import resp
from progress import Progress
from servers import Binaries, Fleet, Server

POLITE_CLIENTS = 49
PIPELINE = 10_000
PERCENTILE = 99.9
VALUE = b"v" * 32
REQUESTS = 300_000
REQUESTS_QUICK = 60_000
RUN_TIMEOUT_S = 300.0

# redis-benchmark's table has the step 99.902 %.
STEP = re.compile(r"^([\d.]+)% <= ([\d.]+) milliseconds", re.MULTILINE)


@dataclass
class Fairness:
    """One server; one element a round in each list."""

    server: str
    kind: str
    map: str
    requests: int
    alone_ms: list[float] = field(default_factory=list)  # p99.9 of the polite ones
    beside_ms: list[float] = field(default_factory=list)  # the same, beside the greedy one
    greedy_per_second: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return statistics.median(self.beside_ms) / statistics.median(self.alone_ms)


def measure(
    fleet: Fleet,
    progress: Progress,
    found: list[Fairness],
    *,
    default_map: str,
    quick: bool,
    rounds: int,
    keys: int,
) -> None:
    """Runs the section, one server at a time; adds to `found` as it goes.

    Raises RuntimeError without redis-benchmark.
    """
    fleet.require_redis_benchmark()
    specs = fleet.larder_and_redis([default_map])
    progress.section("fairness", len(specs) * rounds)
    requests = REQUESTS_QUICK if quick else REQUESTS
    for spec in specs:
        server = fleet.start(spec)
        resp.load(server.port, resp.set_chunks(0, keys, VALUE))
        one = Fairness(spec.label, spec.kind, spec.map, requests)
        for _ in range(rounds):
            one.alone_ms.append(_polite(fleet.binaries, server, keys, requests))
            with _greedy_client(server, one.greedy_per_second):
                one.beside_ms.append(_polite(fleet.binaries, server, keys, requests))
            progress.step(
                f"{one.server}: p99.9 {one.alone_ms[-1]:.2f} ms, {one.beside_ms[-1]:.2f} ms beside "
                f"{one.greedy_per_second[-1]:,.0f}/s in one pipeline"
            )
        found.append(one)
        fleet.stop(server)


def _polite(binaries: Binaries, server: Server, keys: int, requests: int) -> float:
    """p99.9 in ms of GETs, each client waiting for its reply."""
    options = {"-p": server.port, "-c": POLITE_CLIENTS, "-r": keys, "-n": requests}
    words = [str(word) for option in options.items() for word in option]
    done = subprocess.run(
        [str(binaries.redis_benchmark), "-h", "127.0.0.1", *words, "GET", "key:__rand_int__"],
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    steps = [(float(percent), float(ms)) for percent, ms in STEP.findall(done.stdout)]
    at_percentile = [ms for percent, ms in steps if percent >= PERCENTILE]
    if done.returncode != 0 or not at_percentile:
        raise RuntimeError(
            f"redis-benchmark on {server.spec.label}: {(done.stdout + done.stderr)[-300:]}"
        )
    return at_percentile[0]


@contextmanager
def _greedy_client(server: Server, per_second: list[float]) -> Iterator[None]:
    """A client that pipelines for as long as the context lasts; appends the rate it got."""
    requests = b"".join(resp.encode("GET", f"key:{i:012d}") for i in range(PIPELINE))
    replies = b"$%d\r\n%s\r\n" % (len(VALUE), VALUE) * PIPELINE
    stopping = threading.Event()
    pipelines = 0
    problem: list[Exception] = []

    def pipeline() -> None:
        nonlocal pipelines
        try:
            with resp.Connection(server.port) as connection:
                while not stopping.is_set():
                    connection.transfer(requests, replies)
                    pipelines += 1
        except Exception as error:  # for the section to raise
            problem.append(error)

    thread = threading.Thread(target=pipeline)
    started = time.monotonic()
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
    if problem:
        raise problem[0]
    per_second.append(pipelines * PIPELINE / (time.monotonic() - started))
