"""Logs that are well-formed and odd: what they say, or claim to hold, stops nobody else."""

from __future__ import annotations

from random import Random

import pytest

from commonweal.node.service.events import Send, Wish
from commonweal.node.service.replica.replica import NEWCOMERS_MAX
from commonweal.node.transport import FRAME_BYTES_MAX, FrameReceived
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records import fork_proof, log, record
from commonweal.protocol.records.record import (
    LogPosition,
    Record,
    RecordDraft,
    RecordId,
    from_bytes_unchecked,
    sign,
)
from commonweal.protocol.wire import frame_codec, messages
from tests.sim.replication.test_byzantine import live, reconnect, settle, with_a_liar
from tests.sim.world.byzantine import Face, Flaw, good, unsigned
from tests.sim.world.node import Person
from tests.sim.world.world import World


def test_no_frame_is_too_large_whatever_its_run_must_be_extended_by() -> None:
    world = World(1)
    world.grow(2)
    node, peer = world.nodes
    rng, signer = Random(1), Signer(bytes(32))
    author = DeviceKey(signer.key)
    run: list[Record] = []
    bodies = {}
    tip = log.Tip()
    for number in range(600):
        data, ref = record.erasable_body(rng.randbytes(16), "", rng.randbytes(1_000))
        bodies[ref.hash] = data
        place = log.next_position(world.community, tip, RecordId(world.community), [], 1)
        one = sign(signer, place, RecordDraft("event", {"pad": "x" * 900}, 1, (), ref))
        if number < 599:
            one = from_bytes_unchecked(one.header + bytes(64))
        run.append(one)
        tip = log.Tip(one.seq + 1, one.id, one.clock)
    node.service.core.replica.append(author, run, bodies)
    fetch = frame_codec.encode(messages.WantRecords((messages.Range(author, 0, len(run)),)))
    frames = [
        action.frame
        for action in node.service.handle(FrameReceived(peer.key, fetch), node.now_ms)
        if isinstance(action, Send)
    ]
    assert any(isinstance(frame_codec.decode(one), messages.Runs) for one in frames)
    assert max(map(len, frames)) <= FRAME_BYTES_MAX


def test_who_claims_to_hold_more_of_our_log_keeps_us_from_writing_only_for_a_moment() -> None:
    world, node, _ = with_a_liar(2)
    victim = world.nodes[1]
    device = victim.person.device

    def boast() -> None:
        have = frame_codec.encode(messages.Have(((device, 1 << 30),), 0))
        world.network.send(node, victim.key, have)

    refused = 0
    for number in range(120):
        if number == 60:  # to come again does not help
            world.network.drop(node, victim.key, "again")
            world.run(3_000)
        boast()
        world.run(100)
        ticket = victim.write()
        world.run(900)
        refused += not isinstance(victim.answers.get(ticket), dict)
    assert 0 < refused < 40
    world.settle()


def test_proofs_against_strangers_leave_room_for_newcomers() -> None:
    world, node, _ = with_a_liar(3)
    proofs = []
    for _ in range(NEWCOMERS_MAX):
        person = Person(world.rng)
        one, two = (person.enrol(world.community, ms) for ms in (1, 2))
        proofs.append(fork_proof.to_bytes(fork_proof.check(one, two, world.community)))
    for first in range(0, len(proofs), 24):
        frame = frame_codec.encode(messages.Evidence(tuple(proofs[first : first + 24])))
        for peer in list(node.ends):
            world.network.send(node, peer, frame)
        world.run(200)
    settle(world)


def test_a_record_that_cites_deep_into_a_void_branch_is_held_by_who_comes_later() -> None:
    world, node, liar = with_a_liar(4)
    device = node.person.device
    face = liar.faces[0]
    for _ in range(4):
        face.write(*[padded] * 400)
        live(world, 1, lambda: None)
    world.settle()
    row = face.core.replica.row(device)
    citing = world.nodes[1]
    citing.submit(Wish("attest", {"yes": True}, (row.head,)))
    world.run(1_000)
    first, second = (fork_of(face, seq=5, mark=n) for n in (1, 2))
    proof = fork_proof.check(first, second, world.community)
    frame = frame_codec.encode(messages.Evidence((fork_proof.to_bytes(proof),)))
    for peer in list(node.ends):
        world.network.send(node, peer, frame)
    world.run(2_000)
    node.crash()
    world.nodes.remove(node)
    assert all(one.store.proof(device) for one in world.honest)
    settle(world)


