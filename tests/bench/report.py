"""Writes report.md and raw.json from a run's results."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import statistics
from collections.abc import Iterator

import growth_section
import maps_advice
import maps_report
import plots
import threads_report
from eviction_section import EvictionResult
from expiry_section import MASS_TIMEOUT_S, PROBE_AFTER_S, PROBE_KEYS, ExpiryResult, MassExpiry
from fairness_section import PIPELINE, POLITE_CLIENTS, Fairness
from growth_section import Growth
from markdown_text import prose, table
from memory_section import KeyPoint, MemoryResult
from results import Results, cpu_ratio
from server_section import CLIENTS, MSET_PAIRS, OPS, PIPELINES, Row
from targets import Target, evaluate
from transaction_section import TransactionCpu


def write(results: Results, out_dir: pathlib.Path) -> pathlib.Path:
    """Returns the report's path; raw.json and the plots lie beside it."""
    pictures = plots.draw_all(results, out_dir)
    targets = evaluate(results)
    raw = dataclasses.asdict(results) | {
        "targets": [dataclasses.asdict(target) for target in targets]
    }
    (out_dir / "raw.json").write_text(json.dumps(raw, indent=1) + "\n")
    lines = [*_head(results), *_targets(targets)]
    if results.server:
        lines += _server(results, pictures.get("server"))
    if results.memory != MemoryResult.nothing():
        lines += _memory(results.memory, pictures.get("memory"))
    if results.expiry != ExpiryResult.nothing():
        lines += _expiry(results.expiry, pictures.get("expiry"))
    if results.eviction != EvictionResult.nothing():
        lines += _eviction(results.eviction)
    if results.transactions:
        lines += _transactions(results.transactions)
    if results.fairness:
        lines += _fairness(results.fairness)
    if results.maps:
        lines += _maps(results)
        maps_advice.write_page(results.maps, results.threads, pictures, out_dir / "maps.md")
    if results.growth:
        lines += _growth(results.growth)
    if results.threads:
        lines += threads_report.section(results.threads)
        processors = int(results.machine["cores"])
        threads_report.write_page(
            results.threads, results.maps, pictures, processors, out_dir / "threads.md"
        )
    path = out_dir / "report.md"
    path.write_text("\n".join(lines) + "\n")
    return path


def _head(results: Results) -> Iterator[str]:
    yield "# larder: benchmark report"
    yield ""
    if results.options["quick"]:
        yield "> **Quick run**: short loads, fewer connections. Good for a look; quote a full run."
        yield ""
    for error in results.errors:
        yield f"> **Failed**: {error}"
        yield ""
    yield from table(["machine", ""], [[name, text] for name, text in results.machine.items()])
    yield from prose(
        f"""
        Reproduce with `{results.options['command']}`; `make bench` runs everything at full length.
        Every figure of this report, round by round, is in [raw.json](raw.json).
        """
    )
    if not plots.available():
        yield "There are no plots: matplotlib is not installed (Debian: python3-matplotlib)."
        yield ""


def _targets(targets: list[Target]) -> Iterator[str]:
    met = {True: "yes", False: "**no**", None: "-"}
    judged = [target for target in targets if target.met is not None]
    yield "## Targets"
    yield ""
    yield f"{sum(bool(target.met) for target in judged)} of {len(judged)} measured targets are met."
    yield ""
    rows = [[target.what, target.goal, target.measured, met[target.met]] for target in targets]
    yield from table(["target", "goal", "measured", "met?"], rows)


def _picture(name: str | None, alt: str) -> list[str]:
    return [f"![{alt}]({name})", ""] if name else []


def _server(results: Results, picture: str | None) -> Iterator[str]:
    rows = results.server
    yield "## 1. Server: CPU per command and throughput"
    yield ""
    yield from prose(
        f"""
        `redis-benchmark -c {CLIENTS}` on the same machine, {results.options['keys']:,} random keys
        of 16 bytes, values of 32 bytes, MSET with {MSET_PAIRS} pairs a command. CPU is user and
        system time of the server process from /proc, over the commands sent. Servers take turns
        within each row; figures are medians of {results.options['rounds']} rounds. *x bare* and *x
        redis* are ratios of CPU: to the bare epoll loop, which stores nothing and gives fixed
        replies, and to redis-server. The rounds of a row differ by {_spread(rows):.0%}, (largest -
        smallest) / median, in the median row.
        """
    )
    yield from _picture(picture, "CPU per command by server, command and pipeline")
    for op in OPS:
        yield f"### {op}"
        yield ""
        head = ["server"] + [
            text
            for p in PIPELINES
            for text in (f"P={p}: CPU us", "x bare", "x redis", "thousand/s")
        ]
        yield from table(head, _server_rows(results, [row for row in rows if row.op == op]))


