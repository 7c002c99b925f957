"""Section 3: keys past their deadline: how long they stay, and what freeing them costs the others.

Held keys are counted by DBSIZE, which touches none of them: a server frees them by itself, or is
seen to keep them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import resp
from progress import Progress
from servers import Fleet, Server, Spec, wait_for

VALUE = b"v" * 32
PROBE_KEYS = 1_000
PROBE_TTL_MS = 3_000
PROBE_AFTER_S = (0.2, 1.0, 10.0)
IDLE_S = 10.0
IDLE_QUICK_S = 3.0
MASS_TIMEOUT_S = 60.0
MASS_SAMPLE_S = 0.01
ONE_KEY_OPS = 1_000_000
ONE_KEY_LOADS = ("EXPIRE", "SET EX + DEL")
LOAD_KEYS_PER_S = 500_000  # a guess that puts the deadline of a mass expiry behind its load ...
LOAD_ATTEMPTS = 4  # ... doubled each time it was too short


@dataclass
class Probe:
    """How many of 1,000 keys were held after their deadline, among many keys with far ones."""

    server: str
    kind: str
    map: str
    far_keys: int
    held: dict[float, int] = field(default_factory=dict)  # seconds after the deadline -> keys
    idle_cpu_percent: float = 0.0
    idle_s: float = 0.0


@dataclass
class MassExpiry:
    """All keys die at one moment."""

    server: str
    kind: str
    map: str
    keys: int
    none_left_s: float | None  # after the deadline; None: some were left when the wait ended
    ping_worst_ms: float
    ping_worst_before_ms: float  # in the second before: the noise of the machine
    used_empty_bytes: int
    used_full_bytes: int
    used_1s_later_bytes: int  # one second after the deadline
    rss_full_bytes: int
    rss_1s_later_bytes: int
    held: list[tuple[float, int]] = field(
        default_factory=list
    )  # (seconds after the deadline, DBSIZE)


@dataclass
class OneKey:
    """used_memory before and after a million operations on one key."""

    server: str
    kind: str
    map: str
    what: str
    operations: int
    used_before_bytes: int
    used_after_bytes: int


@dataclass
class ExpiryResult:
    probes: list[Probe]
    mass: list[MassExpiry]
    one_key: list[OneKey]

    @staticmethod
    def nothing() -> ExpiryResult:
        return ExpiryResult([], [], [])


def measure(
    fleet: Fleet,
    progress: Progress,
    found: ExpiryResult,
    *,
    maps: tuple[str, ...],
    quick: bool,
    keys: int,
) -> None:
    """Runs the section; adds to `found` as it goes, so that a failure keeps what came before it.

    The probes of all servers share their waits; everything else runs one server at a time.
    """
    specs = fleet.larder_and_redis(maps)
    progress.section("expiry", len(specs) * 5)
    found.probes += _probe_all(fleet, progress, specs, keys, IDLE_QUICK_S if quick else IDLE_S)
    for spec in specs:
        found.mass.append(_mass_expiry(fleet, progress, spec, keys))
    for spec in specs:
        found.one_key += _one_key(fleet, progress, spec)


def _probe_all(
    fleet: Fleet, progress: Progress, specs: list[Spec], keys: int, idle_s: float
) -> list[Probe]:
    servers = []
    for spec in specs:
        progress.say(f"expiry: {keys:,} keys with a far TTL into {spec.label}")
        server = fleet.start(spec)
        resp.load(server.port, resp.set_chunks(0, keys, VALUE, far_ttl=True))
        servers.append(server)
    probes = [Probe(spec.label, spec.kind, spec.map, keys) for spec in specs]

    time.sleep(1.0)  # tables settle
    cpu_before = [server.cpu_ns() for server in servers]
    idle_from = time.monotonic()
    time.sleep(idle_s)
    for probe, server, before in zip(probes, servers, cpu_before):
        probe.idle_s = time.monotonic() - idle_from
        probe.idle_cpu_percent = (server.cpu_ns() - before) / 1e9 / probe.idle_s * 100
        progress.step(
            f"idle with {keys:,} TTLs, {probe.server}: {probe.idle_cpu_percent:.2f} % of a core"
        )

    deadlines = []
    for server in servers:
        near = [
            resp.encode("SET", f"near:{i:011d}", VALUE, "PX", PROBE_TTL_MS)
            for i in range(PROBE_KEYS)
        ]
        with resp.Connection(server.port) as connection:
            connection.transfer(b"".join(near), b"+OK\r\n" * PROBE_KEYS)
            deadlines.append(time.monotonic() + PROBE_TTL_MS / 1e3)
            if connection.integer("DBSIZE") != keys + PROBE_KEYS:
                raise RuntimeError(f"{server.spec.label} lost keys before their deadline")
    for after_s in PROBE_AFTER_S:
        for probe, server, deadline in zip(probes, servers, deadlines):
            with resp.Connection(server.port) as connection:
                time.sleep(max(0.0, deadline + after_s - time.monotonic()))
                probe.held[after_s] = connection.integer("DBSIZE") - keys
    for probe in probes:
        counts = ", ".join(f"{held:,} after {after:g} s" for after, held in probe.held.items())
        progress.step(f"probe, {probe.server}: of {PROBE_KEYS:,} expired keys held {counts}")
    fleet.stop_all()
    return probes


def _mass_expiry(fleet: Fleet, progress: Progress, spec: Spec, keys: int) -> MassExpiry:
    server = fleet.start(spec)
    with resp.Connection(server.port) as control, resp.Connection(server.port) as pinger:
        time.sleep(0.3)
        used_empty = control.used_memory()
        deadline_s = _load_with_deadline(server, control, keys)
        time.sleep(max(0.0, deadline_s - 1.1 - time.time()))
        result = MassExpiry(
            spec.label,
            spec.kind,
            spec.map,
            keys,
            None,
            0.0,
            0.0,
            used_empty,
            control.used_memory(),
            0,
            server.rss_bytes(),
            0,
        )
        _watch_mass_expiry(server, control, pinger, deadline_s, result)
    fleet.stop(server)
    gone = (
        f"{result.none_left_s:.2f} s"
        if result.none_left_s is not None
        else f"not within {MASS_TIMEOUT_S:.0f} s"
    )
    progress.step(
        f"mass expiry of {keys:,}, {spec.label}: gone after {gone}, "
        f"worst PING {result.ping_worst_ms:.2f} ms"
    )
    return result


def _load_with_deadline(server: Server, control: resp.Connection, keys: int) -> float:
    """Loads keys that all die at one Unix time, which it returns: more than a second ahead."""
    lead_s = 2.5 + keys / LOAD_KEYS_PER_S
    for _ in range(LOAD_ATTEMPTS):
        deadline_s = time.time() + lead_s
        resp.load(server.port, resp.set_chunks(0, keys, VALUE, deadline_ms=int(deadline_s * 1e3)))
        if time.time() < deadline_s - 1.2 and control.integer("DBSIZE") == keys:
            return deadline_s
        control.run("FLUSHALL")
        lead_s *= 2
    raise RuntimeError(
        f"{server.spec.label}: loading {keys:,} keys takes longer than {lead_s / 2:.0f} s"
    )


def _watch_mass_expiry(
    server: Server,
    control: resp.Connection,
    pinger: resp.Connection,
    deadline_s: float,
    result: MassExpiry,
) -> None:
    """PINGs without a pause, from before the deadline until 1 s after it and until none is left."""
    next_sample = -0.3  # the plot begins a little before the deadline
    while True:
        now = time.time() - deadline_s
        sampling = now >= next_sample
        if sampling:
            # Sent before the PING and read after it: whichever of the two meets a stall, the PING
            # shows it.
            control.send("DBSIZE")
        started = time.perf_counter()
        pinger.run("PING")
        ping_ms = (time.perf_counter() - started) * 1e3
        if now < 0:
            result.ping_worst_before_ms = max(result.ping_worst_before_ms, ping_ms)
        else:
            result.ping_worst_ms = max(result.ping_worst_ms, ping_ms)
        if sampling:
            held = control.receive_integer()
            result.held.append((time.time() - deadline_s, held))
            # A slow expiry is sampled coarsely: the plot needs no 10 ms steps of a minute.
            next_sample = now + (MASS_SAMPLE_S if now < 2 else 10 * MASS_SAMPLE_S)
            if held == 0 and result.none_left_s is None and now >= 0:
                result.none_left_s = result.held[-1][0]
        if now >= 1.0 and not result.used_1s_later_bytes:
            result.used_1s_later_bytes = control.used_memory()
            result.rss_1s_later_bytes = server.rss_bytes()
        if now >= MASS_TIMEOUT_S or (now >= 1.0 and result.none_left_s is not None):
            return


def _one_key(fleet: Fleet, progress: Progress, spec: Spec) -> list[OneKey]:
    """A million EXPIREs on one key, then as many SET EX + DEL pairs; each with another deadline."""
    server = fleet.start(spec)
    results = []
    expires = b"".join(
        resp.encode("EXPIRE", "one-key", 3_600 + i * 7 % 80_000) for i in range(resp.CHUNK_COMMANDS)
    )
    pairs = b"".join(
        resp.encode("SET", "one-key", VALUE, "EX", 3_600 + i * 7 % 80_000)
        + resp.encode("DEL", "one-key")
        for i in range(resp.CHUNK_COMMANDS)
    )
    loads = [
        (ONE_KEY_LOADS[0], expires, b":1\r\n" * resp.CHUNK_COMMANDS),
        (ONE_KEY_LOADS[1], pairs, b"+OK\r\n:1\r\n" * resp.CHUNK_COMMANDS),
    ]
    with resp.Connection(server.port) as connection:
        for what, requests, replies in loads:
            connection.run("SET", "one-key", VALUE)
            connection.transfer(requests, replies)  # buffers and tables reach their size
            connection.run("SET", "one-key", VALUE, "EX", 90_000)
            before = _settled_used_memory(connection)
            for _ in range(ONE_KEY_OPS // resp.CHUNK_COMMANDS):
                connection.transfer(requests, replies)
            connection.run("SET", "one-key", VALUE, "EX", 90_000)
            after = _settled_used_memory(connection)
            results.append(
                OneKey(spec.label, spec.kind, spec.map, what, ONE_KEY_OPS, before, after)
            )
            progress.step(
                f"{ONE_KEY_OPS:,} x {what} on one key, {spec.label}: used {after - before:+,} B"
            )
    fleet.stop(server)
    return results


def _settled_used_memory(connection: resp.Connection) -> int:
    """used_memory once it holds still for 0.2 s (buffers are given back late), at most 3 s on."""
    seen = [connection.used_memory()]

    def still() -> bool:
        time.sleep(0.2)
        seen.append(connection.used_memory())
        return seen[-1] == seen[-2]

    wait_for(still, 3.0, 0.0)
    return seen[-1]
