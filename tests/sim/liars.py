"""Witnesses who lie: nodes of the simulated community whose mouths say something else.

All the rest of such a node keeps the rules, so that what it says is well formed, signed by
its own device, and comes at the right time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from commonweal.node.events import Assessed
from commonweal.node.session import Session
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.acts import Message
from commonweal.protocol.seal.cut import SealedLog
from commonweal.protocol.seal.formats import Proposal, propose
from commonweal.protocol.seal.haves import Have
from commonweal.protocol.seal.votes import NIL, Certificate, SealId, Vote, sign_vote
from commonweal.storage.assessor import Draft
from tests.sim.node import Node

FAULTS = ("silent", "withholding", "two votes", "two seals", "roots", "year", "shows nothing")
YEAR_MS = 365 * 24 * 3_600_000
OTHER = SealId(b"\7" * 32)


def corrupt(node: Node, fault: str) -> None:
    """Let a node lie in one way from now on, until it starts again."""
    sealing = node.service.sealing
    if fault == "year":
        node.shift(YEAR_MS)
    elif fault == "roots":
        sealing.agreeing.assessed = _builder(node)  # type: ignore[method-assign, assignment]
    else:
        sealing.voices.say = _mouth(node, fault)  # type: ignore[method-assign]


def _builder(node: Node) -> Callable[[Assessed], tuple[SealedLog, ...] | None]:
    """Return what takes in the ledger's answers, and builds on another state than it is."""
    honest = node.service.sealing.agreeing.assessed

    def assessed(event: Assessed) -> tuple[SealedLog, ...] | None:
        if isinstance(event.answer, Draft):
            wrong = replace(event.answer.seal, state_root=bytes(32))
            event = replace(event, answer=replace(event.answer, seal=wrong))
        return honest(event)

    return assessed


def _mouth(node: Node, fault: str) -> Callable[..., None]:
    """Return what says a node's own words otherwise."""
    voices = node.service.sealing.voices
    honest = voices.say

    def say(message: Message, candidates: Sequence[DeviceKey] = ()) -> None:
        is_have = isinstance(message, Have)
        if isinstance(message, Certificate) or (fault == "shows nothing" and not is_have):
            return honest(message, candidates)
        if fault in ("silent", "shows nothing"):
            return None
        for number, session in enumerate(node.service.desk.members()):
            _tell(node, fault, message, number, session)
        return None

    return say


def _tell(node: Node, fault: str, message: Message, number: int, session: Session) -> None:
    voices, signer = node.service.sealing.voices, node.person.signer
    if fault == "withholding":
        if node.rng.randrange(2):
            voices.tell(session, message)
    elif fault == "two votes" and isinstance(message, Vote) and number % 2:
        about = (node.community, message.height, message.round, message.step)
        voices.tell(session, sign_vote(signer, *about, NIL if message.seal else OTHER))
    elif fault == "two seals" and isinstance(message, Proposal) and number % 2:
        other = replace(message.seal, time_ms=message.seal.time_ms + 1)
        why = message.haves or message.polka
        voices.tell(session, propose(signer, message.round, other, message.delta, why))
    else:
        voices.tell(session, message)
