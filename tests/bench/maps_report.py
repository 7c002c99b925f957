"""What the report says of the maps. Which to pick when has a page of its own: maps_advice.py."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from maps_section import GO_MAP, HINTED_LOAD, MapTime

KINDS = ("plain", "mutex", "rwmutex", "sync", "rcu")
CONCURRENT_KINDS = KINDS[1:]
ALIKE = 1.05  # within this factor of the fastest a map is as good

# What each cache mix of map_bench.cc stands for.
MEANING = {
    "read99": "99 % reads, keys alike",
    "read99_zipf": "99 % reads, Zipf 0.99",
    "read95": "95 % reads, keys alike",
    "read95_zipf": "95 % reads, Zipf 0.99",
    "read50": "reads and writes balanced",
    "read10": "90 % writes",
    "absent": "reads of absent keys, nobody writes",
    "arrivals": "reads of absent keys, 5 % arrivals with a TTL",
    "written_once": "keys written once, read a hundred times, with a TTL",
    "churn": "every second operation a new key with a short TTL",
    "iterate": "going over the whole map, a key",
}


class MapTimes:
    """Look-ups over the rows of a run."""

    def __init__(self, rows: Iterable[MapTime]) -> None:
        self._rows = {
            (row.suite, row.workload, row.keys, row.map, row.threads): row for row in rows
        }

    def workloads(self, suite: str) -> list[str]:
        return list(dict.fromkeys(key[1] for key in self._rows if key[0] == suite))

    def keys(self, suite: str, workload: str) -> list[int]:
        return sorted({key[2] for key in self._rows if key[:2] == (suite, workload)})

    def threads(self, suite: str, workload: str, keys: int) -> list[int]:
        return sorted({key[4] for key in self._rows if key[:3] == (suite, workload, keys)})

    def maps(self, suite: str, workload: str) -> list[str]:
        return list(dict.fromkeys(key[3] for key in self._rows if key[:2] == (suite, workload)))

    def get(self, suite: str, workload: str, keys: int, map: str, threads: int) -> MapTime | None:
        return self._rows.get((suite, workload, keys, map, threads))

    def speed(
        self,
        suite: str,
        workload: str,
        keys: int,
        map: str,
        base: str,
        threads: int,
        *,
        cpu: bool = False,
    ) -> float | None:
        """How many times as fast as `base` the map is, by the wall clock or by CPU time."""
        mine = self.get(suite, workload, keys, map, threads)
        other = self.get(suite, workload, keys, base, threads)
        if mine is None or other is None:
            return None
        if cpu:
            return other.cpu_ns_median / mine.cpu_ns_median
        return other.ns_median / mine.ns_median

    def speeds_over_go(self, map: str, *, cpu: bool = False) -> dict[tuple[str, int], float]:
        """(workload, threads) -> how many times as fast as sync.Map."""
        found = {}
        for workload in self.workloads("go"):
            for threads in self.threads("go", workload, 0):
                speed = self.speed("go", workload, 0, map, GO_MAP, threads, cpu=cpu)
                if speed is not None:
                    found[workload, threads] = speed
        return found

    def ratios(
        self,
        suite: str,
        workload: str,
        keys: int,
        threads: int,
        maps: Iterable[str],
        *,
        cpu: bool = False,
    ) -> dict[str, float]:
        """Map -> how many times the time of the fastest of these it takes."""
        rows = self._sorted(suite, workload, keys, threads, maps)
        ns = {row.map: row.cpu_ns_median if cpu else row.ns_median for row in rows}
        return {map: value / min(ns.values()) for map, value in ns.items()}

    def fastest(
        self, suite: str, workload: str, keys: int, threads: int, maps: Iterable[str]
    ) -> list[MapTime]:
        """The fastest of the maps, and those that are as good, best first."""
        rows = self._sorted(suite, workload, keys, threads, maps)
        return [row for row in rows if row.ns_median <= rows[0].ns_median * ALIKE]

    def _sorted(
        self, suite: str, workload: str, keys: int, threads: int, maps: Iterable[str]
    ) -> list[MapTime]:
        found = (self.get(suite, workload, keys, map, threads) for map in maps)
        return sorted((row for row in found if row), key=lambda row: row.ns_median)


def geometric_mean(values: Iterable[float]) -> float | None:
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else None


def section(rows: list[MapTime]) -> Iterator[list[list[str]] | str]:
    """Lines, and lists of rows that are tables: the first row of each is its head."""
    times = MapTimes(rows)
    yield "## 7. The maps by themselves"
    yield ""
    yield (
        "One map, no server: nanoseconds an operation on the wall clock, 1 thread / 2 threads, "
        "medians; in brackets how many times as fast as Go's sync.Map, which did as many "
        "operations in turn with ours. Which map to pick when, with a plot for each workload: "
        "[maps.md](maps.md)."
    )
    yield ""
    maps = list(dict.fromkeys(row.map for row in rows if row.suite == "go" and row.map != GO_MAP))
    table = [["workload", GO_MAP, *maps]]
    for workload in times.workloads("go"):
        table.append([workload, *(_go_cell(times, workload, map) for map in (GO_MAP, *maps))])
    for name, cpu in (("geometric mean", False), ("the same of CPU time", True)):
        means = [geometric_mean(times.speeds_over_go(map, cpu=cpu).values()) for map in maps]
        table.append([name, "", *(f"x {mean:.2f}" if mean else "" for mean in means)])
    yield table
    yield from _cache_tables(times)


def _go_cell(times: MapTimes, workload: str, map: str) -> str:
    figures, speeds = [], []
    for threads in times.threads("go", workload, 0):
        row = times.get("go", workload, 0, map, threads)
        figures.append(ns(row.ns_median) if row else "-")
        speed = times.speed("go", workload, 0, map, GO_MAP, threads)
        speeds.append(f"{speed:.1f}" if speed else "-")
    text = " / ".join(figures)
    return text if map == GO_MAP or set(speeds) == {"-"} else f"{text} (x {' / '.join(speeds)})"


def _cache_tables(times: MapTimes) -> Iterator[list[list[str]] | str]:
    mixes = times.workloads("cache")
    for keys in sorted({keys for mix in mixes for keys in times.keys("cache", mix)}):
        yield f"### Cache mixes, {keys:,} keys in one shard"
        yield ""
        yield "Keys of 16 bytes, values of 32; nanoseconds on the wall clock / of CPU, 2 threads."
        yield ""
        yield _mix_table(times, "cache", keys)
        if keys != HINTED_LOAD.keys or not times.workloads("hinted"):
            continue
        yield "The same, told ahead which keys a batch needs: what the server does."
        yield ""
        yield _mix_table(times, "hinted", keys)


def _mix_table(times: MapTimes, suite: str, keys: int) -> list[list[str]]:
    mixes = times.workloads(suite)
    maps = list(dict.fromkeys(map for mix in mixes for map in times.maps(suite, mix)))
    maps = [map for map in maps if map != "plain"]
    table = [["mix", *maps]]
    for mix in mixes:
        rows = [times.get(suite, mix, keys, map, 2) for map in maps]
        cells = [f"{ns(row.ns_median)} / {ns(row.cpu_ns_median)}" if row else "" for row in rows]
        table.append([mix, *cells])
    return table


def ns(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
