"""A vote is verified once, whichever ways it comes: by gossip, by stream, in a certificate."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from commonweal.node.service.events import Committed
from commonweal.node.service.sync import announce
from commonweal.node.transport import (
    FrameReceived,
    GossipMessage,
    GossipReceived,
    ValidationResult,
)
from commonweal.protocol import keys
from commonweal.protocol.errors import BadSignature
from commonweal.protocol.seal.consensus.messages import message_to_bytes
from commonweal.protocol.seal.votes import (
    Certificate,
    SealId,
    Step,
    Vote,
    certify,
    check_certificate,
    sign_vote,
    vote_from_bytes,
    vote_to_bytes,
)
from commonweal.protocol.wire import frame_codec, seals
from tests.sim.consensus.test_seals import chain, council
from tests.sim.world.node import Node

SEAL = SealId(b"\x07" * 32)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> Counter[bytes]:
    """How often the signature of a vote was verified."""
    counts: Counter[bytes] = Counter()
    check = keys.check_array

    def counted(key: bytes, signature: bytes, context: Any, *fields: Any) -> None:
        if context == keys.VOTE_CONTEXT:
            counts[signature] += 1
        check(key, signature, context, *fields)

    monkeypatch.setattr(keys, "check_array", counted)
    return counts


def by_gossip(node: Node, origin: Node, message: Vote | Certificate, number: int) -> None:
    """Let a node hear from gossip what another one published."""
    topic, data = announce.topic(node.community, announce.SEALS), message_to_bytes(message)
    judged = node.validator.judge(GossipMessage(topic, data, origin.key, number))
    assert judged.verdict is ValidationResult.ACCEPT
    node.service.handle(GossipReceived(origin.key, topic, data, judged.content), node.now_ms)


def by_stream(node: Node, origin: Node, message: Vote | Certificate) -> None:
    """Let a node hear from a stream what another one sent."""
    frame = frame_codec.encode(seals.ConsensusMessage(message_to_bytes(message)))
    node.service.handle(FrameReceived(origin.key, frame), node.now_ms)
    node.service.handle(Committed(), node.now_ms)


@pytest.mark.parametrize("first", ["gossip", "stream"])
def test_a_vote_is_verified_once(first: str, verified: Counter[bytes]) -> None:
    world = council(61 if first == "gossip" else 62)
    node, others = world.nodes[0], world.nodes[1:]
    place = (world.community, chain(node).height + 1, 0, Step.PRECOMMIT, SEAL)
    votes = {other: sign_vote(other.person.signer, *place) for other in others}
    verified.clear()
    for number, (other, vote) in enumerate(votes.items(), 1 << 40):
        if first == "stream":
            by_stream(node, other, vote)
        by_gossip(node, other, vote, number)
        by_stream(node, other, vote)
    by_gossip(node, others[0], certify(votes.values(), 3), 1 << 41)
    by_stream(node, others[1], certify(votes.values(), 3))
    assert verified == {vote.signature: 1 for vote in votes.values()}


def test_a_bad_vote_is_refused_each_time(verified: Counter[bytes]) -> None:
    world = council(63)
    signer = world.nodes[1].person.signer
    good = sign_vote(signer, world.community, 9, 0, Step.PRECOMMIT, SEAL)
    assert vote_from_bytes(vote_to_bytes(good), world.community) == good
    verified.clear()
    for bad in (replace(good, round=1), replace(good, signature=bytes(64))):
        for _ in range(2):
            with pytest.raises(BadSignature):
                vote_from_bytes(vote_to_bytes(bad), world.community)
    assert sum(verified.values()) == 4
    forged = Certificate(9, 1, SEAL, ((good.device, good.signature),))
    with pytest.raises(BadSignature):
        check_certificate(forged, world.community, [good.device])
