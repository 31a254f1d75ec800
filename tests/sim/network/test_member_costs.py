"""What members cost one node: each is read only when something concerns them."""

from __future__ import annotations

from unittest.mock import patch

from commonweal.node.service.events import Wish
from commonweal.node.service.peers.overlay import CHOSEN_AIM, LOOK_AROUND_MS, NEIGHBOURS_AIM
from commonweal.node.service.replica import replica
from commonweal.node.service.replica.admissions import differs
from commonweal.storage.ledger.membership import membership_fold
from tests.sim.world.node import Node
from tests.sim.world.world import World


def test_a_start_folds_the_membership_once() -> None:
    world = World(1, seals=True)
    world.grow(3)
    world.run(90_000)
    node = world.nodes[1]
    node.crash()
    with patch.object(replica, "membership_fold", wraps=membership_fold) as folds:
        node.start()
        world.run(5_000)
    assert node.assessor is not None
    assert node.assessor.kept.cut.height > 0  # what is final was told to the replica
    assert folds.call_count == 1


def test_what_concerns_no_member_compares_no_admissions() -> None:
    world = World(2, seals=True)
    world.grow(3)
    world.run(90_000)
    node = world.nodes[1]
    node.write()
    with patch.object(replica, "differs", wraps=differs) as compared:
        world.run(30_000)
        assert node.assessor is not None
        assert node.assessor.outlook().unsealed == 1  # the replica was told of it
        assert not compared.called
        world.nodes[0].submit(Wish("invite.create", {"key": bytes(32), "uses": 1}))
        world.run(5_000)
        assert compared.called


def test_a_node_with_enough_neighbours_does_not_read_its_address_book() -> None:
    world = World(3)
    world.grow(24)
    world.run(LOOK_AROUND_MS)
    (node, *_) = [node for node in world.nodes if _has_neighbours(node)]
    overlay = node.service.overlay
    overlay.dial()
    with patch.object(overlay, "_due", wraps=overlay._due) as read:
        overlay.dial()
        assert read.call_count == 0
        node.service.core.now_ms += LOOK_AROUND_MS
        overlay.dial()
        assert read.call_count == 1


def _has_neighbours(node: Node) -> bool:
    members = node.service.core.members()
    chosen = sum(peer.outbound for peer in members)
    return len(members) >= NEIGHBOURS_AIM and chosen >= CHOSEN_AIM
