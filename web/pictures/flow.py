"""A flow picture: places in layers from left to right, and what goes from each to the next.

It lays out any links: one that leads back, to its own layer, or below nothing is written in a line
under the drawing, so that a cycle is no error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from commonweal.client.language.words import Words
from commonweal.web.pictures.canvas import LINE, TEXT_SIZE, Canvas, plain
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

PLACES_MAX = 12
"""Places in one layer, that of the others among them."""

_POST, _GAP, _FULL = 6, 8, 200
"""How wide a place is, what is free below it, and how high the whole flow of a layer is."""

_OTHERS = "\0others "
"""How the key of a gathered place begins; no key of a caller does."""

_LABEL = 2 * LINE
"""How high the two lines beside a place are."""


class FlowPlace(NamedTuple):
    """Where something comes from or goes to. layer: from 0 at the left."""

    key: str
    name: str
    layer: int


class FlowLink(NamedTuple):
    """How much goes from one place to another. link: where its number comes from."""

    source: str
    target: str
    amount: Decimal
    link: str = ""


def flow(
    legend: Legend, places: Sequence[FlowPlace], links: Sequence[FlowLink], words: Words
) -> Picture:
    """Return what goes from place to place; each is as high as what goes through it.

    legend: with one heading. Names of `places` of a layer stand in their order. More than
    PLACES_MAX in a layer: those through which least goes are gathered. The table has all links.
    """
    drawing = _fitting(places, links, words)
    names = {place.key: place.name for place in places}
    notation = Notation.of(link.amount for link in links)
    rows = [
        (
            TableCell(names[link.source]),
            TableCell(names[link.target]),
            notation.cell(link.amount, link.link),
        )
        for link in links[:ROWS_MAX]
    ]
    if len(links) > ROWS_MAX:
        rest = links[ROWS_MAX:]
        more = notation.cell(total(link.amount for link in rest))
        rows.append((TableCell(others(len(rest), words)), TableCell(""), more))
    columns = (legend.name, words("goes to"), *legend.columns[1:])
    narrow, wide = (_drawn(legend, drawing, words, width) for width in (NARROW, WIDE))
    return Picture(narrow, wide, legend.caption, columns, tuple(rows))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What is drawn: places by layer, links between them, and those that are written only."""

    layers: tuple[tuple[FlowPlace, ...], ...]
    links: tuple[FlowLink, ...]
    written: tuple[FlowLink, ...]

    def through(self, key: str) -> Decimal:
        """Return what goes through a place: the more of what comes and what leaves."""
        came = total(link.amount for link in self.links if link.target == key)
        left = total(link.amount for link in self.links if link.source == key)
        return max(came, left)

    @property
    def notation(self) -> Notation:
        """How its amounts are written."""
        return Notation.of(link.amount for link in (*self.links, *self.written))

    def text(self, link: FlowLink, unit: str, words: Words) -> str:
        """Return a link in words."""
        names = {place.key: place.name for layer in self.layers for place in layer}
        amount = f"{self.notation.text(link.amount)} {unit}"
        return named(f"{names[link.source]} → {names[link.target]}", amount, words)


def _fitting(places: Sequence[FlowPlace], links: Sequence[FlowLink], words: Words) -> _Drawing:
    """Return what is drawn, with the small places of each layer as one."""
    sizes = dict.fromkeys((place.key for place in places), Decimal())
    for link in links:
        sizes[link.source] += abs(link.amount)
        sizes[link.target] += abs(link.amount)

    def gather(rest: Sequence[FlowPlace]) -> FlowPlace:
        layer = rest[0].layer
        return FlowPlace(f"{_OTHERS}{layer}", others(len(rest), words), layer)

    drawn: dict[str, FlowPlace] = {}
    layers = []
    for layer in sorted({place.layer for place in places}):
        present = [place for place in places if place.layer == layer]
        kept = gathered(present, PLACES_MAX, lambda place: sizes[place.key], gather)
        drawn |= {place.key: place if place in kept else kept[-1] for place in present}
        layers.append(tuple(kept))
    forward: dict[tuple[str, str], Decimal] = {}
    back: dict[tuple[str, str], Decimal] = {}
    for link in links:
        source, target = drawn[link.source], drawn[link.target]
        sums = forward if source.layer < target.layer and link.amount >= 0 else back
        way = (source.key, target.key)
        sums[way] = total((sums.get(way, Decimal()), link.amount))
    return _Drawing(
        tuple(layers),
        tuple(FlowLink(*way, amount) for way, amount in forward.items() if amount),
        tuple(FlowLink(*way, amount) for way, amount in back.items()),
    )


