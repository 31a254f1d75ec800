"""Deals that two halves of a parted community decide apart: one outcome, and the loser is told."""

from __future__ import annotations

import pytest

from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.parted import (
    ORDERS,
    WRITES_MS,
    Order,
    assert_one_state,
    community,
    final,
    goes,
    heal,
    member,
    part,
    seal,
    write,
)
from tests.sim.exchange.trade import (
    answer,
    clause,
    deal,
    intended,
    need,
    offer,
    propose,
    standing,
    verdict,
)
from tests.sim.world.node import OPEN, SAID, SKEW_OF_WITNESSES_MS_MAX

SOON: dict[str, Value] = {"threshold": "1/2", "early": True, "period_hours": 1, **SAID}
"""A vote that ends as soon as its result is certain."""
AHEAD_MS = 60_000


@pytest.mark.parametrize("order", ORDERS)
def test_the_last_hours_of_an_offer_go_to_the_deal_that_is_first(order: Order) -> None:
    parted = community(11)
    offered = offer(parted.third, 3)
    with_a = deal(parted.third, 3, parted.a, offered)
    with_b = deal(parted.third, 2, parted.b, offered)
    seal(parted.world)
    parted.apart(order, lambda: answer(parted.a, with_a), lambda: answer(parted.b, with_b))
    won, lost = (with_a, with_b) if order.startswith("a") else (with_b, with_a)
    for node in parted.world.members:
        assert standing(node, won) == ("agreed", None)
        assert standing(node, lost) == ("lost", won)
        row = intended(node, offered)
        assert (row.taken[0], row.by) == (3 if won is with_a else 2, won)


@pytest.mark.parametrize("order", ORDERS)
def test_a_yes_is_taken_back_only_before_the_last_one(order: Order) -> None:
    parted = community(12)
    agreement = deal(parted.a, 3, parted.b, offer(parted.a, 3))
    seal(parted.world)
    said: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: said.update(withdraw=answer(parted.a, agreement, "withdraw")),
        lambda: said.update(yes=answer(parted.b, agreement)),
    )
    for node in parted.world.members:
        if order.startswith("a"):
            assert standing(node, agreement) == ("withdrawn", member(parted.a))
            assert verdict(node, said["yes"]) is Reason.NOT_OPEN
        else:
            assert standing(node, agreement) == ("agreed", None)
            assert verdict(node, said["withdraw"]) is Reason.ALREADY_AGREED


@pytest.mark.parametrize("order", ORDERS)
def test_a_counter_counts_only_before_the_last_yes(order: Order) -> None:
    parted = community(13)
    offered = offer(parted.a, 5)
    agreement = deal(parted.a, 5, parted.b, offered)
    other = clause(parted.a, 2, parted.a, parted.b, [offered])
    seal(parted.world)
    said: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: said.update(counter=propose(parted.a, other, counters=agreement)),
        lambda: said.update(yes=answer(parted.b, agreement)),
    )
    for node in parted.world.members:
        if order.startswith("a"):
            assert standing(node, agreement) == ("countered", said["counter"])
            assert standing(node, said["counter"]) == ("asked", None)
            assert verdict(node, said["yes"]) is Reason.NOT_OPEN
        else:
            assert standing(node, agreement) == ("agreed", None)
            assert verdict(node, said["counter"]) is Reason.ALREADY_AGREED


@pytest.mark.parametrize("order", ORDERS)
def test_an_offer_that_is_withdrawn_first_makes_the_deal_void(order: Order) -> None:
    parted = community(14)
    offered = offer(parted.a, 3)
    agreement = deal(parted.a, 3, parted.b, offered)
    seal(parted.world)
    parted.apart(
        order,
        lambda: write(parted.a, "intent.withdraw", {"intent": offered}),
        lambda: answer(parted.b, agreement),
    )
    for node in parted.world.members:
        row = intended(node, offered)
        assert row.status == "withdrawn"  # what was promised of it before stands
        if order.startswith("a"):
            assert standing(node, agreement) == ("void", offered)
            assert row.taken[0] == 0
        else:
            assert standing(node, agreement) == ("agreed", None)
            assert row.taken[0] == 3


