"""The report's pictures. Without matplotlib there are none, and the report says so."""

from __future__ import annotations

import pathlib
import re
from typing import Any

from expiry_section import MassExpiry
from maps_report import MapTimes
from maps_section import GO_MAP
from memory_section import KeyPoint
from results import Results
from server_section import MSET_PAIRS, OPS, PIPELINES, Row
from targets import RSS_BEYOND_MAX
from threads_report import ThreadPoints

try:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
except ImportError:
    pyplot = None

# Okabe and Ito's palette: distinguishable with every kind of colour vision. The peers are grey.
COLOURS = {
    "bare": "#bbbbbb",
    "redis": "#666666",
    "memcached": "#999999",
    "plain": "#e69f00",
    "mutex": "#d55e00",
    "rwmutex": "#cc79a7",
    "sync": "#009e73",
    "rcu": "#0072b2",
    "tbb": "#999999",
    "libcuckoo": "#666666",
    "std+lock": "#bbbbbb",
    GO_MAP: "#000000",
}
DPI = 110


def available() -> bool:
    return pyplot is not None


def draw_all(results: Results, out_dir: pathlib.Path) -> dict[str, str]:
    """Draws what there is data for; returns plot name -> file name in `out_dir`."""
    if pyplot is None:
        return {}
    pyplot.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    drawn = {}
    if results.server:
        drawn["server"] = _draw_server(results.server, out_dir / "server.png")
    if results.memory.growth:
        drawn["memory"] = _draw_memory(results.memory.growth, out_dir / "memory.png")
    if results.expiry.mass:
        drawn["expiry"] = _draw_expiry(results.expiry.mass, out_dir / "expiry.png")
    times = MapTimes(results.maps)
    for suite in ("go", "cache"):
        for workload in times.workloads(suite):
            path = out_dir / f"map_{suite}_{workload}.png"
            drawn[f"{suite} {workload}"] = _draw_maps(times, suite, workload, path)
    points = ThreadPoints(results.threads)
    processors = int(results.machine["cores"])
    for load in points.loads:
        path = out_dir / f"threads_{re.sub('[^a-z0-9]+', '_', load.lower())}.png"
        drawn[f"threads {load}"] = _draw_threads(points, load, processors, path)
    return drawn


def _colour(kind: str, map: str) -> str:
    return COLOURS.get(map or kind, "#000000")


def _draw_server(rows: list[Row], path: pathlib.Path) -> str:
    """One panel a pipeline; a group of bars a command; one thread, so that CPU compares."""
    single = [row for row in rows if row.threads == 1]
    servers = list(dict.fromkeys((row.server, row.kind, row.map) for row in single))
    figure, panels = pyplot.subplots(1, len(PIPELINES), figsize=(13, 4.2))
    width = 0.84 / len(servers)
    for panel, pipeline in zip(panels, PIPELINES):
        for index, (server, kind, map) in enumerate(servers):
            bars = [
                (
                    OPS.index(row.op) + (index - (len(servers) - 1) / 2) * width,
                    row.cpu_us_median / (MSET_PAIRS if row.op == "MSET" else 1),
                )
                for row in single
                if row.server == server and row.pipeline == pipeline
            ]
            if bars:
                panel.bar(*zip(*bars), width=width * 0.92, color=_colour(kind, map), label=server)
        panel.set_xticks(range(len(OPS)), ["MSET,\na key" if op == "MSET" else op for op in OPS])
        panel.set_title(f"pipeline {pipeline}")
        panel.grid(axis="y", alpha=0.3)
        panel.set_axisbelow(True)
    panels[0].set_ylabel("server CPU per command, µs")
    handles, labels = panels[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(servers), frameon=False)
    figure.suptitle(
        "CPU per command, one I/O thread (MSET: a tenth of a command of 10 keys); lower is better"
    )
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return _save(figure, path)


def _draw_memory(points: list[KeyPoint], path: pathlib.Path) -> str:
    """RSS beyond key and value over the number of keys, without and with a TTL."""
    servers = list(dict.fromkeys((point.server, point.kind, point.map) for point in points))
    figure, panels = pyplot.subplots(1, 2, figsize=(11, 4.2), sharey=True)
    for panel, ttl in zip(panels, (False, True)):
        for server, kind, map in servers:
            line = [
                (p.keys / 1e6, p.rss_beyond) for p in points if p.server == server and p.ttl == ttl
            ]
            style: dict[str, Any] = {"linestyle": "-" if kind == "larder" else "--"}
            if line:
                style |= {"color": _colour(kind, map), "marker": "o", "markersize": 4}
                panel.plot(*zip(*line), label=server, **style)
        panel.axhline(RSS_BEYOND_MAX[ttl], color="black", linewidth=0.8, linestyle=":")
        panel.annotate(
            "target", (points[0].keys / 1e6, RSS_BEYOND_MAX[ttl]), va="bottom", fontsize=8
        )
        panel.set_title("with a TTL" if ttl else "no TTL")
        panel.set_xlabel("keys, million")
        panel.grid(alpha=0.3)
    panels[0].set_ylim(bottom=0)  # shared, so after both have been drawn
    panels[0].set_ylabel("RSS beyond key and value, bytes a key")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(servers), frameon=False)
    figure.suptitle("Memory that a key of 16 bytes with a value of 32 bytes adds; lower is better")
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return _save(figure, path)


