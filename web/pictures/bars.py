"""Bars: an amount for each name; or two for each, as they were and as they would have been."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from markupsafe import Markup

from commonweal.client.language.words import Words
from commonweal.web.pictures.canvas import LINE, TEXT_SIZE, Canvas
from commonweal.web.pictures.others import gathered, latest, others
from commonweal.web.pictures.picture import (
    NARROW,
    ROWS_MAX,
    WIDE,
    Legend,
    Notation,
    Picture,
    TableCell,
    less,
    named,
    total,
)
from commonweal.web.pictures.text_width import width_of

BARS_MAX = 20
"""Bars in one picture, that of the others among them."""

PAIRS_MAX = 12
"""Pairs of bars in one picture, that of the others among them."""

LOOKS = ("bar-a", "bar-b")

_BAR, _GAP, _TICK = 8, 10, 1.5
"""How high a bar is, what is free below a row, and the least width of what is not nothing."""


class Bar(NamedTuple):
    """A name with its amounts, as many as the legend has headings. link: where they come from."""

    name: str
    amounts: tuple[Decimal, ...]
    link: str = ""


def bars(legend: Legend, entries: Sequence[Bar], words: Words, *, in_time: bool = False) -> Picture:
    """Return a bar for each entry, from nothing to its amount; below nothing to the left.

    legend: with one heading of amounts. in_time: they follow each other. More than BARS_MAX
    entries: the smallest are gathered, or the earliest.
    """
    few = _latest if in_time else _largest
    drawn = few(entries, BARS_MAX, words)
    listed = few(entries, ROWS_MAX, words)
    return _picture(legend, listed, words, partial(_single, legend, drawn, words))


def grouped_bars(legend: Legend, entries: Sequence[Bar], words: Words) -> Picture:
    """Return two bars for each entry, and by how much the second amount is more than the first.

    legend: with two headings. More than PAIRS_MAX entries: the smallest are gathered.
    """
    drawn = _largest(entries, PAIRS_MAX, words)
    listed = _largest(entries, ROWS_MAX, words)
    return _picture(legend, listed, words, partial(_paired, legend, drawn, words))


def _picture(
    legend: Legend, listed: Sequence[Bar], words: Words, draw: Callable[[float], Markup]
) -> Picture:
    notation = _notation(listed)
    columns = legend.columns
    rows = [
        (TableCell(bar.name), *(notation.cell(amount, bar.link) for amount in bar.amounts))
        for bar in listed
    ]
    if len(legend.amounts) == 2:
        columns += (words("difference ({unit})").format(unit=legend.unit),)
        rows = [
            (*row, TableCell(notation.difference(_difference(bar)), is_number=True))
            for row, bar in zip(rows, listed, strict=True)
        ]
    return Picture(draw(NARROW), draw(WIDE), legend.caption, columns, tuple(rows))


def _largest(entries: Sequence[Bar], room: int, words: Words) -> list[Bar]:
    return gathered(entries, room, _size, partial(_others, words=words))


def _latest(entries: Sequence[Bar], room: int, words: Words) -> list[Bar]:
    def before(rest: Sequence[Bar]) -> Bar:
        return _others(rest, words)._replace(name=words("Older ones"))

    return latest(entries, room, before)


def _size(bar: Bar) -> Decimal:
    return max(map(abs, bar.amounts))


def _difference(bar: Bar) -> Decimal:
    return less(bar.amounts[1], bar.amounts[0])


def _notation(entries: Sequence[Bar]) -> Notation:
    return Notation.of(amount for bar in entries for amount in bar.amounts)


def _others(rest: Sequence[Bar], words: Words) -> Bar:
    columns = zip(*(bar.amounts for bar in rest), strict=True)
    return Bar(others(len(rest), words), tuple(map(total, columns)))


def _single(legend: Legend, drawn: Sequence[Bar], words: Words, width: float) -> Markup:
    canvas = Canvas(width, legend.caption, _said(legend, drawn, words))
    scale, notation = _Scale(drawn, width), _notation(drawn)
    y = 0.0
    for bar in drawn:
        _name(canvas, y, bar.name, notation.text(bar.amounts[0]))
        scale.draw(canvas, y + LINE + 2, bar.amounts[0], LOOKS[0])
        y += LINE + 2 + _BAR + _GAP
    scale.draw_zero(canvas, y - _GAP)
    return canvas.finish(max(y - _GAP + 1, 1))


def _paired(legend: Legend, drawn: Sequence[Bar], words: Words, width: float) -> Markup:
    canvas = Canvas(width, legend.caption, _said(legend, drawn, words))
    for place, (heading, look) in enumerate(zip(legend.amounts, LOOKS, strict=True)):
        canvas.box(0, place * LINE + 3, 12, _BAR, look)
        canvas.text(18, place * LINE + 11, heading, room=width - 18)
    notation = _notation(drawn)
    numbers = [notation.text(amount) for bar in drawn for amount in bar.amounts]
    beside = max((width_of(text, TEXT_SIZE) for text in numbers), default=0) + 8
    scale = _Scale(drawn, width - beside)
    y = top = len(LOOKS) * LINE + _GAP
    for bar in drawn:
        _name(canvas, y, bar.name, notation.difference(_difference(bar)))
        y += LINE + 2
        for amount, look in zip(bar.amounts, LOOKS, strict=True):
            scale.draw(canvas, y + 2, amount, look)
            canvas.text(width, y + _BAR + 2, notation.text(amount), anchor="end", look="faint")
            y += LINE - 2
        y += _GAP
    scale.draw_zero(canvas, y - _GAP, top + LINE)
    return canvas.finish(max(y - _GAP + 1, 1))


def _name(canvas: Canvas, y: float, name: str, amount: str) -> None:
    """Write a name at the left and its number at the right, which is never cut."""
    room = canvas.width - width_of(amount, TEXT_SIZE) - 12
    canvas.text(0, y + TEXT_SIZE, name, room=max(room, 3 * TEXT_SIZE))
    canvas.text(canvas.width, y + TEXT_SIZE, amount, anchor="end", look="amount")


def _said(legend: Legend, drawn: Sequence[Bar], words: Words) -> str:
    """Return the numbers as a sentence, in the order in which they are drawn."""
    notation = _notation(drawn)
    said = []
    for bar in drawn:
        amounts = (f"{notation.text(amount)} {legend.unit}" for amount in bar.amounts)
        said.append(named(bar.name, " / ".join(amounts), words))
    return words("; ").join(said)


class _Scale:
    """Where amounts lie between the least and the most that is drawn; nothing is always there."""

    def __init__(self, drawn: Sequence[Bar], width: float) -> None:
        amounts = [Decimal(), *(amount for bar in drawn for amount in bar.amounts)]
        self._least = min(amounts)
        self._span = max(amounts) - self._least
        self._width = width

    def at(self, amount: Decimal) -> float:
        """Return where an amount lies, from 0 to the width."""
        return float((amount - self._least) / self._span) * self._width if self._span else 0.0

    def draw(self, canvas: Canvas, y: float, amount: Decimal, look: str) -> None:
        """Draw a bar from nothing to an amount."""
        zero, end = self.at(Decimal()), self.at(amount)
        if not amount:
            return
        width = max(abs(end - zero), _TICK)
        canvas.box(zero if amount > 0 else zero - width, y, width, _BAR, look)

    def draw_zero(self, canvas: Canvas, bottom: float, top: float = 0.0) -> None:
        """Draw where nothing is, when bars go both ways."""
        if self._least < 0:
            x = self.at(Decimal())
            canvas.stroke(f"M{x:.2f} {top:.2f}V{bottom:.2f}", "line")
