"""A payout line: what a split gives a member, as the rules compute it and the ledger keeps it.

Never computes an amount; `rules.split` does.
"""

from __future__ import annotations

from typing import NamedTuple

CORRECTION = "correction"
"""The sort of a line that no split gave: an income of an earlier one was corrected."""

GIVEN = "given"
"""The sort of a line by the points that a member received in a giving round."""

USED = "used"
"""The sort of a line by how often the data of a member was used."""

BY_POINTS = (GIVEN, USED)
"""The sorts of lines by points that waited for the split."""


PART_UNITS = 10**18
"""Units in which the part of a contribution is kept that took part."""


class ReceivedPoints(NamedTuple):
    """What a member received in giving rounds. records: the first of those that gave it."""

    points: int
    givers: int
    records: tuple[bytes, ...]


class PayoutLine(NamedTuple):
    """A member's part of a split, with the numbers from which it was computed.

    sort: "share", "arrears", "role", "community", "commission", "given" or "correction".
    amount: of * weight / weights, rounded, minus commissions. of: the amount that was divided; for
    a commission, the amount of the line it was taken from, and source that line's member. inputs:
    ids of contributions, or of the records that gave the points. income: id of the income that the
    share was traced from, or that was corrected; else empty. corrects: height of the split that a
    correction corrects, else 0. parts: how much of each input took part, in 1 / PART_UNITS, rounded
    down; empty where all took part whole. Only a correction may be negative. All amounts in minor
    units of the pool.
    """

    bucket: str
    sort: str
    member: bytes
    amount: int
    of: int
    weight: int
    weights: int
    inputs: tuple[bytes, ...] = ()
    source: bytes = b""
    income: bytes = b""
    commissions: int = 0
    corrects: int = 0
    parts: tuple[int, ...] = ()
