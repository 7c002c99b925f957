"""Section 1: CPU microseconds per command and throughput, under redis-benchmark.

All servers of a plan stay up, loaded with the same keys. Each row (command, pipeline) visits them
in turn, round after round, so that a drift of the machine meets all of them alike.
"""

from __future__ import annotations

import csv
import io
import statistics
import subprocess
from dataclasses import dataclass, field

import resp
from progress import Progress
from servers import Binaries, Fleet, Server, Spec

CLIENTS = 50
VALUE = b"v" * 32
MSET_PAIRS = 10
PIPELINES = (1, 16, 100)
OPS = (
    "SET",
    "GET",
    "MSET",
    "INCR",
)  # INCR last: its counters are loaded just before, so the others see only 1 M keys
MAPS = ("plain", "mutex", "rwmutex", "sync", "rcu")
RUN_TIMEOUT_S = 300.0

# Requests a run, so that a run lasts about 2 s (quick: 0.3 s) on a server as fast as the ones here.
REQUESTS = {1: 200_000, 16: 1_500_000, 100: 3_000_000}
REQUESTS_QUICK = {1: 15_000, 16: 120_000, 100: 400_000}


@dataclass
class Row:
    """One server under one load; one element a round in each list."""

    server: str
    kind: str
    map: str
    threads: int
    op: str
    pipeline: int
    requests: int
    cpu_us: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    @property
    def cpu_us_median(self) -> float:
        return statistics.median(self.cpu_us)


@dataclass(frozen=True)
class Plan:
    """Who is measured at which (command, pipeline) pairs."""

    spec: Spec
    rows: frozenset[tuple[str, int]]


def plans(fleet: Fleet, default_map: str, quick: bool) -> list[Plan]:
    """Every server on every row; quick: the other maps only where a target looks at them."""
    every = frozenset((op, pipeline) for op in OPS for pipeline in PIPELINES)
    batched = frozenset(
        (op, pipeline) for op in ("SET", "GET") for pipeline in PIPELINES if pipeline > 1
    )
    result = [Plan(Spec(kind), every) for kind in ("bare", "redis") if fleet.has(kind)]
    if fleet.has("larder"):
        result.append(Plan(Spec("larder", default_map), every))
        others = [Spec("larder", kind) for kind in MAPS if kind != default_map]
        if quick:
            others.append(Spec("larder", default_map, 2))
        else:
            others += [Spec("larder", kind, 2) for kind in MAPS if kind != "plain"]
        result += [Plan(spec, batched if quick else every) for spec in others]
    return result


def measure(
    fleet: Fleet,
    progress: Progress,
    found: list[Row],
    *,
    default_map: str,
    quick: bool,
    rounds: int,
    keys: int,
) -> None:
    """Runs the section; adds to `found` as it goes, so that a failure keeps the rows before it.

    Raises RuntimeError without redis-benchmark: nothing else here drives the load.
    """
    fleet.require_redis_benchmark()
    wanted = plans(fleet, default_map, quick)
    progress.section("server", sum(len(plan.rows) for plan in wanted) * rounds)
    servers = _start_loaded(fleet, progress, [plan.spec for plan in wanted], keys)
    for op in OPS:
        if op == "INCR":
            _load_counters(progress, servers, keys)
        for pipeline in PIPELINES:
            requests = (REQUESTS_QUICK if quick else REQUESTS)[pipeline] // (
                MSET_PAIRS if op == "MSET" else 1
            )
            visited = [
                (server, Row(spec.label, spec.kind, spec.map, spec.threads, op, pipeline, requests))
                for server, spec, plan in ((servers[plan.spec], plan.spec, plan) for plan in wanted)
                if (op, pipeline) in plan.rows
            ]
            for turn in range(rounds):
                first = turn % len(visited)  # nobody always follows the same neighbour
                for server, row in visited[first:] + visited[:first]:
                    run(fleet.binaries, server, row, keys)
                    progress.step(
                        f"{op} P={pipeline}, {row.server}: "
                        f"{row.cpu_us[-1]:.3f} us CPU, {row.per_second[-1]:,.0f}/s"
                    )
            found += [row for _, row in visited]
    fleet.stop_all()


def _start_loaded(
    fleet: Fleet, progress: Progress, specs: list[Spec], keys: int
) -> dict[Spec, Server]:
    progress.say(f"server: starting {len(specs)} servers, {keys:,} keys in each")
    chunks = list(resp.set_chunks(0, keys, VALUE))
    servers = {}
    for spec in specs:
        servers[spec] = fleet.start(spec)
        if spec.kind != "bare":
            resp.load(servers[spec].port, chunks)
    return servers


def _load_counters(progress: Progress, servers: dict[Spec, Server], keys: int) -> None:
    progress.say(f"server: loading {keys:,} counters for INCR")
    chunks = list(resp.set_chunks(0, keys, b"1", prefix=b"cnt:"))
    for spec, server in servers.items():
        if spec.kind != "bare":
            resp.load(server.port, chunks)


def _arguments(op: str) -> list[str]:
    """redis-benchmark replaces each __rand_int__ by 12 digits: 16-byte keys."""
    value = VALUE.decode()
    if op == "MSET":
        return ["MSET"] + ["key:__rand_int__", value] * MSET_PAIRS
    return {
        "SET": ["SET", "key:__rand_int__", value],
        "GET": ["GET", "key:__rand_int__"],
        "INCR": ["INCR", "cnt:__rand_int__"],
    }[op]


def run(binaries: Binaries, server: Server, row: Row, keys: int) -> None:
    """One redis-benchmark run; appends its figures to the row."""
    options = {"-p": server.port, "-c": CLIENTS, "-r": keys, "-n": row.requests, "-P": row.pipeline}
    words = [str(word) for option in options.items() for word in option]
    before_ns = server.cpu_ns()
    done = subprocess.run(
        [str(binaries.redis_benchmark), "-h", "127.0.0.1", *words, "--csv", *_arguments(row.op)],
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    spent_ns = server.cpu_ns() - before_ns
    records = list(csv.DictReader(io.StringIO(done.stdout[done.stdout.find('"test"') :])))
    if done.returncode != 0 or not records or "Error" in done.stdout + done.stderr:
        raise RuntimeError(
            f"redis-benchmark {row.op} on {row.server}: {(done.stdout + done.stderr)[-300:]}"
        )
    row.cpu_us.append(spent_ns / 1e3 / row.requests)
    row.per_second.append(float(records[-1]["rps"]))
    row.p99_ms.append(float(records[-1]["p99_latency_ms"]))
