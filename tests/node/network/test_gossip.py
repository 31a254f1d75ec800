"""Four nodes in a line over libp2p, the first in hostile hands: what the second passes on."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import trio
from libp2p.custom_types import TProtocol
from libp2p.pubsub.pb import rpc_pb2

from commonweal.node.network.channel.noise import peer_id
from commonweal.node.network.gossip.gossip import MESHSUB
from commonweal.node.runtime.gossip_validator import Validator
from commonweal.node.service.replica.roster import Roster
from commonweal.node.service.sync import announce
from commonweal.node.transport import Disconnected, GossipReceived
from commonweal.protocol import codec
from commonweal.protocol.keys import PeerKey, Signer
from commonweal.protocol.seal.consensus.messages import message_to_bytes
from commonweal.protocol.seal.have_frontiers import sign_have
from commonweal.protocol.seal.votes import SealId, Step, sign_vote
from tests.builders.link_pairs import PATIENCE_S, End, heard, running
from tests.node.network.test_floods import say
from tests.protocol.authors import BO, COMMUNITY, EVE, FIRST, MEI, Author, write

HEIGHT, SEAL = 7, SealId(bytes([5]) * 32)
TIMES = 30
PAUSE_S = 0.02
TOPICS = {
    name: announce.topic(COMMUNITY, name)
    for name in (announce.HEADS, announce.RULES, announce.SEALS)
}
AUTHORS = (EVE, MEI, BO, Author("Cy"))


_lengths = itertools.count(1)


class Judge(End):
    """An end that judges as a node does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.validator = Validator(time.monotonic)
        self.network._gossip._validate = self.validator.judge

    def recognise(self, ends: list[End]) -> None:
        pairs = list(zip(ends, AUTHORS, strict=True))
        members = {author.device: author.id for _, author in pairs}
        everybody = frozenset(members)
        witnesses = (MEI.device, BO.device)
        self.validator.recognise(
            Roster(
                COMMUNITY,
                {PeerKey(end.key): author.device for end, author in pairs},
                members,
                authors=everybody,
                logs=everybody,
                height=HEIGHT,
                seal=SEAL,
                witnesses={HEIGHT + 1: witnesses},
                candidates=frozenset(),
            )
        )


@asynccontextmanager
async def line() -> AsyncIterator[tuple[End, Judge, Judge, Judge]]:
    """Eve - Mei - Bo - Cy, each linked to the next, when gossip goes from Mei to Cy."""
    eve, *honest = End(1), Judge(2), Judge(3), Judge(4)
    ends = [eve, *honest]
    for end in ends:
        end.network.subscribe(list(TOPICS.values()))
    for judge in honest:
        judge.recognise(ends)
    async with running(*ends):
        for one, two in itertools.pairwise(ends):
            await one.dial(two)
        mei, bo, cy = honest
        for writer, author, reader in ((mei, MEI, cy), (eve, EVE, mei)):
            await _arrives(writer, author, reader)
        yield eve, mei, bo, cy


async def _arrives(writer: End, author: Author, reader: End) -> None:
    """Announce something new until it is heard."""
    with trio.fail_after(PATIENCE_S):
        for length in _lengths:
            data = codec.encode(["heads", [[author.device, length]]])
            writer.network.publish(TOPICS[announce.HEADS], data)
            with trio.move_on_after(0.3):
                await heard(reader, data)
                return


def _unjustified() -> Iterator[tuple[str, bytes]]:
    """What Eve may well sign and nobody has cause to pass on."""
    for number in range(TIMES):
        stranger = Signer((number + 1).to_bytes(32, "big"))
        vote = sign_vote(stranger, COMMUNITY, HEIGHT + 1, number, Step.PREVOTE, SEAL)
        own = sign_vote(EVE.signer, COMMUNITY, HEIGHT + 1, number, Step.PREVOTE, SEAL)
        have = sign_have(EVE.signer, COMMUNITY, HEIGHT + 1, SealId(bytes([number]) * 32), ())
        invented: list[codec.Value] = [[Random(number).randbytes(32), 7] for _ in range(32)]
        yield TOPICS[announce.SEALS], message_to_bytes(own)
        yield TOPICS[announce.SEALS], message_to_bytes(have)
        yield TOPICS[announce.HEADS], codec.encode(["heads", invented])
        if number < TIMES // 2:  # false messages, as many as cost no connection
            rule = write(BO, FIRST, kind="rules.vote", data={"n": number})
            yield TOPICS[announce.SEALS], message_to_bytes(vote)
            yield TOPICS[announce.RULES], codec.encode(["rule", rule.wire])


async def test_what_is_unjustified_goes_no_further_and_no_link_falls() -> None:
    async with line() as (eve, mei, bo, cy):
        said = []
        for topic, data in _unjustified():
            said.append(data)
            eve.network.publish(topic, data)
            await trio.sleep(PAUSE_S)
        await _arrives(mei, MEI, cy)
        for end in (mei, bo, cy):
            assert not [e for e in end.all(GossipReceived) if e.data in said]
            assert not end.all(Disconnected)


async def test_what_is_well_signed_is_passed_on_once_within_the_budget_of_its_publisher() -> None:
    async with line() as (eve, mei, bo, cy):
        same = codec.encode(["heads", [[EVE.device, 1 << 50]]])
        rule = codec.encode(["rule", write(EVE, FIRST, kind="rules.vote", clock=1 << 40).wire])
        for _ in range(TIMES):
            eve.network.publish(TOPICS[announce.HEADS], same)
            eve.network.publish(TOPICS[announce.RULES], rule)
            await trio.sleep(PAUSE_S)
        await heard(cy, same)
        await heard(cy, rule)
        for end in (mei, bo, cy):
            assert [e.data for e in end.all(GossipReceived)].count(same) == 1
            assert [e.data for e in end.all(GossipReceived)].count(rule) == 1
            assert not end.all(Disconnected)


async def test_a_topic_that_nobody_follows_is_not_kept() -> None:
    async with line() as (eve, mei, _bo, cy):
        stream = await eve.network._host.new_stream(peer_id(mei.key), [TProtocol(MESHSUB)])
        names = [f"{number}" + "x" * 10_000 for number in range(80)]
        subscriptions = [rpc_pb2.RPC.SubOpts(subscribe=True, topicid=name) for name in names]
        await say(stream, rpc_pb2.RPC(subscriptions=subscriptions))
        await _arrives(mei, MEI, cy)
        pubsub = mei.network._gossip._pubsub
        assert pubsub is not None
        assert set(pubsub.peer_topics) == set(TOPICS.values())


async def test_who_hands_on_what_we_cannot_judge_answers_for_none_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("commonweal.node.network.gossip.gossip.FAULTS_PER_S", 0)
    monkeypatch.setattr("commonweal.node.network.gossip.gossip.FAULTS_BURST", 3)
    a, b, c = End(1), End(2), End(3)
    for end in (a, b, c):
        end.network.subscribe(["t"])
    async with running(a, b, c):
        await a.dial(b)
        await b.dial(c)
        with trio.fail_after(PATIENCE_S):
            while not c.all(GossipReceived):
                a.network.publish("t", b"%d" % len(c.events))
                await trio.sleep(0.3)
        for number in range(10):
            a.network.publish("t", b"unknown %d" % number)
        a.network.publish("t", b"the last")
        await heard(c, b"the last")
        assert len(b.refused) == 10
        assert not b.all(Disconnected)
