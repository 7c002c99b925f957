"""The targets that larder sets itself, each beside what this run measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from expiry_section import ONE_KEY_LOADS, ONE_KEY_OPS, PROBE_KEYS
from fairness_section import PIPELINE, POLITE_CLIENTS
from results import Results, cpu_ratio

MAP_RATIO_MAX = 1.25
RSS_BEYOND_MAX = {False: 32.0, True: 42.0}  # with a TTL? -> B a key
RSS_BEYOND_STRETCH = {False: 24.0, True: 34.0}
EMPTY_RSS_MAX = 12e6
START_MS_MAX = 50.0
IDLE_CONNECTION_MAX = 8 * 1024
PROBE_AFTER_S = 0.2
MASS_GONE_S_MAX = 0.5
MASS_PING_MS_MAX = 5.0
MASS_USED_RATIO_MAX = 1.25
IDLE_CPU_PERCENT_MAX = 1.0
FAIRNESS_RATIO_MAX = 3.0
# "Unchanged" allows for a connection's buffers and rounded tables, not for 0.1 byte an operation.
ONE_KEY_DELTA_MAX = 64 * 1024
EVICTING_CPU_RATIO_MAX = 1.4
EVICTING_PEER_RATIO_MAX = 0.5
STORM_ABOVE_MAX = 1.01
STORM_USED_MIN = 0.9
HIT_RATIO_BELOW_PEER_MAX = 0.003
TRANSACTION_PEER_RATIO_MAX = 0.5


@dataclass
class Target:
    what: str
    goal: str
    measured: str
    met: bool | None  # None: not measured in this run


def evaluate(results: Results) -> list[Target]:
    """One row a target, in the order of the sections; also those that this run did not measure."""
    suite = Target(
        "`make test` on a bare machine, all installs included",
        "<= 15 min",
        "not measured here",
        None,
    )
    return [
        *_cpu(results),
        *_memory(results),
        *_expiry(results),
        *_eviction(results),
        _transactions(results),
        *_fairness(results),
        suite,
    ]


def _cpu(results: Results) -> Iterator[Target]:
    limits = [
        ("bare", "bare epoll loop", "SET", 1, 1.10),
        ("bare", "bare epoll loop", "GET", 1, 1.10),
        ("bare", "bare epoll loop", "GET", 16, 1.5),
        ("bare", "bare epoll loop", "SET", 16, 1.6),
        ("bare", "bare epoll loop", "GET", 100, 2.3),
        ("redis", "redis-server", "GET", 1, 0.92),
        ("redis", "redis-server", "GET", 16, 0.42),
        ("redis", "redis-server", "GET", 100, 0.22),
    ]
    for kind, name, op, pipeline, limit in limits:
        ratio = cpu_ratio(results.default_row(op, pipeline), results.row(kind, op, pipeline))
        yield _at_most(f"CPU per command / {name}: {op} P={pipeline}", ratio, limit, "{:.2f}")

    found = []
    for row in results.server:
        if (
            row.kind == "larder"
            and row.threads == 1
            and row.map != results.default_map
            and row.pipeline > 1
        ):
            ratio = cpu_ratio(row, results.default_row(row.op, row.pipeline))
            if ratio is not None:
                found.append((ratio, f"{row.map}, {row.op} P={row.pipeline}"))
    worst, where = max(found, default=(None, ""))
    target = _at_most(
        f"each other map / {results.default_map}, P=16 and P=100", worst, MAP_RATIO_MAX, "{:.2f}"
    )
    if where:
        target.measured += f" at worst ({where})"
    yield target


def _memory(results: Results) -> Iterator[Target]:
    memory = results.memory
    for ttl in (False, True):
        points = [
            (point.rss_beyond, point.rss_beyond_whole, point.keys)
            for point in memory.growth
            if point.kind == "larder" and point.map == results.default_map and point.ttl == ttl
        ]
        worst, whole, keys = max(points, default=(None, 0.0, 0))
        what = f"RSS beyond key+value, 16+32 B, {'TTL' if ttl else 'no TTL'}"
        what += f" (stretch {RSS_BEYOND_STRETCH[ttl]:g} B)"
        target = _at_most(what, worst, RSS_BEYOND_MAX[ttl], "{:.1f} B")
        if worst is not None:
            target.measured += f" at {keys:,} keys ({whole:.1f} B with the empty server)"
        yield target

    empty = [server for server in memory.empty if server.kind == "larder"]
    rss = max((server.rss_bytes / 1e6 for server in empty), default=None)
    start = max((server.start_ms_median for server in empty), default=None)
    yield _at_most("RSS of an empty server", rss, EMPTY_RSS_MAX / 1e6, "{:.1f} MB")
    yield _at_most("start to first PONG", start, START_MS_MAX, "{:.1f} ms")

    idle = next((one for one in memory.connections if one.kind == "larder"), None)
    names = ("fresh", "after P=100", "after a 1 MB value")
    sizes = (
        (idle.fresh_bytes, idle.after_pipeline_bytes, idle.after_big_value_bytes)
        if idle
        else (None, None, None)
    )
    for name, size in zip(names, sizes):
        kib = size / 1024 if size is not None else None
        count = f"{idle.count:,} " if idle else ""
        yield _at_most(
            f"an idle connection, {name} ({count}of them)",
            kib,
            IDLE_CONNECTION_MAX / 1024,
            "{:.1f} KiB",
        )


def _expiry(results: Results) -> Iterator[Target]:
    expiry = results.expiry

    def mine(found: list[Any]) -> list[Any]:
        return [one for one in found if one.kind == "larder" and one.map == results.default_map]

    probe = next(iter(mine(expiry.probes)), None)
    held = float(probe.held[PROBE_AFTER_S]) if probe else None
    around = f"{probe.far_keys:,} far TTLs around" if probe else "far TTLs around"
    what = f"probe: of {PROBE_KEYS:,} expired keys held {PROBE_AFTER_S:g} s after their deadline"
    yield _at_most(f"{what}, {around}", held, 0.0, "{:.0f}")

    mass = next(iter(mine(expiry.mass)), None)
    name = f"mass expiry of {mass.keys:,} keys" if mass else "mass expiry"
    gone = (mass.none_left_s if mass.none_left_s is not None else float("inf")) if mass else None
    yield _at_most(f"{name}: none left after", gone, MASS_GONE_S_MAX, "{:.2f} s")
    yield _at_most(
        f"{name}: worst PING", mass.ping_worst_ms if mass else None, MASS_PING_MS_MAX, "{:.2f} ms"
    )
    used = mass.used_1s_later_bytes / mass.used_empty_bytes if mass else None
    yield _at_most(
        f"{name}: used_memory 1 s after / empty server's", used, MASS_USED_RATIO_MAX, "{:.2f}"
    )

    cpu = probe.idle_cpu_percent if probe else None
    volatile = f"{probe.far_keys:,} volatile keys" if probe else "volatile keys"
    yield _at_most(f"idle CPU with {volatile}", cpu, IDLE_CPU_PERCENT_MAX, "{:.2f} % of a core")

    goal = f"unchanged (within {ONE_KEY_DELTA_MAX // 1024} KiB)"
    for load in ONE_KEY_LOADS:
        what = f"used_memory after {ONE_KEY_OPS:,} x {load} on one key"
        one = next((one for one in mine(expiry.one_key) if one.what == load), None)
        if one is None:
            yield Target(what, goal, "not measured", None)
        else:
            delta = one.used_after_bytes - one.used_before_bytes
            yield Target(what, goal, f"{delta:+,} B", abs(delta) <= ONE_KEY_DELTA_MAX)


def _eviction(results: Results) -> Iterator[Target]:
    eviction = results.eviction
    mine = next((one for one in eviction.cpu if one.kind == "larder"), None)
    peer = next((one for one in eviction.cpu if one.kind == "redis"), None)
    ratio = mine.ratio if mine else None
    yield _at_most("CPU per SET at maxmemory / below it", ratio, EVICTING_CPU_RATIO_MAX, "{:.2f}")
    ratio = mine.at_limit_us_median / peer.at_limit_us_median if mine and peer else None
    what = "CPU per SET at maxmemory / redis-server's"
    yield _at_most(what, ratio, EVICTING_PEER_RATIO_MAX, "{:.2f}")

    storm = next(iter(eviction.storms), None)
    above = storm.used_max / storm.maxmemory if storm else None
    yield _at_most("storm: highest used_memory / maxmemory", above, STORM_ABOVE_MAX, "{:.4f}")
    unused = 1 - storm.used_min_when_full / storm.maxmemory if storm else None
    yield _at_most("storm: unused share once full", unused, 1 - STORM_USED_MIN, "{:.3f}")

    ours, theirs = (
        {
            (one.trace, one.policy, one.capacity_share): one.ratio
            for one in eviction.hit_ratios
            if one.kind == kind
        }
        for kind in ("larder", "redis")
    )
    below = max((theirs[load] - ours[load] for load in ours.keys() & theirs.keys()), default=None)
    what = "hit ratio below redis-server's, at worst"
    yield _at_most(what, below, HIT_RATIO_BELOW_PEER_MAX, "{:+.4f}")


def _transactions(results: Results) -> Target:
    def of(kind: str, map: str) -> float | None:
        found = (one for one in results.transactions if (one.kind, one.map) == (kind, map))
        one = next(found, None)
        return one.cpu_us_median if one else None

    mine, peer = of("larder", results.default_map), of("redis", "")
    ratio = mine / peer if mine and peer else None
    what = "CPU per MULTI/EXEC of 5 commands / redis-server's"
    return _at_most(what, ratio, TRANSACTION_PEER_RATIO_MAX, "{:.2f}")


def _fairness(results: Results) -> Iterator[Target]:
    one = next((one for one in results.fairness if one.kind == "larder"), None)
    what = f"p99.9 of {POLITE_CLIENTS} clients beside one with pipelines of {PIPELINE:,} / without"
    yield _at_most(what, one and one.ratio, FAIRNESS_RATIO_MAX, "{:.2f}")


def _at_most(what: str, value: float | None, limit: float, form: str) -> Target:
    goal = "<= " + form.format(limit)
    if value is None:
        return Target(what, goal, "not measured", None)
    return Target(what, goal, form.format(value), value <= limit)
