"""What comes a height too early waits, and nobody can make us keep much."""

from __future__ import annotations

from dataclasses import replace

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.consensus.future_messages import (
    EARLY_DEVICES_MAX,
    EARLY_PROPOSALS_MAX,
    EARLY_VOTES_MAX,
    FutureMessages,
)
from commonweal.protocol.seal.votes import Step
from tests.protocol.seal import scenes

ID = scenes.seal().id


def test_messages_of_the_next_height_are_given_when_it_starts_and_once() -> None:
    early = FutureMessages()
    kept: list[Message] = [
        scenes.haves((1,))[0],
        scenes.proposal(),
        scenes.vote(1, Step.PREVOTE, ID),
    ]
    for message in kept:
        assert early.keep(message, height=0)
    assert early.take(2) == []
    assert early.take(1) == kept
    assert early.take(1) == []


def test_other_heights_and_certificates_are_not_kept() -> None:
    early = FutureMessages()
    for height in (1, 2, 3):
        assert not early.keep(scenes.vote(1, Step.PREVOTE, ID, height=height), height=2) or (
            height == 3
        )
    assert not early.keep(scenes.certificate(scenes.seal()), height=0)


def test_a_new_height_drops_what_was_kept_for_the_last() -> None:
    early = FutureMessages()
    early.keep(scenes.vote(1, Step.PREVOTE, ID), height=0)
    later = scenes.vote(1, Step.PREVOTE, ID, height=2)
    assert early.keep(later, height=1)
    assert early.take(1) == []
    assert early.take(2) == [later]


def test_what_is_kept_is_bounded() -> None:
    early = FutureMessages()
    vote, have, proposal = (
        scenes.vote(1, Step.PREVOTE, ID),
        scenes.haves((1,))[0],
        scenes.proposal(),
    )
    for number in range(100):
        early.keep(replace(vote, round=number), height=0)
    assert len(early.take(1)) == EARLY_VOTES_MAX
    for number in range(3 * EARLY_DEVICES_MAX):
        device = DeviceKey(bytes([number]) * 32)
        early.keep(replace(vote, device=device), height=0)
        early.keep(replace(have, device=device), height=0)
        early.keep(replace(proposal, vote=replace(proposal.vote, device=device)), height=0)
    assert len(early.take(1)) == 2 * EARLY_DEVICES_MAX + EARLY_PROPOSALS_MAX
