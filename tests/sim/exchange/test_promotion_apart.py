"""Promotion in a parted community: codes, referrals, the end of their time, and corrections.

Source: EXCHANGE.md, section 7: the first valid referral in seal order wins, the window counts from
its seal, and corrections follow the money. Each in every order of healing, with one state root.
"""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.promotion.promotions import (
    promotion_of_code,
    promotion_row,
)
from commonweal.protocol.ledger.exchange.promotion.referrals import referral_row
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.parted import (
    ORDERS,
    Order,
    Parted,
    assert_one_state,
    community,
    final,
    member,
    pass_time,
    seal,
    write,
)
from tests.sim.exchange.trade import answer, clause, offer, propose, verdict
from tests.sim.world.node import OPEN, SAID, Node

HOUR_MS = 3_600_000
RULES: dict[str, Value] = {
    **OPEN,
    "promotion": {"rate_max": "20%", "window_hours_max": 720, **SAID},
}
CODE = "honey"
OUTSIDE = b"s" * 16


def cents(n: int) -> dict[str, Value]:
    """Return an amount in EUR."""
    return {"resourceQuantity": {"n": n, "scale": 2, "unit": "EUR"}}


def sale(seller: Node) -> tuple[RecordId, RecordId]:
    """Let a member offer an hour for money; return the intent and the offer."""
    given = offer(seller, 100)
    price = write(
        seller, "intent", {"action": "transfer", "receiver": member(seller), **cents(100_000)}
    )
    data: dict[str, Value] = {"purpose": "offer", "publishes": [given], "reciprocal": [price]}
    return given, write(seller, "proposal.offer", data)


def promote(seller: Node, offered: RecordId, window_hours: int = 72) -> RecordId:
    """Let a seller promote an offer for 5 % of its income."""
    data: dict[str, Value] = {
        "offer": offered,
        "code": CODE,
        "rate": 500,
        "windowHours": window_hours,
    }
    return write(seller, "promotion", data)


def refer(buyer: Node, promotion: RecordId, promoter: Node) -> RecordId:
    """Let a buyer say who brought them."""
    return write(buyer, "referral", {"promotion": promotion, "referrer": member(promoter)})


def owed(seller: Node, buyer: Node, given: RecordId, n: int) -> RecordId:
    """Let both agree on an hour for n cents; return the promise to pay."""
    sold = clause(seller, 1, seller, buyer, [given])
    sides: dict[str, Value] = {"provider": member(buyer), "receiver": member(seller)}
    pays = write(seller, "commitment", {"action": "transfer", "clause": True, **sides, **cents(n)})
    deal = propose(seller, sold, stipulatesReciprocal=[pays])
    seller.world.settle(60_000)
    answer(buyer, deal)
    return pays


def pay(buyer: Node, seller: Node, promise: RecordId, n: int) -> RecordId:
    """Let a buyer pay n cents of what they promised."""
    sides: dict[str, Value] = {"provider": member(buyer), "receiver": member(seller)}
    return write(buyer, "event", {"action": "transfer", "fulfills": promise, **sides, **cents(n)})


def attest(node: Node, event: RecordId, corrections: int = 0) -> RecordId:
    """Let a member say that it was so."""
    said: dict[str, Any] = {"event": event, "say": "yes"}
    return write(node, "attest", said | ({"corrections": corrections} if corrections else {}))


def sold(parted: Parted) -> tuple[RecordId, RecordId]:
    """Let b buy of a what third brought them to, for 100 EUR; return referral and payment."""
    seller, buyer = parted.a, parted.b
    given, offered = sale(seller)
    promotion = promote(seller, offered)
    parted.world.settle(60_000)
    referral = refer(buyer, promotion, parted.third)
    seal(parted.world)
    paid = pay(buyer, seller, owed(seller, buyer, given, 10_000), 10_000)
    parted.world.settle(60_000)
    attest(parted.fourth, paid)
    seal(parted.world)
    return referral, paid


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_sellers_who_take_one_code_apart_the_first_in_seal_order_has_it(
    order: Order,
) -> None:
    parted = community(51, RULES)
    (_, ours), (_, theirs) = sale(parted.a), sale(parted.b)
    seal(parted.world)
    taken: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: taken.update(a=promote(parted.a, ours)),
        lambda: taken.update(b=promote(parted.b, theirs)),
    )
    first, other = (taken["a"], taken["b"]) if order.startswith("a") else (taken["b"], taken["a"])
    for node in parted.world.members:
        assert promotion_of_code(final(node), CODE) == first
        assert promotion_row(final(node), first) is not None
        assert verdict(node, other) is Reason.NAME_TAKEN, "the loser is told"


