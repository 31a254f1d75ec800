"""What status, doctor and page say of being reached from outside."""

from __future__ import annotations

import pytest

from commonweal.client.home.reach_words import reach_advice, reach_words
from commonweal.client.language.words import Words
from commonweal.node.reach_state import (
    ConfirmedAddress,
    DialBackResult,
    ReachState,
    UnreachedAddress,
)
from commonweal.protocol.keys import PeerKey

BO = PeerKey(bytes(32))
OUTSIDE = "/ip4/198.51.100.7/tcp/4001"
RELAYED = f"/ip4/203.0.113.1/tcp/4002/p2p/12D3KooW{'a' * 44}/p2p-circuit"
MET = ConfirmedAddress(OUTSIDE, BO, 1, from_outside=True)
INSIDE = ConfirmedAddress("/ip4/192.168.1.5/tcp/4001", BO, 1, from_outside=False)
FAILED = UnreachedAddress(OUTSIDE, BO, 1, DialBackResult.NO_ANSWER)


@pytest.mark.parametrize(
    ("reach", "said"),
    [
        (
            ReachState(confirmed=(INSIDE, MET), unreached=(FAILED,)),
            f"came in at {OUTSIDE}",
        ),
        (
            ReachState(relayed=(RELAYED,), unreached=(FAILED,)),
            "the relay at /ip4/203.0.113.1/",
        ),
        (ReachState(unreached=(FAILED,)), f"a member tried {OUTSIDE} in vain"),
        (ReachState(port=4001, confirmed=(INSIDE,)), "no member outside has tried port 4001"),
        (ReachState(), "no member outside has tried port ? yet"),
    ],
)
def test_status_says_whether_others_reach_this_node(reach: ReachState, said: str) -> None:
    assert said in reach_words(reach, Words())


def test_only_who_was_tried_in_vain_and_has_no_relay_is_told_what_to_do() -> None:
    closed = ReachState(port=4001, unreached=(FAILED,))
    assert "Forward TCP port 4001" in reach_advice(closed, Words())
    for well in (ReachState(), ReachState(confirmed=(MET,)), ReachState(relayed=(RELAYED,))):
        assert reach_advice(well, Words()) == ""
