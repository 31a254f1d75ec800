"""What members do with old records stops no light home, and takes nothing from it."""

from __future__ import annotations

from functools import partial

import pytest

from commonweal.node.service.consensus import state_sync
from commonweal.node.service.events import Text, Wish
from commonweal.node.service.sync import lookup
from commonweal.node.transport import FrameReceived, GossipMessage, GossipReceived, ValidationResult
from commonweal.protocol import codec
from commonweal.protocol.codec import Value
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.fork_proof import ForkProof
from commonweal.protocol.records.log import Tip, next_position
from commonweal.protocol.records.record import RecordDraft, RecordId, sign
from commonweal.protocol.wire import frame_codec
from commonweal.protocol.wire.messages import Run, Runs
from commonweal.storage.records import light_home
from commonweal.storage.records.logs import row_repair
from tests.sim.consensus.test_light_homes import community, give, is_member, lighten, seal
from tests.sim.consensus.test_seals import until
from tests.sim.consensus.test_state_sync import sealed
from tests.sim.membership.test_log_room import plain
from tests.sim.world.node import Node
from tests.sim.world.world import World


@pytest.fixture(autouse=True)
def _states_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 5_000)


def write(world: World, node: Node, wish: Wish) -> RecordId:
    """Let a member write a record; return its id."""
    ticket = node.submit(wish)
    until(world, lambda: ticket in node.answers, 5_000, "nothing is written")
    id: RecordId = node.answers[ticket]["records"][0]["id"]
    return id


def joined_light(world: World) -> Node:
    """Return a light home of a new member."""
    light = world.join(world.invited(world.nodes[0]), world.nodes[:4])
    lighten(light)
    until(world, partial(is_member, light), 30_000, "the light home is no member")
    return light


def test_an_old_rule_that_is_heard_again_does_not_stop_a_light_home() -> None:
    world = sealed(21, 1, members=4)
    author = world.nodes[1]
    rule = write(world, author, Wish("rules.comment", {"n": 1}))
    give(world, author, 2)
    world.run(2_000)
    seal(world, 2)
    light = joined_light(world)
    give(world, author, 3)
    world.run(2_000)
    seal(world, 6)
    row = partial(light.store.log, author.person.device)
    until(world, lambda: row().base > 2, 60_000, "no base rises")
    record = light.store.record(rule)
    assert record is not None and record.seq < row().base, "a rule stays below the base"
    topic = light.service.topics.announcements.rules_topic
    message = GossipMessage(topic, codec.encode(["rule", record.wire]), author.key, 10**12)
    judged = light.validator.judge(message)
    assert judged.verdict is ValidationResult.ACCEPT
    peer = light.service.core.members()[0].key
    heard = GossipReceived(peer, topic, message.data, judged.content)
    light.service.handle(heard, light.now_ms)
    assert row().frozen is None


def test_a_member_who_names_the_text_of_another_does_not_take_it_away() -> None:
    world = sealed(22, 1, members=4)
    hostile = world.nodes[1]
    light = joined_light(world)
    mine = light.store.record(give(world, light, 3, "of the member of a light home"))
    assert mine is not None and mine.body is not None
    text = light.store.body(mine.body.hash)
    assert text is not None
    world.run(3_000)
    fields = codec.decode(text)
    assert isinstance(fields, list)
    salt, content = fields[0], fields[2]
    assert isinstance(salt, bytes) and isinstance(content, bytes)
    quantity: dict[str, Value] = {"n": 1, "scale": 0, "unit": "hour"}
    provider = bytes(hostile.person.inception.member)
    data: dict[str, Value] = {"action": "work", "effortQuantity": quantity, "provider": provider}
    named = Wish("event", data, (), Text("text/plain", content, salt=salt))
    theirs = hostile.store.record(write(world, hostile, named))
    assert theirs is not None and theirs.body == mine.body
    give(world, hostile, 2)
    world.run(3_000)
    seal(world, 6)
    until(world, lambda: light.store.wire(theirs.id) is None, 90_000, "nothing is dropped")
    assert light.store.body(mine.body.hash) == text


def forked(node: Node, author: Node, at: int) -> ForkProof:
    """Return a proof that an author wrote another record number `at`, which a node can check."""
    device = author.person.device
    before, ours = (node.store.record(_held(node.store.id_at(device, n))) for n in (at - 1, at))
    assert before is not None and ours is not None
    place = next_position(node.community, Tip(at, before.id, before.clock), ours.basis, [], 0)
    draft = RecordDraft("event", {"other": 1}, node.now_ms)
    other = sign(author.person.signer, place, draft)
    return fork_proof.check(ours, other, node.community)


def _held(id: RecordId | None) -> RecordId:
    assert id is not None
    return id


