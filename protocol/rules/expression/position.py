"""Positions in the source of a rule or in a TOML text."""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """A position in a text; both count from 1, columns in characters."""

    line: int
    column: int
