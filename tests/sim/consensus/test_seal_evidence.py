"""Evidence of double votes: who comes late, or missed it, still follows what it decided."""

from __future__ import annotations

import pytest

from commonweal.node.service.replica.replica import Replica
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records import frontier, log
from commonweal.protocol.records.record import RecordDraft, RecordId, sign
from commonweal.protocol.seal.votes import (
    NIL,
    Step,
    double_vote_to_bytes,
    prove_double_vote,
    sign_vote,
)
from commonweal.protocol.wire import messages
from tests.sim.consensus.test_seal_faults import OTHER, folded, hear
from tests.sim.consensus.test_seals import STEP_MS, chain, council, next_seal, seal_soon
from tests.sim.world.node import Node
from tests.sim.world.world import World

FOLLOWED_MS_MAX = 60_000


def proof(world: World, signer: Signer) -> bytes:
    """Return what proves that somebody voted twice, at a height long ago."""
    votes = [sign_vote(signer, world.community, 1, 0, Step.PREVOTE, on) for on in (NIL, OTHER)]
    return double_vote_to_bytes(prove_double_vote(*votes))


def sealed(world: World, nodes: list[Node]) -> None:
    """Let one more seal be made, with evidence that is held."""
    height = chain(nodes[0]).height
    nodes[0].write()
    world.run(1_000)
    seal_soon(nodes[0])
    until_folded(world, nodes[0], height + 1)
    kept = chain(nodes[0]).seals.at(height + 1)
    assert kept is not None and kept.sealed.seal.evidence


def until_folded(world: World, node: Node, height: int) -> None:
    """Let time pass until the ledger of a node has come to a height."""
    for _ in range(FOLLOWED_MS_MAX // STEP_MS):
        world.run(STEP_MS)
        if folded(node) >= height:
            return
    raise world.broken(f"its ledger is at height {folded(node)} of {height}")


def test_who_missed_more_double_votes_than_one_message_holds_still_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = council(50)
    *others, late = world.nodes
    late.crash()
    monkeypatch.setattr(Replica, "was_admitted", lambda *_: True)  # as of a member's 64 devices
    for number in range(2 * messages.EVIDENCE_MAX):
        hear(others[0], messages.Evidence((proof(world, Signer(number.to_bytes(32))),)))
    world.run(1_000)
    sealed(world, others)
    late.start()
    until_folded(world, late, chain(others[0]).height)


def test_who_does_not_know_yet_who_is_accused_learns_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = council(51, more=1)
    *others, late, accused = world.nodes
    late.crash()
    liar = accused.person
    hear(others[0], messages.Evidence((proof(world, liar.signer),)))
    world.run(1_000)
    sealed(world, others)
    known = Replica.was_admitted

    def knows(replica: Replica, device: DeviceKey) -> bool:
        """As long as the records have not come, nobody knows whose device it is."""
        return known(replica, device) and (
            replica is not late.service.core.replica or world.agenda.now_ms > since_ms + 10_000
        )

    since_ms = world.agenda.now_ms
    monkeypatch.setattr(Replica, "was_admitted", knows)
    late.start()
    until_folded(world, late, chain(others[0]).height)


def test_a_fork_that_digests_hide_is_found_by_the_heads_of_a_proposal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two branches in one log, for which their author found bytes that digest alike."""
    world = council(52, more=1)
    *others, author = world.nodes
    author.crash()
    person = author.person
    tip = others[0].service.core.replica.tip(person.device)
    place = log.next_position(world.community, tip, RecordId(world.community), [], 1)
    branches = [sign(person.signer, place, RecordDraft("event", {"n": n}, 1)) for n in range(2)]
    for number, node in enumerate(others):
        node.crash()
        node.service.core.replica.append(person.device, [branches[number % 2]], {}, checked=True)
        node.store.commit()
    alike = frontier._bucket_digest

    def hidden(entries: list[frontier.FrontierEntry]) -> bytes:
        heads = [one.id for one in branches]
        return alike([one._replace(head=b"") if one.head in heads else one for one in entries])

    monkeypatch.setattr(frontier, "_bucket_digest", hidden)
    for node in others:
        node.start()
    world.run(20_000)
    assert len({one.service.core.replica.frontier.digest() for one in others}) == 1
    assert not any(one.store.proof(person.device) for one in others)
    next_seal(world, others)
    world.run(5_000)
    for node in others:
        assert node.store.proof(person.device) is not None
