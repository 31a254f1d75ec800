"""What a hostile or broken peer may send, and what libp2p may raise: the node goes on."""

from __future__ import annotations

import gc
import random
import struct
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from libp2p import new_host
from libp2p.abc import INetStream
from libp2p.crypto.ed25519 import Ed25519PublicKey, create_new_key_pair
from libp2p.crypto.keys import KeyPair, PublicKey
from libp2p.custom_types import TProtocol
from libp2p.host.exceptions import StreamFailure
from libp2p.identity_utils import create_identity_from_seed
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from multiaddr import Multiaddr

from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.noise import SecureChannel, peer_id, secure
from commonweal.node.network.channel.stream import WINDOW_BYTES, Flag
from commonweal.node.network.channel.yamux import CONTROL_BYTES_MAX, FrameType
from commonweal.node.network.libp2p import SYNC
from commonweal.node.transport import Connected, Disconnected, FrameReceived
from tests.builders.link_pairs import PATIENCE_S, End, foreign, reach, running

MESHSUB = "/meshsub/1.1.0"
HEADER = struct.Struct("!BBHII")
SEED = bytes([7]) * 32
HELLO = b"\x13/multistream/1.0.0\n"


def prefixed(body: bytes) -> bytes:
    """A body of less than 16 KiB behind its length as a varint."""
    return bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body


def field(number: int, value: bytes) -> bytes:
    """One length-delimited protobuf field."""
    return bytes([number << 3 | 2]) + prefixed(value)


def message(author: bytes, key: bytes, topic: bytes = b"t") -> bytes:
    """A gossip message as its author would have it; the signature fits nothing."""
    body = field(1, author) + field(2, b"data") + field(3, b"12345678") + field(4, topic)
    return field(2, body + field(5, b"x" * 64) + field(6, key))


HASHED = b"\x12\x20" + b"\x11" * 32
JUNK = [
    b"\x28" + random.Random(1).randbytes(40),
    b"\xff" * 12,
    b"\xff\xff\xff\xff\x07abc",
    prefixed(message(HASHED, b"junk")),
    prefixed(message(HASHED, b"\x08\x63" + field(2, b"zz"))),
    prefixed(message(HASHED, b"\x08\x01" + field(2, b"zz"))),
    prefixed(message(b"\x00\x24\x08\x01\x12\x20" + b"\xff" * 32, b"")),
    prefixed(message(b"", b"")),
    prefixed(message(b"\xff\xff", b"")),
    prefixed(message(b"\x00\x01", b"", topic=b"\xff\xfe")),
    prefixed(field(2, field(2, b"no topic"))),
    prefixed(field(3, field(3, field(1, b"\xff\xfe\xfa")))),
    prefixed(field(3, field(1, field(1, b"\xff\xfe\xfa") + field(2, b"\x01")))),
    prefixed(field(3, field(4, field(1, b"t") + field(2, field(1, b"\xff") + field(2, b"j"))))),
    prefixed(field(4, b"junk") + field(1, b"\x08\x01" + field(2, b"t"))),
]


async def test_junk_on_the_gossip_stream_ends_nothing_else() -> None:
    a, b = End(1), End(2)
    for end in (a, b):
        end.network.subscribe(["t"])
    async with running(a, b), foreign() as hostile:
        await reach(hostile, a)
        sync = await hostile.new_stream(peer_id(a.key), [TProtocol(SYNC)])
        await a.wait(Connected)
        await a.dial(b)
        for junk in JUNK:
            stream = await hostile.new_stream(peer_id(a.key), [TProtocol(MESHSUB)])
            await stream.write(junk)
            await trio.sleep(0.05)
            await stream.reset()
        await sync.write(b"\x00\x00\x00\x02ok")
        assert (await a.wait(FrameReceived)).frame == b"ok"
        with trio.fail_after(PATIENCE_S):
            while not a.network.state().gossip_heard:
                b.network.publish("t", b"gossip goes on")
                await trio.sleep(0.05)
        assert not a.all(Disconnected)
        assert a.network._gossip.restarts == 0


