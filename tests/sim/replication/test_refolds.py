"""What is not kept of a frame costs a fold of the whole ledger, which nobody can ask for often."""

from __future__ import annotations

import pytest

from commonweal.protocol.records import log, record
from commonweal.protocol.records.record import Record, RecordDraft, RecordId, sign
from commonweal.protocol.wire import frame_codec, messages
from tests.sim.replication.test_byzantine import with_a_liar
from tests.sim.world.node import Node, Person
from tests.sim.world.world import World

FRAMES = 40


def after(world: World, person: Person, before: Record, draft: RecordDraft) -> Record:
    """The next record of a person."""
    tip = log.Tip(before.seq + 1, before.id, before.clock)
    place = log.next_position(world.community, tip, RecordId(world.community), [], 1)
    return sign(person.signer, place, draft)


def beyond_the_quota(world: World, _node: Node) -> messages.Run:
    """Six records of a device that was never admitted."""
    person = Person(world.rng)
    records = [person.enrol(world.community, 1)]
    for number in range(5):
        draft = RecordDraft("spec.resource", {"name": str(number)}, 1)
        records.append(after(world, person, records[-1], draft))
    return messages.Run(person.device, 0, tuple(one.wire for one in records))


def without_its_document(world: World, node: Node) -> messages.Run:
    """The next record of a member, which names a document that does not come along."""
    replica = node.service.core.replica
    held = replica.row(node.person.device)
    before = replica.store.record(held.head)
    assert before is not None
    ref = record.permanent_body(world.rng.randbytes(500))
    one = after(world, node.person, before, RecordDraft("rules.propose", {}, 1, (), ref))
    return messages.Run(node.person.device, held.length, (one.wire,))


@pytest.mark.parametrize("make", [beyond_the_quota, without_its_document])
def test_frames_of_which_not_all_is_kept_do_not_fold_the_ledger_each_time(make) -> None:  # type: ignore[no-untyped-def]
    world, node, _ = with_a_liar(6)
    victim = world.nodes[1]
    folds = 0
    replica = victim.service.core.replica
    refold = replica.refold

    def counted() -> None:
        nonlocal folds
        folds += 1
        refold()

    replica.refold = counted  # type: ignore[method-assign]
    for _ in range(FRAMES):
        run = make(world, node)
        frame = frame_codec.encode(messages.Runs((run,), 0, asked=False))
        world.network.send(node, victim.key, frame)
        world.run(50)
    assert folds <= 4
    assert victim.key in node.ends, "and it is no fault"
    world.run(5_000)
    invite = world.invited(world.nodes[0])
    world.join(invite, [world.nodes[1]])
    world.settle()
