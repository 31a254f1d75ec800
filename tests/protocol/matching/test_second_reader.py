"""A reader that knows the page alone suggests the same, and finds the same rings."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given

from commonweal.protocol.matching.candidates import Candidates
from commonweal.protocol.matching.market import ONE, Intent, MarketMember, MarketState, Price
from commonweal.protocol.matching.rings import suggested_rings
from commonweal.protocol.matching.scores import suggestions
from tests.protocol.matching.markets import DAY_MS, NOW_MS, SEEDS, random_market
from tests.second_reader.matching import SmallMarket


def richer(rng: random.Random, market: MarketState) -> MarketState:
    """Return a market with prices, addressees, places, beginnings and disputes, too."""
    members = sorted(market.members)

    def more(intent: Intent) -> Intent:
        return intent._replace(
            resource=rng.choice([b"", b"", b"r" * 32]),
            begin_ms=rng.choice([None, None, NOW_MS - DAY_MS, NOW_MS + DAY_MS // 2]),
            place=rng.choice([b"", b"yard"]),
            scope=rng.choice([b"", b"garden"]),
            proposed_to=rng.choice([None, None, frozenset(rng.sample(members, 3))]),
            prices=rng.choice([(), (Price("hour", ONE, rng.random() < 0.5),), (Price("EUR", 5),)]),
        )

    one, other = sorted(rng.sample(members, 2))
    known = {
        member: row._replace(headroom={"hour": rng.randint(-1, 4) * ONE})
        for member, row in market.members.items()
    }
    return market._replace(
        offers=tuple(map(more, market.offers)),
        needs=tuple(map(more, market.needs)),
        members=known,
        disputes=frozenset({(one, other)}),
    )


def told(market: MarketState) -> dict[str, Any]:
    """Return a market as maps, for the other reader."""

    def intent(of: Intent) -> dict[str, Any]:
        fields = of._asdict()
        for key in ("begin", "end", "due"):
            fields[key] = fields.pop(f"{key}_ms")
        return fields | {"to": fields.pop("proposed_to"), "prices": [*map(tuple, of.prices)]}

    return {
        "seal": market.seal,
        "now": market.now_ms,
        "offers": [*map(intent, market.offers)],
        "needs": [*map(intent, market.needs)],
        "members": {member: MarketMember._asdict(row) for member, row in market.members.items()},
        "disputes": [{*pair} for pair in market.disputes],
        "weights": [*market.weights],
    }


@given(SEEDS)
def test_both_suggest_the_same_in_the_same_order(seed: int) -> None:
    rng = random.Random(seed)
    market = richer(rng, random_market(rng, members=5, intents=14))
    candidates, other = Candidates(market), SmallMarket(told(market))
    for member in market.members:
        mine = [
            (found.score, found.pair.need.id, found.pair.offer.id)
            for found in suggestions(candidates, member)
        ]
        assert mine == other.suggestions(member)
        for found in suggestions(candidates, member):
            assert found.pair.amount == other.amount(
                *(
                    next(one for one in side if one["id"] == id)
                    for side, id in (
                        (other.needs, found.pair.need.id),
                        (other.offers, found.pair.offer.id),
                    )
                )
            )


@given(SEEDS)
def test_a_member_with_many_offers_is_looked_at_alike(seed: int) -> None:
    rng = random.Random(seed)
    market = random_market(rng, members=2, intents=40)
    candidates, other = Candidates(market), SmallMarket(told(market))
    for member in market.members:
        mine = [
            (found.score, found.pair.need.id, found.pair.offer.id)
            for found in suggestions(candidates, member)
        ]
        assert mine == other.suggestions(member)


@given(SEEDS)
def test_both_find_the_same_rings(seed: int) -> None:
    rng = random.Random(seed)
    market = random_market(rng, members=4, intents=8)
    for members_max in (2, 3, 4):
        found = suggested_rings(Candidates(market), members_max)
        assert found.exact
        mine = [tuple((pair.need.id, pair.offer.id) for pair in ring.pairs) for ring in found.rings]
        assert mine == SmallMarket(told(market)).rings(members_max)
