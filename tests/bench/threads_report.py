"""What the report says of threads: a table, and a page of its own on how cost grows with them."""

from __future__ import annotations

import pathlib
import statistics
from collections.abc import Iterable, Iterator

from maps_report import MEANING, MapTimes, ns
from maps_section import MapTime
from markdown_text import join, prose, table
from threads_section import CONNECTIONS, KEYS, KINDS, PIPELINE, ThreadPoint

# Fewer points than this on processors of their own say nothing of how cost goes on growing.
POINTS_FOR_A_LAW = 4
MAP_KEYS = 100_000  # of the sizes that the maps were measured with
ALIKE = 1.10  # two figures of one run closer than this are noise


class ThreadPoints:
    """Look-ups over the points of a run."""

    def __init__(self, points: Iterable[ThreadPoint]) -> None:
        self._points = {
            (point.load, point.shards, point.map, point.threads): point for point in points
        }
        self.by_default = next((key[1] for key, p in self._points.items() if p.default_shards), 0)

    @property
    def loads(self) -> list[str]:
        return list(dict.fromkeys(key[0] for key in self._points))

    @property
    def shards(self) -> list[int]:
        return sorted({key[1] for key in self._points})

    @property
    def maps(self) -> list[str]:
        return [map for map in KINDS if any(key[2] == map for key in self._points)]

    @property
    def threads(self) -> list[int]:
        return sorted({key[3] for key in self._points})

    def get(self, load: str, shards: int, map: str, threads: int) -> ThreadPoint | None:
        return self._points.get((load, shards, map, threads))

    def growth(self, load: str, shards: int, map: str, threads: int) -> float | None:
        """CPU a command, as a multiple of what one thread takes."""
        point, one = self.get(load, shards, map, threads), self.get(load, shards, map, 1)
        return point.cpu_us_median / one.cpu_us_median if point and one else None

    def title(self, shards: int) -> str:
        text = "1 shard" if shards == 1 else f"{shards} shards"
        return f"{text} (default)" if shards == self.by_default else text


def section(points: list[ThreadPoint]) -> Iterator[str]:
    """What report.md has of it."""
    found = ThreadPoints(points)
    most = found.threads[-1]
    yield "## 9. Threads"
    yield ""
    yield from prose(
        f"""
        Server CPU microseconds a command (P={PIPELINE}) with one thread, and how many times that
        with {most}. What that means on this machine, with every point between and a plot for each
        load: [threads.md](threads.md).
        """
    )
    rows = []
    for load in found.loads:
        for shards in found.shards:
            cells = [_growth_cell(found, load, shards, map, most) for map in found.maps]
            rows.append([load, found.title(shards), *cells])
    yield from table(["load", "shards", *found.maps], rows)


def _growth_cell(found: ThreadPoints, load: str, shards: int, map: str, threads: int) -> str:
    one, growth = found.get(load, shards, map, 1), found.growth(load, shards, map, threads)
    return f"{one.cpu_us_median:.3f} (x {growth:.2f})" if one and growth else ""


# --- The page


def write_page(
    points: list[ThreadPoint],
    maps: list[MapTime],
    pictures: dict[str, str],
    processors: int,
    path: pathlib.Path,
) -> None:
    """Writes how cost grows; `pictures`: "threads <load>" -> file beside it."""
    found = ThreadPoints(points)
    lines = ["# How cost grows with threads", "", *_what_it_is(found, points)]
    lines += ["## What these figures are, and what they are not", ""]
    lines += _oversubscribed(found.threads, processors) + _extrapolated(found.threads, processors)
    for load in found.loads:
        lines += [f"## {load}", "", *_in_words(found, load)]
        if picture := pictures.get(f"threads {load}"):
            lines += [f"![CPU a command and throughput over threads]({picture})", ""]
        lines += _load_table(found, load)
    lines += _maps(MapTimes(maps))
    path.write_text("\n".join(lines).rstrip("\n") + "\n")