def test_a_log_that_forked_below_a_base_keeps_no_home_light() -> None:
    world, _, light = community(23)
    founder, hostile = world.nodes[:2]
    device = hostile.person.device
    before = founder.store.log(device)
    assert light.store.log(device).base > 2
    founder.service.forks.freeze(forked(founder, hostile, 2))
    founder.store.commit()
    until(world, lambda: light.store.log(device).frozen == 2, 30_000, "the proof does not come")
    lighten(light, None)
    replica = light.service.core.replica
    until(world, lambda: not replica.light.is_light, 120_000, "it stays light")
    until(world, lambda: not light_home.followed(light.store), 60_000, "something is missing")
    assert light.store.wire(before.head) is not None, "what is sealed came back, too"
    for row in founder.store.logs():
        other = light.store.log(row.author)
        assert other._replace(bytes=0, texts=0, checked=0) == row._replace(
            bytes=0, texts=0, checked=0
        )
        wires = [node.store.wires(row.author, 0, row.length, 1 << 20) for node in (founder, light)]
        assert wires[0] == wires[1]
    assert light.store.void(device) == founder.store.void(device) != []
    assert row_repair.repair_rows(light.store, light.community) == {}


def test_a_log_that_forks_while_it_is_fetched_again_ends_no_home() -> None:
    world, _, light = community(24)
    founder, hostile = world.nodes[:2]
    device = hostile.person.device
    wires = founder.store.wires(device, 0, light.store.log(device).base, 1 << 20)
    proof = forked(founder, hostile, 2)
    lighten(light, None)
    refill = light.service.refill

    def is_asked() -> bool:
        part = refill._part
        return part is not None and (part.author, part.stop) == (device, len(wires))

    for _ in range(60_000):  # an answer is here after some ms
        if is_asked():
            break
        world.run(1)
    part = refill._part
    assert part is not None and is_asked()
    light.service.forks.freeze(proof)
    run = Run(device, 0, tuple(wires), ())
    given = frame_codec.encode(Runs((run,), 0, asked=True))
    light.service.handle(FrameReceived(part.peer, given), light.now_ms)
    assert refill._part is not part and part.peer in light.service.core.peers
    replica = light.service.core.replica
    until(world, lambda: not replica.light.is_light, 120_000, "it stays light")


def test_what_one_member_cites_is_fetched_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "CITED_BYTES_MAX", 1)
    monkeypatch.setattr(lookup, "CITED_MS", 20_000)
    world = sealed(25, 1, members=4)
    hostile = world.nodes[1]
    old = [give(world, hostile, 1 + n) for n in range(3)]
    give(world, hostile, 9)
    world.run(2_000)
    seal(world, 2)
    light = joined_light(world)
    seal(world, 5)
    until(world, lambda: not _held_of(light, old), 60_000, "nothing is dropped")
    citing = write(world, hostile, cited(hostile, old))
    until(world, lambda: len(_held_of(light, old)) == 1, 10_000, "nothing is fetched")
    assert light.service.record_lookup._spent.keys() == {hostile.person.inception.member}
    world.run(10_000)
    assert len(_held_of(light, old)) == 1, "more than the budget is fetched"
    until(world, lambda: len(_held_of(light, old)) == 2, lookup.CITED_MS, "nothing more comes")
    until(world, lambda: light.store.wire(citing) is not None, 2 * lookup.CITED_MS, "it waits")
    spent = light.service.record_lookup._spent
    until(world, lambda: not spent, 2 * lookup.CITED_MS, "what was spent is never forgotten")


def cited(node: Node, old: list[RecordId]) -> Wish:
    """Return work that cites old records."""
    quantity: dict[str, Value] = {"n": 1, "scale": 0, "unit": "hour"}
    provider = bytes(node.person.inception.member)
    data: dict[str, Value] = {"action": "work", "effortQuantity": quantity, "provider": provider}
    return Wish("event", data, tuple(sorted(old)))


def _held_of(node: Node, ids: list[RecordId]) -> list[RecordId]:
    return [id for id in ids if node.store.wire(id) is not None]


def test_who_sends_records_that_nobody_signed_has_nothing_looked_up() -> None:
    world, old, light = community(26)
    sender = world.nodes[2]
    row = sender.store.log(sender.person.device)
    basis = sender.service.core.replica.chain.seal
    place = next_position(light.community, row.tip, RecordId(basis), [9], 0)
    draft = RecordDraft("event", {"n": 1}, sender.now_ms, (old,))
    record = sign(sender.person.signer, place, draft)
    forged = record.wire[:-1] + bytes([record.wire[-1] ^ 1])
    service = light.service
    asked: list[RecordId] = []
    service.record_lookup.want = asked.append  # type: ignore[method-assign,assignment]
    for wire in (forged, record.wire):
        frame = frame_codec.encode(
            Runs((Run(row.author, row.length, (wire,), ()),), 0, asked=False)
        )
        service.handle(FrameReceived(sender.key, frame), light.now_ms)
        assert asked == ([] if wire is forged else [old])


def test_what_a_light_home_dropped_of_a_log_takes_no_room_in_it() -> None:
    world, _, light = community(26)
    author = world.nodes[1]
    for number in range(20):
        give(world, author, number + 1)
    replica, key = light.service.core.replica, author.person.device
    length = author.service.core.replica.row(key).length
    until(world, lambda: replica.row(key).length == length, 60_000, "it is behind")
    row, sealed_length = replica.row(key), replica.sealed_length(key)
    assert 0 < row.base <= sealed_length < row.length - sealed_length
    replica.quota.forget()
    assert tuple(replica.quota.left(key)) == plain(light, key)
