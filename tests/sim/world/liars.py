"""Witnesses who lie: nodes of the simulated community whose mouths say something else.

All the rest of such a node keeps the rules, so that what it says is well formed, signed by
its own device, and comes at the right time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from commonweal.node.service.consensus.vote_gossip import speaker
from commonweal.node.service.events import LedgerAnswered
from commonweal.node.service.peer import PeerState
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.cut import SealedLog
from commonweal.protocol.seal.formats import Proposal, sign_proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.votes import NIL, Certificate, SealId, Vote, sign_vote
from commonweal.storage.consensus.proposals import PreparedProposal
from tests.sim.world.node import Node

FAULTS = ("silent", "withholding", "two votes", "two seals", "roots", "year", "shows nothing")
YEAR_MS = 365 * 24 * 3_600_000
OTHER = SealId(b"\7" * 32)


def corrupt(node: Node, fault: str) -> None:
    """Let a node lie in one way from now on, until it starts again."""
    sealing = node.service.reactor
    if fault == "year":
        node.shift(YEAR_MS)
    elif fault == "roots":
        sealing.driver.assessed = _builder(node)  # type: ignore[method-assign, assignment]
    else:
        mouth = _Mouth(node, fault)
        sealing.gossip.say = mouth.say  # type: ignore[method-assign]
        sealing.gossip.tell = mouth.tell  # type: ignore[method-assign]


def _builder(node: Node) -> Callable[[LedgerAnswered], tuple[SealedLog, ...] | None]:
    """Return what takes in the ledger's answers, and builds on another state than it is."""
    honest = node.service.reactor.driver.assessed

    def assessed(event: LedgerAnswered) -> tuple[SealedLog, ...] | None:
        if isinstance(event.answer, PreparedProposal):
            wrong = replace(event.answer.seal, state_root=bytes(32))
            event = replace(event, answer=replace(event.answer, seal=wrong))
        return honest(event)

    return assessed


class _Mouth:
    """What says a node's own words otherwise, and those of others as they are."""

    def __init__(self, node: Node, fault: str) -> None:
        self.node, self.fault = node, fault
        self._honest = node.service.reactor.gossip.tell

    def say(self, message: Message, candidates: Sequence[DeviceKey] = ()) -> None:
        """Say something of our own to everybody, or something else, or nothing."""
        for peer in self.node.service.core.members():
            self.tell(peer, message)

    def tell(self, peer: PeerState, message: Message) -> None:
        """Say to one peer what this mouth says to it, whoever asks and how often."""
        node = self.node
        if isinstance(message, Certificate) or speaker(message) != node.person.device:
            return self._honest(peer, message)
        is_have = isinstance(message, HaveFrontier)
        if self.fault == "silent" or (self.fault == "shows nothing" and is_have):
            return None
        if self.fault == "withholding" and node.rng.randrange(2):
            return None
        other = self._other(message) if peer.key[0] % 2 else None
        return self._honest(peer, other or message)

    def _other(self, message: Message) -> Message | None:
        """Return what one half of the peers hears instead; None for the same."""
        signer = self.node.person.signer
        if self.fault == "two votes" and isinstance(message, Vote):
            about = (self.node.community, message.height, message.round, message.step)
            return sign_vote(signer, *about, NIL if message.seal else OTHER)
        if self.fault == "two seals" and isinstance(message, Proposal):
            other = replace(message.seal, time_ms=message.seal.time_ms + 1)
            why = message.haves or message.polka
            return sign_proposal(signer, message.round, other, message.delta, why)
        return None
