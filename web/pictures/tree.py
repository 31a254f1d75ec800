"""A tree: what follows from what, each below and right of what it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from commonweal.client.language.words import Words
from commonweal.web.pictures.canvas import TEXT_SIZE, Canvas, plain
from commonweal.web.pictures.others import others
from commonweal.web.pictures.picture import NARROW, WIDE, Picture, TableCell, named

BRANCHES_MAX = 60
"""Branches in one tree and its table; how many more there are is said below."""

DEPTH_MAX = 8
"""Branches below this depth are drawn at it: there is no room for more on a telephone."""

_ROW, _STEP = 24, 16


class TreeBranch(NamedTuple):
    """A place in the tree, after those above it. depth: 0 for the root. link: its page."""

    depth: int
    name: str
    link: str = ""


def tree(caption: str, heading: str, branches: Sequence[TreeBranch], words: Words) -> Picture:
    """Return branches in the order of a walk that goes to the depth first.

    heading: of what the branches are. More than BRANCHES_MAX: the first of them, and how many more.
    """
    drawn = list(branches[:BRANCHES_MAX])
    if len(branches) > BRANCHES_MAX:
        drawn[-1] = TreeBranch(0, others(len(branches) - BRANCHES_MAX + 1, words))
    rows = tuple(
        (TableCell(f"{branch.depth}", is_number=True), TableCell(branch.name, branch.link))
        for branch in drawn
    )
    narrow, wide = (_drawn(caption, drawn, words, width) for width in (NARROW, WIDE))
    return Picture(narrow, wide, caption, (words("step"), heading), rows)


def _drawn(caption: str, drawn: Sequence[TreeBranch], words: Words, width: float) -> Markup:
    said = words("; ").join(named(f"{branch.depth}", branch.name, words) for branch in drawn)
    canvas = Canvas(width, caption, said)
    last_at: dict[int, int] = {}  # by depth, the row of the branch that others may follow from
    for row, branch in enumerate(drawn):
        depth = min(branch.depth, DEPTH_MAX)
        middle = row * _ROW + _ROW / 2
        if depth:
            x = (depth - 1) * _STEP + 5
            parent = last_at.get(depth - 1, row)
            canvas.stroke(
                f"M{plain(x)} {plain(parent * _ROW + _ROW / 2 + 6)}"
                f"V{plain(middle)}H{plain(x + _STEP - 7)}",
                "line",
            )
        last_at[depth] = row
        x = depth * _STEP
        canvas.box(x + 2, middle - 3, 6, 6, "bar-a")
        canvas.text(x + 14, middle + TEXT_SIZE / 3, branch.name, room=width - x - 14)
    return canvas.finish(max(len(drawn), 1) * _ROW)
