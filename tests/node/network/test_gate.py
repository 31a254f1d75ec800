"""The gate: what a stranger sees and may do, and how many of them there may be."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
import trio
from libp2p.abc import IHost, INetStream
from libp2p.custom_types import TProtocol
from libp2p.host.exceptions import StreamFailure

from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.noise import peer_id, secure
from commonweal.node.network.libp2p import SYNC, Network
from commonweal.node.transport import (
    GUEST_FRAME_BYTES_MAX,
    GUESTS_MAX,
    HELLO_BYTES_MAX,
    Connected,
    Disconnected,
    FrameReceived,
    GossipMessage,
    GossipReceived,
    ValidatedGossip,
    ValidationResult,
)
from tests.builders.link_pairs import (
    PATIENCE_S,
    End,
    foreign,
    heard,
    no_file_left,
    reach,
    running,
)

HIDDEN = (
    "/meshsub/1.1.0",
    "/meshsub/1.0.0",
    "/floodsub/1.0.0",
    "/ipfs/id/1.0.0",
    "/ipfs/id/push/1.0.0",
    "/ipfs/ping/1.0.0",
    "/commonweal/sync/2",
    "/commonweal/reach/1",
    "ls",
)
NETWORK = "commonweal.node.network.libp2p"
LISTENER = "commonweal.node.network.connections.listener"


async def open_stream(host: IHost, end: End, protocol: str) -> INetStream:
    """A stream of a foreign host; raises StreamFailure when the protocol is refused."""
    with trio.fail_after(PATIENCE_S):
        return await host.new_stream(peer_id(end.key), [TProtocol(protocol)])


async def test_a_stranger_may_open_the_sync_stream_and_nothing_else() -> None:
    a = End(1, admits=False)
    a.network.subscribe(["/commonweal/1/secret/heads"])
    async with running(a), foreign() as stranger:
        await reach(stranger, a)
        for hidden in HIDDEN:
            with pytest.raises(StreamFailure):
                await open_stream(stranger, a, hidden)
        stream = await open_stream(stranger, a, SYNC)
        await stream.write(b"\x00\x00\x00\x05hello")
        assert (await a.wait(FrameReceived)).frame == b"hello"
        for hidden in HIDDEN:
            with pytest.raises(StreamFailure):
                await open_stream(stranger, a, hidden)


async def test_we_open_nothing_to_a_stranger_and_everything_to_a_member() -> None:
    a = End(1, admits=False)
    a.network.subscribe(["/commonweal/1/secret/heads"])
    opened: list[str] = []
    async with running(a), foreign() as other:

        async def note(stream: INetStream) -> None:
            opened.append(str(stream.get_protocol()))

        for protocol in (SYNC, *HIDDEN):
            other.set_stream_handler(TProtocol(protocol), note)
        key = await reach(other, a)
        await open_stream(other, a, SYNC)
        await a.wait(Connected)
        await trio.sleep(0.5)
        assert opened == []
        assert not a.network._host.get_connections(peer_id(key)), "libp2p knows of no stranger"
        a.network.admit(key)
        with trio.fail_after(PATIENCE_S):
            while opened != ["/meshsub/1.1.0"]:
                await trio.sleep(0.01)


async def test_a_member_may_ask_who_we_are() -> None:
    a = End(1)
    async with running(a), foreign() as member:
        await reach(member, a)
        await open_stream(member, a, SYNC)
        await a.wait(Connected)
        for protocol in ("/ipfs/id/1.0.0", "/ipfs/ping/1.0.0", "/meshsub/1.1.0"):
            await open_stream(member, a, protocol)
        with pytest.raises(StreamFailure):
            await open_stream(member, a, SYNC)


async def test_asking_for_a_list_shows_nothing() -> None:
    a = End(1)
    async with running(a), foreign() as member:
        await reach(member, a)
        await open_stream(member, a, SYNC)
        await a.wait(Connected)
        answers = await member.send_command(peer_id(a.key), "ls")  # type: ignore[attr-defined]
        assert answers == ["na"]


async def test_a_hello_that_is_too_large_closes_the_link() -> None:
    for size, refused in ((HELLO_BYTES_MAX, False), (HELLO_BYTES_MAX + 1, True)):
        a, b = End(1, admits=False), End(2)
        async with running(a, b):
            await b.dial(a)
            b.network.send(a.key, bytes(size))
            if refused:
                assert "too large" in (await a.wait(Disconnected)).reason
                assert not a.all(FrameReceived)
            else:
                await a.wait(FrameReceived)
                assert a.has(b.key)


async def test_a_stranger_has_one_frame_waiting_at_most() -> None:
    a, b = End(1, admits=False, takes=False), End(2)
    async with running(a, b):
        await b.dial(a)
        b.network.send(a.key, b"hello")
        b.network.send(a.key, bytes(100_000))
        await a.wait(FrameReceived)
        await trio.sleep(0.2)
        assert a.frames(b.key) == [b"hello"]
        a.network.admit(b.key)
        a.network.done(b.key, 5)
        await a.wait(FrameReceived, 2)


async def test_who_is_not_admitted_in_time_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{LISTENER}.HELLO_MS_MAX", 300)
    a, b, c = End(1, admits=False), End(2), End(3)
    async with running(a, b, c):
        await b.dial(a)
        await c.dial(a)
        a.network.admit(c.key)
        async with await trio.open_tcp_stream("127.0.0.1", port(a)) as silent:
            with trio.fail_after(2):
                assert await silent.receive_some() == b"\x13/multistream/1.0.0\n"
                assert await silent.receive_some() == b""
        assert (await a.wait(Disconnected)).peer == b.key
        assert a.all(Disconnected)[0].reason == "not admitted in time"
        await trio.sleep(0.5)
        assert a.has(c.key)


async def test_one_we_dialled_is_closed_in_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{LISTENER}.HELLO_MS_MAX", 300)
    a, b = End(1, admits=False), End(2)
    async with running(a, b):
        await a.dial(b)
        assert (await a.wait(Disconnected)).reason == "not admitted in time"


async def test_strangers_are_few_and_do_not_keep_a_member_out() -> None:
    few = 8  # said here, not imported: a node with another limit is not as it was promised
    a, member = End(1), End(2)
    async with running(a, member):
        silent = [await trio.open_tcp_stream("127.0.0.1", port(a)) for _ in range(30)]
        with trio.fail_after(PATIENCE_S):
            while a.network.state().refused < 30 - few:
                assert a.network.state().strangers <= few
                await trio.sleep(0.01)
        await trio.sleep(0.6)
        assert a.network.state().strangers == few
        await member.dial(a)
        assert a.network.state().strangers == few - 1, "one gave way, one was admitted"
        for each in silent:
            await each.aclose()


async def test_who_comes_while_no_file_is_left_comes_in_when_there_is_one() -> None:
    a = End(1)
    async with running(a):
        with socket.socket() as caller:
            with no_file_left():
                caller.connect(("127.0.0.1", port(a)))
                await trio.sleep(0.1)
                assert not a.network.state().strangers
            with trio.fail_after(2):
                while not a.network.state().strangers:
                    await trio.sleep(0.01)


async def test_newcomers_are_bounded_per_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonweal.node.network.connections.accept_limit.STRANGERS_BURST", 5)
    monkeypatch.setattr("commonweal.node.network.connections.accept_limit.STRANGERS_PER_S", 10)
    a = End(1)
    async with running(a):
        before, answered = trio.current_time(), 0
        for _ in range(10):
            async with await trio.open_tcp_stream("127.0.0.1", port(a)) as each:
                with suppress(trio.BrokenResourceError):
                    answered += bool(await each.receive_some())
        assert 5 <= answered <= 6 + 10 * (trio.current_time() - before)
        assert a.network.state().refused == 10 - answered


async def test_three_hundred_connections_opened_and_closed_use_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for limit in ("STRANGERS_PER_S", "STRANGERS_BURST", "NETWORK_PER_S", "NETWORK_BURST"):
        monkeypatch.setattr(f"commonweal.node.network.connections.accept_limit.{limit}", 10_000)
    a, good = End(1), End(2)
    keys = Network(bytes([9]) * 32, [], good.events.append, validate=_no, mdns=False)._keys
    async with running(a, good):
        await trio.sleep(0.3)
        tasks = trio.lowlevel.current_statistics().tasks_living
        for i in range(300):
            socket = await trio.open_tcp_stream("127.0.0.1", port(a))
            if i % 5 == 0:
                await secure(SocketCarrier(socket), keys, a.key)
            elif i % 5 == 1:
                await socket.send_all(b"GET / HTTP/1.1\r\n\r\n")
            await socket.aclose()
        with trio.fail_after(PATIENCE_S):
            while trio.lowlevel.current_statistics().tasks_living > tasks:
                await trio.sleep(0.01)
        assert a.network.state().strangers == 0
        await good.dial(a)


async def test_a_guest_may_stay_with_small_frames_and_hears_no_gossip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{LISTENER}.HELLO_MS_MAX", 300)
    a, b, guest = End(1, admits=False), End(2), End(3)
    async with running(a, b, guest):
        await b.dial(a)
        a.network.admit(b.key)
        await guest.dial(a)
        a.network.guest(guest.key)
        await trio.sleep(0.5)
        assert a.has(guest.key)
        assert a.network.state().guests == 1
        assert a.network.state().strangers == 0
        for end in (a, b, guest):
            end.network.subscribe(["t"])
        guest.network.send(a.key, bytes(GUEST_FRAME_BYTES_MAX))
        await a.wait(FrameReceived)
        await gossip_works(b, a)
        guest.network.publish("t", b"from the guest")
        a.network.publish("t", b"not for guests")
        await heard(b, b"not for guests")
        await trio.sleep(0.3)
        assert not guest.all(GossipReceived)
        assert b"from the guest" not in [each.data for each in a.all(GossipReceived)]
        guest.network.send(a.key, bytes(GUEST_FRAME_BYTES_MAX + 1))
        await a.wait(Disconnected)
        assert not a.has(guest.key)


async def test_guests_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{NETWORK}.GUESTS_MAX", 1)
    assert GUESTS_MAX > 1
    a, b, c = End(1, admits=False), End(2), End(3)
    async with running(a, b, c):
        for each in (b, c):
            await each.dial(a)
            a.network.guest(each.key)
        assert a.has(b.key)
        assert not a.has(c.key)


async def test_admission_ends_with_the_connection() -> None:
    a, b = End(1, admits=False), End(2)
    async with running(a, b):
        await b.dial(a)
        a.network.admit(b.key)
        b.network.send(a.key, bytes(HELLO_BYTES_MAX + 1))
        await a.wait(FrameReceived)
        b.network.drop(a.key, "again")
        await a.wait(Disconnected)
        await b.dial(a)
        b.network.send(a.key, bytes(HELLO_BYTES_MAX + 1))
        await a.wait(Disconnected, 2)


async def gossip_works(sender: End, receiver: End) -> None:
    """Publish until the receiver hears it: a mesh needs a moment to form."""
    data = b"mesh %d" % len(receiver.events)
    with trio.fail_after(PATIENCE_S):
        while data not in [each.data for each in receiver.all(GossipReceived)]:
            sender.network.publish("t", data)
            await trio.sleep(0.2)  # seldom, so that a slow beginning uses no budget up


def port(end: End) -> int:
    """The port that an end listens on."""
    return int(end.network.addresses[0].split("/")[4])


def _no(_message: GossipMessage) -> ValidatedGossip:
    return ValidatedGossip(ValidationResult.REJECT)
