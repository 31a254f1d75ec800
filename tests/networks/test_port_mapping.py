"""Homes whose router runs a real miniupnpd: a port is opened, followed, given back, and invites."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import trio

from commonweal.client import Member
from commonweal.node.control import daemon
from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.reach import Reach
from commonweal.node.network.addresses import Endpoint
from commonweal.node.network.reach import port_mapper
from commonweal.node.network.reach.gateways.default_route import default_route
from commonweal.node.network.reach.gateways.gateway_client import (
    GatewayClient,
    Route,
)
from commonweal.node.network.reach.gateways.nat_pmp import NatPmpClient
from commonweal.node.network.reach.gateways.pcp import PcpClient
from commonweal.node.network.reach.gateways.upnp import UpnpClient
from commonweal.node.network.reach.port_mapper import GatewayClients, PortMapper
from commonweal.node.reach_state import PortMapping
from commonweal.protocol.errors import NotReachable
from commonweal.protocol.identity import invite
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.networks.conftest import Note
from tests.networks.miniupnpd import Forwarder, forwarder, lacking_miniupnpd
from tests.networks.places import PUBLIC_NET, Network, Place, network
from tests.networks.routers import PROVIDER, Router, home
from tests.networks.village import Dweller, wait_equal

pytestmark = [
    pytest.mark.skipif(bool(lacking_miniupnpd()), reason=f"not run: {lacking_miniupnpd()}"),
    pytest.mark.timeout(120),
]

PORT = 4001
ROUTE = Route("192.168.7.1", "192.168.7.2")
NONCE = bytes(range(12))
ANSWER_S = 0.5
MAPPED_S_MAX = 15.0
EPOCH_S = 3.5
"""An epoch of PCP that goes back by less may be a clock that is slow."""
ADMITTED_S_MAX = 60.0
CLIENTS: dict[str, Callable[[], GatewayClient]] = {
    "PCP": lambda: PcpClient(ROUTE, NONCE),
    "NAT-PMP": lambda: NatPmpClient(ROUTE),
    "UPnP": lambda: UpnpClient(ROUTE),
}


@contextmanager
def listening(net: Network, place: Place) -> Iterator[None]:
    """A socket that listens in a place."""
    with net.inside(place), socket.create_server(("", PORT)):
        yield


def reaches(net: Network, place: Place, address: tuple[str, int]) -> bool:
    """Say whether a connection from a place to an address is answered."""
    with net.inside(place):
        try:
            socket.create_connection(address, ANSWER_S).close()
        except OSError:
            return False
    return True


@pytest.mark.parametrize("way", CLIENTS)
def test_a_port_that_a_real_router_maps_is_reached_until_it_is_given_back(
    way: str, tmp_path: Path
) -> None:
    with network(prefix=PUBLIC_NET) as net:
        public = net.place()
        inside, router = home(net, Router.KEEPING, PORT)
        with forwarder(router, tmp_path), listening(net, inside):
            client = CLIENTS[way]()
            with net.inside(inside):
                assert trio.run(default_route) == ROUTE
                grant = trio.run(client.map, PORT, PORT)
                assert trio.run(client.map, PORT, grant.external_port) == grant
            assert grant.external_host == router.address
            assert reaches(net, public, (router.address, grant.external_port))
            with net.inside(inside):
                trio.run(client.unmap, grant)
            assert not reaches(net, public, (router.address, grant.external_port))


def test_a_router_with_an_address_of_its_provider_refuses_and_that_is_told(tmp_path: Path) -> None:
    with network(prefix=PROVIDER) as net:
        inside, router = home(net, Router.KEEPING, PORT)
        told: list[PortMapping] = []
        mapper = PortMapper(
            (Endpoint("ip4", "0.0.0.0", PORT),), GatewayClients.of(bytes(32)), told.append
        )

        async def scene() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(mapper.run)
                await until(lambda: told[-1:] and told[-1].reason != "asking")
                nursery.cancel_scope.cancel()

        with forwarder(router, tmp_path), net.inside(inside):
            trio.run(scene)
    assert (told[-1].reason, told[-1].way, told[-1].said) == ("refused", "PCP", "no resources")


@pytest.mark.parametrize(("pcp", "way"), [(True, "PCP"), (False, "UPnP")])
def test_the_port_follows_a_router_that_restarts_or_is_renumbered_and_a_machine_that_moves(
    pcp: bool, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_mapper, "FOLLOW_S", 0.1)
    monkeypatch.setattr(port_mapper, "LOOK_S", 0.3)
    with network(prefix=PUBLIC_NET) as net:
        inside, first = home(net, Router.KEEPING, PORT)
        second = home(net, Router.KEEPING, PORT)[1]
        told: list[PortMapping] = []
        moved: list[Forwarder] = []
        with (
            forwarder(first, tmp_path, pcp=pcp) as router,
            net.inside(inside),
            ExitStack() as stack,
        ):

            async def scene() -> None:
                mapper = PortMapper(
                    (Endpoint("ip4", "0.0.0.0", PORT),),
                    GatewayClients.of(bytes(32)),
                    told.append,
                )
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(mapper.run)
                    await until(lambda: told[-1:] and told[-1].address)
                    assert (told[-1].way, told[-1].reason) == (way, "")
                    await trio.sleep(EPOCH_S if pcp else 0)
                    router.restart()
                    assert "dnat" not in router.rules()
                    await until(lambda: "dnat" in router.rules())
                    net.plug(inside, second, "192.168.8")
                    moved.append(stack.enter_context(forwarder(second, tmp_path, pcp=pcp)))
                    await until(lambda: second.address in told[-1].address)
                    await trio.sleep(EPOCH_S if pcp else 0)
                    renumbered = net.renumber(second)
                    await until(lambda: renumbered.address in told[-1].address)
                    nursery.cancel_scope.cancel()

            trio.run(scene)
            assert "dnat" not in moved[0].rules()


async def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so."""
    with trio.fail_after(MAPPED_S_MAX):
        while not is_so():
            await trio.sleep(0.05)


