"""What the split of a pool reads: contributions, income, referrals, earlier splits.

Plain values; which of them count is decided in `division`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from commonweal.protocol.rules.environment import EMPTY_EVENT
from commonweal.protocol.rules.expression import Value


@dataclass(frozen=True, slots=True)
class Contribution:
    """An event that has a value, and whose it is.

    points: its value, >= 0. booked, valued: (height, time in ms) of the cut that took it in,
    and of the one that found it attested. yes: how many attest it. event: what `where` reads.
    first_ms: when it was first found attested, if it was corrected since.
    """

    id: bytes
    member: bytes
    points: int
    booked: tuple[int, int]
    valued: tuple[int, int]
    yes: int = 1
    event: Mapping[str, Value] = field(default_factory=lambda: EMPTY_EVENT)
    first_ms: int | None = None

    @property
    def since_ms(self) -> int:
        """The time from which on it is as recent as it is."""
        return self.valued[1] if self.first_ms is None else self.first_ms


class Income(NamedTuple):
    """What came in. upstream: the events that went into what earned it; None: not known."""

    id: bytes
    amount: int
    upstream: frozenset[bytes] | None = None


class PastSplit(NamedTuple):
    """What a bucket gave at an earlier height, and by how many points it was divided."""

    height: int
    amount: int
    points: int


class Referral(NamedTuple):
    """Who brought a member here, and the time of the cut that took this in."""

    referrer: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class SplitInputs:
    """What a split reads.

    carried: what is in the pool from before, which may be less than nothing. holders: who
    holds a role now. taken: by (bucket, contribution), what it got. paid: by (bucket,
    member), what he got. past: by bucket. seed: the id of the previous cut.
    """

    height: int
    time_ms: int
    seed: bytes
    community: bytes
    carried: int = 0
    incomes: tuple[Income, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    holders: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    referrals: Mapping[bytes, Referral] = field(default_factory=dict)
    taken: Mapping[tuple[str, bytes], int] = field(default_factory=dict)
    paid: Mapping[tuple[str, bytes], int] = field(default_factory=dict)
    past: Mapping[str, tuple[PastSplit, ...]] = field(default_factory=dict)
