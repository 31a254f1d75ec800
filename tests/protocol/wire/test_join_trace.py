"""The join of tests/vectors/join.json is one that nodes make, and each of its frames is read."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.identity import membership_proof
from commonweal.protocol.keys import PeerKey, Signer
from commonweal.protocol.records.record import CommunityId, from_bytes
from commonweal.protocol.wire import frame_codec, hello, messages
from tests.builders.join_trace import kept, names, opened, simulated

TRACE = kept()
FRAMES: list[dict[str, Any]] = TRACE["frames"]
COMMUNITY = CommunityId(bytes.fromhex(TRACE["community"]))


def peer(name: str) -> PeerKey:
    return PeerKey(bytes.fromhex(TRACE["peers"][name]))


def test_nodes_still_join_by_these_messages() -> None:
    assert names(simulated()) == names(TRACE)


@pytest.mark.parametrize("number", range(len(FRAMES)))
def test_a_frame_is_read_and_written_back(number: int) -> None:
    data = bytes.fromhex(FRAMES[number]["frame"])
    assert frame_codec.encode(frame_codec.decode(data)) == data


@pytest.mark.parametrize(
    ("number", "sender", "receiver"), [(0, "newcomer", "host"), (1, "host", "newcomer")]
)
def test_a_hello_opens_for_its_receiver_alone(number: int, sender: str, receiver: str) -> None:
    message = frame_codec.decode(bytes.fromhex(FRAMES[number]["frame"]))
    assert isinstance(message, messages.Hello)
    greeting = hello.decrypt(message, COMMUNITY, peer(sender), peer(receiver))
    assert [*greeting.credentials] == opened(TRACE, FRAMES[number])[2]
    first = from_bytes(greeting.credentials[0])
    place = (COMMUNITY, greeting.device, peer(sender))
    assert membership_proof.is_bound_to_peer(first, *place)
    if greeting.invite is not None:
        key = Signer(bytes.fromhex(TRACE["invite"]["seed"])).key
        sides = (peer(sender), peer(receiver))
        hello.check_invite_proof(greeting.invite, key, COMMUNITY, *sides)
