"""mDNS: what is announced, and what is made of what others announce."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import trio
from zeroconf import (
    EventLoopBlocked,
    NonUniqueNameException,
    ServiceBrowser,
    ServiceInfo,
    ServiceStateChange,
    Zeroconf,
)

from commonweal.node.network import peer_id
from commonweal.node.network.reach import mdns
from commonweal.node.network.reach.mdns import NAMES_WAITING_MAX, SERVICE, Mdns, _Listener
from commonweal.node.transport import PeerKey
from tests.builders.link_pairs import End

OWN, OTHER = End(1).key, End(2).key
NAME = f"abc.{SERVICE}"


def told(*addresses: bytes) -> list[tuple[PeerKey, tuple[str, ...]]]:
    """What a node makes of an announcement with these addresses."""
    found: list[tuple[PeerKey, tuple[str, ...]]] = []
    own = (at("/ip4/192.0.2.1/tcp/4001", OWN).decode(), at("/ip6/2001:db8::9/tcp/1", OWN).decode())
    of_ours = Mdns(OWN, lambda: own, lambda peer, each: found.append((peer, each)))
    properties = {f"dnsaddr{i or ''}": each for i, each in enumerate(addresses)}
    of_ours._read(ServiceInfo(SERVICE, NAME, port=1, properties=properties))
    return found


def at(address: str, peer: PeerKey) -> bytes:
    """An address as it is announced."""
    return f"{address}/p2p/{peer_id(peer)}".encode()


def test_an_announcement_holds_addresses_and_a_random_name_only() -> None:
    address = at("/ip4/192.0.2.7/tcp/4001", OWN).decode()
    loopback = at("/ip4/127.0.0.1/tcp/4001", OWN).decode()
    of_ours = Mdns(OWN, lambda: (loopback, address), lambda _peer, _addresses: None)
    info = mdns._service(NAME, of_ours._announced())
    assert info.properties == {b"dnsaddr": address.encode()}
    assert (info.type, info.name, info.server) == (SERVICE, NAME, "abc.local.")


def test_a_node_on_the_network_is_found() -> None:
    four, six = at("/ip4/192.0.2.7/tcp/4001", OTHER), at("/ip6/2001:db8::1/tcp/4001", OTHER)
    expected = (OTHER, ("/ip4/192.0.2.7/tcp/4001", "/ip6/2001:db8::1/tcp/4001"))
    assert told(four, six) == [expected]


def test_only_addresses_that_can_be_near_are_handed_on() -> None:
    """Anybody on the network can announce a member's node at any door."""
    near = (
        *("/ip4/10.1.2.3/tcp/4001", "/ip4/192.168.1.5/tcp/1", "/ip4/169.254.1.2/tcp/1"),
        *("/ip6/fd00::7/tcp/1", "/ip6/fe80::7/tcp/1", "/ip4/192.0.2.254/tcp/1"),
    )
    far = (
        *("/ip4/203.0.113.7/tcp/443", "/ip6/2001:db9::7/tcp/443", "/ip6/::ffff:203.0.113.7/tcp/1"),
        *("/dns/victim.example/tcp/443", "/ip4/127.0.0.1/tcp/22"),
        *("/ip6/::ffff:127.0.0.1/tcp/22", "/ip6/::1/tcp/22", "/ip6/::/tcp/22"),
        *("/ip4/0.0.0.0/tcp/22", "/ip4/224.0.0.251/tcp/1"),
    )
    assert told(*(at(address, OTHER) for address in (*far, *near))) == [(OTHER, near)]
    assert told(*(at(address, OTHER) for address in far)) == []


@pytest.mark.parametrize("error", [NonUniqueNameException(), EventLoopBlocked(), OSError("gone")])
async def test_a_name_that_others_claim_ends_no_node(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """Another round begins, and the log says why this one ended."""
    closed = 0
    again = trio.Event()

    class Refusing:
        def register_service(self, _service: ServiceInfo) -> None:
            raise error

        def close(self) -> None:
            nonlocal closed
            closed += 1
            if closed == 2:
                token.run_sync_soon(again.set)

    token = trio.lowlevel.current_trio_token()
    monkeypatch.setattr(mdns, "Zeroconf", Refusing)
    monkeypatch.setattr(mdns, "AGAIN_S", 0)
    own = at("/ip4/192.0.2.7/tcp/4001", OWN).decode()
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Mdns(OWN, lambda: (own,), lambda _peer, _addresses: None).run)
            await again.wait()
            nursery.cancel_scope.cancel()
    words = str(error) or type(error).__name__
    assert f"mDNS does not work on this network: {words}" in caplog.messages


async def test_names_that_nobody_answers_for_do_not_pile_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "commonweal.node.network.reach.mdns.Zeroconf", lambda: Zeroconf(["127.0.0.1"])
    )
    browsers: list[ServiceBrowser] = []

    def browse(*details: Any) -> ServiceBrowser:
        browsers.append(ServiceBrowser(*details))
        return browsers[0]

    monkeypatch.setattr("commonweal.node.network.reach.mdns.ServiceBrowser", browse)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Mdns(OWN, tuple, lambda _peer, _addresses: None).run)
        with trio.fail_after(5):
            while not browsers:
                await trio.sleep(0.01)
        await trio.sleep(0.1)
        for number in range(2_000):
            key = (f"{number}.{SERVICE}", SERVICE)
            browsers[0].queue.put((key, ServiceStateChange.Added))
        with trio.fail_after(10):
            while browsers[0].queue.qsize() > NAMES_WAITING_MAX:
                await trio.sleep(0.05)
        nursery.cancel_scope.cancel()


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


def test_a_busy_machine_ends_no_looking_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blocked(ServiceInfo):
        def request(self, *_: object, **__: object) -> bool:
            raise EventLoopBlocked

    class Quick(ServiceInfo):
        def request(self, *_: object, **__: object) -> bool:
            return True

    offered: list[ServiceInfo] = []
    zeroconf: Any = SimpleNamespace(cache=SimpleNamespace(get_by_details=lambda *_: None))
    for kind, count in ((Blocked, 0), (Quick, 1)):
        monkeypatch.setattr(mdns, "ServiceInfo", kind)
        monkeypatch.setattr(kind, "load_from_cache", lambda *_: False)
        _Listener("own", offered.append).add_service(zeroconf, SERVICE, NAME)
        assert len(offered) == count
