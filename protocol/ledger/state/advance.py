"""A cut: the point up to which all is decided, and what is read from there.

What depends on time or on rules (closing of votes, deadlines, what the rules ask) is
judged by the last cut, never by a clock. Before the first one stands the cut of height 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.cut import Delta

FOLD = 1
"""The version of the fold's rules that this program knows."""


@dataclass(frozen=True, slots=True)
class CutHeader:
    """What is final: `height` seals, the last at `time_ms`.

    time_ms: since 1970, as sealed. clock: the largest in the cut. prev: the id of the seal
    before. root: of the cut; what it newly covers is folded by clock, and of one clock in
    the order of H(root, id).
    """

    height: int = 0
    time_ms: int = 0
    clock: int = 0
    prev: bytes = b""
    root: bytes = b""


BEFORE_ALL = CutHeader()
"""Nothing is final yet."""


@dataclass(frozen=True, slots=True)
class Advance:
    """What one seal adds to what is final.

    delta: the logs that grew, and who was present. ends: logs that its evidence freezes, each
    from a seq on, by author. equivocators: devices that its evidence convicts of a double vote.
    """

    cut: CutHeader
    delta: Delta
    ends: tuple[tuple[DeviceKey, int], ...] = ()
    equivocators: tuple[DeviceKey, ...] = ()
