"""Bits that turn over on the disk: each is found, by the node and by `weal verify`, and mended."""

from __future__ import annotations

from random import Random

import pytest

from commonweal.client.keep.integrity import Checking
from commonweal.node.service.core import Core
from commonweal.node.service.events import Text, Wish
from commonweal.node.service.peer import Identity
from commonweal.node.service.replica.replica import Replica
from commonweal.node.service.upkeep.scrub import Scrubber
from commonweal.protocol.records.packed_run import RECORDS_MAX
from commonweal.storage.records.logs import row_repair, run_pages
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.logs.run_pages import SEQ_BITS
from tests.attacks import history
from tests.protocol.authors import COMMUNITY, MEI
from tests.sim.world.node import Node
from tests.sim.world.world import World

FLIPS = 120
RESTARTS_AT = 3


def flipped(data: bytes, chance: Random) -> bytes:
    """The same bytes with one bit turned over."""
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


ROWS = {"record": "tail", "run": "content"}
"""The tables that hold records, and the column with their bytes."""


def flip(store: Store, table: str, key: int, chance: Random) -> bytes:
    """Turn one bit of a stored record, or run of records, over; return what was there."""
    column = ROWS[table]
    row = store.row(f"SELECT {column} FROM {table} WHERE key = ?", (key,))
    assert row is not None
    put(store, table, key, flipped(row[0], chance))
    before: bytes = row[0]
    return before


def put(store: Store, table: str, key: int, data: bytes) -> None:
    """Change a row behind the back of the program."""
    store.change(f"UPDATE {table} SET {ROWS[table]} = ? WHERE key = ?", (data, key))
    store.commit()
    store.forget()


def found(store: Store) -> int:
    """How many records a whole round of the scrub says are damaged."""
    scrubbing = Scrubber(Core(Replica(store, COMMUNITY), Identity(MEI.signer, MEI.host), Random(1)))
    for _ in range(10):
        scrubbing.step()
    return scrubbing.damaged


@pytest.fixture(scope="module")
def life() -> Store:
    """A store with logs of all sorts, and records packed and not."""
    store = Store()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_pages, "PACKED_MIN", 3)
        for step in history.steps(5, 40):
            step(store)
            store.commit()
    return store


def wires_of(store: Store) -> list[list[bytes]]:
    """All good records, log by log."""
    return [store.wires(log.author, 0, log.length, 1 << 40) for log in store.logs()]


def test_every_flipped_bit_of_a_record_is_found(life: Store) -> None:
    chance = Random(1)
    rows = [
        (table, key)
        for table in ROWS
        for key, length in life.rows(
            f"SELECT key, length FROM {table} JOIN log ON log.id = key >> {SEQ_BITS}"
        )
        if key % (1 << SEQ_BITS) < length
    ]
    tables = [table for table, _ in rows]
    assert min(map(tables.count, ROWS)) > 8
    assert found(life) == 0
    assert list(Checking(life, COMMUNITY).faults()) == []
    right, harmless = wires_of(life), 0
    for _ in range(2 * FLIPS):
        table, key = chance.choice(rows)
        before = flip(life, table, key, chance)
        if table == "run" and wires_of(life) == right:
            harmless += 1  # a bit of the compressed stream that does not matter
        else:
            assert found(life) >= 1
            assert list(Checking(life, COMMUNITY).faults())
        put(life, table, key, before)
        life.forget()
    assert found(life) == 0
    assert harmless < FLIPS // 20


def test_a_damaged_home_is_mended_from_its_peers_and_convicts_nobody() -> None:
    world = World(11)
    world.grow(3)
    for node in world.nodes:
        for n in range(RECORDS_MAX + 10):
            node.submit(Wish("event", {"action": "work", "n": n}, (), Text("text/plain", b"note")))
    world.settle()
    pack(world)
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
        assert victim.service.scrubber.damaged == 0
        assert not list(victim.store.proofs()), "the disk's fault is nobody's fork"
    world.settle()


