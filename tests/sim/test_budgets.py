"""What one member writes fills nobody's disk: documents that say nothing, and void branches."""

from __future__ import annotations

import pytest

from commonweal.node import room
from commonweal.protocol import codec, evidence, log, wire
from commonweal.protocol.record import CONTEXT, Draft, Record, RecordId, permanent, sign
from tests.sim.node import Node
from tests.sim.test_byzantine import with_a_liar
from tests.sim.world import World

DOCUMENT_BYTES = 100_000
DOCUMENTS = 40


def of_unknown_kind(world: World, node: Node, before: Record, number: int) -> tuple[bytes, bytes]:
    """Return a record of a kind that nobody knows, whose permanent body is large; and that."""
    body = bytes([number]) * DOCUMENT_BYTES
    ref = permanent(body)
    fields: list[codec.Value] = [CONTEXT, world.community, node.person.device, before.seq + 1]
    fields += [before.id, before.clock + 1, world.community, [], 1, "flood", {}]
    header = codec.encode([*fields, [ref.hash, ref.size, 1]])
    return header + node.person.signer.sign(header), body


def test_records_of_an_unknown_kind_with_permanent_bodies_fill_no_disk() -> None:
    """One member wrote 300 MB to every node in 15 s, in 342 records of an unknown kind."""
    world, node, _ = with_a_liar(1)
    before = {one: one.store.counts() for one in world.honest}
    tip = node.service.desk.replica.row(node.person.device)
    last = node.store.record(tip.head)
    assert last is not None
    for number in range(DOCUMENTS):
        data, body = of_unknown_kind(world, node, last, number)
        run = wire.Run(node.person.device, last.seq + 1, (data,), ((0, body),))
        frame = wire.encode(wire.Runs((run,), 0, asked=False))
        for victim in world.honest:
            world.network.send(node, victim.key, frame)
        world.run(200)
    for victim in world.honest:
        assert victim.store.counts().bodies == before[victim].bodies
        assert victim.store.log(node.person.device).size < DOCUMENT_BYTES
        ended = victim.service.desk.ends[node.key].dropped or ""
        assert "has no permanent body" in ended
    for one in world.honest:
        one.write("honest work")
    world.settle()


def chained(world: World, node: Node, tip: log.Tip, count: int, say: str) -> list[Record]:
    """Return records of a node after `tip`, which nobody has."""
    run = []
    for number in range(count):
        place = log.next_place(world.community, tip, RecordId(world.community), [], 1)
        draft = Draft("event", {"say": f"{say} {number}"}, 1)
        one = sign(node.person.signer, place, draft)
        run.append(one)
        tip = log.Tip(one.seq + 1, one.id, one.clock)
    return run


@pytest.mark.parametrize("limit", ["BRANCH_RECORDS_MAX", "BRANCH_BYTES_MAX"])
def test_void_branches_of_a_frozen_log_have_a_limit(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, node, _ = with_a_liar(2)
    victim = world.nodes[1]
    row = victim.service.desk.replica.row(node.person.device)
    ours, theirs = (chained(world, node, row.tip, 30, say) for say in ("one", "other"))
    size = sum(len(one.wire) for one in ours[:10])
    monkeypatch.setattr(room, limit, 10 if limit == "BRANCH_RECORDS_MAX" else size)
    proof = evidence.check(ours[0], theirs[0], world.community)
    frames: list[wire.Message] = [wire.Evidence((evidence.to_bytes(proof),))]
    frames += [wire.Branch(tuple(one.wire for one in ours))]
    frames += [wire.Branch(tuple(one.wire for one in theirs))]
    for message in frames:
        world.network.send(node, victim.key, wire.encode(message))
        world.run(300)
    assert victim.store.log(node.person.device).frozen == ours[0].seq
    count, kept = victim.store.branch_size(node.person.device)
    assert (count, kept) == (10, size)
    again = wire.encode(wire.Branch(tuple(one.wire for one in ours[:10])))
    world.network.send(node, victim.key, again)
    world.run(300)
    assert victim.store.branch_size(node.person.device) == (count, kept)
    assert victim.store.clock_of(ours[9].id) is not None
    assert victim.store.clock_of(ours[10].id) is None
    for one in world.honest:
        one.write("honest work")
    world.settle()