def _draw_expiry(mass: list[MassExpiry], path: pathlib.Path) -> str:
    """Keys still held around the one deadline they all share, two seconds of it."""
    figure, panel = pyplot.subplots(figsize=(8, 4))
    for one in mass:
        line = [(at, held / 1e6) for at, held in one.held if -0.3 <= at <= 2.0]
        panel.step(
            *zip(*line),
            where="post",
            color=_colour(one.kind, one.map),
            label=one.server,
            linewidth=1.6,
        )
    panel.axvline(0, color="black", linewidth=0.8, linestyle=":")
    panel.annotate("deadline ", (0, 0), ha="right", va="bottom", rotation=90, fontsize=8)
    panel.set_xlabel("seconds after the deadline")
    panel.set_ylabel("keys held (DBSIZE), million")
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.3)
    panel.legend(frameon=False)
    panel.set_title("Mass expiry: every key has the same deadline")
    figure.tight_layout()
    return _save(figure, path)


def _draw_maps(times: MapTimes, suite: str, workload: str, path: pathlib.Path) -> str:
    """One panel a number of keys; a group of bars a number of threads, a bar a map."""
    sizes = times.keys(suite, workload)
    maps = times.maps(suite, workload)
    width = 0.84 / len(maps)
    figure, panels = pyplot.subplots(
        1, len(sizes), figsize=(max(6.0, 4.5 * len(sizes)), 3.6), squeeze=False
    )
    for panel, keys in zip(panels[0], sizes):
        threads = times.threads(suite, workload, keys)
        for index, name in enumerate(maps):
            bars = [
                (group + (index - (len(maps) - 1) / 2) * width, row.ns_median)
                for group, count in enumerate(threads)
                if (row := times.get(suite, workload, keys, name, count)) is not None
            ]
            if bars:
                panel.bar(*zip(*bars), width=width * 0.92, color=_colour("", name), label=name)
        panel.set_xticks(range(len(threads)), [str(count) for count in threads])
        panel.set_xlabel("threads")
        panel.grid(axis="y", alpha=0.3)
        panel.set_axisbelow(True)
        if keys:
            panel.set_title(f"{keys:,} keys")
    panels[0][0].set_ylabel("ns an operation, wall clock")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(maps), frameon=False, fontsize=7)
    figure.suptitle(f"{workload}, one map; lower is better")
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    return _save(figure, path)


def _draw_threads(points: ThreadPoints, load: str, processors: int, path: pathlib.Path) -> str:
    """A column a number of shards: CPU a command relative to one thread, above throughput."""
    figure, panels = pyplot.subplots(
        2,
        len(points.shards),
        figsize=(max(7.0, 4.2 * len(points.shards)), 5.6),
        squeeze=False,
        sharex=True,
        sharey="row",
    )
    for column, shards in enumerate(points.shards):
        cost, speed = panels[0][column], panels[1][column]
        for map in points.maps:
            style: dict[str, Any] = {"color": COLOURS[map], "marker": "o", "markersize": 4}
            at = [n for n in points.threads if points.growth(load, shards, map, n) is not None]
            found = [points.get(load, shards, map, n) for n in at]
            cost.plot(at, [points.growth(load, shards, map, n) for n in at], label=map, **style)
            speed.plot(at, [point.per_second_median / 1e3 for point in found], **style)
        cost.set_title(points.title(shards))
        speed.set_xlabel("threads")
        for panel in (cost, speed):
            _mark_oversubscribed(panel, points.threads, processors)
    panels[0][0].set_ylabel("CPU a command, × one thread")
    panels[1][0].set_ylabel("thousand commands/s")
    panels[1][0].set_ylim(bottom=0)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False)
    figure.suptitle(f"{load}, server threads; shaded: more than the {processors} processors")
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    return _save(figure, path)


def _mark_oversubscribed(panel: Any, threads: list[int], processors: int) -> None:
    """A logarithmic axis of threads, grey where they cannot all run."""
    panel.set_xscale("log", base=2)
    panel.set_xticks(threads, [str(count) for count in threads])
    panel.minorticks_off()
    panel.set_xlim(threads[0] / 1.15, threads[-1] * 1.15)
    if threads[-1] > processors:
        panel.axvspan(processors * 1.19, threads[-1] * 1.15, color="#eeeeee", zorder=0)
    panel.grid(alpha=0.3)
    panel.set_axisbelow(True)


def _save(figure: Any, path: pathlib.Path) -> str:
    figure.savefig(path, dpi=DPI)
    pyplot.close(figure)
    return path.name
