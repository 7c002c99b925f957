"""Section 4: what maxmemory costs, how well it is kept, and what is left in the cache.

CPU: SET of new keys at the limit, beside SET of present keys without one, and of new keys without
one: what insertion costs is not eviction's. Storm: two threads write values of every size; INFO is
asked meanwhile how far used_memory is from the limit. Hit ratios: a trace of requests, each a GET
and on a miss a SET, in a memory of the same size on top of what the empty server uses.
"""

from __future__ import annotations

import array
import lzma
import pathlib
import random
import statistics
import threading
from dataclasses import dataclass, field

import resp
import server_section
from progress import Progress
from servers import Fleet, Server, Spec

NEW_KEYS_FACTOR = 20  # random keys out of so many times those that fit: 19 of 20 SETs are new
STORM_BYTES = 64 << 20
STORM_THREADS = 2
STORM_COMMANDS = 150_000  # of 15 kB on average: 2.2 GB
STORM_COMMANDS_QUICK = 30_000
STORM_VALUE_MAX = 30_000
STORM_PIPELINE = 16
POLICIES = ("allkeys-lru", "allkeys-lfu")
CAPACITY_SHARES = (0.01, 0.1)  # of the trace's unique keys
TRACE_VALUE = b"v" * 200
TRACE_KEY_BYTES = len(TRACE_VALUE) + 100  # what a key may use: about what redis-server needs
TRACE_CHUNK = 64  # requests that are under way together
TRACE_REQUESTS_QUICK = 300_000


@dataclass
class EvictionCpu:
    """CPU microseconds a SET, one element a round."""

    server: str
    kind: str
    map: str
    policy: str
    below_us: list[float] = field(default_factory=list)
    below_new_us: list[float] = field(default_factory=list)
    at_limit_us: list[float] = field(default_factory=list)

    @property
    def below_us_median(self) -> float:
        return statistics.median(self.below_us)

    @property
    def below_new_us_median(self) -> float:
        return statistics.median(self.below_new_us)

    @property
    def at_limit_us_median(self) -> float:
        return statistics.median(self.at_limit_us)

    @property
    def ratio(self) -> float:
        return self.at_limit_us_median / self.below_us_median


@dataclass
class Storm:
    server: str
    kind: str
    map: str
    maxmemory: int
    used_max: int
    used_min_when_full: int


@dataclass
class HitRatio:
    server: str
    kind: str
    map: str
    trace: str
    policy: str
    capacity_share: float
    hits: int
    requests: int

    @property
    def ratio(self) -> float:
        return self.hits / self.requests


@dataclass
class EvictionResult:
    cpu: list[EvictionCpu]
    storms: list[Storm]
    hit_ratios: list[HitRatio]

    @staticmethod
    def nothing() -> EvictionResult:
        return EvictionResult([], [], [])


def measure(
    fleet: Fleet,
    progress: Progress,
    found: EvictionResult,
    *,
    default_map: str,
    traces: pathlib.Path | None,
    quick: bool,
    rounds: int,
    keys: int,
) -> None:
    """Runs the section; adds to `found` as it goes, so that a failure keeps what came before it."""
    specs = fleet.larder_and_redis([default_map])
    progress.section("eviction", (3 * rounds + 1) * len(specs) + 1)
    if fleet.binaries.redis_benchmark is not None:
        _cpu(fleet, progress, specs, found, quick=quick, rounds=rounds, keys=keys)
    found.storms.append(_storm(fleet, progress, Spec("larder", default_map, STORM_THREADS), quick))
    for trace in sorted(traces.glob("*.u32.xz")) if traces else []:
        _hit_ratios(fleet, progress, specs, found, trace, quick)


def _cpu(
    fleet: Fleet,
    progress: Progress,
    specs: list[Spec],
    found: EvictionResult,
    *,
    quick: bool,
    rounds: int,
    keys: int,
) -> None:
    servers = [(fleet.start(spec), EvictionCpu(*_names(spec), POLICIES[0])) for spec in specs]
    for server, _ in servers:
        resp.load(server.port, resp.set_chunks(0, keys, server_section.VALUE))

    def cpu_us(server: Server, result: EvictionCpu, keys: int, what: str) -> float:
        us = _set_cpu_us(fleet, server, keys, quick)
        progress.step(f"SET of {what}, {result.server}: {us:.3f} us")
        return us

    for _ in range(rounds):
        for server, result in servers:
            result.below_us.append(cpu_us(server, result, keys, "present keys"))
    for _ in range(rounds):
        for server, result in servers:
            new = cpu_us(server, result, keys * NEW_KEYS_FACTOR, "new keys")
            result.below_new_us.append(new)
    for server, _ in servers:
        _limit(server, POLICIES[0], 0)
    for turn in range(rounds + 1):
        for server, result in servers:
            at_limit = cpu_us(server, result, keys * NEW_KEYS_FACTOR, "new keys at the limit")
            # The first round replaces the keys that were loaded in order.
            if turn > 0:
                result.at_limit_us.append(at_limit)
    found.cpu += [result for _, result in servers]
    fleet.stop_all()


