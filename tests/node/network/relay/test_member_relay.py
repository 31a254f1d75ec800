"""Members behind routers: reservations at members and helpers, and links through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import trio
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage, Status

from commonweal.client.home.submit import now_ms
from commonweal.node.network import member_relay, peer_id
from commonweal.node.network.channel.multistream import NoAgreement, offer
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.connections.protocols import open_stream
from commonweal.node.network.relay import messages, reservations, splice
from commonweal.node.network.relay.messages import HOP
from commonweal.node.transport import Connected, DialFailed, Disconnected, FrameReceived
from tests.builders.link_pairs import End, running
from tests.builders.relays import eventually, running_relay


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback counts as public, and relays are looked for at once."""
    monkeypatch.setattr(member_relay, "is_public_host", lambda _host: True)
    monkeypatch.setattr(member_relay, "GRACE_S", 0.0)
    monkeypatch.setattr(member_relay, "LOOK_S", 0.05)
    monkeypatch.setattr(reservations, "AGAIN_S", 0.2)


def circuits(end: End) -> list[str]:
    """Return the circuit addresses of an end, without its own key."""
    return [address for address in end.network.own.addresses if "/p2p-circuit" in address]


async def linked(near: End, far: End, addresses: list[str]) -> None:
    """Dial one end from another at these addresses alone, and wait for the link."""
    near.network.dial(far.key, addresses)
    await eventually(lambda: near.has(far.key) and far.has(near.key))


async def test_two_members_who_cannot_dial_each_other_are_linked_through_a_third() -> None:
    mei, bo, third = End(1), End(2), End(3)
    async with running(mei, bo, third):
        await bo.dial(third)
        await eventually(lambda: bool(circuits(bo)))
        (way,) = circuits(bo)
        assert way.startswith(third.network.own.addresses[0])
        await linked(mei, bo, [way])
        assert bo.all(Connected)[-1].address == way
        assert mei.all(Connected)[-1].address == way
        mei.network.send(bo.key, b"to bo" * 100_000)
        bo.network.send(mei.key, b"to mei")
        assert (await bo.wait(FrameReceived)).frame == b"to bo" * 100_000
        assert (await mei.wait(FrameReceived)).frame == b"to mei"
        assert third.network.state().relay_circuits == 1
        assert not third.all(FrameReceived)
        mei.network.drop(bo.key, "enough")
        await bo.wait(Disconnected)
        await eventually(lambda: third.network.state().relay_circuits == 0)


async def test_a_helper_that_is_no_member_links_two_members() -> None:
    async with running_relay() as relay:
        mei, bo = End(1, relays=relay.addresses), End(2, relays=relay.addresses)
        async with running(mei, bo):
            await eventually(lambda: bool(circuits(bo) and circuits(mei)))
            assert circuits(bo) == [f"{relay.addresses[0]}/p2p-circuit"]
            await linked(mei, bo, circuits(bo))
            assert relay.counts().circuits == 1


async def test_a_node_that_is_reached_holds_no_reservation() -> None:
    async with running_relay() as relay:
        bo = End(2, relays=relay.addresses)
        async with running(bo):
            await eventually(lambda: bool(circuits(bo)))
            own = bo.network.own
            own.confirm(own.addresses[-1], bo.key, now_ms(), from_outside=True)
            await eventually(lambda: not circuits(bo))
            await eventually(lambda: relay.counts().reservations == 0)


async def test_when_one_relay_goes_another_is_there() -> None:
    mei, bo, third, fourth, fifth = (End(number) for number in range(1, 6))
    async with running(mei, bo, third, fourth, fifth):
        for other in (third, fourth, fifth):
            await bo.dial(other)
        await eventually(lambda: len(circuits(bo)) == reservations.RELAYS_MAX)
        first, second = circuits(bo)
        gone = third if str(peer_id(third.key)) in first else fourth
        gone.network.drop(bo.key, "the machine is off")
        await eventually(lambda: len(circuits(bo)) == 2 and first not in circuits(bo))
        assert second in circuits(bo)
        await linked(mei, bo, [first, *circuits(bo)])
        assert mei.all(DialFailed)[0].address == first


async def test_a_node_with_no_relay_relays_for_nobody() -> None:
    mei, bo, third = End(1), End(2), End(3, relay=False)
    async with running(mei, bo, third):
        await bo.dial(third)
        await trio.sleep(0.5)
        assert not circuits(bo)
        way = f"{third.network.own.addresses[0]}/p2p/{peer_id(third.key)}/p2p-circuit"
        mei.network.dial(bo.key, [way])
        assert (await mei.wait(DialFailed)).reason == "the node at this address does not relay"