@pytest.mark.parametrize("order", ORDERS)
def test_a_need_that_is_replaced_first_makes_the_deal_void(order: Order) -> None:
    parted = community(15)
    needed = need(parted.a, 3)
    agreement = propose(parted.a, clause(parted.a, 3, parted.b, parted.a, [needed]))
    seal(parted.world)
    said: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: said.update(other=need(parted.a, 4, replaces=needed)),
        lambda: answer(parted.b, agreement),
    )
    for node in parted.world.members:
        if order.startswith("a"):
            assert standing(node, agreement) == ("void", needed)
            assert intended(node, needed).status == "replaced"
            assert intended(node, said["other"]).taken[0] == 0
        else:
            assert standing(node, agreement) == ("agreed", None)
            assert verdict(node, said["other"]) is Reason.INTENT_TAKEN
            assert intended(node, needed).status == "open"


@pytest.mark.parametrize("order", ORDERS)
def test_who_leaves_first_leaves_a_deal_that_is_declined(order: Order) -> None:
    parted = community(16)
    agreement = deal(parted.a, 3, parted.b, offer(parted.a, 3))
    seal(parted.world)
    said: dict[str, RecordId] = {}

    def leave() -> None:
        write(parted.a, "member.leave", {})
        goes(parted.a)

    parted.apart(order, leave, lambda: said.update(yes=answer(parted.b, agreement)))
    for node in parted.world.members:
        if order.startswith("a"):
            assert standing(node, agreement) == ("declined", member(parted.a))
            assert verdict(node, said["yes"]) is Reason.NOT_OPEN
        else:
            assert standing(node, agreement) == ("agreed", None)


@pytest.mark.parametrize("is_in_the_seal", [True, False], ids=["in the seal", "apart"])
def test_of_a_member_who_is_removed_counts_what_the_same_seal_covers(is_in_the_seal: bool) -> None:
    parted = community(17, {**OPEN, "governance": {"membership": SOON}})
    world, b = parted.world, parted.b
    agreement = deal(parted.a, 3, b, offer(parted.a, 3))
    removal = write(parted.founder, "rules.propose", {"subject": "removal", "member": member(b)})
    seal(world)  # the vote is open
    here = [parted.founder, parted.a, parted.third, parted.fourth]
    if not is_in_the_seal:
        part(world, here, [b])
    answer(b, agreement)
    for node in here:
        write(node, "rules.vote", {"proposal": removal, "say": "yes"})
    world.run(WRITES_MS)
    goes(b)
    seal(world, here)
    heal(world)
    seal(world)
    assert_one_state(world)
    for node in world.members:
        assert not registry.is_active(final(node), member(b))
        outcome = ("agreed", None) if is_in_the_seal else ("declined", member(b))
        assert standing(node, agreement) == outcome


@pytest.mark.parametrize("is_in_time", [True, False], ids=["in time", "late"])
@pytest.mark.parametrize("what", ["offer", "answer"])
def test_an_offer_and_an_answer_are_in_time_by_the_time_of_the_seal(
    what: str, is_in_time: bool
) -> None:
    """Whatever the clock of who says yes: an answer that waits apart is sealed too late."""
    parted = community(18)
    world = parted.world
    end_ms = world.agenda.now_ms + AHEAD_MS
    offered = offer(parted.a, 3, **({"hasEnd": end_ms} if what == "offer" else {}))
    agreement = deal(
        parted.a, 3, parted.b, offered, **({"answerBy": end_ms} if what == "answer" else {})
    )
    seal(world)
    theirs = [parted.b, parted.fourth] + [parted.founder] * is_in_time
    part(world, [node for node in world.nodes if node not in theirs], theirs)
    yes = answer(parted.b, agreement)
    if is_in_time:
        seal(world, theirs)
    world.run(AHEAD_MS + SKEW_OF_WITNESSES_MS_MAX)
    heal(world)
    seal(world)
    assert_one_state(world)
    for node in world.members:
        if is_in_time:
            assert standing(node, agreement) == ("agreed", None)
        elif what == "offer":
            assert standing(node, agreement) == ("void", offered)
        else:
            assert standing(node, agreement) == ("asked", None)
            assert verdict(node, yes) is Reason.TOO_LATE
