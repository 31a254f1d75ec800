"""A witness that hears anything well signed, in any order, never contradicts itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.seal.consensus import events as acts
from commonweal.protocol.seal.consensus.agreement import Agreement
from commonweal.protocol.seal.consensus.messages import message_from_bytes, message_to_bytes
from commonweal.protocol.seal.formats import sign_proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier, sign_have
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.votes import (
    NIL,
    Certificate,
    SealId,
    Step,
    Vote,
    check_certificate,
    sign_vote,
)
from tests.protocol.seal import scenes
from tests.protocol.seal.witness import COMMUNITY, signer

ODD_EVENTS_MAX = 12
HELD_MAX = 300
"""Entries of all containers of an agreement of four: three votes and two proposals each, in
five rounds, and what proposals themselves hold."""
FIRST = SealId(COMMUNITY)
DELTAS = (scenes.delta(3, 2), scenes.delta(3, 1), scenes.delta(2, 2))
SEALS = tuple(scenes.seal(delta) for delta in DELTAS)
IDS = (NIL, *(one.id for one in SEALS))
SIGNERS = [scenes.SIGNERS[device] for device in scenes.DEVICES] + [signer(10), signer(11)]
"""The witnesses, and two who are none."""

_who = st.integers(0, len(SIGNERS) - 1)
_round = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 7, 10_000, 2**31, 2**62])
_height = st.sampled_from([1, 1, 1, 1, 0, 2, 2**62])
_seal = st.sampled_from(IDS)
_place = st.integers(0, len(SEALS) - 1)
_step = st.sampled_from(list(Step))


def vote(who: int, round_: int, step: Step, seal: SealId, height: int = 1) -> Vote:
    return sign_vote(SIGNERS[who], COMMUNITY, height, round_, step, seal)


@st.composite
def votes(draw: st.DrawFn) -> acts.Message:
    return vote(draw(_who), draw(_round), draw(_step), draw(_seal), draw(_height))


@st.composite
def haves(draw: st.DrawFn) -> acts.Message:
    prev = draw(st.sampled_from([FIRST, FIRST, IDS[1]]))
    lengths = draw(st.sampled_from([(3, 2), (3, 1), (), (9,)]))
    return sign_have(SIGNERS[draw(_who)], COMMUNITY, draw(_height), prev, scenes.logs(*lengths))


@st.composite
def proposals(draw: st.DrawFn) -> acts.Message:
    at, round_, earlier = draw(_place), draw(_round), draw(_round)
    why: tuple[HaveFrontier, ...] | tuple[Vote, ...] = scenes.haves((3, 2), (3, 1), (2, 2))
    if draw(st.booleans()):
        crowd = range(draw(st.integers(1, len(SIGNERS))))
        why = tuple(vote(one, earlier, Step.PREVOTE, SEALS[at].id) for one in crowd)
    return sign_proposal(SIGNERS[draw(_who)], round_, SEALS[at], DELTAS[at], why)


@st.composite
def certificates(draw: st.DrawFn) -> acts.Message:
    signers = sorted(draw(st.sets(_who, min_size=1)), key=lambda one: SIGNERS[one].key)
    seal, round_, height = SEALS[draw(_place)].id, draw(_round), draw(_height)
    signed = [vote(one, round_, Step.PRECOMMIT, seal, height) for one in signers]
    pairs = tuple((one.device, one.signature) for one in signed)
    return Certificate(height, round_, seal, pairs)


@st.composite
def own_affairs(draw: st.DrawFn) -> acts.Event:
    """What our own clock and ledger say: late, early, twice, or of what was never asked."""
    at, round_ = draw(_place), draw(_round)
    match draw(st.integers(0, 3)):
        case 0:
            return acts.ProposalPrepared(round_, SEALS[at], DELTAS[at])
        case 1:
            sound, timely = draw(st.booleans()), draw(st.booleans())
            missing = draw(st.sampled_from([(), (), (b"log",)]))
            return acts.ProposalProcessed(
                round_, SEALS[at].id, acts.ProposalVerdict(sound, timely, "x", missing)
            )
        case _:
            return acts.TimedOut(acts.Timeout(draw(st.sampled_from(list(acts.Alarm))), round_))


@st.composite
def rounds(draw: st.DrawFn) -> list[acts.Message | acts.Event]:
    """A round as it goes among those who agree, of which some may be missing or be otherwise."""
    number, at = draw(st.sampled_from([0, 0, 0, 1, 2])), draw(st.sampled_from([0, 0, 0, 1]))
    seal, verdict = (
        SEALS[at].id,
        draw(st.sampled_from([acts.VALID_PROPOSAL, acts.VALID_PROPOSAL, UNSOUND])),
    )
    timeouts = [acts.TimedOut(acts.Timeout(alarm, number)) for alarm in STEPS]
    script: list[acts.Message | acts.Event] = [
        scenes.proposal(number),
        acts.ProposalProcessed(number, SEALS[0].id, verdict),
        *(vote(who, number, Step.PREVOTE, seal) for who in (1, 2, 3)),
        *timeouts[:2],
        *(vote(who, number, Step.PRECOMMIT, seal) for who in (1, 2, 3)),
        timeouts[2],
    ]
    missing = draw(st.sets(st.integers(0, len(script) - 1), max_size=5))
    return [one for place, one in enumerate(script) if place not in missing]


STEPS = (acts.Alarm.PROPOSE, acts.Alarm.PREVOTE, acts.Alarm.PRECOMMIT)
UNSOUND = acts.ProposalVerdict(sound=False, reason="x")
_messages = st.one_of(votes(), votes(), votes(), proposals(), haves(), certificates())
_anything = st.lists(st.one_of(_messages, own_affairs()), max_size=ODD_EVENTS_MAX)
_events = st.lists(st.one_of(rounds(), rounds(), _anything), min_size=2, max_size=4).map(
    lambda parts: [one for part in parts for one in part]
)
"""Mostly what brings a round forward, so that something is at stake."""


def heard(message: acts.Message) -> acts.Event | None:
    """Return the event of a message that came as bytes; None when the door refuses it."""
    try:
        return acts.MessageReceived(message_from_bytes(message_to_bytes(message), COMMUNITY))
    except CommonwealError:
        return None


def sizes(root: object) -> Iterator[int]:
    seen: set[int] = set()
    waiting: deque[Any] = deque([root])
    while waiting:
        one = waiting.popleft()
        if id(one) in seen or isinstance(one, str | bytes | int | type | None):
            continue
        seen.add(id(one))
        match one:
            case dict():
                yield len(one)
                waiting.extend(one.values())
            case list() | tuple():
                yield len(one)
                waiting.extend(one)
            case _:
                slots = [
                    name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())
                ]
                waiting.extend(getattr(one, name, None) for name in slots)
                waiting.extend(getattr(one, "__dict__", {}).values())


def live(agreement: Agreement, events: Sequence[acts.Message | acts.Event]) -> list[acts.Action]:
    """Let an agreement begin and hear all this; return what it did."""
    have = scenes.haves((3, 2))[0] if agreement.me else None
    actions = agreement.handle(acts.HeightStarted(have), 0)
    for now_ms, one in enumerate(events, 1):
        event = heard(one) if isinstance(one, acts.Message) else one
        if event is not None:
            actions += agreement.handle(event, now_ms * 500)
    return actions


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(events=_events, is_witness=st.sampled_from([True, True, True, False]))
@example(  # its home is an older copy: it hears what it said, repeats that and votes no more
    events=[
        vote(0, 0, Step.PRECOMMIT, IDS[1]),
        acts.TimedOut(acts.Timeout(acts.Alarm.REPEAT, 0)),
    ],
    is_witness=True,
)
@pytest.mark.timeout(300)
def test_whatever_comes_a_witness_votes_once_in_a_step_and_keeps_little(
    events: list[acts.Message | acts.Event], is_witness: bool
) -> None:
    me = SIGNERS[0] if is_witness else None
    agreement = Agreement(COMMUNITY, 1, FIRST, scenes.DEVICES, me)
    actions = live(agreement, events)
    said: dict[tuple[int, Step], SealId] = {}
    for action in actions:
        match action:
            case acts.Persist(own, lock):
                assert said.setdefault((own.round, own.step), own.seal) == own.seal
                assert lock is None or lock.proposal.seal.id == own.seal
            case acts.Broadcast(Vote() as own):
                is_stored = said.get((own.round, own.step)) == own.seal
                assert is_stored or own in events, "neither stored before nor heard of itself"
            case acts.Decide(certificate):
                check_certificate(certificate, COMMUNITY, scenes.DEVICES)
            case acts.ReportDoubleVote(proof):
                assert proof.device in scenes.DEVICES
            case _:
                pass
    assert me is not None or not said
    assert sum(sizes(agreement)) < HELD_MAX
    voted = {pair for pair, seal in said.items() if pair[1] is Step.PRECOMMIT and seal}
    for number, _ in voted:
        prevotes = [one for one in events if isinstance(one, Vote) and one.round == number]
        polkas = [one for one in prevotes if one.step is Step.PREVOTE]
        assert len({one.device for one in polkas}) + 1 >= quorum_of(4).needed


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(before=_events, after=_events)
@example(
    before=[scenes.proposal(), acts.ProposalProcessed(0, SEALS[0].id, acts.VALID_PROPOSAL)],
    after=[acts.TimedOut(acts.Timeout(acts.Alarm.PROPOSE, 0))],
)
@pytest.mark.timeout(300)
def test_whatever_comes_who_crashed_and_came_back_does_not_contradict_himself(
    before: list[acts.Message | acts.Event], after: list[acts.Message | acts.Event]
) -> None:
    first = live(Agreement(COMMUNITY, 1, FIRST, scenes.DEVICES, SIGNERS[0]), before)
    stored = [one for one in first if isinstance(one, acts.Persist)]
    locks = [one.lock for one in stored if one.lock is not None]
    back = Agreement(
        *(COMMUNITY, 1, FIRST, scenes.DEVICES, SIGNERS[0]),
        [one.vote for one in stored],
        locks[-1] if locks else None,
    )
    again = [one for one in live(back, after) if isinstance(one, acts.Persist)]
    said = {(one.vote.round, one.vote.step): one.vote.seal for one in stored}
    for one in again:
        assert said.setdefault((one.vote.round, one.vote.step), one.vote.seal) == one.vote.seal


def test_floods_of_well_signed_messages_fill_nothing() -> None:
    agreement = Agreement(COMMUNITY, 1, FIRST, scenes.DEVICES, SIGNERS[0])
    live(agreement, [])
    why = scenes.haves((3, 2), (3, 1), (2, 2))
    for number in range(400):
        for who in (1, 4):
            far = vote(who, 5 * number, Step.PREVOTE, IDS[1])
            seal = scenes.seal(DELTAS[0], clock=6 + number)
            offer = sign_proposal(SIGNERS[who], number % 3, seal, DELTAS[0], why)
            have = sign_have(SIGNERS[who], COMMUNITY, 1, FIRST, scenes.logs(number + 1))
            for message in (far, offer, have, vote(who, number % 4, Step.PRECOMMIT, seal.id)):
                agreement.handle(acts.MessageReceived(message), number)
    assert sum(sizes(agreement)) < HELD_MAX
