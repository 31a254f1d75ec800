"""What is said of a link that was just made: whether others can use it, and what would help."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from commonweal.client.community import link_reach as module
from commonweal.client.community.link_reach import LinkReach, link_reach
from commonweal.client.language.words import Words
from commonweal.node.reach_state import (
    ConfirmedAddress,
    DialBackResult,
    PortMapping,
    ReachState,
    UnreachedAddress,
)
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.home.home import Home

ME, BO = PeerKey(bytes(32)), PeerKey(bytes([2]) * 32)
LAN, PUBLIC = "/ip4/192.168.1.5/tcp/4001", "/ip4/8.8.4.4/tcp/4001"
BOS = "/ip4/8.8.8.8/tcp/4001"
RELAY = f"/ip4/9.9.9.9/tcp/4002/p2p/12D3KooW{'a' * 44}/p2p-circuit"
MET = ConfirmedAddress(PUBLIC, BO, 1, from_outside=True)
TRIED = UnreachedAddress(PUBLIC, BO, 1, DialBackResult.NO_ANSWER)
SEEN, ROUTED = ReachState(confirmed=(MET,)), ReachState(relayed=(RELAY,))
REFUSING = PortMapping("PCP", "", "refused", "not authorised", "192.168.1.1")


def found(
    monkeypatch: pytest.MonkeyPatch,
    reach: ReachState | None,
    own: tuple[str, ...],
    linked: str = "",
) -> LinkReach:
    """What is said of a link with these own addresses, and Bo's node in it."""
    status = SimpleNamespace(peers=(SimpleNamespace(peer=BO, address=linked),))
    monkeypatch.setattr(module, "ask_if_running", lambda *_: status)
    contacts = (Contact(ME, own), Contact(BO, (BOS,)))
    link = CommunityLink(CommunityId(bytes(32)), contacts, None)
    home = Home(Path("/nowhere"))
    return link_reach(home, link, reach, lambda peer: (peer, "Bo"), Words())


@pytest.mark.parametrize(
    ("reach", "own", "linked", "state", "said"),
    [
        (
            ReachState(mapping=PortMapping("UPnP", PUBLIC)),
            (PUBLIC, LAN),
            "",
            "mapped",
            f"the router forwards {PUBLIC}",
        ),
        (
            ReachState(mapping=PortMapping("UPnP", PUBLIC), unreached=(TRIED,)),
            (PUBLIC, LAN),
            "",
            "refused",
            "in vain",
        ),
        (
            ReachState(confirmed=(MET,)),
            (PUBLIC, LAN),
            "",
            "met",
            f"Bo has reached this node at {PUBLIC}",
        ),
        (
            ReachState(relayed=(RELAY,)),
            (RELAY, LAN),
            "",
            "relayed",
            "the relay at /ip4/9.9.9.9/tcp/4002.",
        ),
        (ReachState(), (LAN,), BOS, "member", f"the node of Bo at {BOS}"),
        (ReachState(), (PUBLIC, LAN), "", "untried", f"nobody was there to try {PUBLIC}"),
        (None, (PUBLIC, LAN), "", "untried", f"nobody was there to try {PUBLIC}"),
        (ReachState(unreached=(TRIED,)), (LAN,), "", "refused", f"Bo tried {PUBLIC} in vain"),
        (ReachState(), (LAN,), "", "private", "all addresses in it are private"),
        (None, (LAN,), BOS, "private", "all addresses in it are private"),
    ],
)
def test_a_link_says_whether_others_can_use_it(
    monkeypatch: pytest.MonkeyPatch,
    reach: ReachState | None,
    own: tuple[str, ...],
    linked: str,
    state: str,
    said: str,
) -> None:
    told = found(monkeypatch, reach, own, linked)
    works: Any = {"refused": False, "private": False}.get(state, True)
    works = None if state in ("mapped", "untried") else works
    assert (told.state, told.works) == (state, works)
    assert said in told.said(Words())
    assert bool(told.advice) == (not works)


def test_what_is_not_in_the_link_does_not_make_it_work(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = ConfirmedAddress(LAN, BO, 1, from_outside=False)
    for reach in (ReachState(confirmed=(MET,)), ReachState(confirmed=(inside,))):
        assert found(monkeypatch, reach, (LAN,)).state == "private"
    assert found(monkeypatch, ReachState(relayed=(RELAY,)), (LAN,)).state == "private"
    near = found(monkeypatch, ReachState(), (LAN,), "/ip4/8.8.8.8/tcp/9")
    assert near.state == "private", "Bo's node came to us, nobody knows whether others reach it"


def test_what_the_router_refuses_is_the_first_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    told = found(monkeypatch, ReachState(port=4001, mapping=REFUSING), (LAN,))
    assert "forward TCP port 4001" in told.advice[0]
    assert "relays" in told.advice[1]
