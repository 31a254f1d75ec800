"""Texts that their members want forgotten: all forget them, and nobody forgets what is others'."""

from __future__ import annotations

from commonweal.node.service.events import Text, Wish
from commonweal.protocol.records.record import (
    BodyRef,
    LogPosition,
    Record,
    RecordDraft,
    RecordId,
    sign,
)
from commonweal.storage.records.logs.log_store import Store
from tests.sim.replication.test_blobs import naming
from tests.sim.replication.test_byzantine import live, with_a_liar
from tests.sim.world.byzantine import Face, Flaw
from tests.sim.world.node import Node
from tests.sim.world.world import World

WORDS = b"what I would rather not have said"


def told(world: World, node: Node, count: int = 1) -> list[tuple[RecordId, BodyRef]]:
    """Let a member say something; return the records and their texts."""
    ticket = node.submit(
        *(Wish("event", {"action": "work"}, (), Text("text/plain", WORDS)) for _ in range(count))
    )
    world.run(100)
    found = [node.store.record(one["id"]) for one in node.answers[ticket]["records"]]
    return [(one.id, one.body) for one in found if one is not None and one.body is not None]


def erase(world: World, node: Node, *ids: RecordId) -> list[RecordId]:
    ticket = node.submit(*(Wish("body.erase", {"record": bytes(id)}, (id,)) for id in ids))
    world.run(100)
    return [one["id"] for one in node.answers[ticket]["records"]]


def holds(store: Store, ref: BodyRef) -> bool:
    return store.has_body(ref.hash) or store.wanted_body(ref.hash) is not None


def test_all_forget_a_text_and_one_who_was_away_does_later() -> None:
    world = World(11)
    world.grow(5)
    writer, away = world.nodes[1], world.nodes[4]
    [(id, ref), (_, other)] = told(world, writer, 2)
    world.settle()
    assert all(holds(node.store, ref) for node in world.nodes)
    away.crash()
    erase(world, writer, id)
    assert not holds(writer.store, ref), "at once, where it was asked for"
    world.run(8_000)
    assert [node for node in world.nodes if holds(node.store, ref)] == [away]
    away.start()
    world.settle()
    world.run(8_000)
    assert not any(holds(node.store, ref) for node in world.nodes)
    assert all(holds(node.store, other) for node in world.nodes)
    late = world.join(world.invited(world.nodes[0]), [writer])
    world.settle()
    world.run(8_000)
    assert not holds(late.store, ref)
    assert holds(late.store, other)


def test_an_old_copy_that_holds_the_text_again_forgets_it_as_it_starts() -> None:
    world = World(12)
    world.grow(3)
    writer, reader = world.nodes[1], world.nodes[2]
    [(id, ref)] = told(world, writer)
    world.settle()
    text = reader.store.body(ref.hash)
    assert text is not None
    erase(world, writer, id)
    world.settle()
    world.run(4_000)
    reader.crash()
    reader.store.change("UPDATE body SET content = ? WHERE hash = ?", (text, ref.hash))
    reader.store.commit()
    reader.start()
    world.run(4_000)
    assert not holds(reader.store, ref)


def test_a_text_that_another_member_names_stays() -> None:
    """Else a member who names it as theirs could have it erased everywhere."""
    world, _, liar = with_a_liar(13)
    face, bo = liar.faces[0], world.nodes[1]
    [(_, ref), (own, other)] = told(world, bo, 2)
    world.settle()
    face.write(naming(ref))
    live(world, 2, lambda: None)
    world.settle()
    mine = face.core.replica.row(liar.core.me.device).head
    face.write(asking(mine))
    live(world, 2, lambda: None)
    world.settle()
    world.run(8_000)
    asked = face.core.replica.row(liar.core.me.device).head
    assert all(node.store.clock_of(asked) for node in world.members)
    assert all(holds(node.store, ref) for node in world.members)
    late = world.nodes[2]
    late.store.erase_body(ref.hash)  # as a node that has one log before the other does
    late.store.commit()
    world.run(75_000)
    assert late.store.has_body(ref.hash)
    erase(world, bo, own)
    world.run(8_000)
    assert not any(holds(node.store, other) for node in world.members)


def asking(id: RecordId) -> Flaw:
    """Return what signs a record that asks for the text of another to be erased."""

    def signed(face: Face, place: LogPosition, draft: RecordDraft) -> Record:
        return sign(face.core.me.signer, place, RecordDraft("body.erase", {"record": bytes(id)}, 1))

    return signed


def test_thousands_are_erased_a_part_at_a_time() -> None:
    world = World(14)
    world.grow(2)
    writer = world.nodes[1]
    made: list[tuple[RecordId, BodyRef]] = []
    for _ in range(4):
        made += told(world, writer, 200)
    world.settle()
    for start in range(0, len(made), 200):
        erase(world, writer, *(id for id, _ in made[start : start + 200]))
    world.settle()
    world.run(12_000)
    assert not any(holds(node.store, ref) for node in world.nodes for _, ref in made)
