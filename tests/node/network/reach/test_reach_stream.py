"""The reach stream: what its messages hold, and what of them cannot be read."""

from __future__ import annotations

import pytest

from commonweal.node.network import peer_id
from commonweal.node.network.reach.reach_stream import (
    ASKED_MAX,
    ReachAnswer,
    answer_from_bytes,
    answer_to_bytes,
    question_from_bytes,
    question_to_bytes,
)
from commonweal.node.reach_state import DialBackResult
from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed
from commonweal.protocol.identity.invite import CIRCUIT
from tests.builders.link_pairs import End

ADDRESSES = ("/ip4/198.51.100.7/tcp/4001", "/dns/home.example/tcp/4001")
RESULTS = (DialBackResult.REACHED, DialBackResult.NOT_SEEN_THERE)

UNSEEN = (
    *("/ip4/not.a.number/tcp/1", "/ip4/1.2.3/tcp/1", "/ip6/1.2.3.4/tcp/1", ADDRESSES[1]),
    f"{ADDRESSES[0]}/p2p/{peer_id(End(1).key)}{CIRCUIT}",
)
"""Addresses of the right form at which nobody can be seen."""


def test_what_is_written_is_read() -> None:
    assert question_from_bytes(question_to_bytes(ADDRESSES)) == ADDRESSES
    assert question_from_bytes(question_to_bytes(())) == ()
    for seen in (ADDRESSES[0], "/ip6/2001:db8::1/tcp/4001", ""):
        answer = ReachAnswer(seen, RESULTS)
        assert answer_from_bytes(answer_to_bytes(answer), 2) == answer


def test_a_question_has_few_addresses() -> None:
    many = [f"/ip4/198.51.100.7/tcp/{port}" for port in range(1, ASKED_MAX + 2)]
    assert question_from_bytes(question_to_bytes(many)) == tuple(many[:ASKED_MAX])
    with pytest.raises(Malformed):
        question_from_bytes(codec.encode([*many]))


@pytest.mark.parametrize(
    "question", [None, {}, "", [1], ["nonsense"], ["/ip4/1.2.3.4/udp/1"], [b"x"], ["x" * 300]]
)
def test_a_question_that_makes_no_sense_is_refused(question: codec.Value) -> None:
    with pytest.raises(Malformed):
        question_from_bytes(codec.encode(question))


@pytest.mark.parametrize(
    "answer",
    [
        *(None, [], [ADDRESSES[0]], [ADDRESSES[0], []], [ADDRESSES[0], [0]]),
        *([ADDRESSES[0], [0, 1, 2]], [ADDRESSES[0], [0, 5]], [ADDRESSES[0], [0, -1]]),
        *([ADDRESSES[0], [True, 0]], ["nonsense", [0, 0]], ["/ip4/x/tcp/0", [0, 0]], [1, [0, 0]]),
        *([seen, [0, 0]] for seen in UNSEEN),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(answer: codec.Value) -> None:
    with pytest.raises(Malformed):
        answer_from_bytes(codec.encode(answer), 2)
