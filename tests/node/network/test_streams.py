"""Streams of one connection: yamux and multistream-select, without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
import trio
import trio.testing
from libp2p.identity_utils import create_identity_from_seed
from libp2p.network.stream.exceptions import StreamError
from trio.testing import MockClock

from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.multistream import NoAgreement, choose, offer
from commonweal.node.network.channel.noise import SecureChannel, secure
from commonweal.node.network.channel.stream import WINDOW_BYTES, WRITE_BYTES_MAX, Stream
from commonweal.node.network.channel.yamux import (
    CONTROL_WORK,
    HEADER,
    WORK_BURST,
    FrameType,
    Mux,
)

SEED = bytes([7]) * 32
HELLO = b"\x13/multistream/1.0.0\n"


@pytest.fixture
def clock() -> MockClock:
    """Time that stands still, so that no work is forgiven meanwhile."""
    return MockClock()


@asynccontextmanager
async def two_muxes(opened: Callable[[Stream], None]) -> AsyncIterator[tuple[Mux, Mux]]:
    """Two ends of yamux over one proven loopback connection; `opened` is the second's."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    near, far = create_identity_from_seed(SEED), create_identity_from_seed(bytes(32))
    far_key = far.public_key.to_bytes()
    sessions: dict[str, SecureChannel] = {}

    async def dial() -> None:
        socket = await trio.open_tcp_stream("127.0.0.1", listeners[0].socket.getsockname()[1])
        sessions["near"] = (await secure(SocketCarrier(socket), near, far_key))[1]  # type: ignore[arg-type]

    async def accept() -> None:
        sessions["far"] = (await secure(SocketCarrier(await listeners[0].accept()), far, None))[1]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(dial)
        nursery.start_soon(accept)
    one = Mux(sessions["near"], outbound=True, peer_id=0, opened=lambda _: None, streams_max=300)
    two = Mux(sessions["far"], outbound=False, peer_id=0, opened=opened, streams_max=300)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.run)
        nursery.start_soon(two.run)
        yield one, two
        one.close("done")
        two.close("done")
    await listeners[0].aclose()


class Packets:
    """Stands for a secure channel whose other end sends what the test says."""

    def __init__(self) -> None:
        self.coming, self._came = trio.open_memory_channel[list[bytes]](1)

    async def receive(self) -> list[bytes] | None:
        return await self._came.receive()

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("opening", "packet", "spent"),
    [
        (b"", b"", 0),
        (HEADER.pack(0, FrameType.DATA, 0, 1, WINDOW_BYTES), b"x", 1 + CONTROL_WORK),
        (HEADER.pack(0, FrameType.PING, 0, 0, 0), b"", CONTROL_WORK),
    ],
    ids=["empty", "a byte of a frame", "empty after a frame"],
)
async def test_a_message_in_which_no_frame_begins_costs_its_sender_something(
    opening: bytes, packet: bytes, spent: int, clock: MockClock
) -> None:
    """Each is decrypted; a stranger could send nothing else without end."""
    channel = Packets()
    mux = Mux(
        cast(SecureChannel, channel),
        outbound=False,
        peer_id=0,
        opened=lambda _: None,
        streams_max=1,
    )
    spent += not opening
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mux.run)
        await channel.coming.send([opening])
        await channel.coming.send([packet] * (WORK_BURST - spent))
        await trio.testing.wait_all_tasks_blocked()
        assert not mux.is_closed
        await channel.coming.send([packet])
        await trio.testing.wait_all_tasks_blocked()
        assert mux.is_closed
        assert (mux.reason, mux.by_us) == ("broke the protocol: makes more work than it may", True)


async def test_a_cancelled_write_or_read_breaks_nothing() -> None:
    async with trio.open_nursery() as nursery:

        async def echo(stream: Stream) -> None:
            try:
                while True:
                    await stream.write(await stream.read(65_536))
            except StreamError:
                stream.cut()

        async with two_muxes(lambda each: nursery.start_soon(echo, each)) as (one, _):
            kept = one.open()
            for i in range(100):
                other = one.open()
                with trio.move_on_after(0.0005 * (i % 9)):
                    await other.write(b"z" * 600_000)
                    await other.read(65_536)
                other.cut()
                await kept.write(bytes([i]) * 3)
                with trio.fail_after(4):
                    got = b""
                    while len(got) < 3:
                        got += await kept.read(3)
                assert got == bytes([i]) * 3
        nursery.cancel_scope.cancel()


