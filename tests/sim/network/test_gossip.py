"""A member publishes whatever it likes: what others pass on, what it costs them, who is blamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from commonweal.node.service.events import Wish
from commonweal.node.service.sync import announce
from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records import record
from commonweal.protocol.records.record import LogPosition, Record, RecordDraft, RecordId
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.consensus.messages import message_to_bytes
from commonweal.protocol.seal.have_frontiers import sign_have
from commonweal.protocol.seal.votes import NIL, Certificate, SealId, Step, sign_vote
from tests.sim.consensus.test_seals import council
from tests.sim.world.node import Node
from tests.sim.world.weather import CALM
from tests.sim.world.world import World

TIMES = 40
"""How often each attack is published."""

Said = Iterator[tuple[str, bytes]]


class Stage:
    """A community that seals, and a member of it in hostile hands, with a seat or without."""

    def __init__(self, seed: int, *, seated: bool = False) -> None:
        self.world = council(seed, 4, 2)
        self.world.settle()
        self.world.network.weather = replace(CALM, gossip_loss=0.0)
        self.eve: Node = self.world.nodes[3 if seated else -1]
        self.eve.is_honest = False
        self.topic = {
            name: announce.topic(self.world.community, name)
            for name in (announce.HEADS, announce.RULES, announce.SEALS)
        }
        self.published: dict[bytes, None] = {}
        self.height = self.world.nodes[0].service.core.replica.chain.height
        self.seal = self.world.nodes[0].service.core.replica.chain.seal

    @property
    def honest(self) -> list[Node]:
        return self.world.honest

    def forwarded(self) -> int:
        """Bytes of what Eve published that honest nodes sent."""
        return sum(len(data) * self.passed_on(data) for data in self.published)

    def passed_on(self, data: bytes) -> int:
        """How often honest nodes sent one content."""
        return sum(self.world.network.gossiped[node.key, data] for node in self.honest)

    def links(self) -> list[tuple[object, object]]:
        """The pairs of nodes that are linked."""
        ends = [(end.owner.key, end.peer) for end in self.world.network.links()]
        return sorted((min(pair), max(pair)) for pair in ends)

    def publish(self, topic: str, data: bytes) -> None:
        """Let Eve publish to one neighbour alone: the others hear only what that one passes on."""
        network, (_, *others) = self.world.network, self.eve.ends
        self.published[data] = None
        network.blocked = {(self.eve.key, peer): None for peer in others}
        network.publish(self.eve, topic, data)
        network.blocked = {}

    def rule(
        self,
        number: int,
        signer: Signer | None = None,
        kind: str = "rules.vote",
        *,
        after: Record | None = None,
        clock: int = 0,
        deps: tuple[RecordId, ...] = (),
        community: bytes = b"",
    ) -> tuple[str, bytes]:
        """A record about rules after the last of Eve's log, in gossip."""
        replica = self.world.nodes[0].service.core.replica
        tip = replica.tip(self.eve.person.device)
        place = LogPosition(
            record.CommunityId(community or self.world.community),
            tip.length if after is None else after.seq + 1,
            tip.head if after is None else after.id,
            clock or max(tip.clock, replica.clock_of(RecordId(self.seal)) or 0) + 1,
            RecordId(self.seal),
        )
        draft = RecordDraft(kind, {"n": number}, self.world.agenda.now_ms, deps)
        made = record.sign(signer or self.eve.person.signer, place, draft)
        return self.topic[announce.RULES], codec.encode(["rule", made.wire])

    def said(self, message: Message) -> tuple[str, bytes]:
        return self.topic[announce.SEALS], message_to_bytes(message)

    def heads(self, *pairs: tuple[bytes, int]) -> tuple[str, bytes]:
        data = codec.encode(["heads", [[author, length] for author, length in pairs]])
        return self.topic[announce.HEADS], data


def stranger(number: int) -> Signer:
    return Signer(number.to_bytes(32, "big"))


def rules_of_strangers(stage: Stage) -> Said:
    for number in range(TIMES):
        yield stage.rule(number, stranger(number + 1))


def rules_of_others(stage: Stage) -> Said:
    """What another member signed, which only that member has cause to publish."""
    for number in range(TIMES):
        yield stage.rule(number, stage.world.nodes[1].person.signer)


def rules_of_another_community(stage: Stage) -> Said:
    for number in range(TIMES):
        yield stage.rule(number, community=bytes([number + 1]) * 32)


def rules_badly_signed(stage: Stage) -> Said:
    for number in range(TIMES):
        topic, data = stage.rule(number)
        yield topic, data[:-1] + bytes([data[-1] ^ 1])


def records_that_are_no_rules(stage: Stage) -> Said:
    for number in range(TIMES):
        yield stage.rule(number, kind="event")


def votes_of_strangers(stage: Stage) -> Said:
    for number in range(TIMES):
        place = (stage.height + 1, 0, Step.PREVOTE, SealId(bytes(32)))
        yield stage.said(sign_vote(stranger(number + 1), stage.world.community, *place))


def haves_of_strangers(stage: Stage) -> Said:
    for number in range(TIMES):
        place = (stage.world.community, stage.height + 1, stage.seal)
        yield stage.said(sign_have(stranger(number + 1), *place, ()))


def votes_of_no_witness(stage: Stage) -> Said:
    for number in range(TIMES):
        place = (stage.height + 1, number, Step.PREVOTE, SealId(bytes(32)))
        yield stage.said(sign_vote(stage.eve.person.signer, stage.world.community, *place))


