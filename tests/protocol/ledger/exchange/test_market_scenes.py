"""Whatever members offer, promise and give, in any order of arrival: one state, that adds up."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.exchange import open_records
from commonweal.protocol.ledger.exchange.commitments import (
    COMMITMENT,
    ENDED,
    PROMISED,
    CommitmentRow,
)
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREEMENT,
    ASKED,
    OPEN_DEAL,
    SIGNED,
    AgreementRow,
    SignedRow,
    clause_rows,
)
from commonweal.protocol.ledger.exchange.offers.intents import INTENT, OPEN, PAUSED, IntentRow
from commonweal.protocol.ledger.exchange.offers.offers import OFFER, OfferRow
from commonweal.protocol.ledger.members.registry import is_active
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from tests.protocol.ledger.exchange.market_scenes import ledger, market
from tests.protocol.ledger.exchange.market_story import told
from tests.protocol.ledger.village import outcome

EXAMPLES = 300
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=EXAMPLES, deadline=None)
@given(SEEDS, st.integers(0, 70))
def test_any_order_of_arrival_gives_one_state(number: int, acts: int) -> None:
    scene, rng = market(number, acts), Random(number)
    records = scene.village.records
    whole = ledger(scene, records)
    expected = outcome(whole, records)
    check_sums(whole.state)
    shuffled = scene.shuffled()
    pieces = ledger(scene)
    while shuffled:
        size = rng.choice((1, 2, 5, 30))
        pieces.add(shuffled[:size])
        del shuffled[:size]
        if rng.random() < 0.5:
            pieces.fold(rng.randrange(40))
    assert outcome(pieces, records) == expected


def test_the_scenes_reach_every_outcome() -> None:
    """The scenes above would prove nothing if nobody ever agreed, lost or came too late."""
    statuses = Counter[str]()
    reasons = Counter[Reason | None]()
    for number in range(120):
        scene = market(number, 70)
        whole = ledger(scene, scene.village.records)
        for table in (AGREEMENT, COMMITMENT, INTENT):
            place = {AGREEMENT: -2, COMMITMENT: 13, INTENT: 17}[table]
            statuses.update(value[place] for _, value in whole.state.items(table))
        reasons.update(whole.verdict(record.id) for record in scene.village.records)
    assert {*statuses} == {
        *("asked", "agreed", "declined", "countered", "withdrawn", "lost", "void", "ended"),
        *("given up", "said", "open", "paused", "replaced"),
    }
    for reason in (
        *(Reason.TOO_LATE, Reason.NOT_AGREED, Reason.ALREADY_AGREED, Reason.NOT_OPEN),
        *(Reason.INTENT_TAKEN, Reason.DOES_NOT_FIT, Reason.NO_YES, Reason.SAME_SIDE),
    ):
        assert reasons[reason] > 0, reason


def test_a_market_that_is_sealed_now_and_then_adds_up_at_every_seal() -> None:
    statuses = Counter[str]()
    for seed in range(8):
        town = told(seed)
        check_sums(town.history.state)
        statuses.update(value[-2] for _, value in town.history.state.items(AGREEMENT))
    assert {*statuses} >= {
        *("asked", "agreed", "declined", "countered", "withdrawn", "lost", "void"),
        *("ended", "given up"),
    }


def check_sums(state: State) -> None:
    """What is taken and met of each intent is what took and met it; and what is open is listed."""
    taken, met = defaultdict[bytes, Fraction](Fraction), defaultdict[bytes, Fraction](Fraction)
    for row in rows(state, COMMITMENT, CommitmentRow).values():
        for intent in row.satisfies:
            met[intent] += exact(row.met)
            taken[intent] += exact(row.met if row.status == ENDED else row.quantity) * (
                row.status in (*PROMISED, ENDED)
            )
    named = set[bytes]()
    for event in rows(state, EVENT, EventRow).values():
        promised = event.fulfills and CommitmentRow(*state.get(COMMITMENT + event.fulfills))
        named |= {event.satisfies, *(promised.satisfies if promised else ())} - {None}
        if event.satisfies and not (promised and event.satisfies in promised.satisfies):
            taken[event.satisfies] += exact(event.effort)
            met[event.satisfies] += exact(event.effort)
    listed: dict[tuple[bytes, bytes], str] = {}
    for id, wish in rows(state, INTENT, IntentRow).items():
        assert exact(wish.taken) == taken[id], "what took it, took it"
        assert exact(wish.met) == met[id]
        key = open_records.OPEN_OF + wish.member + id
        if wish.status in (OPEN, PAUSED) and state.get(key):
            listed[wish.member, id] = open_records.INTENT
        elif wish.status in (OPEN, PAUSED) and not wish.is_of_community:
            assert id in named, "it was met as a whole once, and forgotten"
    for id, published in rows(state, OFFER, OfferRow).items():
        first = IntentRow(*state.get(INTENT + published.publishes[0]))
        if published.status == OPEN and not first.is_of_community:
            listed[published.member, id] = open_records.OFFER
    check_deals(state, listed)


def check_deals(state: State, listed: dict[tuple[bytes, bytes], str]) -> None:
    """Each agreement has the yes that it counts, and only what is asked is listed as asked."""
    asked: set[bytes] = set()
    for id, deal in rows(state, AGREEMENT, AgreementRow).items():
        says = [SignedRow(*value) for _, value in state.items(SIGNED + id)]
        yes = [signed for signed in says if signed.say == "yes"]
        if deal.status in ("agreed", "ended", "given up", "lost", "void"):
            assert deal.yes == len(yes) == len(deal.parties)
        for _, clause in clause_rows(state, deal):
            is_kept = clause.agreement == id
            assert is_kept is (deal.status in ("agreed", "ended", "given up"))
            assert clause.agreement is None or clause.status != ASKED
        if deal.status == ASKED:
            assert len(yes) < len(deal.parties)
            assert all(len(p) == 32 for p in deal.parties)
            asked |= {party + id for party in deal.parties}
            listed[deal.member, id] = open_records.AGREEMENT
    size = len(OPEN_DEAL)
    assert {key[size:] for key, _ in state.items(OPEN_DEAL)} == asked
    size = len(open_records.OPEN_OF)
    known = {key[size:]: sort for key, sort in state.items(open_records.OPEN_OF)}
    assert known == {member + id: sort for (member, id), sort in listed.items()}
    counts = Counter((key[:32], sort == open_records.AGREEMENT) for key, sort in known.items())
    for member in {member for member, _ in listed}:
        count = open_records.open_count(state, member)
        assert count == (counts[member, False], counts[member, True])
        assert is_active(state, member) or not counts[member, False]


def rows(state: State, table: bytes, row: Any) -> dict[bytes, Any]:
    """Return the rows of a table, by id."""
    return {key[len(table) :]: row(*value) for key, value in state.items(table)}


def exact(quantity: Any) -> Fraction:
    """Return a quantity as a fraction."""
    return Fraction(quantity[0], 10 ** quantity[1])