async def test_plaintext_with_a_members_public_key_is_refused() -> None:
    a, member = End(1), End(2)
    own = create_new_key_pair()
    members_key = Ed25519PublicKey.from_bytes(member.key)

    class Claim(type(own.private_key)):  # type: ignore[misc]
        def get_public_key(self) -> PublicKey:
            return members_key

    claimed = KeyPair(Claim(own.private_key.impl), members_key)  # type: ignore[attr-defined]
    transport = InsecureTransport(claimed)
    liar = new_host(key_pair=own, sec_opt={TProtocol(PLAINTEXT_PROTOCOL_ID): transport})
    async with running(a):
        async with liar.run([]):
            with pytest.raises(Exception, match="unable to connect"):
                with trio.fail_after(PATIENCE_S):
                    await liar.connect(info_from_p2p_addr(Multiaddr(a.network.addresses[0])))
        socket = await trio.open_tcp_stream("127.0.0.1", port(a))
        async with socket:
            await socket.send_all(b"\x13/multistream/1.0.0\n\x11/plaintext/2.0.0\n")
            with trio.fail_after(PATIENCE_S):
                said = b""
                while not said.endswith(b"\x03na\n"):
                    said += (more := await socket.receive_some())
                    assert more, "refused, not closed"
        assert not a.events
    with warnings.catch_warnings():  # libp2p leaves the socket of a failed dial to the collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def test_a_handler_that_raises_ends_its_stream_only() -> None:
    a = End(1)
    for number, error in enumerate((ValueError("bug"), OSError("disk"), AssertionError("x"))):

        async def raising(_stream: INetStream, error: Exception = error) -> None:
            raise error

        a.network._host.set_stream_handler(TProtocol(f"/raises/{number}"), raising)
    async with running(a), foreign() as other:
        await reach(other, a)
        sync = await other.new_stream(peer_id(a.key), [TProtocol(SYNC)])
        await a.wait(Connected)
        for number in range(3):
            with pytest.raises((StreamFailure, StreamError)), trio.fail_after(2):
                stream = await other.new_stream(peer_id(a.key), [TProtocol(f"/raises/{number}")])
                await stream.read(1)
        await sync.write(b"\x00\x00\x00\x02ok")
        assert (await a.wait(FrameReceived)).frame == b"ok"


async def test_an_oversize_frame_of_a_member_closes_his_link() -> None:
    a, b = End(1), End(2)
    async with running(a, b), foreign() as hostile:
        await a.dial(b)
        await reach(hostile, a)
        sync = await hostile.new_stream(peer_id(a.key), [TProtocol(SYNC)])
        await a.wait(Connected, 2)
        await sync.write((1 << 20).to_bytes(4, "big") + bytes(1_000))
        await trio.sleep(0.1)
        assert not a.all(Disconnected), "1 MiB is allowed"
        await sync.reset()
        await a.wait(Disconnected)
        await hostile.disconnect(peer_id(a.key))
        await reach(hostile, a)
        sync = await hostile.new_stream(peer_id(a.key), [TProtocol(SYNC)])
        await a.wait(Connected, 3)
        await sync.write((1 + (1 << 20)).to_bytes(4, "big"))
        assert "too large" in (await a.wait(Disconnected, 2)).reason
        assert a.has(b.key)


@asynccontextmanager
async def hostile_session(end: End) -> AsyncIterator[tuple[SecureChannel, trio.SocketStream]]:
    """A proven session with an end, below yamux."""
    socket = await trio.open_tcp_stream("127.0.0.1", port(end))
    async with socket:
        _, session = await secure(SocketCarrier(socket), create_identity_from_seed(SEED), end.key)
        yield session, socket


def frame(kind: int, flags: int, stream_id: int, value: int, body: bytes = b"") -> bytes:
    """One yamux frame."""
    return HEADER.pack(0, kind, flags, stream_id, value) + body


