"""A community whose nodes are real processes, each in a place of its own on a bad network."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from commonweal.node.control import daemon
from commonweal.node.control.client import LocalClient
from commonweal.node.control.cluster import Cluster, NodeState
from commonweal.node.control.messages.node_status import Peers
from commonweal.protocol.errors import NotReachable
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.cluster.test_cluster import holds, write
from tests.networks.places import Network, Place

PORT = 4001
"""Of every node; two behind masquerade have the same address and port."""
ADMITTED_S_MAX = 90.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Dweller:
    """A node and where it lives."""

    home: Home
    place: Place

    @property
    def listen(self) -> str:
        """Where it listens."""
        return f"/ip4/{self.place.address}/tcp/{PORT}"


@contextmanager
def village(
    folder: Path, net: Network, places: Sequence[Place], links: int
) -> Iterator[list[Dweller]]:
    """Members in these places, all admitted and equal; the first founded. Killed at the end.

    links: so many other members each is connected with at first.
    """
    mei = Dweller(homes.founder(folder / "n1"), places[0])
    link = homes.invited(mei.home, len(places))
    contact = Contact(homes.identity(mei.home).peer, (mei.listen,))
    link = CommunityLink(link.community, (contact,), link.invite)
    dwellers = [mei]
    for number, place in enumerate(places[1:], 2):
        dwellers.append(Dweller(homes.newcomer(folder / f"n{number}", link, f"N{number}"), place))
    with ExitStack() as stack:
        begun = [_begin(net, one) for one in dwellers]
        for one, starting in zip(dwellers, begun, strict=True):
            stack.callback(_end, one.home, starting)
        for starting in begun:
            starting.addresses()
        wait_equal(dwellers, ADMITTED_S_MAX, links)
        yield dwellers


def wait_equal(dwellers: Sequence[Dweller], seconds: float, links: int = 0) -> float:
    """Return the seconds until all hold the same; fail after `seconds`, saying how far each is.

    links: wait until each is a member and connected with so many others, too.
    """
    began = time.monotonic()
    while True:
        said = [_status(one) for one in dwellers]
        if len({one.digest for one in said}) == 1 and min(one.members for one in said) >= links:
            return time.monotonic() - began
        assert time.monotonic() - began < seconds, [
            f"{one.name}: {one.records} records {one.digest.hex()[:8]}, {one.members} members"
            for one in said
        ]
        time.sleep(LOOK_S)


def write_for(seconds: float, writers: Sequence[Dweller], pause_s: float) -> list[RecordId]:
    """Let each write in turn for so long; return the ids that were acknowledged."""
    acknowledged: list[RecordId] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for one in writers:
            acknowledged += write(one.home, len(acknowledged))
        time.sleep(min(pause_s, max(0.0, until - time.monotonic())))
    return acknowledged


def lacks(dwellers: Sequence[Dweller], ids: Sequence[RecordId]) -> list[str]:
    """Return who does not hold all of these records."""
    return [one.home.path.name for one in dwellers if not holds(one.home, ids)]


def neighbours(one: Dweller) -> list[str]:
    """Return the addresses of the members that a node is connected to."""
    with LocalClient(one.home.socket, patience_s=10) as line:
        peers = line.ask(Peers()).peers
    return [peer.address for peer in peers if peer.standing == "member"]


def _begin(net: Network, one: Dweller) -> daemon.NodeProcess:
    secrets = keystore.unlock(one.home.keystore, None)
    with net.inside(one.place):
        return daemon.NodeProcess(one.home, secrets, listen=(one.listen,), mdns=False)


def _end(home: Home, starting: daemon.NodeProcess) -> None:
    starting.give_up()
    try:
        daemon.kill(home)
    except NotReachable:
        pass


def _status(one: Dweller) -> NodeState:
    state = Cluster(one.home.path.parent).node(one.home.path.name)
    assert state.running, f"{state.name} does not run or does not answer"
    return state
