"""A cut: the point up to which all is decided, and what is read from there.

What depends on time or on rules (closing of votes, deadlines, what the rules ask) is
judged by the last cut, never by a clock. Before the first one stands the cut of height 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.protocol.frontier import Entry

FOLD = 1
"""The version of the fold's rules that this program knows."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What is final: `height` seals, at `time_ms`, covering `frontier`, under `ruleset`.

    time_ms: since 1970, as sealed. frontier: by author, each log once. ruleset: the id of
    the document in force; empty is that of the founding record. fold: the version of the
    fold's rules.
    """

    height: int = 0
    time_ms: int = 0
    frontier: tuple[Entry, ...] = ()
    ruleset: bytes = b""
    fold: int = FOLD


BEFORE_ALL = Cut()
"""Nothing is final yet."""
