"""A circle: who gives what, and who gets it, as arrows between people."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, hypot, pi, sin
from typing import NamedTuple

from markupsafe import Markup

from commonweal.client.language.words import Words
from commonweal.web.pictures.canvas import TEXT_SIZE, Canvas, plain
from commonweal.web.pictures.picture import NARROW, WIDE, Picture, TableCell

PEOPLE_MAX = 8
"""More do not fit around a circle on a telephone; a deal of more is told by its table alone."""

_HEIGHT, _BOX_HEIGHT, _HEAD = 260, 30, 9
_ASIDE = 13
"""How far a number stands beside its arrow, and half of how far two that cross keep apart."""


class GiftArrow(NamedTuple):
    """What one gives another. number: under which the table has it. what: in words."""

    number: int
    giver: str
    taker: str
    what: str


class _Point(NamedTuple):
    x: float
    y: float


def circle(caption: str, arrows: Sequence[GiftArrow], words: Words) -> Picture | None:
    """Return people as boxes around a circle, and each thing that is given as an arrow.

    None for more than PEOPLE_MAX. Names are of different people where they differ.
    """
    people = _in_order(arrows)
    if len(people) > PEOPLE_MAX:
        return None
    rows = tuple(
        (
            TableCell(f"{arrow.number}", is_number=True),
            *(TableCell(text) for text in (arrow.giver, arrow.taker, arrow.what)),
        )
        for arrow in arrows
    )
    columns = (words("number"), words("gives"), words("gets"), words("what"))
    narrow, wide = (_drawn(caption, people, arrows, words, width) for width in (NARROW, WIDE))
    return Picture(narrow, wide, caption, columns, rows)


def _in_order(arrows: Sequence[GiftArrow]) -> list[str]:
    """Return the people so that, where it goes, who gets something stands after who gives it."""
    takers: dict[str, str] = {}
    for arrow in arrows:
        takers.setdefault(arrow.giver, arrow.taker)
    order: dict[str, None] = {}
    for arrow in arrows:
        person: str | None = arrow.giver
        while person is not None and person not in order:
            order[person] = None
            person = takers.get(person)
        order.setdefault(arrow.taker)
    return list(order)


def _drawn(
    caption: str, people: list[str], arrows: Sequence[GiftArrow], words: Words, width: float
) -> Markup:
    told = words("{giver} gives {taker}: {what}")
    said = words("; ").join(
        told.format(giver=arrow.giver, taker=arrow.taker, what=arrow.what) for arrow in arrows
    )
    canvas = Canvas(width, caption, said)
    box = min(150.0, width * 0.28)
    across, down = (width - box) / 2 - 4, (_HEIGHT - _BOX_HEIGHT) / 2 - 4
    places = {
        person: _Point(
            width / 2 + across * sin(2 * pi * place / len(people)),
            _HEIGHT / 2 - down * cos(2 * pi * place / len(people)),
        )
        for place, person in enumerate(people)
    }
    for arrow in arrows:
        _arrow(canvas, arrow, places[arrow.giver], places[arrow.taker], box)
    for person, at in places.items():
        canvas.box(at.x - box / 2, at.y - _BOX_HEIGHT / 2, box, _BOX_HEIGHT, "node")
        room = box - 8
        canvas.text(at.x, at.y + TEXT_SIZE / 3, person, room=room, anchor="middle")
    lowest = max((at.y for at in places.values()), default=_HEIGHT / 2)
    return canvas.finish(lowest + _BOX_HEIGHT / 2 + 4)


def _arrow(canvas: Canvas, arrow: GiftArrow, giver: _Point, taker: _Point, box: float) -> None:
    """Draw an arrow from box to box, and its number at its middle."""
    length = hypot(taker.x - giver.x, taker.y - giver.y)
    if not length:
        return
    along = _Point((taker.x - giver.x) / length, (taker.y - giver.y) / length)
    aside = _Point(-along.y, along.x)
    # Both ends are moved aside, so that arrows that go to and fro between two keep apart.
    giver = _Point(giver.x + aside.x * _ASIDE / 2, giver.y + aside.y * _ASIDE / 2)
    taker = _Point(taker.x + aside.x * _ASIDE / 2, taker.y + aside.y * _ASIDE / 2)
    out = _to_edge(along, box)
    start = _Point(giver.x + along.x * out, giver.y + along.y * out)
    tip = _Point(taker.x - along.x * (out + 3), taker.y - along.y * (out + 3))
    neck = _Point(tip.x - along.x * _HEAD, tip.y - along.y * _HEAD)
    canvas.stroke(f"M{_at(start)}L{_at(neck)}", "curve")
    wings = (
        _Point(neck.x + aside.x * sign * _HEAD / 2, neck.y + aside.y * sign * _HEAD / 2)
        for sign in (1, -1)
    )
    head = "L".join(map(_at, (tip, *wings)))
    canvas.area(f"M{head}Z", "bar-a", f"{arrow.number}: {arrow.what}")
    middle = _Point((start.x + neck.x) / 2 + aside.x * _ASIDE, (start.y + neck.y) / 2)
    y = middle.y + aside.y * _ASIDE + TEXT_SIZE / 3
    canvas.text(middle.x, y, f"{arrow.number}", anchor="middle")


def _to_edge(along: _Point, box: float) -> float:
    """Return how far it is from the middle of a box to its edge in a direction."""
    ways = []
    if along.x:
        ways.append(box / 2 / abs(along.x))
    if along.y:
        ways.append(_BOX_HEIGHT / 2 / abs(along.y))
    return min(ways) + _ASIDE / 2


def _at(point: _Point) -> str:
    return f"{plain(point.x)} {plain(point.y)}"
