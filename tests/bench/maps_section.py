"""Section 7: the maps without a server: larder's kinds, others' maps, and Go's sync.Map.

Three suites. "go": the workloads of Go's src/sync/map_bench_test.go, by go_map_bench and, with as
many operations, by Go itself; the two take turns workload by workload. "cache": the mixes of
map_bench on one shard, without hints, as others' maps take none. "hinted": some of these again, but
the maps are told which keys a batch will need, as the server tells them. All say what an operation
costs on the wall clock, which is what Go prints, and in CPU time, which a busy machine falsifies
less; that of Go is its whole process', collector included.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from progress import Progress
from servers import Binaries

GO_MAP = "sync.Map"
GO_THREADS = (1, 2)
QUICK_GO_MAPS = ("sync", "rcu", "tbb", "libcuckoo")
QUICK_CACHE_MAPS = ("mutex", "sync", "rcu", "tbb", "libcuckoo")
QUICK_MIXES = ("read99", "read50", "arrivals", "churn")
HINTED_MIXES = QUICK_MIXES
MIN_TIME_S = 0.1
MIN_TIME_QUICK_S = 0.05
TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class Load:
    """A size of the cache suite. What takes minutes to fill is measured once."""

    keys: int
    threads: tuple[int, ...]
    once: bool = False


LOADS = (Load(1_000, (1, 2, 4, 8)), Load(100_000, (1, 2, 4, 8)), Load(10_000_000, (2,), True))
LOADS_QUICK = (Load(100_000, (2,)),)
HINTED_LOAD = Load(100_000, (2,))


@dataclass
class MapTime:
    """Nanoseconds an operation of one map under one workload, one element a round."""

    suite: str  # "go", "cache" or "hinted"
    workload: str
    keys: int  # 0: the workload says
    map: str  # a kind, another's map, or GO_MAP
    threads: int
    ns: list[float] = field(default_factory=list)
    cpu_ns: list[float] = field(default_factory=list)

    @property
    def ns_median(self) -> float:
        return statistics.median(self.ns)

    @property
    def cpu_ns_median(self) -> float:
        return statistics.median(self.cpu_ns)


class Collector:
    """Files measurements under their row, in the order in which rows first come."""

    def __init__(self, found: list[MapTime]) -> None:
        self._found = found
        self._rows: dict[tuple[str, str, int, str, int], MapTime] = {}

    def add(
        self, suite: str, workload: str, keys: int, map: str, threads: int, ns: float, cpu_ns: float
    ) -> None:
        key = (suite, workload, keys, map, threads)
        if key not in self._rows:
            self._rows[key] = MapTime(*key)
            self._found.append(self._rows[key])
        self._rows[key].ns.append(ns)
        self._rows[key].cpu_ns.append(cpu_ns)


def measure(
    binaries: Binaries,
    progress: Progress,
    found: list[MapTime],
    *,
    out_dir: pathlib.Path,
    quick: bool,
    rounds: int,
) -> None:
    """Runs the section; adds to `found`."""
    if binaries.go_map_bench is None or binaries.map_bench is None:
        raise RuntimeError("no map benchmarks: install libtbb-dev and libcuckoo-dev, then build")
    collector = Collector(found)
    rounds = 1 if quick else rounds
    workloads = _go_workloads(binaries.go_map_bench)
    loads = LOADS_QUICK if quick else LOADS
    cache_runs = [load for _ in range(rounds) for load in loads if not load.once]
    cache_runs += [load for load in loads if load.once]
    progress.section("maps", rounds * len(workloads) + len(cache_runs))
    go = _build_go_benchmarks(binaries.go, out_dir, progress)
    for _ in range(rounds):
        for workload in workloads:
            ours = _run_ours(binaries.go_map_bench, workload, quick, collector)
            theirs = _run_go(go, workload, ours, collector) if go else "not there"
            progress.step(f"{workload}: ns rcu {ours.text('rcu')}; {GO_MAP} {theirs}")
    for load in cache_runs:
        _run_cache(binaries.map_bench, load, quick, collector)
        threads = ", ".join(str(count) for count in load.threads)
        progress.step(f"cache mixes, {load.keys:,} keys, {threads} threads")


# --- Go's workloads


@dataclass
class OurRun:
    """What the other side needs to know of ours."""

    operations: int
    ns: dict[tuple[str, int], float]  # (map, threads) -> ns

    def text(self, map: str) -> str:
        return " / ".join(f"{self.ns[map, threads]:.1f}" for threads in GO_THREADS)


def _go_workloads(program: str) -> list[str]:
    listed = subprocess.run(
        [program, "--benchmark_list_tests"], capture_output=True, text=True, check=True
    )
    return list(dict.fromkeys(line.split("/")[1] for line in listed.stdout.splitlines()))


def _run_ours(program: str, workload: str, quick: bool, collector: Collector) -> OurRun:
    maps = "|".join(re.escape(map) for map in QUICK_GO_MAPS) if quick else "[^/]+"
    threads = "|".join(map(str, GO_THREADS))
    run = OurRun(0, {})
    for row in _benchmark(program, f"^Go/{workload}/({maps})/.*/threads:({threads})$"):
        _, _, map_name, *_ = row["name"].split("/")
        run.operations = row["iterations"]  # of all threads together
        run.ns[map_name, row["threads"]] = row["real_time"]
        times = (row["real_time"], row["cpu_time"])
        collector.add("go", workload, 0, map_name, row["threads"], *times)
    return run


def _build_go_benchmarks(
    go: str | None, out_dir: pathlib.Path, progress: Progress
) -> pathlib.Path | None:
    """Compiles the tests of Go's package sync, offline; None, and a line that says so, without."""
    program = out_dir.resolve() / "go_sync.test"
    if go is None:
        progress.say(f"maps: no go here (Debian: golang-go, golang-src); {GO_MAP} is left out")
        return None
    environment = os.environ | {
        "GOCACHE": str(out_dir.resolve() / "go_cache"),
        "GOFLAGS": "-mod=mod",
        "GO111MODULE": "off",
        "GOTOOLCHAIN": "local",
    }
    command = [go, "test", "-c", "-o", str(program), "sync"]
    done = subprocess.run(command, env=environment, cwd=out_dir, capture_output=True, text=True)
    if done.returncode != 0:
        progress.say(f"maps: {GO_MAP} is left out, its tests do not compile: {done.stderr[-300:]}")
        return None
    return program