def _server_rows(results: Results, rows: list[Row]) -> Iterator[list[str]]:
    for name in dict.fromkeys(row.server for row in rows):
        cells = [name]
        for pipeline in PIPELINES:
            row = next(
                (row for row in rows if row.server == name and row.pipeline == pipeline), None
            )
            if row is None:
                cells += [""] * 4
                continue
            cells.append(f"{row.cpu_us_median:.3f}")
            for base in ("bare", "redis"):
                ratio = cpu_ratio(row, results.row(base, row.op, pipeline))
                cells.append(f"{ratio:.2f}" if ratio is not None else "")
            cells.append(f"{_median(row.per_second) / 1e3:,.0f}")
        yield cells


def _spread(rows: list[Row]) -> float:
    return _median(
        [(max(row.cpu_us) - min(row.cpu_us)) / (row.cpu_us_median or 1.0) for row in rows]
    )


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0


def _memory(memory: MemoryResult, picture: str | None) -> Iterator[str]:
    yield "## 2. Memory"
    yield ""
    yield from prose(
        """
        Bytes a key **beyond** its key and value. *RSS* has the empty server's RSS taken off, *whole
        RSS* has not; *used* is the server's own used_memory (memcached: `bytes`) less the empty
        server's. One server grows through the numbers of keys. TTLs are about a day, spread over
        hours.
        """
    )
    yield from _picture(picture, "RSS beyond key and value over the number of keys")
    for ttl in (False, True):
        points = [point for point in memory.growth if point.ttl == ttl]
        yield f"### Keys of 16 bytes, values of 32 bytes, {'with a TTL' if ttl else 'no TTL'}"
        yield ""
        yield from _growth_table(points)
    yield "### Other value sizes"
    yield ""
    head = [
        "server",
        "keys",
        "value",
        "TTL",
        "RSS beyond, B",
        "whole RSS beyond, B",
        "used beyond, B",
    ]
    yield from table(head, [_size_cells(point) for point in memory.sizes])
    yield "### An empty server"
    yield ""
    yield from table(
        ["server", "RSS, MB", "used_memory, MB", "start to first reply, ms"],
        [
            [
                one.server,
                f"{one.rss_bytes / 1e6:.1f}",
                f"{one.used_bytes / 1e6:.2f}",
                f"{one.start_ms_median:.1f}",
            ]
            for one in memory.empty
        ],
    )
    yield "### Idle connections"
    yield ""
    yield from prose(
        """
        RSS that one connection adds, KiB: right after connecting; after each has sent 100 SETs in
        one write; after each has also stored and fetched a value of 1 MB.
        """
    )
    yield from table(
        ["server", "connections", "fresh", "after P=100", "after a 1 MB value"],
        [
            [one.server, f"{one.count:,}"]
            + [
                f"{b / 1024:.1f}"
                for b in (one.fresh_bytes, one.after_pipeline_bytes, one.after_big_value_bytes)
            ]
            for one in memory.connections
        ],
    )


def _growth_table(points: list[KeyPoint]) -> list[str]:
    counts = list(dict.fromkeys(point.keys for point in points))
    head = (
        ["server"]
        + [f"{count / 1e6:g} M keys: RSS, B" for count in counts]
        + ["worst", "worst whole RSS", "worst used"]
    )
    rows = []
    for name in dict.fromkeys(point.server for point in points):
        mine = [point for point in points if point.server == name]
        worst = [
            max(p.rss_beyond for p in mine),
            max(p.rss_beyond_whole for p in mine),
            max(p.used_beyond for p in mine),
        ]
        rows.append([name] + [f"{value:.1f}" for value in [p.rss_beyond for p in mine] + worst])
    return table(head, rows)


def _size_cells(point: KeyPoint) -> list[str]:
    figures = [
        f"{value:.1f}" for value in (point.rss_beyond, point.rss_beyond_whole, point.used_beyond)
    ]
    return [
        point.server,
        f"{point.keys:,}",
        f"{point.value_bytes:,} B",
        "yes" if point.ttl else "no",
        *figures,
    ]


def _expiry(expiry: ExpiryResult, picture: str | None) -> Iterator[str]:
    yield "## 3. Expiry"
    yield ""
    yield f"### Probe: {PROBE_KEYS:,} keys with a TTL of 3 s among many with a TTL of a day"
    yield ""
    yield from prose(
        """
        How many of them the server still holds (DBSIZE) after their deadline; nobody asks for them.
        Idle CPU is measured before, with the far keys only.
        """
    )
    head = (
        ["server", "far keys"]
        + [f"held after {after:g} s" for after in PROBE_AFTER_S]
        + ["idle CPU, % of a core"]
    )
    rows = []
    for one in expiry.probes:
        held = [f"{one.held[after]:,}" for after in PROBE_AFTER_S]
        rows.append([one.server, f"{one.far_keys:,}", *held, f"{one.idle_cpu_percent:.2f}"])
    yield from table(head, rows)
    yield "### Mass expiry: every key dies at one moment"
    yield ""
    yield from prose(
        """
        One connection sends PING after PING meanwhile; *before* is the second before the deadline,
        the machine's own noise. used_memory and RSS are read when the server is empty, full, and 1
        s after the deadline.
        """
    )
    yield from _picture(picture, "Keys held around the common deadline")
    head = ["server", "keys", "none left after, s", "worst PING, ms", "before, ms"]
    head += ["used_memory empty, MB", "full", "1 s after", "RSS full, MB", "1 s after"]
    yield from table(head, [_mass_cells(one) for one in expiry.mass])
    yield "### A million operations on one key"
    yield ""
    rows = [
        [one.server, one.what, f"{one.operations:,}"]
        + [f"{b:,}" for b in (one.used_before_bytes, one.used_after_bytes)]
        + [f"{one.used_after_bytes - one.used_before_bytes:+,}"]
        for one in expiry.one_key
    ]
    yield from table(
        ["server", "what", "operations", "used_memory before, B", "after, B", "change, B"], rows
    )


