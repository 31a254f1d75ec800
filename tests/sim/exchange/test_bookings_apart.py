"""Bookings that two halves decide apart: one member has the thing, and the other knows who."""

from __future__ import annotations

import pytest

from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.exchange.lending.terms import custodian_of, terms_row
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.lend import accept, ask, bike, booking, hand_over, hour, promise
from tests.sim.exchange.parted import (
    ORDERS,
    WRITES_MS,
    Order,
    Parted,
    community,
    final,
    member,
    seal,
    write,
)
from tests.sim.exchange.trade import answer, propose, standing, verdict


def shared_bike(seed: int) -> tuple[Parted, RecordId]:
    """Return a community that has a bike, for which any two members may speak."""
    parted = community(seed)
    thing = bike(parted.founder, parted.world.community)
    write(parted.a, "attest", {"event": thing, "say": "yes"})
    seal(parted.world)
    return parted, thing


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_keepers_who_accept_one_time_the_first_lends_it(order: Order) -> None:
    parted, thing = shared_bike(21)
    for_third = ask(parted.third, thing, parted.world.community, 24, 32)
    for_fourth = ask(parted.fourth, thing, parted.world.community, 30, 40)
    seal(parted.world)
    parted.apart(order, lambda: accept(parted.a, for_third), lambda: accept(parted.b, for_fourth))
    won, lost = (for_third, for_fourth) if order.startswith("a") else (for_fourth, for_third)
    for node in parted.world.members:
        assert standing(node, won) == ("agreed", None)
        assert standing(node, lost) == ("lost", won)


@pytest.mark.parametrize("order", ORDERS)
def test_times_that_only_touch_are_both_lent(order: Order) -> None:
    parted, thing = shared_bike(22)
    for_third = ask(parted.third, thing, parted.world.community, 24, 32)
    for_fourth = ask(parted.fourth, thing, parted.world.community, 32, 40)
    seal(parted.world)
    parted.apart(order, lambda: accept(parted.a, for_third), lambda: accept(parted.b, for_fourth))
    for node in parted.world.members:
        assert standing(node, for_third) == standing(node, for_fourth) == ("agreed", None)


@pytest.mark.parametrize("order", ORDERS)
def test_a_repair_that_is_first_keeps_the_thing_and_a_later_one_undoes_nothing(
    order: Order,
) -> None:
    parted, thing = shared_bike(23)
    agreement = ask(parted.fourth, thing, parted.world.community, 24, 32)
    seal(parted.world)
    block: dict[str, Value] = {
        "resource": thing,
        "sort": "repair",
        "begin": hour(30),
        "end": hour(50),
    }
    said: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: said.update(repair=write(parted.a, "resource.block", block)),
        lambda: accept(parted.b, agreement),
    )
    for node in parted.world.members:
        assert verdict(node, said["repair"]) is None
        if order.startswith("a"):
            assert standing(node, agreement) == ("lost", said["repair"])
        else:
            assert standing(node, agreement) == ("agreed", None)


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_who_write_terms_anew_the_first_does(order: Order) -> None:
    parted, thing = shared_bike(24)
    row = terms_row(final(parted.founder), thing)
    assert row is not None
    data: dict[str, Value] = {"resource": thing, "accepts": "ask", "replaces": row.record}
    said: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: said.update(a=write(parted.a, "resource.terms", {**data, "capacity": 2})),
        lambda: said.update(b=write(parted.b, "resource.terms", {**data, "capacity": 3})),
    )
    first, second = ("a", "b") if order.startswith("a") else ("b", "a")
    for node in parted.world.members:
        now = terms_row(final(node), thing)
        assert now is not None
        assert (now.record, now.capacity) == (said[first], {"a": 2, "b": 3}[first])
        assert verdict(node, said[second]) is Reason.TERMS_REPLACED


@pytest.mark.parametrize("order", ORDERS)
def test_a_thing_that_moves_takes_a_booking_along_that_is_accepted_before_or_after(
    order: Order,
) -> None:
    """Its new custodian is asked, who lends it then."""
    parted = community(25)
    a, b, third = parted.a, parted.b, parted.third
    thing = bike(a)
    clause = booking(a, thing, member(a), b, 24, 32)
    agreement = propose(a, clause)
    seal(parted.world)
    parted.apart(order, lambda: hand_over(a, thing, member(third)), lambda: answer(b, agreement))
    taken_over = answer(third, agreement)
    seal(parted.world)
    for node in parted.world.members:
        assert custodian_of(final(node), thing) == member(third)
        assert standing(node, agreement) == ("agreed", None)
        assert verdict(node, taken_over) is None
        assert promise(node, clause).provider == member(third)


@pytest.mark.parametrize("order", ORDERS)
def test_a_booking_is_cancelled_by_one_only_before_the_thing_is_out(order: Order) -> None:
    parted = community(26)
    a, b = parted.a, parted.b
    thing = bike(a)
    seal(parted.world)
    clause = booking(b, thing, member(a), b, 24, 32)
    agreement = propose(b, clause)
    parted.world.run(WRITES_MS)
    answer(a, agreement)
    seal(parted.world)
    said: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: said.update(out=hand_over(a, thing, member(b), fulfills=clause)),
        lambda: write(b, "agreement.end", {"agreement": agreement, "why": "given up"}),
    )
    for node in parted.world.members:
        if order.startswith("a"):
            assert standing(node, agreement) == ("agreed", None)
            assert promise(node, clause).met[0] == 1
        else:
            assert standing(node, agreement) == ("given up", None)
            assert verdict(node, said["out"]) is Reason.NOT_AGREED