def test_what_the_disk_changed_is_not_served() -> None:
    """A newcomer fetches from a damaged home alone at first; who serves junk would be dropped.

    The first record of each log is spared: without its own enrolment the home is nobody's.
    """
    world = World(6)
    world.grow(3)
    for node in world.nodes:
        for _ in range(RECORDS_MAX + 10):
            node.write("a note")
    world.settle()
    pack(world)
    invite = world.invited(world.nodes[0])
    world.settle()
    damage(world.nodes[1], Random(3), one_in=3, spared=1)
    newcomer = world.join(invite, [world.nodes[1]])
    world.run(60_000)
    world.settle()
    assert newcomer.store.counts().records == world.nodes[0].store.counts().records


def pack(world: World) -> None:
    """Let all nodes pack what came one by one, as they do when they are idle."""
    for node in world.nodes:
        while node.store.tidy():
            pass
        node.store.commit()
        assert len(node.store.rows("SELECT key FROM run")) >= len(world.nodes)


def damage(node: Node, chance: Random, *, one_in: int, spared: int = 0) -> None:
    """Turn over bits of many records and texts of a running node.

    spared: how many records at the beginning of each log stay as they are.
    """
    store = node.store
    for table in ROWS:
        for (key,) in store.rows(f"SELECT key FROM {table}"):
            if key % (1 << SEQ_BITS) >= spared and chance.randrange(one_in) == 0:
                flip(store, table, key, chance)
    store.forget()
    for digest, content in store.bodies(b"", 10_000):
        if chance.randrange(one_in) == 0:
            store.change(
                "UPDATE body SET content = ? WHERE hash = ?", (flipped(content, chance), digest)
            )
    store.commit()


def contents(node: Node) -> list[object]:
    """All records and texts that a node holds."""
    store = node.store
    rows: list[object] = list(wires_of(store))
    return rows + list(store.rows("SELECT hash, permanent, content FROM body ORDER BY hash"))


COLUMNS = ("author", "opening", "length", "head", "clock", "held", "frozen", "checked")


def rows_of(store: Store) -> list[tuple[object, ...]]:
    """The rows of all logs, but what is counted on without harm."""
    return store.rows(f"SELECT id, {', '.join(COLUMNS[:-1])} FROM log ORDER BY id")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_flip_in_the_row_of_a_log_is_put_right(life: Store, column: str) -> None:
    life.rollback()
    chance = Random(column)
    before = rows_of(life)
    ids = [id for (id,) in life.rows(f"SELECT id FROM log WHERE length AND {column} NOTNULL")]
    assert not row_repair.repair_rows(life, COMMUNITY)
    for id in [chance.choice(ids) for _ in range(FLIPS // 4)]:
        ((value,),) = life.rows(f"SELECT {column} FROM log WHERE id = ?", (id,))
        bad = (
            flipped(value, chance)
            if isinstance(value, bytes)
            else value ^ 1 << chance.randrange(30)
        )
        life.change(f"UPDATE log SET {column} = ? WHERE id = ?", (bad, id))
        life.forget()
        if column not in ("held", "checked"):
            assert list(Checking(life, COMMUNITY).faults()), (column, value, bad)
        amended = row_repair.repair_rows(life, COMMUNITY)
        assert rows_of(life) == before, (column, id, value, bad)
        ((checked, length),) = life.rows("SELECT checked, length FROM log WHERE id = ?", (id,))
        assert checked <= length
        assert column == "checked" or set(amended.values()) == {True}
    life.rollback()
    assert not row_repair.repair_rows(life, COMMUNITY)


@pytest.mark.parametrize("is_up", [False, True])
@pytest.mark.parametrize("column", ["author", "length", "head", "clock"])
def test_nobody_writes_on_a_row_that_the_disk_changed(column: str, is_up: bool) -> None:
    world = World(13)
    world.grow(3)
    victim = world.nodes[1]
    for _ in range(5):
        victim.write("work")
    world.settle()
    if not is_up:
        victim.crash()
    store, device = victim.store, victim.person.device
    ((value,),) = store.rows(f"SELECT {column} FROM log WHERE author = ?", (device,))
    bad = flipped(value, Random(1)) if isinstance(value, bytes) else value ^ 2
    store.change(f"UPDATE log SET {column} = ? WHERE author = ?", (bad, device))
    store.commit()
    store.forget()
    if is_up:
        world.run(20_000)  # a round of the scrub
    else:
        victim.start()
    ticket = victim.write("on top")
    world.run(5_000)
    assert isinstance(victim.answers[ticket], dict)
    world.settle()
