"""What members do with old records stops no light home, and takes nothing from it."""

from __future__ import annotations

from functools import partial

import pytest

from commonweal.node.service.consensus import state_sync
from commonweal.node.service.events import Text, Wish
from commonweal.node.transport import GossipMessage, GossipReceived, ValidationResult
from commonweal.protocol import codec
from commonweal.protocol.codec import Value
from commonweal.protocol.records.record import RecordId
from tests.sim.consensus.test_light_homes import give, is_member, lighten, seal
from tests.sim.consensus.test_seals import until
from tests.sim.consensus.test_state_sync import sealed
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
    salt, media_type, content = codec.decode(text)  # type: ignore[misc]
    quantity: dict[str, Value] = {"n": 1, "scale": 0, "unit": "hour"}
    provider = bytes(hostile.person.inception.member)
    data: dict[str, Value] = {"action": "work", "effortQuantity": quantity, "provider": provider}
    named = Wish("event", data, (), Text(str(media_type), bytes(content), salt=bytes(salt)))
    theirs = hostile.store.record(write(world, hostile, named))
    assert theirs is not None and theirs.body == mine.body
    give(world, hostile, 2)
    world.run(3_000)
    seal(world, 6)
    until(world, lambda: light.store.wire(theirs.id) is None, 90_000, "nothing is dropped")
    assert light.store.body(mine.body.hash) == text
