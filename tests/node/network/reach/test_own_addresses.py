"""Own addresses: their order, what a member's word changes, and what is bounded."""

from __future__ import annotations

from commonweal.node.network.addresses import parse
from commonweal.node.network.reach.own_addresses import (
    CONFIRMED_MAX,
    CONFIRMED_MS_MAX,
    OBSERVERS_MAX,
    OwnAddresses,
)
from commonweal.node.reach_state import DialBackResult, PortMapping, Verdict
from commonweal.node.transport import PeerKey
from commonweal.protocol.identity.invite import ADDRESSES_MAX

MEI, BO = PeerKey(bytes([1]) * 32), PeerKey(bytes([2]) * 32)
LAN, GLOBAL = "/ip4/192.168.1.5/tcp/4001", "/ip6/2001:db8::5/tcp/4001"
ROUTER, OTHER = "/ip4/198.51.100.7/tcp/4001", "/ip4/203.0.113.9/tcp/4001"
NAME = "/dns/home.example/tcp/4001"
CIRCUIT = f"/ip4/203.0.113.1/tcp/4001/p2p/{'12D3KooW' + 'x' * 44}/p2p-circuit"


def listening(*announced: str) -> OwnAddresses:
    """The addresses of a node with a private and a public interface."""
    own = OwnAddresses(announced)
    own.listen([parse(LAN), parse(GLOBAL)])
    return own


def test_addresses_stand_in_the_order_in_which_they_are_likely_to_work() -> None:
    own = listening(NAME)
    own.relay([CIRCUIT])
    own.map(PortMapping("PCP", ROUTER))
    own.confirm(OTHER, MEI, 1, from_outside=True)
    assert own.addresses == (NAME, OTHER, ROUTER, GLOBAL, CIRCUIT, LAN)
    own.confirm(GLOBAL, MEI, 2, from_outside=True)
    assert own.addresses == (NAME, GLOBAL, OTHER, ROUTER, CIRCUIT, LAN), "the newest comes first"


def test_a_name_without_a_port_has_the_one_that_is_listened_to() -> None:
    own = OwnAddresses(("/dns/home.example/tcp/0", "/dns/home.example/tcp/443"))
    assert not own.addresses
    own.listen([parse(LAN)])
    assert own.addresses == (NAME, "/dns/home.example/tcp/443", LAN)
    assert own.state().announced == own.addresses[:2]


def test_what_a_member_sees_is_a_candidate_and_told_to_nobody() -> None:
    own = listening()
    own.observe(MEI, "/ip4/198.51.100.7/tcp/50123", 1)
    assert own.addresses == (GLOBAL, LAN)
    assert own.candidates() == (GLOBAL, ROUTER), "with the port listened to"
    assert own.observed() == ("/ip4/198.51.100.7/tcp/50123",)


def test_an_address_confirmed_from_inside_is_no_address_for_others() -> None:
    own = listening()
    own.confirm(LAN, MEI, 1, from_outside=False)
    assert own.addresses == (GLOBAL, LAN)
    assert not own.is_reachable()


def test_a_member_takes_back_its_own_confirmation_and_no_others() -> None:
    own = listening()
    own.confirm(ROUTER, MEI, 1, from_outside=True)
    own.deny(ROUTER, BO, 2, DialBackResult.NO_ANSWER)
    assert ROUTER in own.addresses
    own.deny(ROUTER, MEI, 3, DialBackResult.NO_ANSWER)
    assert ROUTER not in own.addresses
    assert [held.result for held in own.state().unreached] == [DialBackResult.NO_ANSWER]
    own.confirm(ROUTER, BO, 4, from_outside=True)
    assert not own.state().unreached


def test_a_confirmation_that_is_not_repeated_ends() -> None:
    own = listening()
    own.confirm(ROUTER, MEI, 1, from_outside=True)
    own.expire(1 + CONFIRMED_MS_MAX)
    assert own.is_reachable()
    own.deny(OTHER, MEI, 1, DialBackResult.NO_ANSWER)
    own.expire(2 + CONFIRMED_MS_MAX)
    assert not own.is_reachable()
    assert own.verdict() is Verdict.UNKNOWN, "what was tried in vain is old, too"
    assert own.addresses == (GLOBAL, LAN)


def test_what_is_kept_is_bounded() -> None:
    own = listening()
    for number in range(CONFIRMED_MAX + 3):
        own.confirm(f"/ip4/198.51.100.7/tcp/{5_000 + number}", MEI, number, from_outside=True)
        own.deny(f"/ip4/198.51.100.7/tcp/{6_000 + number}", MEI, number, DialBackResult.NO_ANSWER)
    for number in range(OBSERVERS_MAX + 3):
        own.observe(PeerKey(number.to_bytes(32, "big")), ROUTER, number)
    own.relay([CIRCUIT])
    state = own.state()
    assert len(state.confirmed) == len(state.unreached) == CONFIRMED_MAX
    assert len(state.observed) == OBSERVERS_MAX
    assert len(own.addresses) == ADDRESSES_MAX
    assert CIRCUIT in own.addresses


def test_only_another_list_is_told() -> None:
    told: list[tuple[str, ...]] = []
    own = OwnAddresses(changed=lambda: told.append(own.addresses))
    for _ in range(2):
        own.listen([parse(LAN)])
    own.observe(MEI, ROUTER, 1)
    own.confirm(ROUTER, MEI, 1, from_outside=True)
    own.confirm(ROUTER, BO, 2, from_outside=True)
    assert told == [(LAN,), (ROUTER, LAN)]
    own.move()
    assert told[-1] == (LAN,)
    assert not own.observed()
