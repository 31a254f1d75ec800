"""What the join client says of a newcomer who holds few records yet."""

from __future__ import annotations

import pytest

from commonweal.node.control import join_once
from commonweal.node.service.peer import PeerState
from commonweal.protocol.keys import PeerKey


def session(*, compared: bool) -> PeerState:
    return PeerState(
        PeerKey(bytes(32)), "", outbound=True, since_ms=0, heard_ms=0, compared=compared
    )


@pytest.mark.parametrize(
    ("state", "compared", "said"),
    [
        ("member", [False], "waiting-for-admission"),
        ("member", [], "waiting-for-admission"),
        ("member", [False, True], "member"),
        ("waiting-for-admission", [True], "waiting-for-admission"),
        ("left", [False], "left"),
    ],
)
def test_a_member_is_one_whom_a_node_compares_with(
    state: str, compared: list[bool], said: str
) -> None:
    assert join_once._sure(state, [session(compared=it) for it in compared]) == said
