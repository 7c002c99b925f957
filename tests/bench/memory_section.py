"""Section 2: what a key, an idle connection and an empty server cost in memory.

RSS is the kernel's figure for the server process; used_memory is the server's own. Per key, both
are printed after the key's and the value's bytes have been taken off: what the server adds to the
data.
"""

from __future__ import annotations

import resource
import statistics
import time
from dataclasses import dataclass

import resp
from progress import Progress
from servers import Fleet, Server, Spec, wait_for

VALUE_BYTES = 32
GROWTH_STEPS = (
    1.0,
    1.25,
    1.5,
    1.75,
    2.0,
)  # times --keys: tables that double cost most just after they did
SIZES = (8, 100, 1000)
SETTLE_S = 0.3
START_SAMPLES = 5
CONNECTIONS = 10_000
CONNECTIONS_QUICK = 1_000
# Time to give buffers back: redis-server does so once a second, for clients idle for two.
CONNECTION_SETTLE_S = 4.0
CONNECTION_SETTLE_QUICK_S = 1.0
PIPELINE_DEPTH = 100
BIG_VALUE_BYTES = 1_000_000
SPARE_FILES = 200


@dataclass
class KeyPoint:
    """Memory at one number of keys."""

    server: str
    kind: str
    map: str
    ttl: bool
    keys: int
    value_bytes: int
    rss_bytes: int
    rss_empty_bytes: int
    used_bytes: int
    used_empty_bytes: int

    @property
    def data_bytes(self) -> int:
        return resp.KEY_BYTES + self.value_bytes

    @property
    def rss_beyond(self) -> float:
        """RSS a key beyond key+value, the empty server's RSS taken off."""
        return (self.rss_bytes - self.rss_empty_bytes) / self.keys - self.data_bytes

    @property
    def rss_beyond_whole(self) -> float:
        """The same with nothing taken off: what the machine sees."""
        return self.rss_bytes / self.keys - self.data_bytes

    @property
    def used_beyond(self) -> float:
        return (self.used_bytes - self.used_empty_bytes) / self.keys - self.data_bytes


@dataclass
class EmptyServer:
    server: str
    kind: str
    threads: int
    rss_bytes: int
    used_bytes: int
    start_ms: list[float]

    @property
    def start_ms_median(self) -> float:
        return statistics.median(self.start_ms)


@dataclass
class IdleConnections:
    """RSS that an idle connection adds: fresh, and after it once carried something large."""

    server: str
    kind: str
    count: int
    fresh_bytes: float
    after_pipeline_bytes: float
    after_big_value_bytes: float


@dataclass
class MemoryResult:
    growth: list[KeyPoint]
    sizes: list[KeyPoint]
    empty: list[EmptyServer]
    connections: list[IdleConnections]

    @staticmethod
    def nothing() -> MemoryResult:
        return MemoryResult([], [], [], [])