VIOLATIONS = {
    "an unknown version": HEADER.pack(1, 0, 0, 0, 0),
    "an unknown kind": frame(9, 0, 0, 0),
    "a stream of ours": frame(FrameType.WINDOW, Flag.SYN, 2, 0),
    "stream 0": frame(FrameType.WINDOW, Flag.SYN, 0, 0),
    "a stream twice": frame(FrameType.WINDOW, Flag.SYN, 1, 0) * 2,
    "more than the window": frame(FrameType.DATA, Flag.SYN, 1, WINDOW_BYTES + 1),
    "an impossible window": frame(FrameType.WINDOW, Flag.SYN, 1, 0xFFFFFFFF),
    "window updates without end": frame(FrameType.WINDOW, 0, 99, 0) * 4_500,
    "streams opened and reset without end": b"".join(
        frame(FrameType.WINDOW, Flag.SYN, 1 + 2 * i, 0)
        + frame(FrameType.WINDOW, Flag.RST, 1 + 2 * i, 0)
        for i in range(400)
    ),
    "pings without end": frame(FrameType.PING, Flag.SYN, 0, 1) * (2 * CONTROL_BYTES_MAX // 12),
}


@pytest.mark.parametrize("what", VIOLATIONS)
async def test_who_breaks_yamux_is_cut_off(what: str) -> None:
    a, b = End(1), End(2)
    wrong = VIOLATIONS[what]
    async with running(a, b):
        await a.dial(b)
        async with hostile_session(a) as (session, _):
            pieces = [wrong[at : at + 60_000] for at in range(0, len(wrong), 60_000)]
            await session.send(pieces)
            with trio.fail_after(2):
                while True:
                    try:
                        if await session.receive() is None:
                            break
                    except trio.BrokenResourceError:
                        break
                    except OSError:
                        break
        assert a.has(b.key)


async def test_sealed_bytes_that_were_changed_end_the_connection() -> None:
    a = End(1)
    async with running(a):
        async with hostile_session(a) as (session, socket):
            await socket.send_all(b"\x00\x20" + bytes(32))
            with trio.fail_after(2):
                assert await closed(session)
        with trio.fail_after(2):
            while a.network.state().strangers:
                await trio.sleep(0.01)


async def test_a_stranger_gets_few_streams_and_many_are_reset() -> None:
    a = End(1)
    async with running(a), hostile_session(a) as (session, _):
        asked = b"".join(frame(FrameType.WINDOW, Flag.SYN, 1 + 2 * i, 0) for i in range(100))
        await session.send([asked])
        answers = b""
        with trio.fail_after(2):
            while answers.count(frame(FrameType.WINDOW, Flag.RST, 199, 0)) == 0:
                answers += b"".join(await session.receive() or [])
        assert a.network.state().streams <= 2


async def test_of_two_sync_streams_opened_at_once_one_is_the_link() -> None:
    a = End(1, admits=False)
    asked = prefixed_line(b"/multistream/1.0.0") + prefixed_line(SYNC.encode())
    data = b"".join(frame(FrameType.WINDOW, Flag.SYN, i, 0) for i in (1, 3))
    data += b"".join(frame(FrameType.DATA, 0, i, len(asked), asked) for i in (1, 3))
    async with running(a):
        async with hostile_session(a) as (session, _):
            await session.send([data])
            answers = b""
            with trio.fail_after(PATIENCE_S):
                cut: list[int] = []
                while not cut:
                    answers += b"".join(await session.receive() or [])
                    cut = [i for i in (1, 3) if frame(FrameType.WINDOW, Flag.RST, i, 0) in answers]
            assert len(cut) == 1
            said = frame(FrameType.DATA, 0, 4 - cut[0], 6, b"\x00\x00\x00\x02ok")
            await session.send([said])
            assert (await a.wait(FrameReceived)).frame == b"ok"
        await a.wait(Disconnected)
        assert len(a.all(Connected)) == 1 and not a.network._links.linked


async def test_a_negotiation_without_end_is_ended() -> None:
    a = End(1)
    async with running(a):
        for opening in (
            b"\xff\xff\xff\xff\xff\xff",
            b"\x13/multistream/1.0.0\n" + b"\x03xx\n" * 50,
        ):
            async with await trio.open_tcp_stream("127.0.0.1", port(a)) as socket:
                with trio.fail_after(2):
                    try:
                        await socket.send_all(opening)
                        while await socket.receive_some():
                            pass
                    except trio.BrokenResourceError:
                        pass


def prefixed_line(text: bytes) -> bytes:
    """A line of multistream behind its length."""
    return bytes([len(text) + 1]) + text + b"\n"


async def closed(session: SecureChannel) -> bool:
    """Whether the other end closes."""
    try:
        while await session.receive() is not None:
            pass
    except (OSError, trio.BrokenResourceError):
        return True
    return True


def port(end: End) -> int:
    """The port that an end listens on."""
    return int(end.network.addresses[0].split("/")[4])
