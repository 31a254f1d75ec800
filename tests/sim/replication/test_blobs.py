"""Texts and documents that are wrong, odd, large, slow or missing: they stop nobody's records."""

from __future__ import annotations

import pytest

from commonweal.node.service.events import Text, Wish
from commonweal.node.service.sync.blobs import BODIES_MAX
from commonweal.protocol.records import log, record
from commonweal.protocol.records.record import (
    BodyRef,
    LogPosition,
    Record,
    RecordDraft,
    RecordId,
    sign,
)
from commonweal.protocol.wire import frame_codec, messages
from tests.sim.replication.test_byzantine import live, settle, with_a_liar
from tests.sim.world.byzantine import Face, Flaw
from tests.sim.world.node import Node, by_hand
from tests.sim.world.world import World

SALT = bytes(16)


def naming(ref: BodyRef) -> Flaw:
    """Return what signs a record that names this body."""

    def named(face: Face, place: LogPosition, draft: RecordDraft) -> Record:
        kind = "rules.propose" if ref.permanent else draft.kind
        return sign(face.core.me.signer, place, RecordDraft(kind, draft.data, 1, draft.deps, ref))

    return named


@pytest.mark.parametrize("classes", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("lie", [1, -1])
def test_two_sizes_of_one_body_cost_nobody_his_link(classes: tuple[bool, bool], lie: int) -> None:
    world, _, liar = with_a_liar(1)
    face = liar.faces[0]
    data, ref = record.erasable_body(SALT, "text/plain", b"hello")
    first = ref._replace(permanent=classes[0])
    second = ref._replace(permanent=classes[1], size=ref.size + lie)
    face.core.replica.store.put_body(first, data)
    face.write(naming(first))
    live(world, 2, lambda: None)
    store = face.core.replica.store
    store.change("DELETE FROM body WHERE hash = ?", (ref.hash,))  # to send it would be its fault
    store.holds = lambda ref: True  # type: ignore[method-assign]
    face.write(naming(second))
    live(world, 5, lambda: None)
    world.settle()
    settle(world)


def missing(node: Node) -> int:
    """Return how many texts a node lacks."""
    return len(node.store.wanted_bodies(1_000))


def test_a_document_that_comes_slowly_comes() -> None:
    """Over 1 Mbit/s it takes longer than the pause between two comparisons."""
    world = World(2)
    world.grow(2)
    founder, other = world.nodes
    world.network.pace = 125
    document = Text("", world.rng.randbytes(1 << 20), permanent=True)
    founder.submit(Wish("rules.propose", {}, (), document))
    world.run(30_000)
    founder.write("after it")
    world.settle()
    sent = world.network.sent[founder.key, other.key, "part"]
    assert sent < 1.5 * (1 << 20), "it was sent again and again"


def test_texts_that_nobody_has_keep_no_others_from_coming() -> None:
    world, _, liar = with_a_liar(3)
    store = liar.faces[0].core.replica.store
    lies = [naming(BodyRef(bytes([0, number]) * 16, 9, False)) for number in range(40)]
    liar.faces[0].write(*lies)
    writer, reader = world.nodes[1], world.nodes[2]
    live(world, 2, lambda: None)
    world.settle()
    assert missing(reader) == len(store.wanted_bodies(100)) == len(lies)
    texts = [bytes([number]) * 9_000 for number in range(100)]
    for text in texts:  # more than fits in a frame, for one who comes later
        writer.submit(Wish("event", {"action": "work"}, (), Text("text/plain", text)))
    world.settle()
    late = world.join(world.invited(world.nodes[0]), [writer])
    world.settle()
    world.run(120_000)
    assert missing(late) == len(lies)


def test_a_text_that_one_member_has_reaches_all_in_seconds() -> None:
    world = World(5)
    world.grow(6)
    writer, *others = world.nodes
    writer.submit(Wish("event", {"action": "work"}, (), Text("text/plain", b"who I am")))
    world.settle()
    newest = writer.store.record(writer.store.log(writer.person.device).head)
    assert newest is not None and newest.body is not None
    for node in others:
        node.store.lose_body(newest.body.hash)
        node.store.commit()
    assert [missing(node) for node in world.nodes] == [0, 1, 1, 1, 1, 1]
    world.run(7_000)
    assert [missing(node) for node in world.nodes] == [0] * 6


def test_the_texts_of_a_newcomer_are_asked_for_when_they_are_admitted() -> None:
    world = World(6, rules=by_hand(2))
    world.grow(2)
    host = world.nodes[0]
    newcomer = world.join(world.invited(host), [host])
    world.run(3_000)
    device = newcomer.person.device
    assert not host.service.core.replica.is_member(device)
    asked = world.network.sent[host.key, newcomer.key, "want-bodies"]
    host.store.change("INSERT INTO wanted VALUES (?, 9)", (bytes(32),))
    world.vouch(host, newcomer)
    world.vouch(world.nodes[1], newcomer)
    while not host.service.core.replica.is_member(device):
        world.run(10)
    world.run(200)
    assert world.network.sent[host.key, newcomer.key, "want-bodies"] > asked


def test_parts_of_documents_that_are_never_whole_do_not_gather() -> None:
    world, node, liar = with_a_liar(4)
    face, victim = liar.faces[0], world.nodes[1]
    device = node.person.device
    world.network.blocked[victim.key, node.key] = None  # it hears no wishes, and so denies nothing
    for number in range(50):
        tip = face.core.replica.tip(device)
        place = log.next_position(world.community, tip, RecordId(world.community), [], 1)
        content = bytes([number]) * (1 << 20)
        ref = record.permanent_body(content)
        one = naming(ref)(face, place, RecordDraft("rules.propose", {}, 1))
        run = messages.Run(device, one.seq, (one.wire,))
        part = messages.BodyChunk(ref.hash, ref.size, 0, content[: messages.PART_BYTES_MAX])
        for said in (messages.Runs((run,), 0, asked=False), part):
            world.network.send(node, victim.key, frame_codec.encode(said))
        world.run(50)
    buffers = victim.service.blobs._downloads[node.key].buffers
    assert sum(map(len, buffers.values())) <= BODIES_MAX * (1 << 20)
