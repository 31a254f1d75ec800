"""Figures: what was measured, beside what the same run measured as its baseline, and the aim."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. must and want: the aims for `ratio`; higher is better unless `low`."""

    name: str
    value: float
    unit: str
    baseline: str
    baseline_value: float
    ratio: float
    must: float | None = None
    want: float | None = None
    low: bool = False

    @property
    def verdict(self) -> str:
        """Whether the aims are met: "want", "must", "MISSED", or nothing where there is none."""
        for word, aim in (("want", self.want), ("must", self.must)):
            if aim is not None and (self.ratio <= aim if self.low else self.ratio >= aim):
                return word
        return "" if self.must is None else "MISSED"

    def line(self) -> str:
        """Return the figure as one JSON line."""
        return json.dumps(asdict(self) | {"verdict": self.verdict})


def compare(
    name: str,
    unit: str,
    ours: Callable[[], float],
    baseline: str,
    theirs: Callable[[], float],
    must: float | None = None,
    want: float | None = None,
) -> Figure:
    """Measure two things in turn, `ROUNDS` times each, and return the medians and their ratio."""
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    mine, base = median(value for value, _ in pairs), median(other for _, other in pairs)
    ratio = median(value / other for value, other in pairs)
    return Figure(name, mine, unit, baseline, base, ratio, must, want)


def rate(count: int, act: Callable[[], object]) -> float:
    """Return how many of `count` things `act` does in a second."""
    start = time.perf_counter()
    act()
    return count / (time.perf_counter() - start)


def table(figures: list[Figure]) -> str:
    """Return the figures as a table for people."""
    rows = [("what", "measured", "", "beside", "measured", "ratio", "must", "want", "")]
    rows += [
        (
            figure.name,
            _number(figure.value),
            figure.unit,
            figure.baseline,
            _number(figure.baseline_value) if figure.baseline else "",
            f"{figure.ratio:.3g}" if figure.baseline else "",
            "" if figure.must is None else f"{'<=' if figure.low else '>='} {figure.must:g}",
            "" if figure.want is None else f"{figure.want:g}",
            figure.verdict,
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _number(value: float) -> str:
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