def _drawn(legend: Legend, drawing: _Drawing, words: Words, width: float) -> Markup:
    said = (drawing.text(link, legend.unit, words) for link in (*drawing.links, *drawing.written))
    canvas = Canvas(width, legend.caption, words("; ").join(said))
    posts = _posts(drawing, width)
    for ribbon in _ribbons(drawing, posts):
        canvas.area(ribbon.path, "flow", drawing.text(ribbon.link, legend.unit, words))
    room = _room(drawing, width) - 8
    for place in (place for layer in drawing.layers for place in layer):
        post, is_last = posts[place.key], posts[place.key].x + _POST == width
        canvas.box(post.x, post.y, _POST, max(post.height, 1), "bar-a")
        x, anchor = (post.x - 4, "end") if is_last else (post.x + _POST + 4, "start")
        canvas.text(x, post.y + TEXT_SIZE - 1, place.name, room=room, anchor=anchor)
        amount = drawing.notation.text(drawing.through(place.key))
        canvas.text(x, post.y + TEXT_SIZE + 13, amount, anchor=anchor, look="faint")
    y = max((post.y + max(post.height, _LABEL) for post in posts.values()), default=0.0)
    for link in drawing.written:
        y += LINE
        canvas.text(0, y, drawing.text(link, legend.unit, words), room=width)
    return canvas.finish(y + 5)


class _Post(NamedTuple):
    """Where a place stands."""

    x: float
    y: float
    height: float


class _Ribbon(NamedTuple):
    """A link as a shape."""

    link: FlowLink
    path: str


def _room(drawing: _Drawing, width: float) -> float:
    """Return how wide the words beside a place may be: those of the last layer stand left of it."""
    count = max(len(drawing.layers), 1)
    return (width - count * _POST) / count


def _posts(drawing: _Drawing, width: float) -> dict[str, _Post]:
    """Return where each place stands: below the one before, as high as what goes through it."""
    totals = [total(drawing.through(place.key) for place in layer) for layer in drawing.layers]
    scale = _FULL / float(max(totals, default=0) or 1)
    posts: dict[str, _Post] = {}
    last = len(drawing.layers) - 1
    for column, layer in enumerate(drawing.layers):
        is_last = column == last and last > 0
        x = width - _POST if is_last else column * (_room(drawing, width) + _POST)
        y = 0.0
        for place in layer:
            height = float(drawing.through(place.key)) * scale
            posts[place.key] = _Post(x, y, height)
            y += max(height, _LABEL) + _GAP
    return posts


def _ribbons(drawing: _Drawing, posts: Mapping[str, _Post]) -> list[_Ribbon]:
    """Return the links as shapes that lie beside each other at both ends."""
    starts = {key: post.y for key, post in posts.items()}
    ends = dict(starts)
    order = sorted(drawing.links, key=lambda link: (posts[link.source].y, posts[link.target].y))
    ribbons = []
    for link in order:
        source, target = posts[link.source], posts[link.target]
        whole = float(drawing.through(link.source))
        height = source.height * float(link.amount) / whole
        left, right = source.x + _POST, target.x
        start, end = starts[link.source], ends[link.target]
        starts[link.source] += height
        ends[link.target] += height
        bend = (left + right) / 2
        curve = f"M{plain(left)} {plain(start)}C{plain(bend)} {plain(start)}"
        curve += f" {plain(bend)} {plain(end)} {plain(right)} {plain(end)}V{plain(end + height)}"
        curve += f"C{plain(bend)} {plain(end + height)} {plain(bend)} {plain(start + height)}"
        curve += f" {plain(left)} {plain(start + height)}Z"
        ribbons.append(_Ribbon(link, curve))
    return ribbons
