"""Bits that turn over on the disk: each is found, by the node and by `weal verify`, and mended."""

from __future__ import annotations

from random import Random

import pytest

from commonweal.commands.verify import Checking
from commonweal.node.events import Text, Wish
from commonweal.node.replica import Replica
from commonweal.node.scrubbing import Scrubbing
from commonweal.node.session import Desk, Identity
from commonweal.storage.store import Store
from tests.attacks import history
from tests.protocol.authors import COMMUNITY, MEI
from tests.sim.node import Node
from tests.sim.world import World

FLIPS = 120
RESTARTS_AT = 3


def flipped(data: bytes, chance: Random) -> bytes:
    """The same bytes with one bit turned over."""
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def flip(store: Store, key: int, chance: Random) -> None:
    """Turn one bit of a stored record over."""
    row = store.row("SELECT tail FROM record WHERE key = ?", (key,))
    assert row is not None
    store.change("UPDATE record SET tail = ? WHERE key = ?", (flipped(row[0], chance), key))
    store.commit()
    store.forget()


def found(store: Store) -> int:
    """How many records a whole round of the scrub says are damaged."""
    scrubbing = Scrubbing(
        Desk(Replica(store, COMMUNITY), Identity(MEI.signer, MEI.peer), Random(1))
    )
    for _ in range(10):
        scrubbing.step()
    return scrubbing.damaged


@pytest.fixture(scope="module")
def life() -> Store:
    """A store with logs of all sorts."""
    store = Store()
    for step in history.steps(5, 40):
        step(store)
        store.commit()
    return store


def test_every_flipped_bit_of_a_record_is_found(life: Store) -> None:
    chance = Random(1)
    keys = [key for (key,) in life.rows("SELECT key FROM held WHERE seq < length")]
    assert found(life) == 0
    assert list(Checking(life, COMMUNITY).faults()) == []
    for _ in range(FLIPS):
        key = chance.choice(keys)
        (before,) = life.rows("SELECT tail FROM record WHERE key = ?", (key,))
        flip(life, key, chance)
        assert found(life) >= 1
        assert list(Checking(life, COMMUNITY).faults())
        life.change("UPDATE record SET tail = ? WHERE key = ?", (*before, key))
        life.commit()
        life.forget()
    assert found(life) == 0


def test_a_damaged_home_is_mended_from_its_peers_and_convicts_nobody() -> None:
    world = World(11)
    world.grow(3)
    for node in world.nodes:
        for n in range(40):
            node.submit(Wish("event", {"action": "work", "n": n}, (), Text("text/plain", b"note")))
    world.settle()
    chance = Random(2)
    victim = world.nodes[1]
    before = contents(victim)
    for kept in (7, 3, 2):
        damage(victim, chance, one_in=kept)
        assert contents(victim) != before
        if kept == RESTARTS_AT:
            victim.crash()
            victim.start()
        world.run(120_000)
        assert victim.is_up
        assert contents(victim) == before
        assert victim.service.scrubbing.damaged == 0
        assert not list(victim.store.proofs()), "the disk's fault is nobody's fork"
    world.settle()


def test_what_the_disk_changed_is_not_served() -> None:
    """A newcomer fetches from a damaged home alone at first; who serves junk would be dropped."""
    world = World(12)
    world.grow(3)
    for node in world.nodes:
        for _ in range(40):
            node.write("a note")
    world.settle()
    invite = world.invited(world.nodes[0])
    world.settle()
    damage(world.nodes[1], Random(3), one_in=3)
    newcomer = world.join(invite, [world.nodes[1]])
    world.run(60_000)
    world.settle()
    assert newcomer.store.counts().records == world.nodes[0].store.counts().records


def damage(node: Node, chance: Random, *, one_in: int) -> None:
    """Turn over bits of many records and texts of a running node."""
    store = node.store
    for (key,) in store.rows("SELECT key FROM record"):
        if chance.randrange(one_in) == 0:
            flip(store, key, chance)
    for digest, content in store.bodies(b"", 10_000):
        if chance.randrange(one_in) == 0:
            store.change(
                "UPDATE body SET content = ? WHERE hash = ?", (flipped(content, chance), digest)
            )
    store.commit()


def contents(node: Node) -> list[object]:
    """All records and texts that a node holds."""
    store = node.store
    rows: list[object] = list(store.rows("SELECT key, tail FROM record ORDER BY key"))
    return rows + list(store.rows("SELECT hash, permanent, content FROM body ORDER BY hash"))