def _what_it_is(found: ThreadPoints, points: list[ThreadPoint]) -> list[str]:
    shards = join([str(count) for count in found.shards])
    rounds = len(points[0].cpu_us)
    figures = f"medians of {rounds} rounds" if rounds > 1 else "figures of a single round"
    return prose(
        f"""
        larder with `--threads` {join([str(count) for count in found.threads])}, `--map`
        {join(found.maps)} and `--shards` {shards} ({found.by_default} is the default).
        {KEYS:,} keys of 16 bytes, values of 32; {CONNECTIONS} connections, each sending {PIPELINE}
        commands when it has the replies to the last {PIPELINE}. CPU is user and system
        time of the server process; {figures}, in which all servers of one number of shards took
        turns. Written by `tests/bench/run.py` from the figures in raw.json.
        """
    )


def _oversubscribed(threads: list[int], processors: int) -> list[str]:
    beyond = [count for count in threads if count > processors]
    text = (
        f"The machine has {processors} processors, and as many processes that make the load, so "
        "that the server always has requests to run: it shares the processors with the load at "
        "every number of threads. "
    )
    if beyond:
        names = join([str(count) for count in beyond])
        text += (
            f"**{names} threads are more than there are processors** (shaded in the plots). There "
            "the threads take turns: more of them add no processor (what throughput they add, they "
            "take from the load and from whatever else runs), and a thread that is suspended "
            "inside a guard keeps out everybody else who comes to it until it runs again. So what "
            "grows there is the cost of being preempted inside a guard, and, under all guards "
            "alike, of switching threads that find fewer requests each time they wake; it is not "
            "what as many threads would cost that run at the same time."
        )
    return prose(text)


