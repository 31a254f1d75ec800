"""What one member writes fills nobody's disk: documents that say nothing, and void branches."""

from __future__ import annotations

import pytest

from commonweal.node.service.events import Text, Wish
from commonweal.node.service.replica import quota
from commonweal.node.service.replica.chain import SealChain
from commonweal.protocol import codec
from commonweal.protocol.errors import OverBudget
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.record import (
    CONTEXT,
    Record,
    RecordDraft,
    RecordId,
    permanent_body,
    sign,
)
from commonweal.protocol.vocabulary.budget import DAY_MS, MIB, RECORD_USAGE_MAX
from commonweal.protocol.wire import frame_codec, messages
from tests.builders.budgets import allow, rulesets_are_read_anew  # noqa: F401  a fixture for all here
from tests.sim.replication.test_byzantine import with_a_liar
from tests.sim.world.node import Node
from tests.sim.world.world import World

DOCUMENT_BYTES = 100_000
DOCUMENTS = 40


def of_unknown_kind(world: World, node: Node, before: Record, number: int) -> tuple[bytes, bytes]:
    """Return a record of a kind that nobody knows, whose permanent body is large; and that."""
    body = bytes([number]) * DOCUMENT_BYTES
    ref = permanent_body(body)
    fields: list[codec.Value] = [CONTEXT, world.community, node.person.device, before.seq + 1]
    fields += [before.id, before.clock + 1, world.community, [], 1, "flood", {}]
    header = codec.encode([*fields, [ref.hash, ref.size, 1]])
    return header + node.person.signer.sign(header), body


def test_records_of_an_unknown_kind_with_permanent_bodies_fill_no_disk() -> None:
    """One member wrote 300 MB to every node in 15 s, in 342 records of an unknown kind."""
    world, node, _ = with_a_liar(1)
    before = {one: one.store.counts() for one in world.honest}
    tip = node.service.core.replica.row(node.person.device)
    last = node.store.record(tip.head)
    assert last is not None
    for number in range(DOCUMENTS):
        data, body = of_unknown_kind(world, node, last, number)
        run = messages.Run(node.person.device, last.seq + 1, (data,), ((0, body),))
        frame = frame_codec.encode(messages.Runs((run,), 0, asked=False))
        for victim in world.honest:
            world.network.send(node, victim.key, frame)
        world.run(200)
    for victim in world.honest:
        assert victim.store.counts().bodies == before[victim].bodies
        assert victim.store.log(node.person.device).size < DOCUMENT_BYTES
        ended = victim.service.core.ends[node.key].dropped or ""
        assert "has no permanent body" in ended
    for one in world.honest:
        one.write("honest work")
    world.settle()


def chained(world: World, node: Node, tip: log.Tip, count: int, say: str) -> list[Record]:
    """Return records of a node after `tip`, which nobody has."""
    run = []
    for number in range(count):
        place = log.next_position(world.community, tip, RecordId(world.community), [], 1)
        draft = RecordDraft("event", {"say": f"{say} {number}"}, 1)
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
    row = victim.service.core.replica.row(node.person.device)
    ours, theirs = (chained(world, node, row.tip, 30, say) for say in ("one", "other"))
    size = sum(len(one.wire) for one in ours[:10])
    monkeypatch.setattr(quota, limit, 10 if limit == "BRANCH_RECORDS_MAX" else size)
    proof = fork_proof.check(ours[0], theirs[0], world.community)
    frames: list[messages.Message] = [messages.Evidence((fork_proof.to_bytes(proof),))]
    frames += [messages.Branch(tuple(one.wire for one in ours))]
    frames += [messages.Branch(tuple(one.wire for one in theirs))]
    for message in frames:
        world.network.send(node, victim.key, frame_codec.encode(message))
        world.run(300)
    assert victim.store.log(node.person.device).frozen == ours[0].seq
    count, kept = victim.store.branch_size(node.person.device)
    assert (count, kept) == (10, size)
    again = frame_codec.encode(messages.Branch(tuple(one.wire for one in ours[:10])))
    world.network.send(node, victim.key, again)
    world.run(300)
    assert victim.store.branch_size(node.person.device) == (count, kept)
    assert victim.store.clock_of(ours[9].id) is not None
    assert victim.store.clock_of(ours[10].id) is None
    for one in world.honest:
        one.write("honest work")
    world.settle()


# A member who writes as fast as the line takes.

DAILY = 60
FLOOD = 20


def flooding(
    monkeypatch: pytest.MonkeyPatch, seed: int, size: int = MIB
) -> tuple[World, Node, list[Node]]:
    """Return a community that seals and has small budgets, with one whose own are without end."""
    allow(monkeypatch, DAILY, new=DAILY, size=size)
    world = World(seed, seals=True)
    world.grow(4)
    for _ in range(30):
        if all(chain(node).height for node in world.nodes):
            break
        world.run(10_000)
    flooder = world.nodes[3]
    without_end(monkeypatch, flooder)
    return world, flooder, world.nodes[:3]


def without_end(monkeypatch: pytest.MonkeyPatch, node: Node) -> None:
    """Let a node keep and write whatever it likes."""
    monkeypatch.setattr(node.service.core.replica.quota, "fitting", lambda _, run: len(run))
    monkeypatch.setattr(node.service.core.replica.quota, "waits", lambda _: False)


