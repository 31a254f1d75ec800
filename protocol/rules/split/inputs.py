"""What the split of a pool reads: contributions, income, referrals, earlier splits.

Plain values; which of them count is decided in `division`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from commonweal.protocol.rules.document import Bucket
from commonweal.protocol.rules.environment import EMPTY_EVENT
from commonweal.protocol.rules.expression import Value
from commonweal.protocol.vocabulary.payout_line import ReceivedPoints

NEEDS_ATTEST = "needs_attest_if_older"
"""A value of `late` of a pool: what is older needs more attestations."""


def reads_event(bucket: Bucket) -> bool:
    """Return whether a bucket reads what a contribution is, and not its points alone."""
    kinds = bucket.actions or bucket.factor or bucket.scope or bucket.specification
    return bool(kinds) or bucket.where is not None


@dataclass(frozen=True, slots=True)
class Contribution:
    """A valued event and its member.

    points: value, >= 0. booked, valued: (height, time in ms) of the cut that contains it, and of
    the cut at which it was attested. yes: number of attestations. event: what `where` reads.
    first_ms: when it was first attested, if it was corrected since.
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
        """The time, in ms, from which its age is counted."""
        return self.valued[1] if self.first_ms is None else self.first_ms


class Income(NamedTuple):
    """Income of a pool.

    upstream: by event that went into what earned it, the part of it that did, above 0 and at most
    1; None: unknown. source: what earned it, if that is known.
    """

    id: bytes
    amount: int
    upstream: Mapping[bytes, Fraction] | None = None
    source: bytes = b""


class PastSplit(NamedTuple):
    """What a bucket paid at an earlier height, and the points by which it was divided."""

    height: int
    amount: int
    points: int


class Referral(NamedTuple):
    """The member who referred another, and the time, in ms, of the cut with the referral."""

    referrer: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class SplitInputs:
    """The inputs of a split.

    carried: amount in the pool from earlier heights, which may be negative. holders: members by
    role. referrals: by referred member. taken: amount by (bucket, contribution). paid: amount by
    (bucket, member). past: earlier splits by bucket. points: of rounds, by bucket and member.
    parts: by (bucket, contribution), how much of it took part for each source, in 1 / PART_UNITS.
    seed: id of the previous cut.
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
    points: Mapping[str, Mapping[bytes, ReceivedPoints]] = field(default_factory=dict)
    parts: Mapping[tuple[str, bytes], Mapping[bytes, int]] = field(default_factory=dict)
