"""Real nodes in homes behind routers: invited, linked through a third, then direct or relayed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.node.control import daemon, program
from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.node_status import Peers, Status
from commonweal.protocol.errors import NotReachable
from commonweal.protocol.identity import invite
from commonweal.storage.home import keystore
from tests.builders import homes
from tests.networks.conftest import Note
from tests.networks.places import PUBLIC_NET, Network, Place, Weather, lacking, network
from tests.networks.routers import Router, home
from tests.networks.village import Dweller, wait_equal

pytestmark = [
    pytest.mark.skipif(bool(lacking()), reason=f"not run: {lacking()}"),
    pytest.mark.timeout(150),
]

PORT = 4001
WAY = Weather(delay_ms=10, jitter_ms=1)
ADMITTED_S_MAX = 60.0
LINKED_S_MAX = 60.0
BACK_S_MAX = 30.0
CIRCUIT = "/p2p-circuit"


def test_homes_are_linked_directly_where_their_routers_allow_it_and_again_when_they_move(
    tmp_path: Path, record_property: Note
) -> None:
    """Chen is reachable; Mei and Bo have routers that keep the port, Dana's changes it.

    Then Mei's router gets another public address, and Bo's laptop moves to another home. With
    COMMONWEAL_RUNS the two get a direct link again, and the laptop sleeps until its links have
    ended and wakes in its first home.
    """
    with network(WAY, prefix=PUBLIC_NET) as net, ExitStack() as stack:
        chen = Dweller(homes.founder(tmp_path / "n1", "Chen"), net.place())
        stack.enter_context(running(net, chen))
        place, router = home(net, Router.KEEPING, PORT)
        mei = joined(stack, net, chen, tmp_path / "n2", place)
        wait_until_there_is_a_way_in(mei)
        laptop, first = home(net, Router.KEEPING, PORT)
        bo = joined(stack, net, mei, tmp_path / "n3", laptop)
        dana = joined(stack, net, mei, tmp_path / "n4", home(net, Router.CHANGING, PORT)[0])
        wait_equal([chen, mei, bo, dana], ADMITTED_S_MAX, 1)
        direct_s = wait_linked(mei, bo, is_direct=True)
        wait_linked(mei, dana, is_direct=False)
        note(record_property, "homes through a member: a direct link", direct_s)
        began_ms = now_ms()
        net.renumber(router)
        net.plug(laptop, home(net, Router.REFUSING, PORT)[1], "192.168.8")
        note(record_property, "renumbered: links are back", back(mei, [chen, dana], began_ms))
        note(record_property, "moved: links are back", back(bo, [chen, mei], began_ms))
        if "COMMONWEAL_RUNS" in os.environ:
            note(record_property, "both: a direct link", wait_linked(mei, bo, is_direct=True))
            seconds = sleep_and_move(net, bo, Place(first.space, first.address), [chen, mei])
            note(record_property, "slept and moved: links are back", seconds)


def sleep_and_move(
    net: Network, dweller: Dweller, router: Place, others: Sequence[Dweller]
) -> float:
    """Return the seconds until the links of a laptop are back after it slept and was moved."""
    process = dweller.home.holder()
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    net.plug(dweller.place, router)
    while any(link_to(other, dweller) for other in others):
        time.sleep(0.2)
    began_ms = now_ms()
    os.kill(process, signal.SIGCONT)
    return back(dweller, others, began_ms)


def note(record_property: Note, words: str, seconds: float) -> None:
    """Note how long something took."""
    record_property("network", f"{words} after {seconds:.1f} s")


def test_homes_meet_through_a_helper_and_are_linked_directly_where_their_routers_allow_it(
    tmp_path: Path, record_property: Note
) -> None:
    """`weal relay` on a third host, named in Mei's settings alone; nobody is reachable.

    With COMMONWEAL_RUNS Mei's router then gets another public address.
    """
    with network(WAY, prefix=PUBLIC_NET) as net, ExitStack() as stack:
        relay = stack.enter_context(helper(net, net.place(), tmp_path / "relay.key"))
        place, router = home(net, Router.KEEPING, PORT)
        mei = Dweller(homes.founder(tmp_path / "n1"), place)
        mei.home.config.write_text(f'relays = ["{relay}"]\n', "utf-8")
        stack.enter_context(running(net, mei))
        wait_until_there_is_a_way_in(mei)
        bo = joined(stack, net, mei, tmp_path / "n2", home(net, Router.REFUSING, PORT)[0])
        dana = joined(stack, net, mei, tmp_path / "n3", home(net, Router.CHANGING, PORT)[0])
        wait_equal([mei, bo, dana], ADMITTED_S_MAX, 1)
        direct_s = wait_linked(mei, bo, is_direct=True)
        wait_linked(mei, dana, is_direct=False)
        note(record_property, "homes through a helper: a direct link", direct_s)
        if "COMMONWEAL_RUNS" in os.environ:
            began_ms = now_ms()
            net.renumber(router)
            seconds = back(mei, [bo, dana], began_ms)
            note(record_property, "renumbered, a helper alone: links are back", seconds)


@contextmanager
def helper(net: Network, place: Place, key: Path) -> Iterator[str]:
    """`weal relay` in a place: its address; ended by its process id."""
    listen = f"/ip4/{place.address}/tcp/4002"
    words = [*program.command(), "relay", "--listen", listen, "--key", str(key), "-o", "json"]
    with net.inside(place):
        process = subprocess.Popen(
            words, env=program.environment(), stdout=subprocess.PIPE, text=True
        )
    with process:
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["addresses"][0])
        finally:
            process.kill()


@contextmanager
def running(net: Network, dweller: Dweller) -> Iterator[None]:
    """A node of this home in its place, as `weal up` starts it; ended in order."""
    secrets = keystore.unlock(dweller.home.keystore, None)
    with net.inside(dweller.place):
        started = daemon.NodeProcess(
            dweller.home, secrets, listen=(f"/ip4/0.0.0.0/tcp/{PORT}",), mdns=False
        )
    try:
        started.addresses()
        yield
    finally:
        started.give_up()
        with suppress(NotReachable):
            daemon.kill(dweller.home)


def back(dweller: Dweller, others: Sequence[Dweller], since_ms: int) -> float:
    """Return the seconds until a node has links to all these that began after a moment."""
    began = time.monotonic()
    wanted = {homes.identity(other.home).peer for other in others}
    while True:
        with LocalClient(dweller.home.socket, patience_s=10) as line:
            peers = line.ask(Peers()).peers
        fresh = {
            peer.peer
            for peer in peers
            if peer.standing == "member" and peer.since_ms is not None and peer.since_ms > since_ms
        }
        if wanted <= fresh:
            return time.monotonic() - began
        assert time.monotonic() - began < BACK_S_MAX, [len(fresh), links(dweller)]
        time.sleep(0.1)


def joined(stack: ExitStack, net: Network, host: Dweller, folder: Path, place: Place) -> Dweller:
    """Return a member in a home of its own, admitted by an invite that the host makes now."""
    with net.inside(host.place), Member(host.home.path) as member:
        link = invite.from_text(member.invite().link)
    newcomer = Dweller(homes.newcomer(folder, link, folder.name), place)
    stack.enter_context(running(net, newcomer))
    wait_equal([host, newcomer], ADMITTED_S_MAX, 1)
    return newcomer


def wait_until_there_is_a_way_in(dweller: Dweller) -> None:
    """Wait until a relay keeps a place for a node."""
    deadline = time.monotonic() + LINKED_S_MAX
    while not any(CIRCUIT in address for address in own_addresses(dweller)):
        assert time.monotonic() < deadline, own_addresses(dweller)
        time.sleep(0.1)


def own_addresses(dweller: Dweller) -> tuple[str, ...]:
    """Return where a node says that it is reached."""
    with LocalClient(dweller.home.socket, patience_s=10) as line:
        return tuple(line.ask(Status()).listening)


def wait_linked(dweller: Dweller, other: Dweller, *, is_direct: bool) -> float:
    """Return the seconds until a node has a link of this kind to another member's."""
    began = time.monotonic()
    while True:
        address = link_to(dweller, other)
        if address and (CIRCUIT not in address) is is_direct:
            return time.monotonic() - began
        assert time.monotonic() - began < LINKED_S_MAX, (address, links(dweller))
        time.sleep(0.1)


def now_ms() -> int:
    """Return the wall time."""
    return time.time_ns() // 1_000_000


def link_to(dweller: Dweller, other: Dweller) -> str:
    """Return the address of the link between two; empty when there is none."""
    return links(dweller).get(homes.identity(other.home).peer, "")


def links(dweller: Dweller) -> dict[bytes, str]:
    """Return the addresses of the members that a node is linked to, by their keys."""
    with LocalClient(dweller.home.socket, patience_s=10) as line:
        peers = line.ask(Peers()).peers
    return {peer.peer: peer.address for peer in peers if peer.standing == "member"}