def _set_cpu_us(fleet: Fleet, server: Server, keys: int, quick: bool) -> float:
    requests = (server_section.REQUESTS_QUICK if quick else server_section.REQUESTS)[16]
    row = server_section.Row(*_names(server.spec), server.spec.threads, "SET", 16, requests)
    server_section.run(fleet.binaries, server, row, keys)
    return row.cpu_us[0]


def _names(spec: Spec) -> tuple[str, str, str]:
    return spec.label, spec.kind, spec.map


def _limit(server: Server, policy: str, more_bytes: int) -> int:
    """Sets maxmemory to so much more than is used now; returns it."""
    with resp.Connection(server.port) as connection:
        maxmemory = connection.used_memory() + more_bytes
        connection.run("CONFIG", "SET", "maxmemory", maxmemory, "maxmemory-policy", policy)
        return maxmemory


def _storm(fleet: Fleet, progress: Progress, spec: Spec, quick: bool) -> Storm:
    server = fleet.start(spec)
    with resp.Connection(server.port) as connection:
        connection.run("CONFIG", "SET", "maxmemory", STORM_BYTES, "maxmemory-policy", POLICIES[0])
        commands = (STORM_COMMANDS_QUICK if quick else STORM_COMMANDS) // STORM_THREADS
        writers = [
            threading.Thread(target=_write_all_sizes, args=(server.port, seed, commands))
            for seed in range(STORM_THREADS * 2)  # connections are shared out between the threads
        ]
        for writer in writers:
            writer.start()
        used, full = [], False
        while any(writer.is_alive() for writer in writers):
            sample = connection.used_memory()
            full = full or sample > STORM_BYTES * 0.97
            if full:
                used.append(sample)
    storm = Storm(*_names(spec), STORM_BYTES, max(used), min(used))
    progress.step(f"storm: {storm.used_min_when_full:,} to {storm.used_max:,} of {STORM_BYTES:,} B")
    fleet.stop_all()
    return storm


def _write_all_sizes(port: int, seed: int, commands: int) -> None:
    draw = random.Random(seed)
    value = b"v" * STORM_VALUE_MAX
    with resp.Connection(port) as connection:
        for _ in range(commands // 2 // STORM_PIPELINE):
            requests = [
                resp.encode("SET", draw.randrange(10**9), value[: draw.randint(1, STORM_VALUE_MAX)])
                for _ in range(STORM_PIPELINE)
            ]
            connection.transfer(b"".join(requests), b"+OK\r\n" * STORM_PIPELINE)


def _hit_ratios(
    fleet: Fleet,
    progress: Progress,
    specs: list[Spec],
    found: EvictionResult,
    path: pathlib.Path,
    quick: bool,
) -> None:
    trace = array.array("I")
    trace.frombytes(lzma.open(path).read())
    unique = len(set(trace))
    name = path.name.removesuffix(".u32.xz")
    if quick:
        trace = trace[:TRACE_REQUESTS_QUICK]
    for share in CAPACITY_SHARES:
        for policy in POLICIES:
            for spec in specs:
                server = fleet.start(spec)
                hits = _replay(server, policy, int(unique * share) * TRACE_KEY_BYTES, trace)
                found.hit_ratios.append(
                    HitRatio(*_names(spec), name, policy, share, hits, len(trace))
                )
                progress.say(
                    f"{name}, {share:.0%}, {policy}, {spec.label}: {found.hit_ratios[-1].ratio:.4f}"
                )
                fleet.stop(server)


def _replay(server: Server, policy: str, capacity_bytes: int, trace: array.array[int]) -> int:
    """How many of the requests found their key."""
    hits = 0
    hit = b"$%d\r\n%s\r\n" % (len(TRACE_VALUE), TRACE_VALUE)
    get = b"*2\r\n$3\r\nGET\r\n$8\r\n%08x\r\n"
    store = b"*3\r\n$3\r\nSET\r\n$8\r\n%08x\r\n" + hit
    with resp.Connection(server.port) as connection:
        # The connection's buffers are part of what redis-server uses.
        connection.transfer(get % 0 * TRACE_CHUNK, b"$-1\r\n" * TRACE_CHUNK)
        _limit(server, policy, capacity_bytes)
        for at in range(0, len(trace), TRACE_CHUNK):
            wanted = trace[at : at + TRACE_CHUNK]
            connection.socket.sendall(b"".join(get % key for key in wanted))
            missed = {key: None for key in wanted if connection.receive() is None}
            # A key that comes twice in a chunk would have been stored after its first miss.
            hits += len(wanted) - len(missed)
            if missed:
                stored = b"".join(store % key for key in missed)
                connection.transfer(stored, b"+OK\r\n" * len(missed))
    return hits