def certificates_of_nobody(stage: Stage) -> Said:
    for number in range(TIMES):
        signatures = tuple((DeviceKey(bytes([n]) * 32), bytes(64)) for n in range(1, 4))
        seal = SealId(bytes([number]) * 32)
        yield stage.said(Certificate(stage.height + 1, 0, seal, signatures))


def invented_logs(stage: Stage) -> Said:
    known = stage.world.nodes[0].person.device
    for number in range(TIMES):
        yield stage.heads((known, number), (stranger(number).key, 7))


def what_is_no_message(stage: Stage) -> Said:
    for number in range(TIMES):
        for topic in stage.topic.values():
            yield topic, bytes([number]) * 20


UNJUSTIFIED: tuple[Callable[[Stage], Said], ...] = (
    rules_of_strangers,
    rules_of_others,
    rules_of_another_community,
    rules_badly_signed,
    records_that_are_no_rules,
    votes_of_strangers,
    haves_of_strangers,
    votes_of_no_witness,
    certificates_of_nobody,
    invented_logs,
    what_is_no_message,
)


def test_what_is_unjustified_is_passed_on_by_nobody() -> None:
    stage = Stage(1)
    for attack in UNJUSTIFIED:
        before, links = stage.forwarded(), stage.links()
        for topic, data in attack(stage):
            stage.publish(topic, data)
        stage.world.run(200)
        assert stage.forwarded() == before, attack.__name__
        assert stage.links() == links, attack.__name__
    assert not any(stage.world.network.refused[one.key] for one in stage.honest)
    assert stage.world.network.refused[stage.eve.key], "who publishes what is false answers for it"


def rules_with_a_wrong_clock(stage: Stage) -> Said:
    yield stage.rule(1, clock=1 << 40)


def rules_that_cite_what_nobody_has(stage: Stage) -> Said:
    for number in range(4):
        yield stage.rule(number, deps=(RecordId(bytes([number + 1]) * 32),))


def rules_after_a_gap(stage: Stage) -> Said:
    first = record.from_bytes(announce.read_rule(stage.rule(1)[1]))
    yield stage.rule(2, after=first, clock=first.clock + 1)


def rules_that_contradict_each_other(stage: Stage) -> Said:
    for number in range(4):
        yield stage.rule(number)


def logs_that_are_longer_than_any(stage: Stage) -> Said:
    for node in stage.world.nodes:
        yield stage.heads((node.person.device, (1 << 62) + node.number))


ACCEPTED: tuple[Callable[[Stage], Said], ...] = (
    logs_that_are_longer_than_any,
    rules_with_a_wrong_clock,
    rules_that_cite_what_nobody_has,
    rules_after_a_gap,
    rules_that_contradict_each_other,
)


def test_what_is_passed_on_costs_nobody_a_link() -> None:
    stage = Stage(2)
    for attack in ACCEPTED:
        before, links = stage.forwarded(), stage.links()
        for topic, data in attack(stage):
            stage.publish(topic, data)
        stage.world.run(3_000)  # the world breaks where the honest drop each other
        assert stage.forwarded() > before, f"{attack.__name__} was not even passed on"
        assert stage.links() == links, attack.__name__
    stage.world.settle()
    for node in stage.honest:
        assert node.store.proof(stage.eve.person.device), "it contradicted itself"


def test_a_hostile_witness_costs_nobody_a_link() -> None:
    """Votes for what is not there, for every round, twice, and for heights to come."""
    stage = Stage(3, seated=True)
    signer, community, links = stage.eve.person.signer, stage.world.community, stage.links()
    for number in range(5):
        for ahead in (1, 2):
            height, seal = stage.height + ahead, SealId(bytes([number]) * 32)
            vote = sign_vote(signer, community, height, number, Step.PRECOMMIT, seal)
            again = sign_vote(signer, community, height, number, Step.PRECOMMIT, NIL)
            have = sign_have(signer, community, height, stage.seal, ())
            for message in (vote, again, have):
                stage.publish(*stage.said(message))
    stage.world.run(3_000)
    assert all(stage.passed_on(data) for data in stage.published)
    assert stage.links() == links
    stage.world.watch()


def test_one_content_is_passed_on_once_however_often_it_is_wrapped() -> None:
    stage = Stage(4)
    topic, data = stage.heads((stage.eve.person.device, 1 << 40))
    stage.publish(topic, data)
    stage.world.run(200)
    once = stage.forwarded()
    assert once > 0
    for _ in range(TIMES):
        stage.publish(topic, data)
        stage.world.run(200)
    assert stage.forwarded() == once


def test_what_a_member_publishes_without_end_has_a_budget() -> None:
    """As bytes that four honest nodes send for each byte that a hostile member publishes."""
    stage = Stage(5)
    before, published = stage.forwarded(), 0
    for number in range(2_000):
        topic, data = stage.heads(*((one.person.device, number) for one in stage.world.nodes))
        published += len(data)
        stage.publish(topic, data)
        if number % 200 == 0:
            stage.world.run(200)
    assert stage.forwarded() - before < published, "honest nodes amplify it"


def test_a_rule_reaches_all_by_gossip_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(6)
    world.grow(5)
    world.settle()
    world.network.weather = replace(CALM, gossip_loss=0.0)
    writer = world.nodes[1]
    for node in world.nodes:
        monkeypatch.setattr(node.service.push, "spread", dict)
        monkeypatch.setattr(node.service.anti_entropy, "begin", lambda _session: None)
    (made,) = writer.service.writer.submit((Wish("rules.vote", {"n": 1}),))
    writer.store.commit()
    data = codec.encode(["rule", made.wire])
    world.network.publish(writer, writer.service.topics.announcements.rules_topic, data)
    world.run(500)
    assert all(node.store.clock_of(made.id) for node in world.nodes)
