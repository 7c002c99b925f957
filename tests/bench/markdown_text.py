"""Tables and paragraphs of Markdown, as all pages of the report have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

FIGURE = re.compile(r"(more than |x )?[-+]?[\d.,]*( M?B)?")


def table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """A Markdown table and an empty line after it. Columns of figures are aligned to the right."""
    body = list(rows)
    figures = [all(FIGURE.fullmatch(row[column]) for row in body) for column in range(len(head))]
    aligned = ["--:" if is_figure else ":--" for is_figure in figures]
    return ["| " + " | ".join(row) + " |" for row in [head, aligned, *body]] + [""]


def prose(text: str) -> list[str]:
    """A paragraph and an empty line after it."""
    return [" ".join(text.split()), ""]


def join(names: Sequence[str], comma: str = ",") -> str:
    """ "a", "a and b", "a, b and c"."""
    *most, last = names
    return f"{f'{comma} '.join(most)} and {last}" if most else last