def chain(node: Node) -> SealChain:
    return node.service.reactor.chain


def above(node: Node, author: DeviceKey) -> int:
    """Return how many records of a log a node keeps that no seal covers."""
    replica = node.service.core.replica
    return replica.row(author).length - replica.sealed_length(author)


def test_what_goes_beyond_a_budget_waits_and_is_lost_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, flooder, others = flooding(monkeypatch, 5)
    device = flooder.person.device
    for _ in range(FLOOD):
        flooder.submit(*[Wish("event", {"action": "work", "pad": "x" * 400})] * 30)
        world.run(500)
        others[0].write("honest work")
    mine = flooder.service.core.replica.row(device).length
    assert mine >= 30 * FLOOD
    world.run(20_000)
    for node in others:
        replica = node.service.core.replica
        assert 0 < above(node, device) <= DAILY, "what is kept before a seal has a bound"
        assert replica.row(device).length < mine
        for other in others:
            row = other.service.core.replica.row(other.person.device)
            assert replica.row(other.person.device).length == row.length
        assert flooder.key in node.service.core.peers, "who waits is no enemy"
    before = world.network.sent.copy()
    world.run(60_000)
    again = sum(world.network.sent.values()) - sum(before.values())
    assert again < 400_000, "what waits is not asked for again and again"


def test_a_bounded_member_is_sealed_day_by_day_and_all_agree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, flooder, others = flooding(monkeypatch, 6)
    device = flooder.person.device
    for _ in range(10):
        flooder.submit(*[Wish("event", {"action": "work"})] * 30)
        world.run(300)
    mine = flooder.service.core.replica.row(device).length
    held = [node.service.core.replica.row(device).length for node in others]
    for day in range(1, 10):
        for node in world.nodes:
            node.shift(DAY_MS)
        world.run(120_000)
        for node in others:
            more = node.service.core.replica.row(device).length
            assert more <= max(held) + (day + 1) * (DAILY + 1)
    world.settle()
    for node in others:
        assert node.service.core.replica.row(device).length == mine
    late = world.join(world.invited(others[0]), [others[1]])
    world.settle()
    assert late.service.core.replica.row(device).length == mine, "what is sealed is always taken"


def test_the_disk_of_a_node_is_bounded_by_members_budgets_and_days(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two of four write ten times as many bytes as the days allow."""
    daily = 64 * 1024
    world, flooder, others = flooding(monkeypatch, 7, size=daily)
    flooders, honest = (flooder, others[2]), others[:2]
    without_end(monkeypatch, others[2])
    begun = {node: node.store.log(node.person.device).size for node in world.nodes}
    for _ in range(20):
        for node in flooders:
            node.submit(*[Wish("event", {"action": "work", "pad": "x" * 12_000})] * 10)
        world.run(300)
    for day in range(4):
        most = (day + 2) * (daily + RECORD_USAGE_MAX.bytes)
        for node in honest:
            kept = [node.store.log(one.person.device).size - begun[one] for one in world.nodes]
            assert max(kept) <= most
            assert sum(kept) <= len(world.nodes) * most
        for node in world.nodes:
            node.shift(DAY_MS)
        world.run(120_000)
    for node in flooders:
        assert node.store.log(node.person.device).size > 10 * daily, "more was written"
        assert honest[0].store.log(node.person.device).size > 2 * daily, "days let it through"


def test_the_own_node_refuses_what_others_would_not_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, DAILY)
    world = World(7)
    world.grow(2)
    node = world.nodes[1]
    tickets = [node.submit(*[Wish("event", {"action": "work"})] * 20) for _ in range(5)]
    world.run(2_000)
    answers = [node.answers.get(ticket) for ticket in tickets]
    assert [isinstance(one, OverBudget) for one in answers].count(True) >= 2
    assert isinstance(answers[0], dict)
    refused = next(one for one in answers if isinstance(one, OverBudget))
    assert refused.exit_code == 75 and "wait for a seal" in str(refused)
    world.settle()


def test_a_record_that_is_too_large_for_what_is_left_is_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not all of the window is used then, and yet nothing more of the log is wanted."""
    small = allow(monkeypatch, DAILY)
    tight = small._replace(daily=small.daily._replace(texts=100_000))
    monkeypatch.setattr(quota, "DEFAULT_BUDGET", tight)
    world = World(8)
    for node in world.nodes:
        node.service.core.replica.quota.budget = tight
    world.grow(3)
    writer, reader = world.nodes[1:]
    for node in world.nodes:
        node.service.core.replica.quota.budget = tight
    monkeypatch.setattr(writer.service.core.replica.quota, "fitting", lambda _, run: len(run))
    for _ in range(4):
        writer.submit(Wish("event", {}, (), Text("text/plain", bytes(40_000))))
        world.run(200)
    device = writer.person.device
    world.run(20_000)
    held = reader.service.core.replica.row(device)
    assert held.texts <= 100_000 and held.length < writer.service.core.replica.row(device).length
    asked = [key for key in world.network.sent if key[2] == "fetch"]
    before = sum(world.network.sent[key] for key in asked)
    world.run(60_000)
    assert sum(world.network.sent[key] for key in asked) - before < 1_000
