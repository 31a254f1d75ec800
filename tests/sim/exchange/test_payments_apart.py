"""Payments of one member from two devices apart, over the floor: one is final, on every node."""

from __future__ import annotations

import pytest

from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.parted import ORDERS, Order, Parted, final, member, seal, write
from tests.sim.exchange.trade import verdict
from tests.sim.world.node import OPEN, SAID, Node
from tests.sim.world.world import World

CREDIT: dict[str, Value] = {"floor": -10, "ceiling": 50, **SAID}


def two_devices(seed: int) -> Parted:
    """Return a community in which `a` and `b` are devices of one member, who has -8 hours."""
    world = World(seed, seals=True, rules={**OPEN, "credit": {"hour": CREDIT}})
    world.grow(2)
    world.device(world.nodes[1])
    world.grow(5)
    seal(world)
    parted = Parted(world)
    assert member(parted.a) == member(parted.b)
    pay(parted.a, parted.third, 8)
    seal(world)
    return parted


def pay(by: Node, payee: Node, n: int) -> RecordId:
    """Let a device pay another member n hours."""
    data: dict[str, Value] = {"action": "transfer", "provider": member(by)}
    data |= {"receiver": member(payee)}
    data |= {"resourceQuantity": {"n": n, "scale": 0, "unit": "hour"}}
    return write(by, "event", data)


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_payments_beyond_the_floor_the_first_is_final(order: Order) -> None:
    parted = two_devices(31)
    paid: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: paid.update(a=pay(parted.a, parted.third, 2)),
        lambda: paid.update(b=pay(parted.b, parted.fourth, 1)),
    )
    won, lost = ("a", "b") if order.startswith("a") else ("b", "a")
    third, fourth = (10, 0) if won == "a" else (8, 1)
    for node in parted.world.members:
        assert verdict(node, paid[won]) is None
        assert verdict(node, paid[lost]) is Reason.BELOW_FLOOR
        assert credit.is_payment(final(node), paid[won])
        assert not credit.is_payment(final(node), paid[lost])
        balances = {id: row.n for id, row in credit.balances(final(node), "hour")}
        assert balances.pop(member(parted.a)) == -third - fourth
        assert balances.pop(member(parted.third)) == third
        assert balances.pop(member(parted.fourth), 0) == fourth
        assert balances == {}, "the sum is 0"


def test_two_payments_within_the_floor_are_both_final() -> None:
    parted = two_devices(32)
    paid: list[RecordId] = []
    parted.apart(
        "b first",
        lambda: paid.append(pay(parted.a, parted.third, 1)),
        lambda: paid.append(pay(parted.b, parted.fourth, 1)),
    )
    for node in parted.world.members:
        assert [verdict(node, id) for id in paid] == [None, None]
        assert credit.balance_row(final(node), "hour", member(parted.a)).n == -10