def padded(face: Face, place: LogPosition, draft: RecordDraft) -> Record:
    """Sign a record that is large."""
    return good(face, place, RecordDraft(draft.kind, {"pad": "x" * 1_000}, 1, draft.deps))


def fork_of(face: Face, *, seq: int, mark: int) -> Record:
    """Return another record that follows the one before `seq` in the log of a face."""
    store, device = face.core.replica.store, face.core.me.device
    (before,) = store.wires(device, seq - 1, seq, 1)
    last = from_bytes_unchecked(before)
    tip = log.Tip(seq, last.id, last.clock)
    basis = RecordId(face.core.replica.community)
    place = log.next_position(face.core.replica.community, tip, basis, [], 1)
    return good(face, place, RecordDraft("event", {"mark": mark}, 1))


def test_a_record_that_cites_a_badly_signed_one_is_held_by_who_comes_later() -> None:
    world, node, liar = with_a_liar(5)
    device = node.person.device
    face = liar.faces[0]
    length = face.core.replica.row(device).length
    face.write(good, unsigned, good)
    bad = face.core.replica.store.id_at(device, length + 1)
    assert bad is not None
    citing = world.nodes[1]
    for _ in range(1_000):
        world.run(1)
        if citing.store.clock_of(bad) is not None:
            break
    citing.submit(Wish("attest", {"yes": True}, (bad,)))
    live(world, 5, lambda: None)
    world.settle()
    assert citing.store.proof(device)
    settle(world)


@pytest.mark.parametrize("tail", [(unsigned, unsigned, good), (unsigned,) * 5 + (good,)])
@pytest.mark.parametrize("other", [(good,) * 8, (unsigned, good)])
def test_two_branches_of_which_one_is_badly_signed_leave_all_equal(
    tail: tuple[Flaw, ...], other: tuple[Flaw, ...]
) -> None:
    """A proof names the last of several bad signatures, below which branches may differ."""
    world, node, liar = with_a_liar(7)
    face = liar.faces[0]
    split = liar.split(face)
    reconnect(world, node)
    face.write(*tail)
    split.write(*other)
    citing: dict[int, None] = {}
    for _ in range(3_000):
        world.run(1)
        for one in world.honest:
            row = one.service.core.replica.row(node.person.device)
            if row.length > 2 and row.frozen is None and one.number not in citing:
                citing[one.number] = None
                wires = one.store.wires(node.person.device, 2, 1 << 20, 1 << 20)
                for data in wires:
                    id = from_bytes_unchecked(data).id
                    one.submit(Wish("attest", {"yes": True}, (id,)))
    assert citing
    world.settle()
    node.crash()
    world.nodes.remove(node)
    settle(world)
    rows = {one.store.log(node.person.device)[:5] for one in world.honest}
    assert len(rows) == 1
    assert rows.pop()[4] is not None, "frozen"


def test_a_record_that_cites_what_is_void_from_its_first_record_is_held_where_proofs_are_many() -> (
    None
):
    world, node, _ = with_a_liar(9)
    stranger = Person(world.rng)
    one, two = (stranger.enrol(world.community, ms) for ms in (1, 2))
    run = messages.Runs((messages.Run(stranger.device, 0, (one.wire,)),), 0, asked=False)
    proof = fork_proof.check(one, two, world.community)
    citing = world.nodes[1]
    for message in (run, messages.Evidence((fork_proof.to_bytes(proof),))):
        for peer in list(node.ends):
            world.network.send(node, peer, frame_codec.encode(message))
        world.run(2_000)
        citing.submit(Wish("attest", {"yes": True}, (one.id,)))
        world.run(2_000)
    late = world.join(world.invited(world.nodes[0]), [citing])
    for _ in range(NEWCOMERS_MAX):
        person = Person(world.rng)
        first, second = (person.enrol(world.community, ms) for ms in (1, 2))
        late.service.core.replica.freeze(fork_proof.check(first, second, world.community))
    world.settle()
    assert late.store.proof(stranger.device)
