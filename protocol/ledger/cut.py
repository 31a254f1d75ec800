"""A cut: the point up to which all is decided, and what is read from there.

What depends on time or on rules (closing of votes, deadlines, what the rules ask) is
judged by the last cut, never by a clock. Before the first one stands the cut of height 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.protocol import codec, keys
from commonweal.protocol.frontier import Entry

FOLD = 1
"""The version of the fold's rules that this program knows."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What is final: `height` seals, at `time_ms`, covering `frontier`, under `ruleset`.

    time_ms: since 1970, as sealed. frontier: by author, each log once. ruleset: the id of
    the document in force; empty is that of the founding record. fold: the version of the
    fold's rules. clock: the largest in the cut.
    """

    height: int = 0
    time_ms: int = 0
    frontier: tuple[Entry, ...] = ()
    ruleset: bytes = b""
    fold: int = FOLD
    clock: int = 0

    @property
    def id(self) -> bytes:
        """The 32 bytes that only an equal cut has."""
        logs: list[codec.Value] = [[*one] for one in self.frontier]
        fields: list[codec.Value] = [
            self.height,
            self.time_ms,
            logs,
            self.ruleset,
            self.fold,
            self.clock,
        ]
        return keys.hash32(keys.CUT, codec.encode(fields))


BEFORE_ALL = Cut()
"""Nothing is final yet."""
