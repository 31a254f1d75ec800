"""The assessor: what the ledger says of seals, and what it refuses to call one."""

from __future__ import annotations

from commonweal.protocol.keys import DeviceKey, Signer
from tests.nodes_that_seal import Node, seal_once
from tests.rules.workshop import Workshop, paying


def node_of(shop: Workshop) -> Node:
    node = Node(shop.community, shop.documents)
    node.take(shop.records)
    return node


def signers_of(shop: Workshop) -> dict[DeviceKey, Signer]:
    return {pen.key: pen.signer for pen in shop.pens.values()}


def test_the_founder_alone_seals_what_he_holds() -> None:
    shop = Workshop(paying(), "Jun")
    shop.work("Jun", 3, by="Mei")
    node = node_of(shop)
    before = node.assessor.outlook()
    assert (before.height, bytes(before.seal)) == (0, shop.community)
    assert [one.device for one in before.witnesses] == [shop.mei.key]
    assert (before.unsealed, before.is_urgent) == (len(shop.records), True)
    kept = seal_once([node], signers_of(shop), shop.now_ms)
    after = node.assessor.outlook()
    assert (after.height, after.seal) == (1, kept.sealed.seal.id)
    assert (after.unsealed, after.is_urgent, after.alarm) == (0, False, "")
    assert node.assessor.shown() == ()
