"""The interface watch: a network that comes later, another network, and a machine that slept."""

from __future__ import annotations

import errno

import pytest
import trio
from trio.testing import MockClock

from commonweal.node.network import Network
from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.reach import interface_watch, mdns
from commonweal.node.network.reach.interface_watch import LOOK_S, SUSPENDED_S, InterfaceWatch
from commonweal.node.network.reach.own_addresses import OwnAddresses
from commonweal.node.transport import Listening, PeerKey, TransportEvent, ValidatedGossip
from tests.builders.link_pairs import LOOPBACK, PATIENCE_S

LOCAL, HOME, CAFE = (
    parse(f"/ip4/{host}/tcp/4001") for host in ("127.0.0.1", "192.168.1.5", "10.0.0.7")
)
MEI = PeerKey(bytes([1]) * 32)
MINUTE_S = 60


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


class Machine:
    """A machine whose interfaces and wall clock are set by the test."""

    def __init__(self, *interfaces: Endpoint) -> None:
        self.interfaces = interfaces
        self.own = OwnAddresses()
        self.own.listen(interfaces)
        self.changes = 0
        self.asleep_s = 0.0
        self.watch = InterfaceWatch(
            self.own,
            lambda: self.interfaces,
            self._changed,
            lambda: trio.current_time() + self.asleep_s,
        )

    def _changed(self) -> None:
        self.changes += 1


async def test_a_network_that_comes_later_is_found(autojump_clock: MockClock) -> None:
    machine = Machine(LOCAL)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.watch.run)
        await trio.sleep(MINUTE_S)
        assert machine.changes == 0
        machine.interfaces = (HOME,)
        await trio.sleep(LOOK_S + 0.1)
        assert machine.own.addresses == (str(HOME),)
        await trio.sleep(MINUTE_S)
        assert machine.changes == 1
        nursery.cancel_scope.cancel()


async def test_what_was_confirmed_elsewhere_is_forgotten(autojump_clock: MockClock) -> None:
    machine = Machine(HOME)
    outside = "/ip4/198.51.100.7/tcp/4001"
    machine.own.confirm(outside, MEI, 1, from_outside=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.watch.run)
        await trio.sleep(0.1)
        machine.interfaces = (HOME, CAFE)
        await trio.sleep(LOOK_S + 0.1)
        assert list(machine.own.addresses) == [outside, str(HOME), str(CAFE)], "nothing was left"
        machine.interfaces = (CAFE,)
        await trio.sleep(LOOK_S + 0.1)
        assert list(machine.own.addresses) == [str(CAFE)]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("asleep_s", "changes"), [(SUSPENDED_S - 1, 0), (3_600.0, 1)])
async def test_a_machine_that_slept_looks_at_its_network_again(
    autojump_clock: MockClock, asleep_s: float, changes: int
) -> None:
    machine = Machine(HOME)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.watch.run)
        await trio.sleep(LOOK_S / 2)
        machine.asleep_s = asleep_s
        await trio.sleep(LOOK_S)
        assert machine.changes == changes
        nursery.cancel_scope.cancel()


async def test_a_look_without_a_free_file_descriptor_changes_nothing(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine(HOME)
    is_refused = False

    def read() -> tuple[Endpoint, ...]:
        if is_refused:
            raise OSError(errno.EMFILE, "Too many open files")
        return machine.interfaces

    machine.watch = InterfaceWatch(machine.own, read, machine._changed, trio.current_time)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.watch.run)
        await trio.sleep(LOOK_S / 2)
        is_refused = True
        await trio.sleep(2 * LOOK_S)
        assert (machine.own.addresses, machine.changes) == ((str(HOME),), 0)
        assert "cannot be read now: [Errno 24] Too many open files" in caplog.text
        is_refused, machine.interfaces = False, (CAFE,)
        await trio.sleep(LOOK_S)
        assert (machine.own.addresses, machine.changes) == ((str(CAFE),), 1)
        nursery.cancel_scope.cancel()


async def test_members_and_the_local_network_are_told_of_new_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds: list[list[str]] = []

    async def announce(self: mdns.Mdns) -> None:
        rounds.append(self._announced())
        await trio.sleep_forever()

    interfaces = [LOCAL]
    monkeypatch.setattr(mdns.Mdns, "_run_round", announce)
    monkeypatch.setattr(interface_watch, "LOOK_S", 0.01)
    monkeypatch.setattr("commonweal.node.network.libp2p.reachable", lambda _: tuple(interfaces))
    events: list[TransportEvent] = []
    network = Network(bytes([9]) * 32, LOOPBACK, events.append, validate=_no, mdns=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        await trio.sleep(0.05)
        interfaces[:] = [HOME]
        with trio.fail_after(PATIENCE_S):
            while len(rounds) < 2:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert events == [Listening((str(LOCAL),)), Listening((str(HOME),))]
    assert [[address.partition("/p2p/")[0] for address in told] for told in rounds] == [
        [],
        [str(HOME)],
    ]


async def test_a_network_that_cannot_be_used_yet_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    tries = 0

    def refuse() -> None:
        nonlocal tries
        tries += 1
        raise OSError(19, "No such device")

    monkeypatch.setattr(mdns, "Zeroconf", refuse)
    monkeypatch.setattr(trio.to_thread, "run_sync", _call)
    with trio.move_on_after(MINUTE_S):
        await mdns.Mdns(MEI, tuple, lambda _peer, _addresses: None).run()
    assert tries == 2


async def _call(function: object) -> object:
    assert callable(function)
    return function()


def _no(*_about: object) -> ValidatedGossip:
    raise AssertionError("no gossip comes")
