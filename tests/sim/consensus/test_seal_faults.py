"""Seals among faults: what is refused, what convicts, and what nobody can stop by a lie."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commonweal.node import transport
from commonweal.node.service.consensus.chain_sync import ChainSync
from commonweal.node.service.events import Action, Asked, Committed, Drop, Ticket
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica.replica import UNINVITED_MAX
from commonweal.protocol.errors import FinalityForked
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import Signer
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.consensus.messages import message_to_bytes
from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.seal.formats import sign_proposal
from commonweal.protocol.seal.have_frontiers import sign_have
from commonweal.protocol.seal.votes import NIL, SealId, Step, Vote, certify, sign_vote
from commonweal.protocol.seal.witnesses import proposer, witness_devices
from commonweal.protocol.wire import frame_codec, messages, seals
from commonweal.storage.consensus.proposals import SealApplication
from tests.sim.consensus.test_seals import (
    SEALED_MS_MAX,
    SEEDS,
    chain,
    council,
    next_seal,
    seal_soon,
    until,
)
from tests.sim.network.test_eclipse import closed, requests
from tests.sim.world.byzantine import copy_of
from tests.sim.world.node import Node
from tests.sim.world.world import World

OTHER = SealId(b"\5" * 32)
WAITED_MS_MAX = 10_000
"""No peer is waited for longer because of what it claims."""


def hear(node: Node, message: messages.Message) -> list[Action]:
    """Let a node receive a message from the first member it is linked to."""
    session = node.service.core.members()[0]
    found: list[Action] = node.service.handle(
        transport.FrameReceived(session.key, frame_codec.encode(message)), node.now_ms
    )
    node.store.commit()
    found += node.service.handle(Committed(), node.now_ms)
    node.store.commit()
    node.perform([one for one in found if not _drops(one)])
    return found


def said(message: Message) -> seals.ConsensusMessage:
    """Return what a witness said as it travels."""
    return seals.ConsensusMessage(message_to_bytes(message))


def vote(node: Node, signer: Signer, on: SealId, round_: int = 0) -> Vote:
    """Return a prevote at the height that a node agrees on next."""
    height = chain(node).height + 1
    return sign_vote(signer, node.community, height, round_, Step.PREVOTE, on)


def test_two_votes_of_a_witness_convict_him_everywhere_and_take_his_seat() -> None:
    world = council(20)
    node, liar = world.nodes[0], world.nodes[3]
    for on in (NIL, OTHER):
        hear(node, said(vote(node, liar.person.signer, on, round_=1)))
    world.run(5_000)
    for one in world.nodes:
        assert list(chain(one).seals.double_votes()) == [liar.person.device]
    for _ in range(2):
        world.nodes[0].write()
        world.run(1_000)
        seal_soon(world.nodes[0])
        world.run(10_000)
    assert all(len(one.service.reactor.witnesses) == 3 for one in world.nodes)


def test_who_comes_later_learns_of_a_double_vote() -> None:
    world = council(21)
    node, late = world.nodes[0], world.nodes[2]
    late.crash()
    for on in (NIL, OTHER):
        hear(node, said(vote(node, world.nodes[3].person.signer, on, round_=1)))
    world.run(1_000)
    late.start()
    world.run(10_000)
    assert list(chain(late).seals.double_votes()) == [world.nodes[3].person.device]


def test_words_of_who_is_no_witness_are_not_kept() -> None:
    world = council(22)
    node, stranger = world.nodes[0], Signer(b"\6" * 32)
    for on in (NIL, OTHER):
        assert not [one for one in hear(node, said(vote(node, stranger, on))) if _drops(one)]
    assert chain(node).seals.double_votes() == {}
    agreement = node.service.reactor.driver.agreement
    assert agreement is None or not list(agreement.vote_set.votes())
    early = chain(node).height + 2
    hear(node, said(sign_vote(stranger, node.community, early, 0, Step.PREVOTE, NIL)))
    assert node.service.reactor._early.take(early) == []
    hear(
        node,
        said(sign_vote(world.nodes[1].person.signer, node.community, early, 0, Step.PREVOTE, NIL)),
    )
    assert len(node.service.reactor._early.take(early)) == 1


@pytest.mark.parametrize("data", [b"no message", b"\x92\xa4vote\xc4\x01\x90"])
def test_what_is_no_message_of_witnesses_ends_the_link(data: bytes) -> None:
    world = council(23)
    assert any(map(_drops, hear(world.nodes[0], seals.ConsensusMessage(data))))


def test_what_comes_too_early_to_be_kept_is_taken_when_it_comes_again() -> None:
    world = council(24)
    node, other = world.nodes[0], world.nodes[1]
    height = chain(node).height + 1
    far = [
        sign_vote(other.person.signer, node.community, height, 9, step, NIL)
        for step in (Step.PREVOTE, Step.PRECOMMIT)
    ]
    for one in far:
        hear(node, said(one))
    voices = node.service.reactor.gossip
    assert voices.read(message_to_bytes(far[1])) is not None


def test_a_second_certificate_of_a_height_stops_sealing_and_both_are_shown() -> None:
    world = council(25)
    next_seal(world, world.nodes)
    node = world.nodes[0]
    height = chain(node).height
    signers = sorted((one.person.signer for one in world.nodes), key=lambda one: one.key)
    votes = [
        sign_vote(one, world.community, height, 0, Step.PRECOMMIT, OTHER) for one in signers[:3]
    ]
    hear(node, said(certify(votes, 3)))
    assert chain(node).fork is not None
    kept = chain(node).seals.fork()
    assert kept is not None and kept[1].seal == OTHER
    node.write()
    node.emit(Asked(Ticket(-9), "seal"))
    world.run(20_000)
    assert chain(node).height == height
    assert isinstance(node.answers[Ticket(-9)], FinalityForked)


def test_who_claims_to_be_far_ahead_keeps_nobody_from_sealing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def claimed(_: ChainSync, session: PeerState, __: seals.HeightStatus) -> None:
        session.height = 10**9

    world = council(26)
    monkeypatch.setattr(ChainSync, "told", claimed)
    for node in world.nodes:
        for session in node.service.core.members():
            session.height = 10**9
    world.run(WAITED_MS_MAX)
    next_seal(world, world.nodes)


def test_one_who_does_not_witness_can_ask_for_a_seal() -> None:
    world = council(27, more=1)
    onlooker, height = world.nodes[4], chain(world.nodes[0]).height
    onlooker.write()
    world.run(1_000)
    seal_soon(onlooker)
    until(world, lambda: chain(onlooker).height > height, 10_000, "nobody seals for it")
    answer = onlooker.answers[Ticket(-7)]
    assert answer == {"height": height + 1, "is_sealed": True}
    seal_soon(onlooker)
    world.run(3_000)
    assert onlooker.answers[Ticket(-7)] == {"height": height + 1, "is_sealed": False}


def test_a_height_that_is_not_certified_is_not_followed() -> None:
    world = council(28)
    late = World(128, seals=True)  # another community: its seals mean nothing here
    late.nodes[0].write()
    until(late, lambda: chain(late.nodes[0]).height == 1, SEALED_MS_MAX + 5_000, "no seal")
    kept = chain(late.nodes[0]).seals.chain(1, 1, 1 << 20)
    node = world.nodes[0]
    height = chain(node).height
    chain_sync = node.service.reactor.chain_sync
    chain_sync._of(node.service.core.members()[0]).asked_ms = node.now_ms
    pairs = tuple((one.sealed, one.delta) for one in kept)
    assert any(map(_drops, hear(node, seals.Seals(pairs))))
    assert chain(node).height == height


def test_seals_that_nobody_asked_for_are_passed_over() -> None:
    world = council(29)
    node = world.nodes[0]
    assert not any(map(_drops, hear(node, seals.Seals(((b"x", b"y"),)))))


def _drops(action: Action) -> bool:
    return isinstance(action, Drop)


def test_one_who_lies_begins_no_height_for_others_where_nothing_waits() -> None:
    """Let a witness propose, as if it had begun with a quorum, in its own round."""
    world = council(31)
    until(world, lambda: not any(map(is_busy, world.nodes)), SEALED_MS_MAX, "all is sealed")
    node, liar = world.nodes[0], world.nodes[3]
    seats = witness_devices(node.service.reactor.witnesses)
    height, prev = chain(node).height + 1, chain(node).seal
    turn = next(n for n in range(4) if proposer(height, n, seats) == liar.person.device)
    kept = chain(node).seals.at(height - 1)
    assert kept is not None
    seal = replace(kept.sealed.seal, height=height, prev=prev)
    signers = [one.person.signer for one in world.nodes]
    for who, are_busy in ((signers[3:], False), (signers[2:], True)):
        haves = tuple(sign_have(one, node.community, height, prev, ()) for one in who)
        made = sign_proposal(liar.person.signer, turn, seal, Delta((), ()), haves)
        for one in world.nodes[:2]:
            hear(one, said(made))
        world.run(5_000)
        assert [is_busy(one) for one in world.nodes[:2]] == [are_busy] * 2
        assert all(chain(one).seals.votes(height) for one in world.nodes[:2]) is are_busy


def is_busy(node: Node) -> bool:
    """Return whether a node takes part in a height."""
    return node.service.reactor.driver.is_open


def test_who_offers_no_more_keeps_nobody_from_sealing_by_what_he_shows() -> None:
    world = council(30, more=1)
    once, seated = world.nodes[4], world.nodes[:4]
    for node in seated:  # as in the moment after a seal before the ledger has folded it
        node.service.reactor.driver.offer([once.person.device])
    point = chain(once)
    have = sign_have(once.person.signer, once.community, point.height + 1, point.seal, ())
    for node in seated:
        hear(node, said(have))
    next_seal(world, seated)


def test_strangers_of_whom_each_witness_has_others_keep_nobody_from_sealing() -> None:
    world = council(31)
    seated = world.nodes
    nobody = Invite(RecordId(bytes(32)), 7, bytes(32))
    for number, node in enumerate(seated):
        crowd = requests(world, nobody, UNINVITED_MAX, f"uninvited {number}")
        hear(node, messages.Runs(tuple(crowd), 0, asked=False))
    world.run(5_000)
    held = [dict.fromkeys(node.service.core.replica.newcomers()) for node in seated]
    assert all(len(one) == UNINVITED_MAX for one in held)
    assert held[0] != held[1]
    next_seal(world, seated)


def test_strangers_whom_a_seal_covers_are_taken_in_without_room_for_strangers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such a seal is an older program's, or that of a proposer who lies."""
    world = council(32)
    *seated, away = world.nodes
    closed(world, away, seated)
    nobody = Invite(RecordId(bytes(32)), 7, bytes(32))
    for name, nodes in (("sealed", seated), ("held", [away])):
        crowd = requests(world, nobody, UNINVITED_MAX, name)
        for node in nodes:
            hear(node, messages.Runs(tuple(crowd), 0, asked=False))
    world.run(3_000)
    with monkeypatch.context() as older:
        older.setattr(SealApplication, "_strangers", lambda *_: {})
        next_seal(world, seated)
    sealed = chain(seated[0])
    assert sum(device in sealed.logs for device in away.service.core.replica.newcomers()) == 0
    assert len(sealed.logs) > UNINVITED_MAX
    world.network.blocked.clear()
    until(world, lambda: folded(away) == sealed.height, 60_000, "who was away follows no more")


def folded(node: Node) -> int:
    """Return how far the ledger of a node is folded."""
    return 0 if node.assessor is None else node.assessor.outlook().height


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("seed", range(40, 40 + SEEDS))
def test_a_witness_with_an_older_disk_does_not_contradict_what_others_heard(
    seed: int, count: int
) -> None:
    """As a virtual machine that is put back to where it was; without it there is no quorum."""
    world = council(seed)
    *others, away, older = world.nodes
    away.crash()
    height = chain(older).height + 1
    others[0].write()
    world.run(1_000)
    backup = copy_of(older.store)
    seal_soon(others[0])
    while len(chain(older).seals.votes(height)) < count and chain(older).height < height:
        world.run(1)
    world.run(20)  # others hear it
    if chain(others[0]).height < height:
        older.crash()
        older.store, older.layers = backup, None
        older.start()
    world.run(60_000)
    away.start()
    world.run(20_000)
    next_seal(world, world.nodes)
