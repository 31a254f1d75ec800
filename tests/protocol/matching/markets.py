"""Small markets for tests: members, offers and needs with short names."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from commonweal.protocol.matching.candidates import CandidatePair, Candidates
from commonweal.protocol.matching.market import ONE, Intent, MarketMember, MarketState

ANA, BO, CY, DI, EVA = (name.encode().ljust(32, b".") for name in ("ana", "bo", "cy", "di", "eva"))
PEARS, REPAIR, LESSON = (name.encode().ljust(32, b"_") for name in ("pears", "repair", "lesson"))
SEAL = b"s" * 32
DAY_MS = 86_400_000
NOW_MS = 1_700_000_000_000


def intent(name: str, member: bytes, amount: int = 1, **fields: Any) -> Intent:
    """Return an intent of `amount` whole hours of repair."""
    values: dict[str, Any] = {
        "id": name.encode().ljust(32, b"-"),
        "member": member,
        "clock": 1_000,
        "action": "deliver-service",
        "unit": "hour",
        "left": amount * ONE,
        "spec": REPAIR,
    }
    return Intent(**values | fields)


def market(offers: list[Intent], needs: list[Intent], **fields: Any) -> MarketState:
    """Return a market of offers and needs, of members about which nothing is known."""
    values: dict[str, Any] = {"seal": SEAL, "now_ms": NOW_MS, "members": {}}
    return MarketState(offers=tuple(offers), needs=tuple(needs), **values | fields)


def pairs(offers: list[Intent], needs: list[Intent], **fields: Any) -> list[CandidatePair]:
    """Return the pairs that may meet in a market, by need."""
    candidates = Candidates(market(offers, needs, **fields))
    return [pair for need in candidates.needs for pair in candidates.of_need(need)]


def fits(offer: Intent, need: Intent, **fields: Any) -> bool:
    """Return whether the two may meet; both sides of the index say the same."""
    candidates = Candidates(market([offer], [need], **fields))
    found = candidates.of_need(need)
    assert found == candidates.of_offer(offer)
    return bool(found)


def random_market(rng: random.Random, members: int = 5, intents: int = 8) -> MarketState:
    """Return a market in which much fits, with ties in everything."""
    names = [bytes([number]) * 32 for number in range(1, members + 1)]

    def any_intent() -> Intent:
        return Intent(
            rng.randbytes(32),
            rng.choice(names),
            rng.randrange(3),
            "deliver-service",
            rng.choice(["hour", "hour", "hour", "kg"]),
            rng.randint(1, 4) * ONE,
            minimum=rng.choice([0, 0, 0, 2 * ONE]),
            spec=rng.choice([b"", REPAIR, LESSON]),
            tags=frozenset(rng.sample(["bike", "home", "school"], rng.randint(0, 2))),
            due_ms=rng.choice([None, NOW_MS + DAY_MS]),
            end_ms=rng.choice([None, NOW_MS + DAY_MS, NOW_MS + 2 * DAY_MS]),
        )

    known = {
        name: MarketMember(rng.randrange(4), rng.randrange(4), (kept := rng.randrange(4)), kept + 1)
        for name in names
    }
    return market(
        [any_intent() for _ in range(intents)],
        [any_intent() for _ in range(intents)],
        members=known,
        seal=rng.randbytes(32),
    )


def shuffled(rng: random.Random, of: MarketState) -> MarketState:
    """Return the same market, in another order."""
    return of._replace(
        offers=tuple(rng.sample(of.offers, len(of.offers))),
        needs=tuple(rng.sample(of.needs, len(of.needs))),
        members=dict(rng.sample(sorted(of.members.items()), len(of.members))),
    )


SEEDS = st.integers(0, 2**32)
"""Seeds of random markets."""
