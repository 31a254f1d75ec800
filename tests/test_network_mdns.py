"""mDNS: what is announced, and what is made of what others announce."""

from __future__ import annotations

import pytest
from zeroconf import ServiceInfo

from commonweal.node.link import PeerKey
from commonweal.node.network import peer_id
from commonweal.node.network.mdns import SERVICE, Mdns
from tests.network_ends import End

OWN, OTHER = End(1).key, End(2).key
NAME = f"abc.{SERVICE}"


def told(*addresses: bytes) -> list[tuple[PeerKey, tuple[str, ...]]]:
    """What a node makes of an announcement with these addresses."""
    found: list[tuple[PeerKey, tuple[str, ...]]] = []
    mdns = Mdns(OWN, (), lambda peer, each: found.append((peer, each)))
    properties = {f"dnsaddr{i or ''}": each for i, each in enumerate(addresses)}
    mdns._read(ServiceInfo(SERVICE, NAME, port=1, properties=properties))
    return found


def at(address: str, peer: PeerKey) -> bytes:
    """An address as it is announced."""
    return f"{address}/p2p/{peer_id(peer)}".encode()


def test_an_announcement_holds_addresses_and_a_random_name_only() -> None:
    address = at("/ip4/192.0.2.7/tcp/4001", OWN).decode()
    loopback = at("/ip4/127.0.0.1/tcp/4001", OWN).decode()
    info = Mdns(OWN, (loopback, address), lambda _peer, _addresses: None)._service(NAME)
    assert info.properties == {b"dnsaddr": address.encode()}
    assert (info.type, info.name, info.server) == (SERVICE, NAME, "abc.local.")


def test_a_node_on_the_network_is_found() -> None:
    four, six = at("/ip4/192.0.2.7/tcp/4001", OTHER), at("/ip6/2001:db8::1/tcp/4001", OTHER)
    expected = (OTHER, ("/ip4/192.0.2.7/tcp/4001", "/ip6/2001:db8::1/tcp/4001"))
    assert told(four, six) == [expected]


@pytest.mark.parametrize(
    "addresses",
    [
        (),
        (b"",),
        (b"\xff\xfe",),
        (b"/ip4/192.0.2.7/tcp/4001",),
        (b"/ip4/192.0.2.7/tcp/4001/p2p/nonsense",),
        (at("/ip4/192.0.2.7/udp/4001", OTHER),),
        (at("/ip4/192.0.2.7/tcp/99999", OTHER),),
        (at("/ip4/192.0.2.7/tcp/1", OTHER), at("/ip4/192.0.2.7/tcp/1", End(3).key)),
        (at("/ip4/192.0.2.7/tcp/1", OWN),),
    ],
)
def test_an_announcement_that_makes_no_sense_is_left_out(addresses: tuple[bytes, ...]) -> None:
    assert told(*addresses) == []
