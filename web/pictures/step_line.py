"""A step line: what an amount was at each height or in each month, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from commonweal.client.language.words import Words
from commonweal.web.pictures.canvas import LINE, TEXT_SIZE, Canvas, plain
from commonweal.web.pictures.picture import (
    NARROW,
    WIDE,
    Legend,
    Notation,
    Picture,
    TableCell,
    named,
)
from commonweal.web.pictures.text_width import width_of

STEPS_MAX = 60
"""Steps in one picture and its table: the last ones."""

_HEIGHT = 96


class LineStep(NamedTuple):
    """An amount at a place on the way, like a height or a month. link: where it comes from."""

    name: str
    amount: Decimal
    link: str = ""


def step_line(legend: Legend, steps: Sequence[LineStep], words: Words) -> Picture:
    """Return a line of the last STEPS_MAX amounts; each holds until the next.

    legend: with one heading. The first, the last, the least and the most are written beside it.
    """
    steps = steps[-STEPS_MAX:]
    notation = Notation.of(step.amount for step in steps)
    rows = tuple((TableCell(step.name), notation.cell(step.amount, step.link)) for step in steps)
    narrow, wide = (_drawn(legend, steps, words, width) for width in (NARROW, WIDE))
    return Picture(narrow, wide, legend.caption, legend.columns, rows)


def _drawn(legend: Legend, steps: Sequence[LineStep], words: Words, width: float) -> Markup:
    notation = Notation.of(step.amount for step in steps)
    texts = (f"{notation.text(step.amount)} {legend.unit}" for step in steps)
    said = (named(step.name, text, words) for step, text in zip(steps, texts, strict=True))
    canvas = Canvas(width, legend.caption, words("; ").join(said))
    if not steps:
        return canvas.finish(1)
    amounts = [step.amount for step in steps]
    least, most = min(Decimal(), *amounts), max(Decimal(), *amounts)
    top, span = LINE + 6, most - least

    def height(amount: Decimal) -> float:
        return top + (float((most - amount) / span) if span else 1.0) * _HEIGHT

    beside = max(width_of(notation.text(amount), TEXT_SIZE) for amount in (least, most)) + 8
    said_at: list[float] = []
    for amount in dict.fromkeys((most, least, Decimal())):
        y = height(amount)
        canvas.stroke(f"M{plain(beside)} {plain(y)}H{plain(width)}", "line")
        if all(abs(y - other) >= LINE for other in said_at):
            canvas.text(beside - 8, y + 4, notation.text(amount), anchor="end", look="faint")
            said_at.append(y)
    wide = (width - beside) / len(steps)
    path = ""
    for place, amount in enumerate(amounts):
        start = "M" if not place else "L"
        path += f"{start}{plain(beside + place * wide)} {plain(height(amount))}"
        path += f"H{plain(beside + (place + 1) * wide)}"
    canvas.stroke(path, "curve")
    canvas.text(width, TEXT_SIZE, notation.text(amounts[-1]), anchor="end", look="amount")
    bottom = top + _HEIGHT + LINE
    half = (width - beside) / 2 - 4
    canvas.text(beside, bottom, steps[0].name, room=half, look="faint")
    if len(steps) > 1:
        canvas.text(width, bottom, steps[-1].name, room=half, anchor="end", look="faint")
    return canvas.finish(bottom + 5)