def measure(
    fleet: Fleet,
    progress: Progress,
    found: MemoryResult,
    *,
    default_map: str,
    maps: tuple[str, ...],
    quick: bool,
    keys: int,
) -> None:
    """Runs the section; adds to `found` as it goes, so that a failure keeps what came before it.

    `maps` are the ones whose growth is measured; everything else is the default map's.
    """
    peers = [Spec(kind) for kind in ("redis", "memcached") if fleet.has(kind)]
    defaults = [Spec("larder", default_map)] if fleet.has("larder") else []
    growing = ([Spec("larder", kind) for kind in maps] if defaults else []) + peers
    empties = defaults + ([Spec("larder", default_map, 2)] if defaults else []) + peers
    idle = [spec for spec in defaults + peers if spec.kind != "memcached"]
    steps = 2 * len(growing) + 2 * len(SIZES) * len(defaults + peers) + len(empties) + len(idle)
    progress.section("memory", steps)

    for spec in empties:
        found.empty.append(_measure_empty(fleet, progress, spec))
    for ttl in (False, True):
        for spec in growing:
            counts = [int(keys * factor) for factor in GROWTH_STEPS]
            found.growth += _measure_keys(fleet, progress, spec, VALUE_BYTES, counts, ttl)
    for value_bytes in SIZES:
        for ttl in (False, True):
            for spec in defaults + peers:
                counts = [keys // 10 if quick else keys]
                found.sizes += _measure_keys(fleet, progress, spec, value_bytes, counts, ttl)
    count = CONNECTIONS_QUICK if quick else CONNECTIONS
    settle_s = CONNECTION_SETTLE_QUICK_S if quick else CONNECTION_SETTLE_S
    for spec in idle:
        found.connections.append(_measure_connections(fleet, progress, spec, count, settle_s))


def _measure_empty(fleet: Fleet, progress: Progress, spec: Spec) -> EmptyServer:
    start_ms = []
    for sample in range(START_SAMPLES):
        server = fleet.start(spec)
        start_ms.append(server.start_ms)
        if sample == START_SAMPLES - 1:
            time.sleep(SETTLE_S)
            rss, used = server.rss_bytes(), _used_memory(server)
        fleet.stop(server)
    progress.step(
        f"empty {spec.label}: {rss / 1e6:.1f} MB, "
        f"first reply after {statistics.median(start_ms):.1f} ms"
    )
    return EmptyServer(spec.label, spec.kind, spec.threads, rss, used, start_ms)


def _measure_keys(
    fleet: Fleet, progress: Progress, spec: Spec, value_bytes: int, counts: list[int], ttl: bool
) -> list[KeyPoint]:
    """One server that grows through `counts`; a reading after each."""
    server = fleet.start(spec)
    time.sleep(SETTLE_S)
    rss_empty, used_empty = server.rss_bytes(), _used_memory(server)
    points = []
    loaded = 0
    value = b"v" * value_bytes
    for count in counts:
        if spec.kind == "memcached":
            resp.load_memcached(server.port, loaded, count - loaded, value, far_ttl=ttl)
        else:
            resp.load(server.port, resp.set_chunks(loaded, count - loaded, value, far_ttl=ttl))
        loaded = count
        time.sleep(SETTLE_S)
        held = _held_keys(server)
        if held != count:
            raise RuntimeError(f"{spec.label} holds {held:,} keys after {count:,} were stored")
        used = _used_memory(server)
        points.append(
            KeyPoint(
                spec.label,
                spec.kind,
                spec.map,
                ttl,
                count,
                value_bytes,
                server.rss_bytes(),
                rss_empty,
                used,
                used_empty,
            )
        )
    fleet.stop(server)
    worst = max(point.rss_beyond for point in points)
    progress.step(
        f"{counts[-1]:,} keys of 16+{value_bytes} B{', TTL' if ttl else ''}, {spec.label}: "
        f"at most {worst:.1f} B a key beyond the data"
    )
    return points


def _measure_connections(
    fleet: Fleet, progress: Progress, spec: Spec, wanted: int, settle_s: float
) -> IdleConnections:
    count = min(wanted, _raise_file_limit(wanted + SPARE_FILES) - SPARE_FILES)
    server = fleet.start(spec)
    pipeline = resp.encode("SET", "connection-key", "v" * VALUE_BYTES) * PIPELINE_DEPTH
    big_set = resp.encode("SET", "connection-big", b"b" * BIG_VALUE_BYTES)
    big_get = resp.encode("GET", "connection-big")
    big_value = b"$%d\r\n%s\r\n" % (BIG_VALUE_BYTES, b"b" * BIG_VALUE_BYTES)
    connections: list[resp.Connection] = []
    with resp.Connection(server.port) as control:
        try:
            control.transfer(big_set + pipeline, b"+OK\r\n" * (1 + PIPELINE_DEPTH))
            time.sleep(SETTLE_S)
            base = server.rss_bytes()
            for _ in range(count):
                connections.append(resp.Connection(server.port))
            if not wait_for(
                lambda: int(control.info("clients")["connected_clients"]) > count, 10.0, 0.05
            ):
                raise RuntimeError(f"{spec.label} did not accept {count:,} connections")
            readings = [_settled_rss(server, settle_s)]
            for connection in connections:
                connection.transfer(pipeline, b"+OK\r\n" * PIPELINE_DEPTH)
            readings.append(_settled_rss(server, settle_s))
            for connection in connections:
                connection.transfer(big_set, b"+OK\r\n")
                connection.transfer(big_get, big_value)
            readings.append(_settled_rss(server, settle_s))
        finally:
            for connection in connections:
                connection.close()
    fleet.stop(server)
    each = [(rss - base) / count for rss in readings]
    progress.step(
        f"{count:,} idle connections, {spec.label}: "
        + ", ".join(f"{b / 1024:.1f}" for b in each)
        + " KiB each"
    )
    return IdleConnections(spec.label, spec.kind, count, *each)


def _settled_rss(server: Server, settle_s: float) -> int:
    time.sleep(settle_s)
    return server.rss_bytes()


def _used_memory(server: Server) -> int:
    if server.spec.kind == "memcached":
        return int(resp.memcached_stats(server.port)["bytes"])
    with resp.Connection(server.port) as connection:
        return connection.used_memory()


def _held_keys(server: Server) -> int:
    if server.spec.kind == "memcached":
        return int(resp.memcached_stats(server.port)["curr_items"])
    with resp.Connection(server.port) as connection:
        return connection.integer("DBSIZE")


def _raise_file_limit(wanted: int) -> int:
    """Raises RLIMIT_NOFILE as far as allowed, for later servers too; returns what it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (ValueError, OSError):
            wanted = hard
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)
