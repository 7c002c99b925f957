"""Section 9: what threads cost. CPU of a command and throughput of larder from 1 to 16 I/O threads,
under each guard that threads can share, with one shard, where all meet, with few, and with as many
as a server has by itself.

All servers of one number of shards stay up, with the same keys; each load visits them in turn,
round after round. The load comes from as many processes as there are processors, so that the server
always has requests to run and its threads do meet; the machine is full at any number of threads.
What the locks of a server saw is in its INFO.
"""

from __future__ import annotations

import contextlib
import os
import statistics
from dataclasses import dataclass, field

import closed_loop
import resp
import server_section
from progress import Progress
from servers import Fleet, Server, Spec

KINDS = tuple(map for map in server_section.MAPS if map != "plain")
THREADS = (1, 2, 4, 8, 16)
THREADS_QUICK = (1, 2, 8)
SHARDS = (1, 16, 0)  # 0: the server's default
SHARDS_QUICK = (1, 0)
PIPELINE = 16
CONNECTIONS = 64
LOADS = {"GET": 0.0, "95 % GET, 5 % SET": 0.05, "SET": 1.0}  # name -> share of SETs
# So few that the table stays in the processor's cache: a miss there would hide what a guard costs.
KEYS = 100_000
COMMANDS = 500_000
COMMANDS_QUICK = 100_000
DIFFERENT_PIPELINES = 4_096


@dataclass
class ThreadPoint:
    """One server under one load; one element a round in each list."""

    load: str
    shards: int
    default_shards: bool
    map: str
    threads: int
    cpu_us: list[float] = field(default_factory=list)  # a command
    per_second: list[float] = field(default_factory=list)
    contended: list[float] = field(default_factory=list)  # of 1,000 commands
    waited_us: list[float] = field(default_factory=list)  # by 1,000 commands together
    switches: list[float] = field(default_factory=list)  # of threads, in 1,000 commands

    @property
    def cpu_us_median(self) -> float:
        return statistics.median(self.cpu_us)

    @property
    def per_second_median(self) -> float:
        return statistics.median(self.per_second)

    @property
    def contended_median(self) -> float:
        return statistics.median(self.contended)

    @property
    def waited_us_median(self) -> float:
        return statistics.median(self.waited_us)

    @property
    def switches_median(self) -> float:
        return statistics.median(self.switches)


def measure(
    fleet: Fleet, progress: Progress, found: list[ThreadPoint], *, quick: bool, rounds: int
) -> None:
    """Runs the section; adds to `found` as it goes, so that a failure keeps the points before it."""
    threads, shard_counts = (THREADS_QUICK, SHARDS_QUICK) if quick else (THREADS, SHARDS)
    rounds = 1 if quick else rounds
    specs_each = len(threads) * len(KINDS)
    progress.section("threads", len(shard_counts) * len(LOADS) * specs_each * rounds)
    chunks = list(resp.set_chunks(0, KEYS, server_section.VALUE))
    loads = {
        name: closed_loop.pipelines(
            DIFFERENT_PIPELINES, PIPELINE, keys=KEYS, value=server_section.VALUE, set_share=share
        )
        for name, share in LOADS.items()
    }
    for shards in shard_counts:
        servers = []
        for map in KINDS:
            servers += [fleet.start(Spec("larder", map, count, shards)) for count in threads]
        for server in servers:
            resp.load(server.port, chunks)
            # Enough misses for the sync kind to have promoted what was loaded.
            with closed_loop.ClosedLoop(server.port, CONNECTIONS) as clients:
                clients.run(loads["GET"], 2 * KEYS // PIPELINE)
        for name, load in loads.items():
            _visit(progress, servers, found, name, load, quick=quick, rounds=rounds)
        fleet.stop_all()


def _visit(
    progress: Progress,
    servers: list[Server],
    found: list[ThreadPoint],
    name: str,
    load: list[closed_loop.Pipeline],
    *,
    quick: bool,
    rounds: int,
) -> None:
    """All servers under one load, in turn; nobody always follows the same neighbour."""
    visited = []
    for server in servers:
        spec, figures = server.spec, _figures(server)
        shards, by_default = int(figures["shards"]), spec.shards == 0
        point = ThreadPoint(name, shards, by_default, spec.map, spec.threads)
        visited.append((server, point))
    count = (COMMANDS_QUICK if quick else COMMANDS) // PIPELINE
    for turn in range(rounds):
        first = turn * len(visited) // rounds
        for server, point in visited[first:] + visited[:first]:
            _run(server, point, load, count)
            progress.step(
                f"{name}, {server.spec.label}: {point.cpu_us[-1]:.3f} us CPU, "
                f"{point.per_second[-1]:,.0f}/s, {point.contended[-1]:.2f} in 1,000 contended"
            )
    found += [point for _, point in visited]


def _run(server: Server, point: ThreadPoint, load: list[closed_loop.Pipeline], count: int) -> None:
    """One run; appends its figures to the point. Connecting and first use are not in them."""
    processes = os.cpu_count() or 1
    with contextlib.ExitStack() as stack:
        loops = [
            stack.enter_context(closed_loop.ClosedLoop(server.port, CONNECTIONS // processes))
            for _ in range(processes)
        ]
        for loop in loops:
            loop.run(load, CONNECTIONS // processes)
        before, before_ns = _figures(server), server.cpu_ns()
        switches = server.context_switches()
        seconds = closed_loop.run_together(loops, load, count)
        switches = server.context_switches() - switches
        spent_ns, after = server.cpu_ns() - before_ns, _figures(server)
    commands = count * PIPELINE
    point.cpu_us.append(spent_ns / 1e3 / commands)
    point.per_second.append(commands / seconds)
    point.switches.append(switches * 1e3 / commands)
    for values, name in ((point.contended, "contended"), (point.waited_us, "waited_us")):
        values.append((int(after[name]) - int(before[name])) * 1e3 / commands)


def _figures(server: Server) -> dict[str, str]:
    with resp.Connection(server.port) as connection:
        return connection.info("larder")
