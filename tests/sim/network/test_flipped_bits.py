"""A disk that changes a bit outside the records: no honest peer is blamed for it, or blames us."""

from __future__ import annotations

import pytest

from commonweal.protocol.identity import signed_address
from tests.sim.world.node import Node
from tests.sim.world.world import World


def flip(node: Node, table: str, column: str, where: str, at: int) -> bytes:
    """Change a bit of what a crashed node stored; return what stood there."""
    asked = f"SELECT {column} FROM {table} WHERE {where}"
    ((kept,),) = node.store.rows(asked)
    changed = bytearray(kept)
    changed[at] ^= 1
    node.store.change(f"UPDATE {table} SET {column} = ? WHERE {where}", (bytes(changed),))
    node.store.commit()
    node.store.forget()
    return bytes(kept)


def blamed(world: World) -> list[str]:
    """Return why nodes dropped each other."""
    ends = [end for node in world.nodes for end in node.service.core.ends.values()]
    return [end.dropped for end in ends if end.dropped is not None and "silent" not in end.dropped]


@pytest.mark.parametrize("at", [0, 40, -1], ids=["form", "field", "signature"])
def test_a_damaged_signed_address_is_not_told_and_comes_again(at: int) -> None:
    world = World(21)
    world.grow(3)
    world.settle()
    node, other = world.nodes[1], world.nodes[2]
    node.crash()
    where = f"peer = x'{other.key.hex()}'"
    flip(node, "address", "signed", where, at)
    node.start()
    world.run(1_000)
    late = world.join(world.invited(world.nodes[0]), [node])
    world.settle()
    other.crash()
    world.run(2_000)
    other.start()
    world.run(30_000)
    assert not blamed(world)
    for holder in (node, late):
        kept = {known.peer: known.signed for known in holder.store.addresses()}
        told = signed_address.from_bytes(kept[other.key], world.nodes[0].community)
        assert told.addresses == (other.address,)
