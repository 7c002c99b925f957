"""Everything one benchmark run found, and the look-ups that targets, tables and plots share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eviction_section import EvictionResult
from expiry_section import ExpiryResult
from fairness_section import Fairness
from growth_section import Growth
from maps_section import MapTime
from memory_section import MemoryResult
from server_section import Row
from threads_section import ThreadPoint
from transaction_section import TransactionCpu


@dataclass
class Results:
    """What did not run, or came after a failure, is empty; `errors` says why."""

    machine: dict[str, str]
    options: dict[str, Any]
    default_map: str
    server: list[Row] = field(default_factory=list)
    memory: MemoryResult = field(default_factory=MemoryResult.nothing)
    expiry: ExpiryResult = field(default_factory=ExpiryResult.nothing)
    eviction: EvictionResult = field(default_factory=EvictionResult.nothing)
    transactions: list[TransactionCpu] = field(default_factory=list)
    fairness: list[Fairness] = field(default_factory=list)
    maps: list[MapTime] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    threads: list[ThreadPoint] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def row(
        self, kind: str, op: str, pipeline: int, *, map: str = "", threads: int = 1
    ) -> Row | None:
        for row in self.server:
            if (row.kind, row.map, row.threads, row.op, row.pipeline) == (
                kind,
                map,
                threads,
                op,
                pipeline,
            ):
                return row
        return None

    def default_row(self, op: str, pipeline: int) -> Row | None:
        """larder with one thread and the map that the targets are about."""
        return self.row("larder", op, pipeline, map=self.default_map)


def cpu_ratio(row: Row | None, base: Row | None) -> float | None:
    """Median CPU a command of `row` over that of `base`; None if one of them is missing."""
    if row is None or base is None or not row.cpu_us or not base.cpu_us:
        return None
    return row.cpu_us_median / base.cpu_us_median if base.cpu_us_median > 0 else None
