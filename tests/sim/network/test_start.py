"""What a start costs a node whose home is whole: each record of members is folded once."""

from __future__ import annotations

from unittest.mock import patch

from commonweal.node.service.replica import replica
from commonweal.storage.ledger.membership import membership_fold
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


def test_a_start_looks_at_no_log_whose_signatures_are_checked() -> None:
    world = World(1)
    world.grow(3)
    world.run(20_000)
    node = world.nodes[1]
    rows = list(node.service.core.replica.rows())
    assert all(row.checked == row.length for row in rows)
    node.service.signature_audit.begin()
    assert not node.service.signature_audit.step()
