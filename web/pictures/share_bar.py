"""A 100 % bar: what the parts of a whole are, beside each other, and a line for each."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from markupsafe import Markup

from commonweal.client.language.words import Words
from commonweal.web.pictures.canvas import LINE, TEXT_SIZE, Canvas
from commonweal.web.pictures.others import gathered, others
from commonweal.web.pictures.picture import (
    NARROW,
    ROWS_MAX,
    WIDE,
    Legend,
    Notation,
    Picture,
    TableCell,
    named,
    total,
)
from commonweal.web.pictures.text_width import width_of

PARTS_MAX = 6
"""Parts of one bar, that of the others among them: so many looks can be told apart."""

_BAR, _SWATCH = 18, 10


class BarPart(NamedTuple):
    """A part of the whole. amount: not below nothing. link: where its number comes from."""

    name: str
    amount: Decimal
    link: str = ""


def share_bar(legend: Legend, parts: Sequence[BarPart], words: Words) -> Picture:
    """Return the parts of a whole in one bar whose widths sum to that of the bar.

    legend: with one heading. More than PARTS_MAX parts: the smallest are gathered.
    """
    assert all(part.amount >= 0 for part in parts), "a part is not below nothing"
    gather = partial(_others, words=words)
    drawn = gathered(parts, PARTS_MAX, _size, gather)
    listed = gathered(parts, ROWS_MAX, _size, gather)
    notation = Notation.of(map(_size, listed))
    rows = tuple(
        (
            TableCell(part.name),
            notation.cell(part.amount, part.link),
            TableCell(tenths, is_number=True),
        )
        for part, tenths in zip(listed, percentages(listed), strict=True)
    )
    narrow, wide = (_drawn(legend, drawn, words, width) for width in (NARROW, WIDE))
    return Picture(
        narrow, wide, legend.caption, (*legend.columns, words("part of the whole")), rows
    )


def percentages(parts: Sequence[BarPart]) -> list[str]:
    """Return each part in tenths of a percent; they sum to 100.0 (largest remainder)."""
    whole = Fraction(total(map(_size, parts)))
    if not whole:
        return ["–"] * len(parts)
    exact = [Fraction(part.amount) * 1000 / whole for part in parts]
    tenths = [int(share) for share in exact]
    order = sorted(range(len(parts)), key=lambda place: (tenths[place] - exact[place], place))
    for place in order[: 1000 - sum(tenths)]:
        tenths[place] += 1
    return [f"{share // 10}.{share % 10} %" for share in tenths]


def _size(part: BarPart) -> Decimal:
    return part.amount


def _others(rest: Sequence[BarPart], words: Words) -> BarPart:
    return BarPart(others(len(rest), words), total(map(_size, rest)))


def _drawn(legend: Legend, drawn: Sequence[BarPart], words: Words, width: float) -> Markup:
    shares, notation = percentages(drawn), Notation.of(map(_size, drawn))
    lines = [
        f"{notation.text(part.amount)} {legend.unit} · {share}"
        for part, share in zip(drawn, shares, strict=True)
    ]
    said = (named(part.name, line, words) for part, line in zip(drawn, lines, strict=True))
    canvas = Canvas(width, legend.caption, words("; ").join(said))
    whole = total(map(_size, drawn)) or Decimal(1)
    ends = [float(end / whole) * width for end in accumulate(map(_size, drawn))]
    for place, (start, end) in enumerate(zip([0.0, *ends], ends, strict=False)):
        if end > start:
            canvas.box(start, 0, end - start, _BAR, _look(place))
    y = float(_BAR + 6)
    for place, (part, line) in enumerate(zip(drawn, lines, strict=True)):
        canvas.box(0, y + 3, _SWATCH, _SWATCH, _look(place))
        room = width - _SWATCH - 6 - width_of(line, TEXT_SIZE) - 12
        canvas.text(_SWATCH + 6, y + TEXT_SIZE, part.name, room=max(room, 3 * TEXT_SIZE))
        canvas.text(width, y + TEXT_SIZE, line, anchor="end", look="amount")
        y += LINE + 4
    return canvas.finish(y)


def _look(place: int) -> str:
    return f"part-{place + 1}"
