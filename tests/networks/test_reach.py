"""Real nodes learn where they are reached: members dial back, and a network may come late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.node.control import daemon
from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.reach import Reach
from commonweal.node.reach_state import ReachState, Verdict
from commonweal.protocol.errors import NotReachable
from commonweal.protocol.identity import invite
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.storage.home import keystore
from tests.builders import homes
from tests.networks.conftest import Note
from tests.networks.places import HIDDEN, PUBLIC_NET, Network, Place, Weather, lacking, network
from tests.networks.routers import Router, home
from tests.networks.village import Dweller, wait_equal

pytestmark = [
    pytest.mark.skipif(bool(lacking()), reason=f"not run: {lacking()}"),
    pytest.mark.timeout(120),
]

PORT = 4001
ADMITTED_S_MAX = 60.0
FOUND_S_MAX = 60.0
NOWHERE = f"/ip4/192.168.99.9/tcp/{PORT}"


@contextmanager
def running(net: Network, *dwellers: Dweller, mdns: bool = False) -> Iterator[None]:
    """Nodes of these homes in their places, which relay for nobody; ended in order."""
    with ExitStack() as stack:
        begun = []
        for dweller in dwellers:
            secrets = keystore.unlock(dweller.home.keystore, None)
            with net.inside(dweller.place):
                process = daemon.NodeProcess(
                    *(dweller.home, secrets),
                    listen=(f"/ip4/0.0.0.0/tcp/{PORT}",),
                    mdns=mdns,
                    port_mapping=False,
                    relay=False,
                )
            stack.callback(_end, dweller, process)
            begun.append(process)
        for process in begun:
            process.addresses()
        yield


def known(dweller: Dweller) -> ReachState:
    """What a node knows of being reached."""
    with LocalClient(dweller.home.socket, patience_s=10) as line:
        return line.ask(Reach())


def test_members_dial_back_and_a_link_says_what_came_of_it(
    tmp_path: Path, record_property: Note
) -> None:
    """Chen has a public address; Mei's router forwards the port, and Dana's lets nobody in."""
    with network(Weather(delay_ms=5), prefix=PUBLIC_NET) as net:
        chen = Dweller(homes.founder(tmp_path / "n1", "Chen"), net.place())
        link = homes.invited(chen.home, 2)
        contact = Contact(homes.identity(chen.home).peer, (chen.listen,))
        link = CommunityLink(link.community, (contact,), link.invite)
        inside, router = home(net, Router.FORWARDING, PORT)
        mei = Dweller(homes.newcomer(tmp_path / "n2", link, "Mei"), inside)
        closed, closed_router = home(net, Router.KEEPING, PORT)
        dana = Dweller(homes.newcomer(tmp_path / "n3", link, "Dana"), closed)
        with running(net, chen, mei, dana):
            wait_equal([chen, mei, dana], ADMITTED_S_MAX, 1)
            outside = f"/ip4/{router.address}/tcp/{PORT}"
            with Member(mei.home.path) as member:
                made = member.invite()
            assert (made.reach.state, made.reach.address) == ("met", outside)
            own = invite.from_text(made.link).contacts[0].addresses
            assert own == (outside, f"/ip4/{HIDDEN}/tcp/{PORT}")
            with Member(dana.home.path) as member:
                reach = member.invite().reach
            assert (reach.state, reach.works) == ("member", True), "the link names others, too"
            assert reach.address in (chen.listen, outside)
            state = known(dana)
            assert state.verdict is Verdict.UNREACHABLE
            assert [held.address for held in state.unreached] == [
                f"/ip4/{closed_router.address}/tcp/{PORT}"
            ]
    record_property("network", f"a forwarded port is found at {outside}, a closed one is told")


def test_nodes_that_were_started_before_their_network_was_up_find_each_other(
    tmp_path: Path, record_property: Note
) -> None:
    """Two laptops run without a network, then a cable joins them; mDNS alone tells addresses."""
    with network() as net:
        here, there = (Place(net._space(), address) for address in ("192.168.7.1", HIDDEN))
        mei = Dweller(homes.founder(tmp_path / "n1", "Mei"), here)
        link = homes.invited(mei.home, 1)
        contact = Contact(homes.identity(mei.home).peer, (NOWHERE,))
        link = CommunityLink(link.community, (contact,), link.invite)
        bo = Dweller(homes.newcomer(tmp_path / "n2", link, "Bo"), there)
        with running(net, mei, bo, mdns=True):
            net.plug(there, here)
            took_s = wait_equal([mei, bo], FOUND_S_MAX, 1)
    record_property("network", f"started before the network: found {took_s:.1f} s after the cable")


def _end(dweller: Dweller, process: daemon.NodeProcess) -> None:
    process.give_up()
    with suppress(NotReachable):
        daemon.kill(dweller.home)