@pytest.mark.parametrize("order", ORDERS)
def test_a_referral_counts_if_and_only_if_it_stands_before_the_end_of_the_promotion(
    order: Order,
) -> None:
    parted = community(52, RULES)
    _, offered = sale(parted.a)
    promotion = promote(parted.a, offered)
    seal(parted.world)
    said: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: write(parted.a, "promotion.end", {"promotion": promotion}),
        lambda: said.update(referral=refer(parted.b, promotion, parted.fourth)),
    )
    is_late = order.startswith("a")
    for node in parted.world.members:
        row = referral_row(final(node), said["referral"])
        assert (row is None) == is_late
        assert (verdict(node, said["referral"]) is None) == (not is_late)
        ended = promotion_row(final(node), promotion)
        assert ended is not None and ended.ended is not None


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_referrals_of_one_buyer_the_first_attested_in_seal_order_counts(
    order: Order,
) -> None:
    """Somebody outside, of which the seller wrote twice who brought them."""
    parted = community(53, RULES)
    _, offered = sale(parted.third)
    promotion = promote(parted.third, offered)
    data = {"promotion": promotion, "buyer": OUTSIDE}
    by_fourth = write(parted.third, "referral", data | {"referrer": member(parted.fourth)})
    by_founder = write(parted.third, "referral", data | {"referrer": member(parted.founder)})
    seal(parted.world)
    said: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: said.update(a=attest(parted.a, by_fourth)),
        lambda: said.update(b=attest(parted.b, by_founder)),
    )
    first, other = (by_fourth, by_founder) if order.startswith("a") else (by_founder, by_fourth)
    for node in parted.world.members:
        rows = [referral_row(final(node), id) for id in (first, other)]
        assert [row is not None and row.since_ms is not None for row in rows] == [True, False]
        assert verdict(node, said[order[0]]) is None
        late = said["b" if order.startswith("a") else "a"]
        assert verdict(node, late) is Reason.REFERRED_BEFORE, "who said so is told"


@pytest.mark.parametrize("order", ORDERS)
def test_a_commission_follows_the_correction_of_its_income(order: Order) -> None:
    """100 EUR that were 80: 5 become 4 at a later height, though 5 are paid in the other half."""
    parted = community(54, RULES)
    _, paid = sold(parted)
    for node in parted.world.members:
        row = commitment_row(final(node), paid)
        assert row is not None and row.quantity == [500, 2, "EUR"]
        assert row.sides == (member(parted.a), member(parted.third))
    written: dict[str, RecordId] = {}

    def correct() -> None:
        less = {"action": "transfer", "corrects": paid, **cents(-2_000)}
        written.update(less=write(parted.b, "event", less))
        parted.world.run(1_500)
        attest(parted.fourth, paid, corrections=1)

    def settle() -> None:
        sides = {"provider": member(parted.a), "receiver": member(parted.third)}
        data = {"action": "transfer", "fulfills": paid, **sides, **cents(500)}
        written.update(settled=write(parted.a, "event", data))

    parted.apart(order, settle, correct)
    attest(parted.a, written["less"])
    parted.world.settle(60_000)
    for _ in range(2):
        seal(parted.world)
    assert_one_state(parted.world)
    for node in parted.world.members:
        assert verdict(node, written["less"]) is None and verdict(node, written["settled"]) is None
        row = commitment_row(final(node), paid)
        assert row is not None
        assert row.quantity == [400, 2, "EUR"], "the money went back, and so did its part"
        assert row.open.n == 0, "what was paid beyond it is not owed"


@pytest.mark.parametrize("order", ORDERS)
def test_a_commission_is_owed_if_and_only_if_the_income_is_sealed_in_the_window(
    order: Order,
) -> None:
    """The window counts seals, not what an income claims: paid in time, sealed too late."""
    parted = community(55, RULES)
    given, offered = sale(parted.a)
    promotion = promote(parted.a, offered, window_hours=1)
    parted.world.settle(60_000)
    promise = owed(parted.a, parted.b, given, 10_000)
    seal(parted.world)
    refer(parted.b, promotion, parted.fourth)
    seal(parted.world)
    done: dict[str, RecordId] = {}

    def buy() -> None:
        done.update(paid=pay(parted.b, parted.a, promise, 10_000))
        parted.world.run(1_500)
        if order != "b first":
            pass_time(parted.world, 2 * HOUR_MS)

    parted.apart(order, lambda: None, buy)
    attest(parted.third, done["paid"])
    for _ in range(2):
        seal(parted.world)
    assert_one_state(parted.world)
    for node in parted.world.members:
        row = commitment_row(final(node), done["paid"])
        assert (row is not None) == (order == "b first")
