"""Where something stands in the source of a rule."""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """A place in the source of a rule; both count from 1, columns in characters."""

    line: int
    column: int
