"""Seats as the ledger draws them, seal by seal."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.witnesses import next_witnesses
from tests.builders.sealing_nodes import seal_once
from tests.protocol.ledger.workshop import Workshop, paying
from tests.storage.consensus.test_proposals import MINUTE, four, node_of, offering, seal, signers_of


def test_seats_are_drawn_by_the_seal_before_which_no_candidate_knew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Workshop(paying(), "Jun")
    (jun,) = offering(shop, "Jun")
    node, signers = node_of(shop), signers_of(shop)
    drawn: list[tuple[bytes, int, list[DeviceKey]]] = []

    def noted(prev: bytes, height: int, seated: Any, candidates: Any, most: int) -> Any:
        heard = [one.witness.device for one in candidates if one.seen]
        drawn.append((prev, height, heard))
        return next_witnesses(prev, height, seated, candidates, most)

    monkeypatch.setattr("commonweal.protocol.ledger.governance.witness_set.next_witnesses", noted)
    first = seal_once([node], signers, shop.now_ms)
    assert {(prev, jun in heard) for prev, _, heard in drawn} == {(shop.community, False)}
    drawn.clear()
    shop.work("Jun", 1)
    node.take(shop.records)
    seal_once([node], signers, shop.now_ms + MINUTE, showing=[jun])
    found = {(prev, height, jun in heard) for prev, height, heard in drawn}
    assert found == {(first.sealed.seal.id, 2, True)}


def test_what_is_final_is_looked_at_once_after_each_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many members, votes and contributions there are, and however much is written."""
    shop, nodes = four()
    seal(nodes, shop)
    nodes[0].assessor.outlook()
    looked: list[str] = []
    with monkeypatch.context() as patched:
        for name in ("membership.members", "next_deadline"):
            place = f"commonweal.storage.consensus.reader.{name}"
            patched.setattr(place, lambda *_, name=name: looked.append(name))
        for number in range(5):
            shop.work("Jun", number + 1)
            nodes[0].take(shop.records)
            assert nodes[0].assessor.outlook().unsealed == number + 1
    assert not looked
    removal = shop.remove("Jun", "Bo")
    before: int | None = None
    for _ in range(2):
        for node in nodes:
            node.take(shop.records)
        seal(nodes, shop)
        before = nodes[0].assessor.outlook().deadline_ms
        shop.say(removal, "yes", "Mei Jun Ana")
    assert before is not None
    shop.now_ms = before
    for node in nodes:
        node.take(shop.records)
    seal(nodes, shop)
    outlook = nodes[0].assessor.outlook()
    assert outlook.removed == ((shop.id("Bo"), outlook.height),)
