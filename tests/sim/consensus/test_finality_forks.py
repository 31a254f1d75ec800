"""Forks of finality: peers on the other branch keep their links, and both branches are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commonweal.node import transport
from commonweal.node.service.consensus.chain_sync import DOUBT_MS_MAX
from commonweal.node.service.events import Action, Drop
from commonweal.node.service.replica.chain import SealChain
from commonweal.protocol.seal import cut, formats
from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.seal.formats import Seal, SealedHeight
from commonweal.protocol.seal.votes import Step, certify, sign_vote
from commonweal.protocol.wire import frame_codec, messages
from commonweal.protocol.wire import seals as wire_seals
from commonweal.storage.records.seal_store import SealStore
from tests.sim.consensus.test_seals import chain, council, next_seal, until
from tests.sim.world.node import Node
from tests.sim.world.world import World

FORK_KNOWN_S_MAX = 15
"""Every 4 s a member by chance is told a height; once a member knows of the fork, all are."""

Branch = list[tuple[SealedHeight, Delta]]


def certified(world: World, seal: Seal, like: SealedHeight) -> SealedHeight:
    """Return a height that three of the four witnesses certify, though they certified another."""
    signers = sorted((node.person.signer for node in world.nodes), key=lambda signer: signer.key)
    place = (world.community, seal.height, 0, Step.PRECOMMIT, seal.id)
    votes = [sign_vote(signer, *place) for signer in signers[:3]]
    return SealedHeight(seal, certify(votes, 3), like.witnesses)


def other_branch(world: World, node: Node, start: int, count: int) -> Branch:
    """Return `count` heights from `start` on that contradict those that a node holds there."""
    kept = chain(node).seals.at(start)
    assert kept is not None
    seal = replace(kept.sealed.seal, time_ms=kept.sealed.seal.time_ms + 1)
    branch = [(certified(world, seal, kept.sealed), kept.delta)]
    for _ in range(count - 1):
        seal = replace(seal, height=seal.height + 1, prev=seal.id)
        branch.append((certified(world, seal, kept.sealed), Delta((), kept.delta.present)))
    return branch


def forked(seed: int, ours: int, theirs: int) -> tuple[World, Node, int]:
    """Return a council in which one node restarts on another branch.

    ours, theirs: heights since the fork on each branch. The result ends with the first of them.
    """
    world = council(seed)
    away, others = world.nodes[3], world.nodes[:3]
    away.crash()
    start = next_seal(world, others)
    for _ in range(ours - 1):
        next_seal(world, others)
    apart = SealChain(away.store, world.community)
    for sealed, delta in other_branch(world, others[0], start, theirs):
        assert apart.take(sealed, delta)
    away.store.commit()
    away.start()
    return world, away, start


@pytest.mark.parametrize(("ours", "theirs"), [(1, 2), (3, 2), (2, 2), (1, 12)])
def test_both_branches_of_a_fork_are_shown_and_nobody_honest_is_dropped(
    ours: int, theirs: int
) -> None:
    world, away, start = forked(40 + ours, ours, theirs)
    for _ in range(FORK_KNOWN_S_MAX):
        world.run(1_000)  # it raises where a node drops an honest one
        if all(chain(node).fork for node in world.nodes):
            break
    for node in world.nodes:
        fork = chain(node).fork
        assert fork is not None, f"{node} does not know of the fork"
        assert fork[0].height == fork[1].height == start
        assert len(node.service.core.members()) == 3
    world.run(DOUBT_MS_MAX + 5_000)
    assert len(away.service.core.members()) == 3


def hear(node: Node, message: messages.Message) -> list[Action]:
    """Let a node receive a message from the first member it is linked to; nothing is performed."""
    peer = node.service.core.members()[0]
    frame = frame_codec.encode(message)
    actions: list[Action] = node.service.handle(
        transport.FrameReceived(peer.key, frame), node.now_ms
    )
    return actions


def shown(*heights: tuple[SealedHeight, Delta]) -> wire_seals.Seals:
    """Return the message that hands on these heights."""
    pairs = ((formats.sealed_to_bytes(seal), cut.delta_to_bytes(delta)) for seal, delta in heights)
    return wire_seals.Seals(tuple(pairs))


def is_dropped(actions: list[Action]) -> bool:
    """Say whether a link is closed."""
    return any(isinstance(action, Drop) for action in actions)


def test_a_peer_that_contradicts_the_seal_that_it_shows_is_dropped() -> None:
    world = council(47)
    next_seal(world, world.nodes)
    node = world.nodes[0]
    height = chain(node).height
    kept = chain(node).seals.at(height)
    assert kept is not None
    _, (next_sealed, next_delta) = other_branch(world, node, height, 2)
    node.service.reactor.chain_sync.ask(node.service.core.members()[0])
    assert not is_dropped(hear(node, shown((next_sealed, next_delta))))
    assert is_dropped(hear(node, shown((kept.sealed, kept.delta))))
    assert chain(node).fork is None


def test_a_peer_that_contradicts_and_shows_nothing_is_dropped_after_a_minute() -> None:
    world = council(48)
    next_seal(world, world.nodes)
    node = world.nodes[0]
    (_, other) = other_branch(world, node, chain(node).height, 2)
    peer = node.service.core.members()[0]
    node.service.reactor.chain_sync.ask(peer)
    assert not is_dropped(hear(node, shown(other)))
    node.service.core.now_ms += DOUBT_MS_MAX + 1
    node.service.reactor.chain_sync.tick()
    assert not node.service.core.is_linked(peer)


def test_a_seal_of_the_other_branch_that_no_quorum_certified_is_the_sender_s_fault() -> None:
    world = council(49)
    next_seal(world, world.nodes)
    node = world.nodes[0]
    ((sealed, delta),) = other_branch(world, node, chain(node).height, 1)
    few = replace(sealed.certificate, signatures=sealed.certificate.signatures[:2])
    peer = node.service.core.members()[0]
    node.service.reactor.chain_sync.ask(peer, sealed.seal.height)
    assert is_dropped(hear(node, shown((replace(sealed, certificate=few), delta))))
    assert chain(node).fork is None


def test_a_checkpoint_of_another_seal_stops_the_chain_and_ends_no_link() -> None:
    world = council(50)
    for _ in range(2):
        next_seal(world, world.nodes)
    founder = world.nodes[0]
    height = chain(founder).height
    late = world.join(world.invited(founder), world.nodes[:3])
    late.crash()
    SealStore(late.store, world.community).put_trusted_seal(height, bytes(32))
    late.store.commit()
    late.start()
    until(world, lambda: chain(late).height == height - 1, 30_000, "it does not follow so far")
    world.run(20_000)
    assert chain(late).height == height - 1
    assert len(late.service.core.members()) >= 3
    assert "link" in late.service.reactor.chain_sync.alarm
    assert chain(late).fork is None
