"""Layer 1: which offers and needs may meet at all.

The rules here are hard: action and unit are equal, the things fit, the times meet, the amounts
reach both minima, each side addresses the other, what is asked in return can be paid, and no
dispute is open between the two. Found by an index over (action, unit, what it is). Never judges
how well two fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from commonweal.protocol.matching.market import ONE, Intent, MarketState, newest

CANDIDATES_MAX = 200
"""Counterparts that are considered for one intent, the newest first."""

PER_MEMBER_MAX = 8
"""Counterparts of one member under one key, so that nobody fills the list of another."""

Key: TypeAlias = tuple[str, str, bytes | str]
Index: TypeAlias = dict[Key, list[int]]


class CandidatePair(NamedTuple):
    """A need and an offer that may meet, and how much the two could agree on, > 0."""

    need: Intent
    offer: Intent
    amount: int


class Candidates:
    """The index of one market, made in time linear in its intents and their tags."""

    def __init__(self, market: MarketState) -> None:
        self.market = market
        self.needs = newest(market.needs)
        self.offers = newest(market.offers)
        self._offered, self._offered_by = _index(self.offers, _offer_keys)
        self._needed, self._needed_by = _index(self.needs, _need_keys)
        self._wanted: dict[tuple[bytes, bytes], bool] = {}

    def of_need(self, need: Intent, most: int = CANDIDATES_MAX) -> list[CandidatePair]:
        """Return the pairs of a need, at most `most`, newest offer first, then by id."""
        places = _places(self._offered, _need_keys(need))
        return _first(most, (self.pair(need, self.offers[place]) for place in places))

    def of_offer(self, offer: Intent, most: int = CANDIDATES_MAX) -> list[CandidatePair]:
        """Return the pairs of an offer, at most `most`, newest need first, then by id."""
        places = _places(self._needed, _offer_keys(offer))
        return _first(most, (self.pair(self.needs[place], offer) for place in places))

    def pair(self, need: Intent, offer: Intent) -> CandidatePair | None:
        """Return the pair when the two may meet, else None."""
        if not (suits(need, offer) and meets(self.market, need, offer)):
            return None
        amount = payable(self.market, need, offer)
        if amount <= 0 or amount < need.minimum or amount < offer.minimum:
            return None
        return CandidatePair(need, offer, amount)

    def wants(self, giver: bytes, taker: bytes) -> bool:
        """Return whether `giver` needs something that `taker` offers, by the rules above."""
        known = self._wanted.get((giver, taker))
        if known is None:
            known = self._wanted[giver, taker] = self._is_wanted(giver, taker)
        return known

    def _is_wanted(self, giver: bytes, taker: bytes) -> bool:
        needed, offered = self._needed_by.get(giver), self._offered_by.get(taker)
        if not needed or not offered:
            return False
        return any(
            self.pair(self.needs[need], self.offers[offer]) is not None
            for key in needed
            if key in offered
            for need in needed[key]
            for offer in offered[key]
        )


def suits(need: Intent, offer: Intent) -> bool:
    """Return whether the offer is of what is needed.

    A need of a certain thing takes that thing; one of a specification takes that specification;
    one of tags takes what has one of them. A need of none of these takes nothing.
    """
    if need.action != offer.action or need.unit != offer.unit:
        return False
    if need.resource:
        return need.resource == offer.resource
    if need.spec:
        return need.spec == offer.spec
    return not need.tags.isdisjoint(offer.tags)


def meets(market: MarketState, need: Intent, offer: Intent) -> bool:
    """Return whether the two members can deal at all: persons, addressees, times, disputes."""
    taker, giver = need.member, offer.member
    if taker == giver:
        return False
    if need.proposed_to is not None and giver not in need.proposed_to:
        return False
    if offer.proposed_to is not None and taker not in offer.proposed_to:
        return False
    begin_ms, end_ms = common_time(market.now_ms, need, offer)
    if end_ms is not None and end_ms <= begin_ms:
        return False
    return (min(taker, giver), max(taker, giver)) not in market.disputes


def common_time(now_ms: int, need: Intent, offer: Intent) -> tuple[int, int | None]:
    """Return the [begin, end) in ms from now on in which both hold; end None: open."""
    begin_ms = max(now_ms, need.begin_ms or 0, offer.begin_ms or 0)
    if need.end_ms is None or offer.end_ms is None:
        return begin_ms, need.end_ms if offer.end_ms is None else offer.end_ms
    return begin_ms, min(need.end_ms, offer.end_ms)


def payable(market: MarketState, need: Intent, offer: Intent) -> int:
    """Return how much of the offer the need can take: what is left of both, and can be paid.

    What the offer asks counts; when it asks nothing, what the need gives in return. Who takes pays
    it, within their headroom. 0 when they can pay for nothing.
    """
    amount = min(need.left, offer.left)
    prices = offer.prices or need.prices
    if not prices:
        return amount
    headroom = market.member(need.member).headroom
    for price in prices:
        room = headroom.get(price.unit)
        if room is None or price.amount <= 0:
            continue
        if price.per_unit:
            amount = min(amount, max(0, room) * ONE // price.amount)
        elif price.amount > room:
            return 0
    return amount


def _offer_keys(offer: Intent) -> list[Key]:
    """Everything under which an offer can be found."""
    what: list[bytes | str] = [name for name in (offer.resource, offer.spec) if name]
    return [(offer.action, offer.unit, name) for name in [*what, *sorted(offer.tags)]]


def _need_keys(need: Intent) -> list[Key]:
    """What is looked for: one thing, one specification, or any of its tags."""
    name = need.resource or need.spec
    what: list[bytes | str] = [name] if name else [*sorted(need.tags)]
    return [(need.action, need.unit, name) for name in what]


def _index(
    intents: list[Intent], keys_of: Callable[[Intent], list[Key]]
) -> tuple[Index, dict[bytes, Index]]:
    """Return the places of intents by key, and by member and key; newest first."""
    by_key: Index = {}
    by_member: dict[bytes, Index] = {}
    for place, intent in enumerate(intents):
        own = by_member.setdefault(intent.member, {})
        for key in keys_of(intent):
            mine = own.setdefault(key, [])
            if len(mine) < PER_MEMBER_MAX:
                mine.append(place)
                by_key.setdefault(key, []).append(place)
    return by_key, by_member


def _places(index: Index, sought: list[Key]) -> list[int]:
    """Return the places under any of the keys, newest first, each once."""
    if len(sought) == 1:
        return index.get(sought[0], [])
    return sorted(dict.fromkeys(place for key in sought for place in index.get(key, [])))


def _first(most: int, pairs: Iterable[CandidatePair | None]) -> list[CandidatePair]:
    """Return the first `most` pairs that are any."""
    kept: list[CandidatePair] = []
    for pair in pairs:
        if pair is not None:
            kept.append(pair)
            if len(kept) == most:
                break
    return kept