def _run_go(program: pathlib.Path, workload: str, ours: OurRun, collector: Collector) -> str:
    """Runs Go's benchmark of the name, if it has one, as often as ours; returns what it took."""
    took = []
    for threads in GO_THREADS:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [
                str(program),
                "-test.run=^$",
                rf"-test.bench=^Benchmark{workload}$/^\*sync\.Map$",
                f"-test.benchtime={ours.operations}x",
                f"-test.cpu={threads}",
            ],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        line = re.search(r"^Benchmark\S+\s+(\d+)\s+([\d.]+) ns/op", done.stdout, re.MULTILINE)
        if line is None:
            return "has no such workload"
        ns = float(line[2])
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        collector.add("go", workload, 0, GO_MAP, threads, ns, cpu_s * 1e9 / int(line[1]))
        took.append(f"{ns:.1f}")
    return " / ".join(took)


# --- Cache mixes


def _run_cache(program: str, load: Load, quick: bool, collector: Collector) -> None:
    mixes = "|".join(QUICK_MIXES) if quick else "[^/]+"
    _run_mixes(program, "cache", "batch", mixes, load, quick, collector)
    if load.keys == HINTED_LOAD.keys:
        mixes = "|".join(HINTED_MIXES)
        _run_mixes(program, "hinted", "prefetch", mixes, HINTED_LOAD, quick, collector)


def _run_mixes(
    program: str, suite: str, pace: str, mixes: str, load: Load, quick: bool, collector: Collector
) -> None:
    maps = "|".join(map(re.escape, QUICK_CACHE_MAPS)) if quick else "[^/]+"
    threads = "|".join(map(str, load.threads))
    rows = _benchmark(
        program,
        f"^Map/({mixes})/keys:{load.keys}/shards:1/{pace}/({maps})/threads:({threads})$",
        f"--benchmark_min_time={MIN_TIME_QUICK_S if quick else MIN_TIME_S}",
    )
    for row in rows:
        _, mix, _, _, _, map_name, *_ = row["name"].split("/")
        times = (row["real_time"], row["cpu_time"])
        collector.add(suite, mix, load.keys, map_name, row["threads"], *times)


def _benchmark(program: str, pattern: str, *options: str) -> Iterator[dict]:
    """The rows of a Google Benchmark program whose names match."""
    done = subprocess.run(
        [program, f"--benchmark_filter={pattern}", "--benchmark_format=json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=TIMEOUT_S,
        check=True,
    )
    for row in json.loads(done.stdout)["benchmarks"]:
        if row.get("error_occurred"):
            raise RuntimeError(f"{row['name']}: {row['error_message']}")
        yield row
