"""The room that is left of a log: read record by record once, however many seals follow."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from commonweal.node.service.events import Text, Wish
from commonweal.node.service.replica import quota
from commonweal.node.service.replica.quota import Quota
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.protocol.vocabulary.budget import Usage, total_usage, usage_of_bytes
from tests.sim.world.node import Node
from tests.sim.world.world import World

CUT = 4
WRITTEN = 6 * CUT
SEALED_MS_MAX = 120_000


def plain(node: Node, author: DeviceKey | None = None) -> tuple[int, ...]:
    """Return the room of a log, the node's own by default, all above its seal read again."""
    replica, me = node.service.core.replica, author or node.person.device
    wires = node.store.wires(me, replica.sealed_length(me), replica.row(me).length, 1 << 30)
    return tuple(replica.quota._window(me).less(total_usage(map(from_bytes_unchecked, wires))))


def test_after_a_seal_only_what_it_covered_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1, seals=True)
    node = world.nodes[0]
    world.run(SEALED_MS_MAX)
    assert node.assessor is not None
    node.assessor.cut_records = CUT
    replica, me = node.service.core.replica, node.person.device
    assert tuple(replica.quota.left(me)) == plain(node)
    for number in range(WRITTEN):
        node.submit(Wish("event", {"action": "work"}, (), Text("text/plain", b"x" * number)))
    world.run(1_000)
    read: list[bytes] = []

    def counted(wires: Sequence[bytes]) -> Usage:
        read.extend(wires)
        return usage_of_bytes(wires)

    monkeypatch.setattr(quota, "usage_of_bytes", counted)
    heights: dict[int, None] = {}
    for _ in range(SEALED_MS_MAX // 100):
        world.run(100)
        heights[replica.sealed_length(me)] = None
        assert tuple(replica.quota.left(me)) == plain(node)
    assert len(heights) > WRITTEN // CUT, "several seals were made, one after the other"
    assert len(read) <= WRITTEN + CUT
    fresh = Quota(replica)
    fresh.budget, fresh.shares = replica.quota.budget, replica.quota.shares
    assert fresh.left(me) == replica.quota.left(me), "as after a start"
