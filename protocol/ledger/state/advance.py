"""The header of a cut, and what one seal adds to what is final.

Everything that depends on time or on rules (the end of votes, deadlines, what the rules ask) is
judged by the last cut, never by a clock. Before the first seal the header of height 0 stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.keys import DeviceKey

if TYPE_CHECKING:
    from commonweal.protocol.seal.cut import Delta

FOLD = 2
"""The version of the fold's rules that this program knows; each seal names one."""


@dataclass(frozen=True, slots=True)
class CutHeader:
    """The header of a cut: `height` seals are final, the last of them at `time_ms`.

    time_ms: since 1970, as sealed. clock: the largest in the cut. prev: the id of the previous
    seal. root: of the cut; the records that it newly covers are folded by clock, and records of one
    clock in the order of H(root, id). fold: the version of the rules by which its seal folds.
    """

    height: int = 0
    time_ms: int = 0
    clock: int = 0
    prev: bytes = b""
    root: bytes = b""
    fold: int = field(default=FOLD, compare=False)


BEFORE_ALL = CutHeader()
"""The header before the first seal: nothing is final."""


class Advance(NamedTuple):
    """What one seal adds to what is final.

    delta: the logs that grew, and which devices were present. ends: (author, seq) of each log that
    the seal's evidence freezes from that seq on. equivocators: devices that its evidence convicts
    of a double vote.
    """

    cut: CutHeader
    delta: Delta
    ends: tuple[tuple[DeviceKey, int], ...] = ()
    equivocators: tuple[DeviceKey, ...] = ()
