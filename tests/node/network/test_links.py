"""Links between networks over loopback: frames, order, budgets, ports, shutdown."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc

import pytest
import trio

from commonweal.node.network import Network, PortTaken, peer_id, peer_key
from commonweal.node.network.connections.connection import (
    INBOUND_BYTES_MAX,
    OUTBOX_BYTES_MAX,
    SYNC_WINDOW_BYTES,
)
from commonweal.node.network.connections.dialler import STAGGER_S
from commonweal.node.transport import (
    FRAME_BYTES_MAX,
    Connected,
    DialFailed,
    Disconnected,
    FrameReceived,
    GossipMessage,
    ValidatedGossip,
    ValidationResult,
)
from tests.builders.link_pairs import PATIENCE_S, End, process, running

ENDED_LINKS = 10
BYTES_PER_ENDED_LINK_MAX = 192 * 1024
"""Of both ends together; without its buffers; with them it is 560 KiB."""


async def test_a_frame_goes_each_way() -> None:
    a, b = End(1), End(2)
    async with running(a, b):
        await a.dial(b)
        a.network.send(b.key, b"to b")
        b.network.send(a.key, b"")
        assert (await b.wait(FrameReceived)).frame == b"to b"
        assert (await a.wait(FrameReceived)).frame == b""
        assert a.all(Connected)[0].outbound
        assert not b.all(Connected)[0].outbound


async def test_frames_of_every_size_arrive_whole_and_in_order() -> None:
    a, b = End(1), End(2)
    sizes = [0, 1, 4, 65_503, 65_507, 65_508, 262_144, FRAME_BYTES_MAX, 7] * 3
    async with running(a, b):
        await a.dial(b)
        await trio.sleep(0.05)
        for i, size in enumerate(sizes):
            a.network.send(b.key, bytes([i]) * size)
            while a.network.state().outbox_bytes > OUTBOX_BYTES_MAX // 2:
                await trio.sleep(0.001)
        await b.wait(FrameReceived, len(sizes))
        assert b.frames(a.key) == [bytes([i]) * size for i, size in enumerate(sizes)]


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
async def test_two_who_dial_at_once_end_with_one_link(numbers: tuple[int, int]) -> None:
    a, b = End(numbers[0]), End(numbers[1])
    async with running(a, b):
        for _ in range(5):
            a.network.dial(b.key, b.network.addresses)
            b.network.dial(a.key, a.network.addresses)
            with trio.fail_after(PATIENCE_S):
                while a.network.state().dialling or b.network.state().dialling:
                    await trio.sleep(0.005)
                await trio.sleep(0.1)
            assert a.has(b.key) and b.has(a.key)
            assert a.network.state().streams == b.network.state().streams
            before = len(b.frames(a.key)), len(a.frames(b.key))
            a.network.send(b.key, b"a")
            b.network.send(a.key, b"b")
            with trio.fail_after(PATIENCE_S):
                while (len(b.frames(a.key)), len(a.frames(b.key))) == before:
                    await trio.sleep(0.005)
                while len(b.frames(a.key)) == before[0] or len(a.frames(b.key)) == before[1]:
                    await trio.sleep(0.005)
            a.network.drop(b.key, "again")
            with trio.fail_after(PATIENCE_S):
                while b.has(a.key):
                    await trio.sleep(0.005)


async def test_a_second_dial_to_the_same_peer_does_nothing() -> None:
    a, b = End(1), End(2)
    async with running(a, b):
        a.network.dial(b.key, b.network.addresses)
        a.network.dial(b.key, ["/ip4/127.0.0.1/tcp/1"])
        await a.wait(Connected)
        a.network.dial(b.key, ["/ip4/127.0.0.1/tcp/1"])
        await trio.sleep(0.1)
        assert len(a.all(Connected)) == 1
        assert not a.all(DialFailed)


async def test_each_address_that_fails_is_told_and_the_next_is_tried() -> None:
    a, b, c = End(1), End(2), End(3)
    async with running(a, b, c):
        bad = ["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/udp/4", "nonsense", *c.network.addresses]
        a.network.dial(b.key, [*bad, *b.network.addresses])
        await a.wait(Connected)
        failed = a.all(DialFailed)
        assert [each.address for each in failed] == bad
        assert all(each.more for each in failed)
        assert all(each.peer == b.key and each.reason for each in failed)
        assert "another node" in failed[3].reason
        assert not c.events


async def test_an_address_where_nobody_answers_delays_the_others_little() -> None:
    a, b = End(1), End(2)
    silent = [await _silent() for _ in range(3)]
    async with running(a, b):
        began = trio.current_time()
        a.network.dial(b.key, [*(address for _, address in silent), *b.network.addresses])
        await a.wait(Connected)
        assert trio.current_time() - began < 3 * STAGGER_S + 1
        await trio.sleep(0.1)
        assert a.network.state().dialling == 0
        assert not a.all(DialFailed), "who is linked is tried nowhere else"
    for socket, _ in silent:
        socket.close()


async def test_of_two_addresses_that_answer_at_once_one_becomes_the_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("commonweal.node.network.connections.dialler.STAGGER_S", 0.0)
    a, b = End(1), End(2)
    async with running(a, b):
        (address,) = b.network.addresses
        port = address.split("/")[4]
        a.network.dial(b.key, [address, f"/dns4/localhost/tcp/{port}", f"/ip6/::1/tcp/{port}"])
        await b.wait(Connected)
        await trio.sleep(0.5)
        for end in (a, b):
            assert len(end.all(Connected)) == 1
            assert not end.all(Disconnected)


async def _silent() -> tuple[trio.socket.SocketType, str]:
    """A socket that takes connections and never says anything, and its address."""
    socket = trio.socket.socket()
    await socket.bind(("127.0.0.1", 0))
    socket.listen(1)
    return socket, f"/ip4/127.0.0.1/tcp/{socket.getsockname()[1]}"


async def test_nobody_dials_himself() -> None:
    a = End(1)
    async with running(a):
        a.network.dial(a.key, a.network.addresses)
        assert (await a.wait(DialFailed)).reason == "this is our own key"


async def test_a_dropped_peer_gets_what_was_just_sent_and_then_the_end() -> None:
    a, b = End(1), End(2)
    async with running(a, b):
        await a.dial(b)
        a.network.send(b.key, b"farewell")
        a.network.drop(b.key, "told to")
        a.network.drop(b.key, "told twice")
        assert a.all(Disconnected) == [Disconnected(b.key, "told to")]
        await b.wait(Disconnected)
        assert b.frames(a.key) == [b"farewell"]
        await a.dial(b)
        assert len(a.all(Connected)) == 2


async def test_a_reader_behind_its_budget_holds_the_writer_and_loses_nothing() -> None:
    a, b = End(1), End(2, takes=False)
    frame = bytes(FRAME_BYTES_MAX)
    async with running(a, b):
        await a.dial(b)
        await trio.sleep(0.05)
        for _ in range(7):
            a.network.send(b.key, frame)
        await b.wait(FrameReceived, 4)
        await trio.sleep(0.3)
        assert len(b.frames(a.key)) == INBOUND_BYTES_MAX // FRAME_BYTES_MAX
        assert b.network.state().inbox_bytes == INBOUND_BYTES_MAX
        left = a.network.state().outbox_bytes
        assert 2 * FRAME_BYTES_MAX <= left + 1_000 <= 3 * FRAME_BYTES_MAX - SYNC_WINDOW_BYTES // 2
        b.takes = True
        for _ in range(4):
            b.network.done(a.key, len(frame))
        await b.wait(FrameReceived, 7)
        assert b.network.state().inbox_bytes == 0


async def test_many_small_frames_are_bounded_by_number() -> None:
    a, b = End(1), End(2, takes=False)
    async with running(a, b):
        await a.dial(b)
        for i in range(6_000):
            a.network.send(b.key, b"x")
            if i % 500 == 0:
                await trio.sleep(0.01)
        await b.wait(FrameReceived, 4_096)
        await trio.sleep(0.1)
        assert len(b.frames(a.key)) == 4_096
        b.takes = True
        for _ in range(4_096):
            b.network.done(a.key, 1)
        await b.wait(FrameReceived, 6_000)


async def test_a_peer_that_stops_reading_is_dropped_and_others_are_served() -> None:
    a, deaf, c = End(1), End(2, takes=False), End(3)
    frame = bytes(FRAME_BYTES_MAX)
    async with running(a, deaf, c):
        await a.dial(deaf)
        await a.dial(c)
        sent = 0
        with trio.fail_after(PATIENCE_S):
            while a.has(deaf.key):
                assert a.network.state().outbox_bytes <= OUTBOX_BYTES_MAX
                a.network.send(deaf.key, frame)
                sent += 1
                await trio.sleep(0.005)
        assert sent <= 16
        assert "too slowly" in a.all(Disconnected)[0].reason
        a.network.send(c.key, b"still here")
        assert (await c.wait(FrameReceived)).frame == b"still here"


async def test_a_full_outbox_is_counted_in_bytes_and_in_frames() -> None:
    for frame, fits in ((bytes(FRAME_BYTES_MAX), 7), (b"", 16_384)):
        a, b = End(1), End(2)
        async with running(a, b):
            await a.dial(b)
            for _ in range(fits):
                a.network.send(b.key, frame)
            assert a.has(b.key)
            a.network.send(b.key, frame)
            a.network.send(b.key, frame)
            assert not a.has(b.key)


async def test_a_stopped_process_is_dropped_at_once_and_others_are_served() -> None:
    a, c = End(1), End(3)
    frame = bytes(FRAME_BYTES_MAX)
    with process(2) as peer:
        async with running(a, c):
            await a.dial(c)
            a.network.dial(peer.key, [peer.address])
            await a.wait(Connected, 2)
            a.network.send(peer.key, b"echo")
            assert (await a.wait(FrameReceived)).frame == b"echo"
            peer.stop()
            for _ in range(7):
                a.network.send(peer.key, frame)
            await trio.sleep(0.5)
            assert a.network.state().outbox_bytes > 0, "the buffers of TCP are full"
            before = trio.current_time()
            a.network.drop(peer.key, "silent")
            assert trio.current_time() - before < 0.05
            assert not a.has(peer.key)
            a.network.send(c.key, b"others")
            assert (await c.wait(FrameReceived)).frame == b"others"
            await trio.sleep(0.7)
            assert a.network.state().streams <= 3, "sync, and gossip each way, with c alone"


async def test_a_write_that_makes_no_end_closes_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonweal.node.network.channel.noise.WRITE_STALL_S", 0.3)
    a = End(1)
    with process(2) as peer:
        async with running(a):
            a.network.dial(peer.key, [peer.address])
            await a.wait(Connected)
            await trio.sleep(0.1)
            peer.stop()
            for _ in range(7):
                a.network.send(peer.key, bytes(FRAME_BYTES_MAX))
            assert (await a.wait(Disconnected)).reason == "takes no more bytes"


async def test_a_dial_to_a_stopped_process_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonweal.node.network.connections.dialler.DIAL_S", 0.5)
    a = End(1)
    with process(2) as peer:
        peer.stop()
        async with running(a):
            a.network.dial(peer.key, [peer.address])
            with trio.fail_after(3):
                assert "no answer" in (await a.wait(DialFailed)).reason


async def test_a_taken_port_is_named() -> None:
    a = End(1)
    async with running(a):
        address = a.network.addresses[0].partition("/p2p/")[0]
        second = Network(bytes(32), [address], a.events.append, validate=_yes, mdns=False)
        with pytest.raises(PortTaken):
            await second.run()


async def test_a_node_listens_on_both_families_with_one_port() -> None:
    network = Network(
        bytes(32), ["/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0"], _ignore, validate=_yes, mdns=False
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        assert network.addresses
        assert len({each.split("/")[4] for each in network.addresses}) == 1
        for each in network.addresses:
            assert each.endswith(f"/p2p/{peer_id(network.key)}")
            assert "/0.0.0.0/" not in each and "/::/" not in each
        nursery.cancel_scope.cancel()


async def test_an_ip6_link_carries_frames() -> None:
    a, b = End(1), End(2)
    a.network._listen = b.network._listen = ("/ip6/::1/tcp/0",)
    async with running(a, b):
        await a.dial(b)
        a.network.send(b.key, b"six")
        assert (await b.wait(FrameReceived)).frame == b"six"


def test_importing_the_network_takes_no_hold_of_logging() -> None:
    code = "import logging, commonweal.node.network; print(logging.getLogger().handlers)"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "[]\n"


async def test_shutdown_under_load_is_quick() -> None:
    a, b = End(1), End(2, takes=False)
    with process(3) as peer, trio.fail_after(8):
        async with running(a, b):
            await a.dial(b)
            a.network.dial(peer.key, [peer.address])
            await a.wait(Connected, 2)
            peer.stop()
            for _ in range(7):
                a.network.send(b.key, bytes(FRAME_BYTES_MAX))
                a.network.send(peer.key, bytes(FRAME_BYTES_MAX))
            a.network.subscribe(["t"])
            for _ in range(100):
                a.network.publish("t", bytes(1_000))
            await trio.sleep(0.2)
            before = trio.current_time()
    assert trio.current_time() - before < 3


def test_a_key_and_its_peer_id_name_each_other() -> None:
    key = End(1).key
    assert len(key) == 32
    assert peer_key(peer_id(key)) == key


def _yes(_message: GossipMessage) -> ValidatedGossip:
    return ValidatedGossip(ValidationResult.ACCEPT)


def _ignore(_event: object) -> None:
    return None


async def test_a_link_that_ended_holds_no_memory_until_python_looks_for_rings() -> None:
    a, b = End(1), End(2)
    async with running(a, b):
        await a.dial(b)
        tracemalloc.start()
        gc.disable()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(ENDED_LINKS):
                a.network.drop(b.key, "again")
                with trio.fail_after(PATIENCE_S):
                    while b.has(a.key):
                        await trio.sleep(0.005)
                await a.dial(b)
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            gc.enable()
            tracemalloc.stop()
        assert grown < ENDED_LINKS * BYTES_PER_ENDED_LINK_MAX, grown // ENDED_LINKS