@pytest.mark.parametrize("pcp", [True, False])
def test_an_invite_made_behind_a_router_admits_who_is_behind_another(
    pcp: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Note
) -> None:
    """Two homes, no setting, nobody else: one router speaks PCP, or UPnP and drops what is PCP.

    The invite is made as soon as the node runs, while the router is still being asked.
    """
    monkeypatch.delenv("COMMONWEAL_PORT_MAPPING")
    with network(prefix=PUBLIC_NET) as net, ExitStack() as stack:
        mine, router = home(net, Router.KEEPING, PORT)
        theirs, _ = home(net, Router.CHANGING, PORT)
        opened = stack.enter_context(forwarder(router, tmp_path, pcp=pcp))
        if not pcp:
            opened.drop_pcp()
        mei = Dweller(homes.founder(tmp_path / "n1"), mine)
        stack.enter_context(running(net, mei))
        began = time.monotonic()
        with Member(mei.home.path) as founder:
            made = founder.invite()
        made_s = time.monotonic() - began
        mapping = answered(mei.home)
        assert mapping is not None
        assert (mapping.way, mapping.reason) == ("PCP" if pcp else "UPnP", "")
        assert mapping.address.startswith(f"/ip4/{router.address}/tcp/")
        link = invite.from_text(made.link)
        assert link.contacts[0].addresses[0] == mapping.address
        assert (made.reach.state, made.reach.address) == ("mapped", mapping.address)
        bo = Dweller(homes.newcomer(tmp_path / "n2", link), theirs)
        stack.enter_context(running(net, bo))
        admitted_s = wait_equal([mei, bo], ADMITTED_S_MAX, 1)
        assert "dnat" in opened.rules()
        daemon.stop(mei.home)
        assert "dnat" not in opened.rules()
    record_property(
        "port mapping", f"{mapping.way}, a link in {made_s:.1f} s, admitted in {admitted_s:.1f} s"
    )


@contextmanager
def running(net: Network, dweller: Dweller) -> Iterator[None]:
    """A node of this home in its place, as `weal up` starts it; ended in order."""
    secrets = keystore.unlock(dweller.home.keystore, None)
    with net.inside(dweller.place):
        started = daemon.NodeProcess(dweller.home, secrets, mdns=False)
    try:
        started.addresses()
        yield
    finally:
        started.give_up()
        with suppress(NotReachable):
            daemon.kill(dweller.home)


def answered(home: Home) -> PortMapping | None:
    """Return what the router answered to the node of a home."""
    with LocalClient(home.socket, patience_s=10) as client:
        return client.ask(Reach()).mapping
