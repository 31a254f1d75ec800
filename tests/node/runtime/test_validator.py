"""The validator of gossip at its limits: what is passed on, let go, or held against a forwarder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commonweal.node.runtime import gossip_validator
from commonweal.node.runtime.gossip_validator import Validator
from commonweal.node.service.replica.roster import Roster
from commonweal.node.service.sync import announce
from commonweal.node.transport import GossipMessage, ValidationResult
from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.consensus.messages import message_to_bytes
from commonweal.protocol.seal.have_frontiers import sign_have
from commonweal.protocol.seal.votes import SealId, Step, Vote, certify, sign_vote
from tests.protocol.authors import BO, COMMUNITY, EVE, FIRST, MEI, OTHER_COMMUNITY, Author, write

ACCEPT, IGNORE, REJECT = ValidationResult.ACCEPT, ValidationResult.IGNORE, ValidationResult.REJECT
HEIGHT = 7
SEAL, OTHER = SealId(bytes([5]) * 32), SealId(bytes([6]) * 32)
STRANGER = Author("nobody")
ROSTER = Roster(
    COMMUNITY,
    {one.peer: one.device for one in (MEI, BO, EVE)},
    {one.device: one.id for one in (MEI, BO, EVE)},
    frozenset((MEI.device, BO.device)),
    frozenset((MEI.device, BO.device, EVE.device)),
    HEIGHT,
    SEAL,
    {HEIGHT: (MEI.device,), HEIGHT + 1: (MEI.device,)},
    frozenset((BO.device,)),
)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Stage:
    """A validator that knows three members: one witnesses and one is a candidate."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.validator = Validator(self.clock)
        self.validator.recognise(ROSTER)
        self.number = 1 << 40

    def judge(self, origin: Author, topic: str, data: bytes, number: int = 0) -> ValidationResult:
        self.number += 1
        name = announce.topic(COMMUNITY, topic)
        said = GossipMessage(name, data, origin.peer, number or self.number)
        return self.validator.judge(said).verdict

    def heads(self, origin: Author, *pairs: tuple[bytes, int], number: int = 0) -> ValidationResult:
        data = codec.encode(["heads", [[author, length] for author, length in pairs]])
        return self.judge(origin, announce.HEADS, data, number)

    def said(self, origin: Author, message: Message) -> ValidationResult:
        return self.judge(origin, announce.SEALS, message_to_bytes(message))


def vote(author: Author, height: int = HEIGHT + 1, seal: SealId = OTHER, round_: int = 0) -> Vote:
    return sign_vote(author.signer, COMMUNITY, height, round_, Step.PRECOMMIT, seal)


def test_nothing_is_taken_before_there_is_a_roster() -> None:
    stage = Stage()
    stage.validator = Validator(stage.clock)
    assert stage.heads(MEI, (MEI.device, 1)) is IGNORE


def test_only_members_publish() -> None:
    stage = Stage()
    assert stage.heads(MEI, (MEI.device, 1)) is ACCEPT
    assert stage.heads(STRANGER, (MEI.device, 2)) is IGNORE


def test_heads_name_only_logs_that_are_known() -> None:
    stage = Stage()
    assert stage.heads(MEI, (MEI.device, 1), (STRANGER.device, 1)) is IGNORE
    assert stage.judge(MEI, announce.HEADS, b"junk") is REJECT


@pytest.mark.parametrize(
    ("author", "kind", "community", "verdict"),
    [
        (MEI, "rules.vote", COMMUNITY, ACCEPT),
        (BO, "rules.vote", COMMUNITY, REJECT),
        (MEI, "event", COMMUNITY, REJECT),
        (MEI, "rules.vote", OTHER_COMMUNITY, REJECT),
    ],
)
def test_a_rule_is_its_publishers(
    author: Author, kind: str, community: bytes, verdict: ValidationResult
) -> None:
    record = write(author, FIRST, kind=kind, community=COMMUNITY.__class__(community))
    data = codec.encode(["rule", record.wire])
    assert Stage().judge(MEI, announce.RULES, data) is verdict
    assert Stage().judge(MEI, announce.RULES, data[:-1] + bytes([data[-1] ^ 1])) is REJECT


def test_a_rule_of_a_log_that_ended_is_not_passed_on() -> None:
    record = write(EVE, FIRST, kind="rules.vote")
    assert Stage().judge(EVE, announce.RULES, codec.encode(["rule", record.wire])) is IGNORE


