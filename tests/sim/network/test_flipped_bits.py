"""A disk that changes a bit outside the records: no honest peer is blamed for it, or blames us."""

from __future__ import annotations

import pytest

from commonweal.protocol.identity import signed_address
from tests.sim.consensus.test_seals import chain, seal_soon, until
from tests.sim.consensus.test_state_sync import sealed, work
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
    """Return why nodes dropped each other, but for silence and for an invite that comes later."""
    ends = [end for node in world.nodes for end in node.service.core.ends.values()]
    reasons = [end.dropped or "" for end in ends]
    return [why for why in reasons if why and "silent" not in why and "invite-unknown" not in why]


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


PLACES = [
    *((height, "sealed", at) for height in (2, 3) for at in (0, 5, 60, 200, 400, -1)),
    *((height, "delta", at) for height in (1, 2, 3) for at in (0, 5, 39, 50, -1)),
    (2, "id", 3),
    (3, "id", 3),
]


@pytest.mark.parametrize(("height", "column", "at"), PLACES, ids=str)
def test_a_damaged_seal_is_not_given_and_comes_again(height: int, column: str, at: int) -> None:
    world = sealed(22, 3, members=3)
    founder, node = world.nodes[:2]
    node.crash()
    kept = flip(node, "seal", column, f"height = {height}", at)
    node.start()
    late = world.join(world.invited(founder), [node])
    world.run(20_000)
    assert not blamed(world)
    mended = f"SELECT {column} FROM seal WHERE height = {height}"
    assert node.store.rows(mended) == [(kept,)]
    assert node.service.scrubber.damaged == 0
    work(founder, 7)
    world.run(200)
    seal_soon(founder)
    follow = (founder, node, late)
    until(world, lambda: min(chain(one).height for one in follow) > 3, 30_000, "it stands still")
    world.run(5_000)
    assert not blamed(world)


def test_a_witness_whose_last_seal_is_damaged_waits_for_it_to_come_again() -> None:
    world = sealed(23, 3, members=2)
    founder, node = world.nodes
    founder.crash()
    node.crash()
    flip(founder, "seal", "sealed", "height = 3", 60)
    founder.start()
    work(founder, 7)
    world.run(1_000)
    seal_soon(founder)
    world.run(20_000)
    assert (chain(founder).height, chain(founder).is_whole) == (2, False)
    assert founder.store.rows("SELECT 1 FROM own_vote") == [], "it voted at that height before"
    assert founder.service.scrubber.damaged == 1
    node.start()
    until(world, lambda: chain(founder).is_whole, 30_000, "it does not come again")
    seal_soon(founder)
    until(world, lambda: chain(node).height > 3, 30_000, "nothing is sealed")
    assert not blamed(world)