def _extrapolated(threads: list[int], processors: int) -> list[str]:
    parallel = [count for count in threads if count <= processors // 2]
    if len(parallel) >= POINTS_FOR_A_LAW:
        return prose(
            f"""
            Up to {parallel[-1]} threads there were as many processors again for the load, so those
            points are of parallel speed. Nothing beyond is extrapolated from them.
            """
        )
    own = join([str(count) for count in parallel]) if parallel else "none"
    every = join([str(count) for count in threads])
    return prose(
        f"""
        **Nothing here is extrapolated to more processors.** A law of scaling (Amdahl's has one
        unknown, Gunther's two) would rest on several points where each thread has a processor of
        its own and the load as many; here that is so with {own} of {every} threads. Nor are the
        points a bound in either direction. With enough processors a holder is seldom suspended, so
        the long waits would go; but threads that run at the same time meet at a guard more often,
        and its cache line, which here mostly stays with one processor, would travel between all of
        them. That second cost is paid at each acquisition of a `mutex` and by the writers of every
        kind (a writer of `rwmutex` also looks at a slot of every thread), not by reads of
        `rwmutex`, `sync` and `rcu`, which leave no trace at a guard: a reason to expect an order,
        not a figure. On a machine with more processors `tests/bench/run.py --only threads,maps`
        measures it.
        """
    )


def _in_words(found: ThreadPoints, load: str) -> list[str]:
    """How CPU grew from one thread to the most, and what waiting there was."""
    most, sentences = found.threads[-1], []
    for shards in found.shards:
        grown = {map: found.growth(load, shards, map, most) for map in found.maps}
        ranked = sorted((growth, map) for map, growth in grown.items() if growth is not None)
        if not ranked:
            continue
        (least, best), (greatest, worst) = ranked[0], ranked[-1]
        if greatest <= least * ALIKE:
            text = f"x {least:.2f} to x {greatest:.2f} under every guard alike"
        else:
            text = f"x {least:.2f} ({best}) to x {greatest:.2f} ({worst})"
        sentences.append(f"{found.title(shards)}, CPU with {most} threads / with one: {text}.")
    sentences += [*_waits_in_words(found, load, most), _switches_in_words(found, load, most)]
    return [*(f"- {sentence}" for sentence in sentences), ""]


def _waits_in_words(found: ThreadPoints, load: str, threads: int) -> Iterator[str]:
    points = [
        point
        for shards in found.shards
        for map in found.maps
        if (point := found.get(load, shards, map, threads)) is not None and point.contended_median
    ]
    if not points:
        yield f"With {threads} threads no lock was found taken in the median round."
        return
    point = max(points, key=lambda point: point.waited_us_median)
    yield (
        f"Most was waited under {point.map} with {found.title(point.shards)}: of 1,000 commands "
        f"{point.contended_median:.2f} found the lock taken, "
        f"{point.waited_us_median / point.contended_median:,.0f} us each."
    )


def _switches_in_words(found: ThreadPoints, load: str, threads: int) -> str:
    """The median over guards and shards: neither has much to do with it."""
    medians = []
    for count in (1, threads):
        points = (found.get(load, shards, map, count) for shards in found.shards for map in KINDS)
        medians.append(statistics.median(point.switches_median for point in points if point))
    return (
        f"In 1,000 commands the server's threads were switched {medians[0]:.0f} times if there was "
        f"one, {medians[1]:.0f} times if there were {threads}: the median of guards and shards."
    )


def _load_table(found: ThreadPoints, load: str) -> list[str]:
    most = found.threads[-1]
    head = ["shards", "map"]
    head += [f"{count} thr." if count > 1 else "1 thread" for count in found.threads]
    head += [f"in 1,000, {most} thr.: contended", "us waited", "switches"]
    rows = []
    for shards in found.shards:
        for map in found.maps:
            cells = [_point_cell(found, load, shards, map, count) for count in found.threads]
            last = found.get(load, shards, map, most)
            if last:
                waits = (last.contended_median, last.waited_us_median, last.switches_median)
                cells += [f"{value:,.2f}" for value in waits]
                rows.append([found.title(shards), map, *cells])
    return [
        "CPU us a command (over that with one thread); thousand commands a second.",
        "",
        *table(head, rows),
    ]


def _point_cell(found: ThreadPoints, load: str, shards: int, map: str, threads: int) -> str:
    point, growth = found.get(load, shards, map, threads), found.growth(load, shards, map, threads)
    if point is None:
        return ""
    times = f" (x {growth:.2f})" if growth and threads > 1 else ""
    return f"{point.cpu_us_median:.3f}{times}; {point.per_second_median / 1e3:,.0f}"


def _maps(times: MapTimes) -> Iterator[str]:
    """The same question without a server, if the section of the maps measured several threads."""
    mixes = times.workloads("cache")
    sizes = {keys for mix in mixes for keys in times.keys("cache", mix)}
    sizes = {keys for keys in sizes if 1 in _counts(times, keys) and len(_counts(times, keys)) > 1}
    if not sizes:
        return
    keys = MAP_KEYS if MAP_KEYS in sizes else max(sizes)
    counts = _counts(times, keys)
    yield "## One map, no server"
    yield ""
    yield from prose(
        f"""
        CPU nanoseconds an operation of a thread (over that with one thread) on one map of
        {keys:,} keys that all threads share; there is no other process, so as many threads as
        processors run at the same time. A thread parked at a lock takes no CPU: the wall clock is
        in [maps.md](maps.md).
        """
    )
    rows = []
    for mix in mixes:
        for map in KINDS:
            if one := times.get("cache", mix, keys, map, 1):
                cells = [_map_cell(times.get("cache", mix, keys, map, n), one) for n in counts]
                rows.append([MEANING.get(mix, mix), map, *cells])
    yield from table(["load", "map", *(str(count) for count in counts)], rows)


def _counts(times: MapTimes, keys: int) -> list[int]:
    """The numbers of threads that were measured with so many keys, under any mix."""
    mixes = times.workloads("cache")
    return sorted({count for mix in mixes for count in times.threads("cache", mix, keys)})


def _map_cell(row: MapTime | None, one: MapTime) -> str:
    if row is None:
        return ""
    growth = f" (x {row.cpu_ns_median / one.cpu_ns_median:.2f})" if row is not one else ""
    return ns(row.cpu_ns_median) + growth
