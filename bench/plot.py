"""Lines over time as SVG: a few panels above each other with one time below. No library."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, PANEL, GAP = 860, 150, 38
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 28, 40
TICKS_ABOUT = 4
INK, RULE, MARK = "#333333", "#e4e4e4", "#c0392b"


@dataclass(frozen=True, slots=True)
class Line:
    """Points (time, value). name: what it is called in the legend, if at all."""

    points: Sequence[tuple[float, float]]
    hue: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share a scale from 0. marks: moments that are marked below the title."""

    title: str
    lines: Sequence[Line]
    marks: Sequence[float] = ()


def page(panels: Sequence[Panel], time: str) -> str:
    """Return the panels as one SVG document. time: what the axis below is called."""
    end = max(at for panel in panels for line in panel.lines for at, _ in line.points)
    height = TOP + len(panels) * (PANEL + GAP) - GAP + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, TOP + number * (PANEL + GAP), end)
    foot = height - BOTTOM + 18
    parts += [_text(_x(at, end), foot, f"{at:g}", "middle") for at in ticks(end)]
    parts.append(_text(WIDTH - RIGHT, foot + 16, time, "end"))
    return "\n".join([*parts, "</svg>\n"])


def ticks(most: float) -> list[float]:
    """Return round numbers from 0 up to `most`, about `TICKS_ABOUT` apart steps."""
    rough = max(most, 1e-9) / TICKS_ABOUT
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [step * count for count in range(int(most / step) + 1)]


def _panel(panel: Panel, top: float, end: float) -> Iterator[str]:
    most = max(1.0, *(value for line in panel.lines for _, value in line.points)) * 1.05
    floor = top + PANEL

    def y(value: float) -> float:
        return floor - value / most * PANEL

    yield _text(LEFT, top - 10, panel.title, "start")
    for value in ticks(most):
        yield f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="{RULE}"/>'
        yield _text(LEFT - 6, y(value) + 4, f"{value:g}", "end")
    for at in panel.marks:
        yield f'<path d="M{_x(at, end):.1f} {top}v6" stroke="{MARK}" stroke-width="1.5"/>'
    right = WIDTH - RIGHT
    for line in panel.lines:
        places = " ".join(f"{_x(at, end):.1f},{y(value):.1f}" for at, value in line.points)
        wide = 1.6 if line.name else 1
        yield f'<polyline points="{places}" fill="none" stroke="{line.hue}" stroke-width="{wide}"/>'
    for line in reversed([line for line in panel.lines if line.name]):
        yield _text(right, top - 10, line.name, "end", line.hue)
        right -= 26


def _x(at: float, end: float) -> float:
    return LEFT + at / end * (WIDTH - RIGHT - LEFT)


def _text(x: float, y: float, text: str, anchor: str, hue: str = INK) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{hue}"'
    return f"<text {where}>{escape(text)}</text>"