def _mass_cells(one: MassExpiry) -> list[str]:
    gone = (
        f"{one.none_left_s:.2f}"
        if one.none_left_s is not None
        else f"more than {MASS_TIMEOUT_S:.0f}"
    )
    sizes = (
        one.used_empty_bytes,
        one.used_full_bytes,
        one.used_1s_later_bytes,
        one.rss_full_bytes,
        one.rss_1s_later_bytes,
    )
    pings = [f"{ms:.2f}" for ms in (one.ping_worst_ms, one.ping_worst_before_ms)]
    return [one.server, f"{one.keys:,}", gone, *pings, *(f"{size / 1e6:.1f}" for size in sizes)]


def _eviction(eviction: EvictionResult) -> Iterator[str]:
    yield "## 4. Eviction"
    yield ""
    yield from prose(
        """
        CPU microseconds a SET (P=16): without a limit, of keys that are there and of keys of which
        19 in 20 are new; and of such keys at the limit, so that each evicts one. Medians; the ratio
        is that of the last to the first.
        """
    )
    rows = [
        [one.server, one.policy, f"{one.below_us_median:.3f}", f"{one.below_new_us_median:.3f}"]
        + [f"{one.at_limit_us_median:.3f}", f"{one.ratio:.2f}"]
        for one in eviction.cpu
    ]
    yield from table(["server", "policy", "present", "new", "new, at the limit", "ratio"], rows)
    yield "### used_memory in a storm of values of 1 B to 30 kB, two threads"
    yield ""
    rows = [
        [one.server, f"{one.maxmemory:,}", f"{one.used_min_when_full:,}", f"{one.used_max:,}"]
        for one in eviction.storms
    ]
    yield from table(["server", "maxmemory, B", "lowest when full", "highest"], rows)
    yield "### Hit ratios"
    yield ""
    rows = [
        [one.trace, f"{one.capacity_share:.0%}", one.policy, one.server, f"{one.ratio:.4f}"]
        for one in eviction.hit_ratios
    ]
    yield from table(["trace", "capacity", "policy", "server", "hit ratio"], rows)


def _transactions(transactions: list[TransactionCpu]) -> Iterator[str]:
    yield "## 5. Transactions"
    yield ""
    yield from prose(
        """
        CPU microseconds for MULTI, five SETs and GETs, and EXEC, many of them in a pipeline. Medians.
        """
    )
    rows = [[one.server, f"{one.cpu_us_median:.2f}"] for one in transactions]
    yield from table(["server", "us"], rows)


def _fairness(fairness: list[Fairness]) -> Iterator[str]:
    yield "## 6. Fairness"
    yield ""
    yield from prose(
        f"""
        {POLITE_CLIENTS} clients that send one GET at a time, without and beside one that sends
        pipelines of {PIPELINE:,}. Medians over the rounds.
        """
    )
    head = ["server", "p99.9 without, ms", "beside, ms", "ratio", "pipelined GETs/s"]
    rows = []
    for one in fairness:
        times = [f"{statistics.median(ms):.2f}" for ms in (one.alone_ms, one.beside_ms)]
        greedy = f"{statistics.median(one.greedy_per_second):,.0f}"
        rows.append([one.server, *times, f"{one.ratio:.2f}", greedy])
    yield from table(head, rows)


def _maps(results: Results) -> Iterator[str]:
    for part in maps_report.section(results.maps):
        if isinstance(part, str):
            yield part
        else:
            yield from table(part[0], part[1:])


def _growth(growth: list[Growth]) -> Iterator[str]:
    yield "## 8. Growth"
    yield ""
    yield from prose(
        f"""
        CPU microseconds a GET (P={growth_section.PIPELINE}) among so many keys. Medians.
        """
    )
    head = ["server", *(f"{step.keys:,}" for step in growth[0].steps)]
    rows = [[one.server, *(f"{step.get_us_median:.3f}" for step in one.steps)] for one in growth]
    yield from table(head, rows)
    yield from prose(
        f"""
        MB of RSS with all of these keys, and {growth_section.GIVEN_BACK_AFTER_S:.0f} s after
        {growth_section.DELETED_SHARE:.0%} of them were deleted, here and there.
        """
    )
    rows = [
        [one.server, f"{one.rss_peak_bytes / 1e6:.0f}", f"{one.rss_deleted_bytes / 1e6:.0f}"]
        + [f"{one.left_share:.2f}"]
        for one in growth
    ]
    yield from table(["server", "all", "after", "share left"], rows)
