"""One door for what witnesses send and keep: each kind comes out as it went in, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commonweal.protocol import codec
from commonweal.protocol.errors import BadSignature, Malformed
from commonweal.protocol.seal.consensus.events import Lock, Message
from commonweal.protocol.seal.consensus.messages import (
    MESSAGE_BYTES_MAX,
    lock_from_bytes,
    lock_to_bytes,
    message_from_bytes,
    message_to_bytes,
)
from commonweal.protocol.seal.votes import NIL, Step
from tests.protocol.seal import scenes
from tests.protocol.seal.witness import COMMUNITY

ID = scenes.seal().id
POLKA = tuple(scenes.vote(place, Step.PREVOTE, ID) for place in range(3))
LOCK = Lock(scenes.proposal(), POLKA)
MESSAGES: list[Message] = [
    scenes.vote(0, Step.PRECOMMIT, ID),
    scenes.proposal(),
    scenes.haves((3, 2))[0],
    scenes.certificate(scenes.seal()),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: type(one).__name__)
def test_a_message_comes_out_as_it_went_in(message: Message) -> None:
    assert message_from_bytes(message_to_bytes(message), COMMUNITY) == message


def test_what_is_no_message_is_refused() -> None:
    forged = message_to_bytes(replace(scenes.vote(0, Step.PREVOTE, ID), signature=bytes(64)))
    with pytest.raises(BadSignature):
        message_from_bytes(forged, COMMUNITY)
    for bad in (codec.encode(["note", b""]), codec.encode(["vote"]), bytes(MESSAGE_BYTES_MAX + 1)):
        with pytest.raises(Malformed):
            message_from_bytes(bad, COMMUNITY)


def test_a_lock_comes_back_as_it_was_kept() -> None:
    assert lock_from_bytes(lock_to_bytes(LOCK), COMMUNITY) == LOCK


BAD_POLKAS = {
    "nobody's": (),
    "for none": tuple(scenes.vote(place, Step.PREVOTE, NIL) for place in range(3)),
    "precommits": tuple(scenes.vote(place, Step.PRECOMMIT, ID) for place in range(3)),
    "of two rounds": (*POLKA[:2], scenes.vote(2, Step.PREVOTE, ID, round_=1)),
    "one twice": (POLKA[0], POLKA[0]),
}


@pytest.mark.parametrize("name", BAD_POLKAS)
def test_a_lock_without_the_prevotes_for_it_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        lock_from_bytes(lock_to_bytes(Lock(LOCK.proposal, BAD_POLKAS[name])), COMMUNITY)
