"""A consent that is revoked in one half of a parted community, and used in the other.

Source: the exchange economy, partition scenarios: revoke against use, by order, paid only when
before.
"""

from __future__ import annotations

import pytest

from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.data.consents import (
    GIVEN,
    REPLACED,
    WITHDRAWN,
    consent_row,
)
from commonweal.protocol.ledger.exchange.data.uses import use_row
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.parted import ORDERS, Order, community, final, member, seal, write
from tests.sim.exchange.trade import verdict
from tests.sim.world.node import Node

ONE: dict[str, Value] = {"resourceQuantity": {"n": 1, "scale": 0, "unit": "one"}}
PER_USE: dict[str, Value] = {"perUse": {"n": 50, "scale": 2, "unit": "EUR"}}


def data_of(node: Node) -> RecordId:
    """Let a member have data."""
    said: dict[str, Value] = {"action": "raise", "provider": member(node), **ONE}
    said |= {"newInventoriedResource": {}, "content": {"hash": bytes(32), "size": 9}}
    return write(node, "event", said)


def grant(node: Node, resource: bytes, recipient: bytes, **over: Value) -> RecordId:
    """Let the owner consent to uses for research, at 0.50 EUR each."""
    said: dict[str, Value] = {"resource": resource, "purposes": ["research"], "language": "en"}
    said |= {"recipients": [recipient], "benefit": PER_USE}
    return write(node, "consent.grant", said | over, "For research.", permanent=True)


def use(node: Node, owner: Node, resource: bytes, consent: bytes) -> RecordId:
    """Let a member use the data of another."""
    said: dict[str, Value] = {"action": "use", "provider": member(owner), **ONE}
    said |= {"receiver": member(node), "resourceInventoriedAs": resource}
    return write(node, "event", said | {"consent": consent, "purpose": "research"})


@pytest.mark.parametrize("order", ORDERS)
def test_a_use_pays_only_when_it_stands_before_the_revocation(order: Order) -> None:
    parted = community(41)
    resource = data_of(parted.a)
    consent = grant(parted.a, resource, member(parted.b))
    seal(parted.world)
    written: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: write(parted.a, "consent.revoke", {"consent": consent}),
        lambda: written.update(use=use(parted.b, parted.a, resource, consent)),
    )
    used = written["use"]
    for node in parted.world.members:
        row = consent_row(final(node), consent)
        assert row is not None and row.status == WITHDRAWN
        if order.startswith("a"):
            assert verdict(node, used) is Reason.CONSENT_ENDED
            assert use_row(final(node), used) is None
            assert commitment_row(final(node), used) is None
        else:
            owed = commitment_row(final(node), used)
            assert owed is not None and owed.quantity == [50, 2, "EUR"]
            assert owed.sides == (member(parted.b), member(parted.a))


@pytest.mark.parametrize("order", ORDERS)
def test_a_consent_to_all_that_is_narrowed_covers_what_stands_before(order: Order) -> None:
    parted = community(42)
    resource = data_of(parted.a)
    to_all = grant(parted.a, resource, parted.a.community)
    seal(parted.world)
    written: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: written.update(
            narrow=grant(parted.a, resource, member(parted.third), replaces=to_all)
        ),
        lambda: written.update(use=use(parted.b, parted.a, resource, to_all)),
    )
    for node in parted.world.members:
        before, now = (consent_row(final(node), id) for id in (to_all, written["narrow"]))
        assert before is not None and before.status == REPLACED != GIVEN
        assert now is not None and now.replaces == to_all
        counts = use_row(final(node), written["use"]) is not None
        assert counts is not order.startswith("a")
