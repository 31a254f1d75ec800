"""Dialogues with one agreement: what it is told, and what it answers."""

from __future__ import annotations

from commonweal.protocol.seal.consensus import events as acts
from commonweal.protocol.seal.consensus.agreement import Agreement
from commonweal.protocol.seal.consensus.events import (
    Alarm,
    HeightStarted,
    MessageReceived,
    ProposalProcessed,
    TimedOut,
    Timeout,
)
from commonweal.protocol.seal.votes import SealId, Step, Vote
from tests.protocol.seal import scenes
from tests.protocol.seal.witness import COMMUNITY

NOW_MS = 10_000


SEAL = scenes.seal()


ID = SEAL.id


ME = 0
"""At height 1 of four, the witness at place 1 proposes first, then 2, 3, 0."""


def agreement(
    me: int | None = ME, stored: tuple[Vote, ...] = (), lock: acts.Lock | None = None
) -> Agreement:
    signer = None if me is None else scenes.SIGNERS[scenes.DEVICES[me]]
    return Agreement(COMMUNITY, 1, SealId(COMMUNITY), scenes.DEVICES, signer, stored, lock)


def tell(one: Agreement, *events: acts.Event) -> list[acts.Action]:
    return [action for event in events for action in one.handle(event, NOW_MS)]


def prevotes(on: SealId, *places: int, round_: int = 0) -> list[acts.Event]:
    return [MessageReceived(scenes.vote(place, Step.PREVOTE, on, round_)) for place in places]


def precommits(on: SealId, *places: int, round_: int = 0) -> list[acts.Event]:
    return [MessageReceived(scenes.vote(place, Step.PRECOMMIT, on, round_)) for place in places]


def sent(actions: list[acts.Action]) -> list[tuple[Step, SealId]]:
    votes = [one.message for one in actions if isinstance(one, acts.Broadcast)]
    return [(one.step, one.seal) for one in votes if isinstance(one, Vote)]


def ran_out(alarm: Alarm, round_: int = 0) -> TimedOut:
    return TimedOut(Timeout(alarm, round_))


def good(round_: int = 0, on: SealId = ID) -> ProposalProcessed:
    return ProposalProcessed(round_, on, acts.VALID_PROPOSAL)


def locked() -> Agreement:
    """A witness that holds to ID since round 0 and is in round 1."""
    one = agreement()
    tell(one, HeightStarted(), MessageReceived(scenes.proposal()), good(), *prevotes(ID, 1, 2))
    tell(one, ran_out(Alarm.PRECOMMIT))
    assert one.round == 1
    return one
