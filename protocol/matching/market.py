"""What matching reads: open offers and needs, and what is known of their members.

Plain values, whole numbers; where they come from is decided by who asks. Nothing here reads state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from commonweal.protocol import keys
from commonweal.protocol.vocabulary.rule_params import MATCH_WEIGHTS

INTENTS_MAX = 4_096
"""Offers, and needs, in one market; of more, the newest."""

INTENTS_PER_MEMBER_MAX = 64
"""Offers, and needs, of one member among them, so that nobody fills the market."""

ONE = 10**9
"""Parts of a whole unit: amounts are counted in them, whatever their scale was."""

TIE_BYTES = 8


class Price(NamedTuple):
    """What who takes gives in return: an amount of a unit of credit, in `1 / ONE`.

    per_unit: the amount is for one whole unit of what is given, else for all of it.
    """

    unit: str
    amount: int
    per_unit: bool = False


class Intent(NamedTuple):
    """An open offer or need. Amounts are in `1 / ONE` of its unit.

    left: what is still to be agreed, > 0. minimum: the least that its member agrees to, >= 0.
    clock: of its record; a later one is newer. begin_ms, end_ms: it holds in [begin, end); None is
    open. spec, resource, scope, place: b"" when it names none. proposed_to: the members that it
    addresses; None: everybody. prices: what is given in return.
    """

    id: bytes
    member: bytes
    clock: int
    action: str
    unit: str
    left: int
    minimum: int = 0
    spec: bytes = b""
    tags: frozenset[str] = frozenset()
    resource: bytes = b""
    begin_ms: int | None = None
    end_ms: int | None = None
    due_ms: int | None = None
    scope: bytes = b""
    place: bytes = b""
    proposed_to: frozenset[bytes] | None = None
    prices: tuple[Price, ...] = ()


class MarketMember(NamedTuple):
    """What is known of a member.

    given, received: in deals, >= 0, in one measure. promised: clauses that they promised and that
    are over; kept: those of them that are met. headroom: by unit of credit what they can still
    pay; a unit that is not named has no limit.
    """

    given: int = 0
    received: int = 0
    kept: int = 0
    promised: int = 0
    headroom: Mapping[str, int] = {}


NOBODY = MarketMember()
"""A member about which nothing is known."""


class Weights(NamedTuple):
    """How much each feature counts, 0..1,000; at least one is above 0."""

    kind: int
    quantity: int
    time: int
    urgency: int
    coincidence: int
    fairness: int
    kept: int
    place: int


WEIGHTS = Weights(**MATCH_WEIGHTS)
"""What counts unless rules say otherwise."""


class MarketState(NamedTuple):
    """Offers and needs at one height.

    seal: hash of the last seal. now_ms: its time. disputes: pairs of members, the smaller id
    first, with an open dispute.
    """

    seal: bytes
    now_ms: int
    offers: tuple[Intent, ...]
    needs: tuple[Intent, ...]
    members: Mapping[bytes, MarketMember]
    disputes: frozenset[tuple[bytes, bytes]] = frozenset()
    weights: Weights = WEIGHTS

    def member(self, member: bytes) -> MarketMember:
        """Return what is known of a member."""
        return self.members.get(member, NOBODY)


def newest(intents: tuple[Intent, ...]) -> list[Intent]:
    """Return the intents that take part, newest first, then by id; the limits are above."""
    taken: dict[bytes, int] = {}
    chosen = []
    for intent in sorted(intents, key=lambda intent: (-intent.clock, intent.id)):
        count = taken[intent.member] = taken.get(intent.member, 0) + 1
        if count <= INTENTS_PER_MEMBER_MAX:
            chosen.append(intent)
    return chosen[:INTENTS_MAX]


def order_hash(seal: bytes, *ids: bytes) -> bytes:
    """Return the hash that orders what scores alike: H("cw1/match", seal, ids).

    The last seal is part of it, so nobody can choose an id that comes first at the next height.
    """
    return keys.hash32(keys.MATCH, seal, *ids)


def tie(seal: bytes, *ids: bytes) -> int:
    """Return the first 64 bits of the order hash."""
    return int.from_bytes(order_hash(seal, *ids)[:TIE_BYTES], "big")
