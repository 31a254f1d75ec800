"""What a relay gives at most, and what hostile clients get of it."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
import trio
from libp2p.network.stream.exceptions import StreamError
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage, PeerId, Status, StopMessage

from commonweal.node.network.channel.delimited import MESSAGE_BYTES_MAX
from commonweal.node.network.channel.multistream import choose
from commonweal.node.network.channel.stream import WINDOW_BYTES
from commonweal.node.network.relay import messages
from commonweal.node.network.relay.relay_limits import (
    MEMBER_LIMITS,
    REQUESTS_BURST,
    CircuitCount,
    RelayLimits,
)
from commonweal.node.network.relay.splice import PIECES_MAX
from commonweal.node.transport import PeerKey
from tests.builders.relays import (
    a_relay_and_two,
    eventually,
    joined,
    raw_client,
    running_relay,
)

MEI, BO, CHEN = (PeerKey(bytes([number]) * 32) for number in (1, 2, 3))


def test_circuits_are_counted_by_peer_by_network_and_in_total() -> None:
    count = CircuitCount(RelayLimits(circuits=4, circuits_network=3, circuits_peer=2))
    assert count.enter("a", MEI, BO)
    assert count.enter("a", MEI, BO)
    assert not count.enter("a", MEI, CHEN), "Mei has two"
    assert not count.enter("a", CHEN, BO), "and so has Bo"
    assert count.enter("a", CHEN, PeerKey(bytes(32)))
    assert not count.enter("a", PeerKey(b"4" * 32), PeerKey(b"5" * 32)), "the network has three"
    assert count.enter("b", PeerKey(b"4" * 32), PeerKey(b"5" * 32))
    assert not count.enter("c", PeerKey(b"6" * 32), PeerKey(b"7" * 32)), "there are four"
    count.leave("a", MEI, BO)
    assert count.total == 3
    assert count.enter("a", MEI, BO)


def test_no_network_takes_all_circuits_of_a_member() -> None:
    strangers = [PeerKey(bytes([number]) * 32) for number in range(10, 90)]
    members = [PeerKey(bytes([number]) * 32) for number in range(100, 110)]
    count = CircuitCount(MEMBER_LIMITS)
    taken = [count.enter("a", stranger, members[0]) for stranger in strangers]
    assert taken.count(True) == MEMBER_LIMITS.circuits_between < MEMBER_LIMITS.circuits_peer
    assert count.enter("b", BO, members[0])
    for member in members:
        for stranger in strangers:
            count.enter("a", stranger, member)
    assert count.total == 1 + MEMBER_LIMITS.circuits_network < MEMBER_LIMITS.circuits
    assert count.enter("b", BO, members[-1])
    count.leave("a", strangers[0], members[0])
    assert count.enter("a", CHEN, members[0])


async def test_a_circuit_whose_asker_left_is_cut_at_both_ends() -> None:
    async with a_relay_and_two() as (relay, mei, bo):
        assert (await bo.ask(messages.reserve_request())).status == Status.OK
        near = await mei.stream()
        messages.write_message(near, messages.connect_request(bo.key))
        await eventually(lambda: bool(bo.opened))
        far = bo.opened[-1]
        await choose(far, lambda: (messages.STOP,))
        await messages.read_message(far, StopMessage)
        near.cut()
        await trio.sleep(0.05)
        messages.write_message(far, messages.stop_status(Status.OK))
        await eventually(lambda: far.is_reset)
        assert relay.counts().circuits == 0


async def test_reservations_are_counted_by_network_and_in_total() -> None:
    limits = RelayLimits(reservations=8, reservations_network=3)
    async with running_relay(limits) as relay, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(raw_client(relay, n)) for n in range(1, 5)]
        answers = [(await client.ask(messages.reserve_request())).status for client in clients]
        assert answers == [Status.OK] * 3 + [Status.RESERVATION_REFUSED]
        assert (await clients[0].ask(messages.reserve_request())).status == Status.OK, "renewed"
        clients[1].mux.close("gone")
        await eventually(lambda: relay.counts().reservations == 2)
        assert (await clients[3].ask(messages.reserve_request())).status == Status.OK
        assert relay.counts().refused == 1


async def test_one_peer_holds_one_reservation_however_often_it_comes() -> None:
    limits = RelayLimits(reservations_network=1)
    async with (
        running_relay(limits) as relay,
        raw_client(relay, 1) as first,
        raw_client(relay, 1) as second,
    ):
        assert (await first.ask(messages.reserve_request())).status == Status.OK
        assert (await second.ask(messages.reserve_request())).status == Status.OK
        assert relay.counts().reservations == 1
        first.mux.close("the older one")
        await trio.sleep(0.1)
        assert relay.counts().reservations == 1


async def test_a_reservation_that_is_not_renewed_runs_out() -> None:
    async with running_relay(RelayLimits(reservation_s=1)) as relay, raw_client(relay, 1) as mei:
        granted = await mei.ask(messages.reserve_request())
        assert granted.status == Status.OK
        await eventually(lambda: relay.counts().reservations == 0)


async def test_a_flood_of_requests_is_refused_and_others_are_served() -> None:
    async with a_relay_and_two() as (_relay, mei, bo):
        answers = [
            (await mei.ask(messages.reserve_request())).status for _ in range(REQUESTS_BURST + 5)
        ]
        assert answers[:REQUESTS_BURST] == [Status.OK] * REQUESTS_BURST
        assert Status.RESOURCE_LIMIT_EXCEEDED in answers[REQUESTS_BURST:]
        assert (await bo.ask(messages.reserve_request())).status == Status.OK


async def test_a_peer_gets_so_many_circuits_and_no_more() -> None:
    limits = RelayLimits(circuits_peer=2)
    async with a_relay_and_two(limits) as (relay, mei, bo):
        await bo.ask(messages.reserve_request())
        for _ in range(2):
            await joined(mei, bo)
        refused = await mei.ask(messages.connect_request(bo.key))
        assert refused.status == Status.RESOURCE_LIMIT_EXCEEDED
        assert relay.counts().circuits == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\xff" * 40, Status.MALFORMED_MESSAGE),
        (HopMessage(type=HopMessage.STATUS).SerializeToString(), Status.UNEXPECTED_MESSAGE),
        (HopMessage(type=HopMessage.CONNECT).SerializeToString(), Status.MALFORMED_MESSAGE),
        (
            HopMessage(
                type=HopMessage.CONNECT, peer=PeerId(id=b"\x12\x20" + bytes(32))
            ).SerializeToString(),
            Status.MALFORMED_MESSAGE,
        ),
        (b"\x08\x01" + b"\x12\xf9\x1f" + bytes(MESSAGE_BYTES_MAX - 5), Status.MALFORMED_MESSAGE),
        (
            HopMessage(
                type=HopMessage.RESERVE, senderRecord=bytes(MESSAGE_BYTES_MAX)
            ).SerializeToString(),
            Status.MALFORMED_MESSAGE,
        ),
        (bytes(3 << 20), Status.MALFORMED_MESSAGE),
    ],
    ids=["noise", "status", "nobody", "a-hashed-key", "large", "too-large", "3-MiB"],
)
async def test_a_request_that_makes_no_sense_is_refused(body: bytes, status: int) -> None:
    async with running_relay() as relay, raw_client(relay, 1) as mei:
        try:
            assert (await mei.ask_bytes(body)).status == status
        except (StreamError, messages.RelayRefused):
            assert len(body) > MESSAGE_BYTES_MAX, "only what is too large may end the stream"
        assert (await mei.ask(messages.reserve_request())).status == Status.OK


async def test_who_neither_reserves_nor_connects_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonweal.node.network.connections.listener.HELLO_MS_MAX", 300)
    async with a_relay_and_two() as (_relay, mei, bo):
        await bo.ask(messages.reserve_request())
        await mei.stream()
        with trio.fail_after(5):
            await mei.mux.ended.wait()
        assert not bo.mux.is_closed


async def test_a_circuit_over_which_nothing_goes_ends() -> None:
    limits = RelayLimits(idle_s=0.5)
    async with a_relay_and_two(limits) as (relay, mei, bo):
        await bo.ask(messages.reserve_request())
        near = await joined(mei, bo)
        await eventually(lambda: relay.counts().circuits == 0)
        await eventually(lambda: near.is_reset)


async def test_a_circuit_moves_no_faster_than_it_may() -> None:
    async with running_relay(RelayLimits(circuit_bytes_per_s=1 << 20)) as relay:
        sent, seconds = await _moved(relay, 2 << 20)
        assert sent == 2 << 20
        assert seconds > 1.2, "2 MiB at 1 MiB a second, less the windows"


async def test_all_circuits_together_move_no_faster_than_they_may() -> None:
    limits = RelayLimits(bytes_per_s=1 << 20, circuit_bytes_per_s=1 << 30)
    async with running_relay(limits) as relay:
        sent, seconds = await _moved(relay, 2 << 20)
        assert sent == 2 << 20
        assert seconds > 1.2


async def _moved(relay: object, size: int) -> tuple[int, float]:
    """Send `size` bytes through a circuit; return how many came, and the seconds that it took."""
    async with raw_client(relay, 1) as mei, raw_client(relay, 2) as bo:  # type: ignore[arg-type]
        await bo.ask(messages.reserve_request())
        near = await joined(mei, bo)
        far, came = bo.opened[-1], 0
        begun = trio.current_time()
        near.push(bytes(size))
        with trio.fail_after(20):
            while came < size:
                came += len(await far.read())
        return came, trio.current_time() - begun


async def test_a_reader_that_stops_makes_the_relay_hold_one_window() -> None:
    async with a_relay_and_two() as (relay, mei, bo):
        await bo.ask(messages.reserve_request())
        near = await joined(mei, bo)
        near.push(bytes(4 * WINDOW_BYTES))
        await eventually(lambda: near.queued_bytes < 3 * WINDOW_BYTES)
        await trio.sleep(0.3)
        held = sum(stream.queued_bytes for mux in relay._open for stream in mux.streams.values())
        assert held <= WINDOW_BYTES
        assert near.queued_bytes >= 2 * WINDOW_BYTES, "the reader and the relay hold one each"


async def test_of_many_stuck_circuits_that_which_stands_still_longest_ends() -> None:
    limits = RelayLimits(held_bytes=WINDOW_BYTES)
    async with a_relay_and_two(limits) as (relay, mei, bo):
        await bo.ask(messages.reserve_request())
        first, second = await joined(mei, bo), await joined(mei, bo)
        moving, reader = await joined(mei, bo), bo.opened[-1]
        first.push(bytes(2 * WINDOW_BYTES))
        await eventually(lambda: relay._hop._pace.held_bytes > WINDOW_BYTES // 3)
        second.push(bytes(2 * WINDOW_BYTES))
        for _ in range(8):
            moving.push(bytes(1_000))
            await reader.read()
        await eventually(lambda: first.is_reset)
        assert not second.is_reset
        assert not moving.is_reset
        assert relay.counts().circuits == 2
        assert 0 < relay._hop._pace.held_bytes <= limits.held_bytes
        second.cut()
        await eventually(lambda: relay.counts().circuits == 1)
        assert abs(relay._hop._pace.held_bytes) < 1_000


async def test_many_small_pieces_are_held_as_few() -> None:
    async with a_relay_and_two() as (relay, mei, bo):
        await bo.ask(messages.reserve_request())
        near = await joined(mei, bo)
        near.push(bytes(WINDOW_BYTES))
        await trio.sleep(0.2)
        for _ in range(1_000):
            near.mux.streams[near.id].push(b"ab")
            await trio.sleep(0)
        await trio.sleep(0.2)
        pieces = [len(stream.queued) for mux in relay._open for stream in mux.streams.values()]
        assert 1 <= max(pieces) <= PIECES_MAX + 1


async def test_a_peer_that_takes_no_circuit_costs_the_asker_some_time_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("commonweal.node.network.relay.hop.HOP_S", 0.3)
    async with a_relay_and_two() as (relay, mei, bo):
        await bo.ask(messages.reserve_request())
        with pytest.raises((StreamError, messages.RelayRefused)), trio.fail_after(5):
            await mei.ask(messages.connect_request(bo.key))
        assert relay.counts().circuits == 0
        assert (await mei.ask(messages.reserve_request())).status == Status.OK
