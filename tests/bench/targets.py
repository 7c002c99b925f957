"""The targets that larder sets itself, each beside what this run measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import growth_section
from expiry_section import ONE_KEY_LOADS, ONE_KEY_OPS, PROBE_KEYS
from fairness_section import PIPELINE, POLITE_CLIENTS
from maps_report import CONCURRENT_KINDS, MapTimes, geometric_mean
from maps_section import GO_MAP
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
GROWTH_RATIO_MAX = 1.5
LEFT_SHARE_MAX = 0.25
# "Unchanged" allows for a connection's buffers and rounded tables, not for 0.1 byte an operation.
ONE_KEY_DELTA_MAX = 64 * 1024
EVICTING_CPU_RATIO_MAX = 1.4
EVICTING_PEER_RATIO_MAX = 0.5
STORM_ABOVE_MAX = 1.01
STORM_USED_MIN = 0.9
HIT_RATIO_BELOW_PEER_MAX = 0.003
TRANSACTION_PEER_RATIO_MAX = 0.5
# How many times as fast as Go's sync.Map: geometric mean, and the slowest workload that is not one
# of colliding keys.
OVER_GO_MIN = {"rcu": (2.4, 1.2), "sync": (1.8, 1.0)}
ADVERSARIAL_OVER_GO_MIN = {1: 6.0, 2: 10.0}  # threads -> times
HITS_OVER_GO_MIN = {1: 1.5, 2: 1.7}
HITS_OVER_PEER_MIN = {"tbb": 3.0, "libcuckoo": 2.5}
ARRIVALS_OVER_PEER_MIN = 4.0
WRITES_OVER_PEER_MIN = 1.0
RCU_OVER_MUTEX_MIN = 2.2
MAP_KEYS = 100_000


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
        *_growth(results),
        *_maps_over_go(MapTimes(results.maps)),
        *_maps_over_peers(MapTimes(results.maps)),
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


def _growth(results: Results) -> Iterator[Target]:
    mine = next((one for one in results.growth if one.kind == "larder"), None)
    us = {step.keys: step.get_us_median for step in mine.steps} if mine else {}
    base = us.get(100_000)
    most = max(us, default=0)
    ratio = us[most] / base if base and most > 100_000 else None
    what = f"CPU per GET P={growth_section.PIPELINE} at {most or 10_000_000:,} keys / at 100,000"
    yield _at_most(what, ratio, GROWTH_RATIO_MAX, "{:.2f}")
    what = f"RSS without {growth_section.DELETED_SHARE:.0%} of the keys / with all"
    yield _at_most(what, mine.left_share if mine else None, LEFT_SHARE_MAX, "{:.2f}")


def _maps_over_go(times: MapTimes) -> Iterator[Target]:
    for kind, (mean_min, worst_min) in OVER_GO_MIN.items():
        speeds = times.speeds_over_go(kind)
        mean = geometric_mean(speeds.values())
        yield _at_least(f"{kind} / {GO_MAP}, times as fast: geometric mean", mean, mean_min)
        others = {where: speed for where, speed in speeds.items() if "Collision" not in where[0]}
        worst = min(others, key=others.__getitem__, default=None)
        what = f"{kind} / {GO_MAP}, times as fast: worst but for collisions"
        target = _at_least(what, worst and others[worst], worst_min)
        if worst:
            target.measured += f" ({worst[0]}, {_threads(worst[1])})"
        yield target
    speeds = times.speeds_over_go("rcu")
    for threads, goal in ADVERSARIAL_OVER_GO_MIN.items():
        for workload in ("AdversarialAlloc", "AdversarialDelete"):
            what = f"rcu / {GO_MAP}, times as fast: {workload}, {_threads(threads)}"
            yield _at_least(what, speeds.get((workload, threads)), goal)
    for threads, goal in HITS_OVER_GO_MIN.items():
        what = f"rcu / {GO_MAP}, times as fast: LoadMostlyHits, {_threads(threads)}"
        yield _at_least(what, speeds.get(("LoadMostlyHits", threads)), goal)


def _maps_over_peers(times: MapTimes) -> Iterator[Target]:
    for peer, goal in HITS_OVER_PEER_MIN.items():
        speed = times.speed("go", "LoadMostlyHits", 0, "rcu", peer, 2)
        yield _at_least(f"rcu / {peer}, times as fast: LoadMostlyHits, 2 threads", speed, goal)
    for peer in HITS_OVER_PEER_MIN:
        speed = times.speed("cache", "arrivals", MAP_KEYS, "rcu", peer, 2)
        what = f"rcu / {peer}, times as fast: absent keys while others insert, 2 threads"
        yield _at_least(what, speed, ARRIVALS_OVER_PEER_MIN)
    for mix in ("read50", "churn"):
        for suite, how in (("cache", ""), ("hinted", ", ours with the server's hints")):
            best = next(iter(times.fastest(suite, mix, MAP_KEYS, 2, CONCURRENT_KINDS)), None)
            for peer in HITS_OVER_PEER_MIN:
                other = times.get("cache", mix, MAP_KEYS, peer, 2)
                speed = other.ns_median / best.ns_median if best and other else None
                what = f"best kind / {peer}, times as fast: {mix}, 2 threads{how}"
                yield _at_least(what, speed, WRITES_OVER_PEER_MIN)
    speed = times.speed("cache", "read99", MAP_KEYS, "rcu", "mutex", 2)
    yield _at_least("rcu / mutex, times as fast: one shard, 2 readers", speed, RCU_OVER_MUTEX_MIN)


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _at_least(what: str, value: float | None, limit: float) -> Target:
    goal = f">= {limit:.2f}"
    if value is None:
        return Target(what, goal, "not measured", None)
    return Target(what, goal, f"{value:.2f}", value >= limit)


def _at_most(what: str, value: float | None, limit: float, form: str) -> Target:
    goal = "<= " + form.format(limit)
    if value is None:
        return Target(what, goal, "not measured", None)
    return Target(what, goal, form.format(value), value <= limit)