async def test_a_stranger_gets_no_reservation_from_a_member() -> None:
    stranger, third = End(1, admits=False), End(3, admits=False)
    async with running(stranger, third):
        stranger.network.dial(third.key, third.network.addresses)
        await third.wait(Connected)
        await stranger.wait(Connected)
        connection = stranger.network._links.linked[third.key]
        assert connection.mux is not None
        stream = await open_stream(connection.mux, HOP)
        messages.write_message(stream, messages.reserve_request())
        answer = await messages.read_message(stream, HopMessage)
        assert answer.status == Status.PERMISSION_DENIED


async def test_a_relay_is_not_asked_over_a_relayed_link() -> None:
    mei, bo, third = End(1), End(2), End(3)
    async with running(mei, bo, third):
        await bo.dial(third)
        await eventually(lambda: bool(circuits(bo)))
        await linked(mei, bo, circuits(bo))
        connection = mei.network._links.linked[bo.key]
        assert connection.relayed and connection.mux is not None
        stream = connection.mux.open()
        with pytest.raises(NoAgreement):
            await offer(stream, HOP)


async def test_a_relay_that_alters_a_byte_ends_the_link_and_another_way_is_taken(
    altering: None,
) -> None:
    mei, bo, third, fourth = End(1), End(2), End(3), End(4)
    async with running(mei, bo, third, fourth):
        await bo.dial(third)
        await bo.dial(fourth)
        await eventually(lambda: len(circuits(bo)) == 2)
        liar, honest = sorted(circuits(bo), key=lambda way: str(peer_id(third.key)) not in way)
        await linked(mei, bo, [liar])
        ALTERED.append(third.network._relay._hop)
        mei.network.send(bo.key, b"to bo" * 1_000)
        await mei.wait(Disconnected)
        await eventually(lambda: not bo.has(mei.key))
        assert not bo.frames(mei.key)
        mei.network.dial(bo.key, [liar, honest])
        await eventually(lambda: mei.has(bo.key) and bo.has(mei.key))
        assert mei.all(Connected)[-1].address == honest
        mei.network.send(bo.key, b"whole")
        assert (await bo.wait(FrameReceived)).frame == b"whole"


async def test_a_relay_that_drops_what_it_should_move_is_noticed(altering: None) -> None:
    mei, bo, third = End(1), End(2), End(3)
    async with running(mei, bo, third):
        await bo.dial(third)
        await eventually(lambda: bool(circuits(bo)))
        await linked(mei, bo, circuits(bo))
        DROPPED.append(third.network._relay._hop)
        mei.network.send(bo.key, b"lost")
        await trio.sleep(0.1)
        DROPPED.clear()
        mei.network.send(bo.key, b"found")
        await bo.wait(Disconnected)
        assert not bo.frames(mei.key), "the next message is not what Noise expects"


async def test_what_a_relay_delays_arrives_whole(altering: None) -> None:
    mei, bo, third = End(1), End(2), End(3)
    async with running(mei, bo, third):
        await bo.dial(third)
        await eventually(lambda: bool(circuits(bo)))
        await linked(mei, bo, circuits(bo))
        DELAYED.append(third.network._relay._hop)
        mei.network.send(bo.key, b"late" * 50_000)
        await trio.sleep(0.3)
        assert not bo.frames(mei.key)
        DELAYED.clear()
        for move in WAITING:
            move()
        assert (await bo.wait(FrameReceived)).frame == b"late" * 50_000
        assert not mei.all(Disconnected)


ALTERED: list[object] = []
DROPPED: list[object] = []
DELAYED: list[object] = []
"""The relays that do so."""
WAITING: list[Callable[[], None]] = []
"""What is delayed, in order."""


@pytest.fixture
def altering(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let relays in ALTERED turn a bit of what passes, and those in DROPPED leave it out;
    those in DELAYED wait.
    """
    move = splice.Splice._move

    def moved(self: splice.Splice, target: Stream, data: bytes) -> None:
        liars = (*ALTERED, *DROPPED, *DELAYED)
        relay = next((hop for hop in liars if self in hop._splices), None)  # type: ignore[attr-defined]
        if relay in DROPPED:
            return
        if relay in DELAYED:
            WAITING.append(lambda: move(self, target, data))
            return
        if relay in ALTERED:
            data = bytes([data[0] ^ 1]) + data[1:]
        move(self, target, data)

    monkeypatch.setattr(splice.Splice, "_move", moved)
    yield
    for noted in (ALTERED, DROPPED, DELAYED, WAITING):
        noted.clear()