async def test_a_reader_wakes_when_its_stream_is_reset_here() -> None:
    async with two_muxes(lambda _: None) as (one, _):
        stream = one.open()
        with trio.fail_after(2):
            async with trio.open_nursery() as nursery:

                async def read() -> None:
                    with pytest.raises(Exception, match="reset"):
                        await stream.read(1)

                nursery.start_soon(read)
                await trio.sleep(0.05)
                await stream.reset()


async def test_an_unread_stream_holds_one_window_and_the_others_flow() -> None:
    arrived: list[Stream] = []
    async with two_muxes(arrived.append) as (one, _):
        unread, flowing = one.open(), one.open()
        unread.push(bytes(1 << 20))
        flowing.push(b"x")
        with trio.fail_after(2):
            while len(arrived) < 2 or len(arrived[0]._buffer) < WINDOW_BYTES:
                await trio.sleep(0.01)
            assert await arrived[1].read(1) == b"x"
        await trio.sleep(0.1)
        assert len(arrived[0]._buffer) == WINDOW_BYTES
        assert unread.queued_bytes == (1 << 20) - WINDOW_BYTES
        got = 0
        with trio.fail_after(2):
            while got < 1 << 20:
                got += len(await arrived[0].read(65_536))


async def test_a_write_waits_for_a_reader() -> None:
    async with two_muxes(lambda _: None) as (one, _):
        stream = one.open()
        with trio.move_on_after(0.2) as gave_up:
            while True:
                await stream.write(bytes(100_000))
        assert gave_up.cancelled_caught
        assert stream.queued_bytes <= WRITE_BYTES_MAX + 100_000


async def test_a_closed_stream_sends_what_is_queued_and_is_then_forgotten() -> None:
    arrived: list[Stream] = []
    async with two_muxes(arrived.append) as (one, two):
        stream = one.open()
        await stream.write(b"last words")
        await stream.close()
        with trio.fail_after(2):
            while not arrived:
                await trio.sleep(0.01)
            assert await arrived[0].read() == b"last words"
            with pytest.raises(EOFError):
                await arrived[0].read()
            await arrived[0].close()
            while one.streams or two.streams:
                await trio.sleep(0.01)


class Said:
    """A pipe that says what it was given."""

    def __init__(self, said: bytes) -> None:
        self.said = said
        self.answers = b""

    async def read(self, n: int | None = None) -> bytes:
        """What is left to say."""
        await trio.lowlevel.checkpoint()
        taken, self.said = self.said[:n], self.said[n:] if n is not None else b""
        return taken

    async def write(self, data: bytes) -> None:
        """Note an answer."""
        self.answers += data


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x13",
        b"\x00",
        b"\x05http\n",
        b"\x13/multistream/1.0.0 ",
        b"\xff\xff\xff\x7f",
        HELLO + b"\x80\x04" + b"x" * 512,
        HELLO + b"\x03no\n" * 8 + b"\x04yes\n",
    ],
)
async def test_what_is_not_multistream_is_refused(said: bytes) -> None:
    with pytest.raises(NoAgreement):
        await choose(Said(said), lambda: ("yes",))


async def test_both_ends_agree_on_what_is_offered() -> None:
    pipe = Said(HELLO + b"\x03no\n\x03ls\n\x04yes\n")
    assert await choose(pipe, lambda: ("yes",)) == "yes"
    assert pipe.answers == HELLO + b"\x03na\n" * 2 + b"\x04yes\n"
    await offer(Said(HELLO + b"\x04yes\n"), "yes")
    with pytest.raises(NoAgreement):
        await offer(Said(HELLO + b"\x03na\n"), "yes")