@pytest.mark.parametrize(
    ("origin", "message", "verdict"),
    [
        (MEI, vote(MEI), ACCEPT),
        (MEI, vote(MEI, HEIGHT + 2), ACCEPT),
        (MEI, vote(MEI, HEIGHT), IGNORE),
        (MEI, vote(MEI, HEIGHT + 3), IGNORE),
        (BO, vote(BO), IGNORE),  # a candidate's word counts only where it may be seated
        (BO, vote(BO, HEIGHT + 2), ACCEPT),
        (EVE, vote(EVE), IGNORE),
        (EVE, vote(EVE, HEIGHT + 2), IGNORE),
        (BO, vote(MEI), REJECT),
        (MEI, vote(STRANGER), REJECT),
        (MEI, replace(vote(MEI), signature=bytes(64)), REJECT),
        (BO, sign_have(BO.signer, COMMUNITY, HEIGHT + 1, SEAL, ()), ACCEPT),
        (BO, sign_have(BO.signer, COMMUNITY, HEIGHT + 1, OTHER, ()), IGNORE),
        (BO, sign_have(BO.signer, COMMUNITY, HEIGHT + 2, OTHER, ()), ACCEPT),
        (EVE, sign_have(EVE.signer, COMMUNITY, HEIGHT + 1, SEAL, ()), IGNORE),
        (EVE, certify([vote(MEI)], 1), ACCEPT),
        (EVE, certify([vote(MEI, HEIGHT, SEAL)], 1), IGNORE),
        (EVE, certify([vote(MEI, HEIGHT, OTHER)], 1), ACCEPT),  # finality forked: all must see it
        (EVE, certify([vote(MEI, HEIGHT - 1)], 1), IGNORE),
        (EVE, certify([vote(BO)], 1), IGNORE),  # the forwarder may know another set
        (EVE, certify([replace(vote(MEI), signature=bytes(64))], 1), REJECT),
    ],
)
def test_a_witness_is_heard_as_far_as_its_word_may_count(
    origin: Author, message: Message, verdict: ValidationResult
) -> None:
    assert Stage().said(origin, message) is verdict


def test_one_content_is_passed_on_once() -> None:
    stage = Stage()
    for verdict in (ACCEPT, IGNORE):
        assert stage.heads(MEI, (MEI.device, 1)) is verdict
        assert stage.said(MEI, vote(MEI)) is verdict
        assert stage.said(EVE, certify([vote(MEI)], 1)) is verdict
    nil = vote(MEI, seal=SealId(b""))
    assert stage.said(MEI, replace(nil, reason="late")) is ACCEPT
    assert stage.said(MEI, replace(nil, reason="later")) is IGNORE, "nobody signed the reason"
    assert stage.said(BO, certify([vote(MEI, round_=1)], 1)) is IGNORE, "of that height and seal"


def test_messages_overtake_each_other_within_a_limit() -> None:
    stage = Stage()
    last, limit = 1 << 41, gossip_validator.OVERTAKING_MAX
    assert stage.heads(MEI, (MEI.device, 1), number=last) is ACCEPT
    assert stage.heads(MEI, (MEI.device, 2), number=last - limit + 1) is ACCEPT
    assert stage.heads(MEI, (MEI.device, 3), number=last - limit) is IGNORE


def test_what_one_publisher_said_is_remembered_within_a_limit() -> None:
    stage = Stage()
    for number in range(gossip_validator.CONTENTS_MAX):
        assert stage.heads(MEI, (MEI.device, number)) is ACCEPT
    assert stage.heads(MEI, (MEI.device, 0)) is IGNORE
    stage.clock.now_s += 1
    assert stage.heads(MEI, (MEI.device, 1 << 20)) is ACCEPT
    assert len(stage.validator._publishers[MEI.peer].recent) == gossip_validator.CONTENTS_MAX


def test_a_member_has_one_budget_for_all_its_nodes() -> None:
    stage = Stage()
    second = PeerKey(bytes([9]) * 32)
    two = {**ROSTER.origins, second: DeviceKey(bytes([9]) * 32)}
    members = {**ROSTER.members, DeviceKey(bytes([9]) * 32): MEI.id}
    stage.validator.recognise(replace(ROSTER, origins=two, members=members))
    spent, verdict, data = 0, ACCEPT, b""
    for number in range(1, 10_000):
        data = codec.encode(["heads", [[MEI.device, number]]])
        origin = second if number % 2 else MEI.peer
        topic = announce.topic(COMMUNITY, announce.HEADS)
        verdict = stage.validator.judge(GossipMessage(topic, data, origin, number)).verdict
        if verdict is IGNORE:
            break
        spent += len(data) + gossip_validator.MESSAGE_BYTES
    assert verdict is IGNORE, "there is no end to it"
    assert (
        spent
        <= gossip_validator.ORIGIN_BYTES_BURST
        < spent + len(data) + gossip_validator.MESSAGE_BYTES
    )
    assert stage.heads(BO, (MEI.device, 1)) is ACCEPT, "others have budgets of their own"
    stage.clock.now_s += 1
    burst = gossip_validator.ORIGIN_BYTES_PER_S // (len(data) + gossip_validator.MESSAGE_BYTES)
    heard = [stage.heads(MEI, (MEI.device, 1 << 40 | n)) for n in range(2 * burst)]
    assert burst - 1 <= heard.count(ACCEPT) <= burst + 1


def test_publishers_that_left_or_were_long_silent_are_forgotten() -> None:
    stage = Stage()
    for author in (MEI, BO):
        assert stage.heads(author, (MEI.device, 1)) is ACCEPT
    stage.clock.now_s += gossip_validator.IDLE_S
    assert stage.heads(BO, (MEI.device, 2)) is ACCEPT
    stage.clock.now_s += 1
    stage.validator.recognise(ROSTER)
    assert list(stage.validator._publishers) == [BO.peer]
    assert list(stage.validator._budgets) == [BO.id]
