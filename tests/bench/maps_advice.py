"""The page on which map to pick when: advice drawn from the figures of a run, and the figures.

The advice is about larder's kinds that threads can share, on loads of two and more threads: one
thread can as well have `plain`. What the maps themselves say comes first; the guard is only a part
of a command, so the server's figures stand beside it, if they were measured too.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from maps_report import ALIKE, CONCURRENT_KINDS, KINDS, MEANING, MapTimes, geometric_mean, ns
from maps_section import MapTime
from markdown_text import join, prose, table
from threads_report import ThreadPoints
from threads_section import ThreadPoint

Load = tuple[str, int, int]  # mix, keys, threads


def write_page(
    rows: list[MapTime], points: list[ThreadPoint], pictures: dict[str, str], path: pathlib.Path
) -> None:
    """`pictures`: "<suite> <workload>" -> file beside it."""
    times = MapTimes(rows)
    lines = ["# Which map to pick when", "", *advice(times), *_summary(times)]
    if points:
        lines += _server(ThreadPoints(points))
    lines += prose(
        """
        Below, for each workload, one map (one shard, where guards meet): the wall clock of an
        operation as a multiple of the fastest of larder's kinds there, and which of all maps
        measured was fastest. Written by `tests/bench/run.py` from the figures in raw.json.
        """
    )
    for suite in ("cache", "go"):
        for workload in times.workloads(suite):
            lines += [f"## {workload}", ""]
            meaning = MEANING.get(workload, "")
            lines += [f"{meaning[0].upper()}{meaning[1:]}.", ""] if meaning else []
            picture = pictures.get(f"{suite} {workload}")
            lines += [f"![ns an operation over threads]({picture})", ""] if picture else []
            lines += _ratios(times, suite, workload)
    path.write_text("\n".join(lines).rstrip("\n") + "\n")


# --- Advice


def standings(
    times: MapTimes, mix: str | None = None, *, cpu: bool = False
) -> dict[str, dict[Load, float]]:
    """Kind -> load -> its time over that of the fastest kind; the kind to pick comes first."""
    found: dict[str, dict[Load, float]] = {}
    for workload in times.workloads("cache") if mix is None else [mix]:
        for keys in times.keys("cache", workload):
            for threads in times.threads("cache", workload, keys):
                if threads < 2:
                    continue
                ratios = times.ratios(
                    "cache", workload, keys, threads, CONCURRENT_KINDS, cpu=cpu
                )
                for kind, ratio in ratios.items():
                    found.setdefault(kind, {})[workload, keys, threads] = ratio
    return dict(sorted(found.items(), key=lambda item: geometric_mean(item[1].values()) or 0.0))


def advice(times: MapTimes) -> list[str]:
    """One paragraph on the kind to pick, and a line on each other: where it is better."""
    ranked = standings(times)
    if not ranked:
        return prose("Nothing was measured with two threads, so there is no advice.")
    (pick, mine), *others = ranked.items()
    good = sum(ratio <= ALIKE for ratio in mine.values())
    worst = max(mine, key=mine.__getitem__)
    text = (
        f"**`{pick}`, unless you know better.** On {good} of {len(mine)} loads of two and more "
        f"threads it is the fastest of larder's kinds or within {(ALIKE - 1) * 100:.0f} % of it; it "
        f"takes {geometric_mean(mine.values()):.2f} times as long as the fastest in the geometric "
        f"mean, and {mine[worst]:.2f} times at worst ({_load(worst)}). "
    )
    if cost := _cost_of_sharing(times, pick):
        text += f"Where one thread does everything, it takes {cost:.2f} times as long as `plain`."
    lines = prose(text)
    for kind, ratios in others:
        lines.append(f"- `{kind}`: {_instead(pick, mine, ratios)}")
    by_cpu = [
        f"{kind} {geometric_mean(ratios.values()):.2f}"
        for kind, ratios in standings(times, cpu=True).items()
    ]
    return [*lines, *([""] if others else [])] + prose(
        f"""
        That is by the wall clock. By CPU time, which other work on the machine falsifies less, but
        of which a thread parked at a lock takes none, they take {join(by_cpu)} times that of the
        cheapest. Where the two disagree on the first, the machine was busy or threads were parked:
        look at the plots.
        """
    )


def _instead(pick: str, mine: dict[Load, float], ratios: dict[Load, float]) -> str:
    """Where a kind is faster than the pick, and how it stands by and large."""
    by_mix: dict[str, float] = {}
    for load in ratios.keys() & mine.keys():
        faster = mine[load] / ratios[load]
        if faster > ALIKE:
            by_mix[load[0]] = max(by_mix.get(load[0], 0.0), faster)
    names = [
        f"{MEANING.get(mix, mix)} (up to {faster:.2f} times)"
        for mix, faster in sorted(by_mix.items(), key=lambda item: -item[1])
    ]
    where = f"faster than `{pick}` at {join(names, ';')}" if names else f"nowhere over `{pick}`"
    return f"{where}. Over all loads {geometric_mean(ratios.values()):.2f} times the fastest."


def _cost_of_sharing(times: MapTimes, pick: str) -> float | None:
    found = []
    for mix in times.workloads("cache"):
        for keys in times.keys("cache", mix):
            speed = times.speed("cache", mix, keys, "plain", pick, 1)
            if speed is not None:
                found.append(speed)
    return geometric_mean(found)


def _load(load: Load) -> str:
    mix, keys, threads = load
    return f"{MEANING.get(mix, mix)}: {keys:,} keys, {threads} threads"


# --- Tables


def _summary(times: MapTimes) -> Iterator[str]:
    """A row a workload: the kind to pick there, and what the others cost."""
    rows = []
    for mix in times.workloads("cache"):
        ranked = standings(times, mix)
        if not ranked:
            continue
        means = {kind: geometric_mean(ratios.values()) or 0.0 for kind, ratios in ranked.items()}
        best = min(means.values())
        picks = [kind for kind, mean in means.items() if mean <= best * ALIKE]
        cells = [f"x {means[kind]:.2f}" if kind in means else "" for kind in CONCURRENT_KINDS]
        rows.append([MEANING.get(mix, mix), ", ".join(picks), *cells])
    yield from prose(
        """
        By workload: times the fastest kind, geometric mean over all numbers of keys and of threads
        from two on.
        """
    )
    yield from table(["load", "pick", *CONCURRENT_KINDS], rows)


def _ratios(times: MapTimes, suite: str, workload: str) -> list[str]:
    """A row a load: larder's kinds as multiples of the fastest of them, and the fastest of all."""
    kinds = [kind for kind in KINDS if kind in times.maps(suite, workload)]
    rows = []
    for keys in times.keys(suite, workload):
        for threads in times.threads(suite, workload, keys):
            ratios = times.ratios(suite, workload, keys, threads, kinds)
            every = times.fastest(suite, workload, keys, threads, times.maps(suite, workload))
            cells = [f"x {ratios[kind]:.2f}" if kind in ratios else "" for kind in kinds]
            fastest = ", ".join(f"{row.map} {ns(row.ns_median)} ns" for row in every)
            size = [f"{keys:,}"] if keys else []
            rows.append([*size, str(threads), *cells, fastest])
    size = ["keys"] if any(times.keys(suite, workload)) else []
    return table([*size, "threads", *kinds, "fastest of all maps"], rows)


def _server(found: ThreadPoints) -> Iterator[str]:
    """What is left of the differences in a whole server: the loads of the section on threads."""
    counts = [count for count in found.threads if count > 1]
    threads = counts[0] if counts else found.threads[0]
    yield from prose(
        f"""
        In the server a command also passes a socket, a parser and a reply. CPU microseconds a
        command with `--threads {threads}`, thousand commands a second after them; at other numbers
        of threads: [threads.md](threads.md).
        """
    )
    rows = []
    for load in found.loads:
        for shards in found.shards:
            points = [found.get(load, shards, map, threads) for map in found.maps]
            cells = [
                f"{point.cpu_us_median:.3f}; {point.per_second_median / 1e3:,.0f}" if point else ""
                for point in points
            ]
            rows.append([load, found.title(shards), *cells])
    yield from table(["load", "shards", *found.maps], rows)
