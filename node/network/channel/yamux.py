"""Yamux: many streams over one secure channel, with flow control enforced on both sides.

One task reads and one writes. A sender puts bytes into the stream's queue and never touches the
socket, so a cancelled caller cannot leave half a frame behind, and closing is a plain call that
cannot wait. A peer that overruns a window or sends too many frames is disconnected. libp2p's own
muxer is not used: it gives up after 5 s without window (a busy reader is not a dead one), buffers
whatever a peer sends, and wakes no reader whose stream is reset.
Source: https://github.com/hashicorp/yamux/blob/master/spec.md
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Final

import trio
from libp2p.network.stream.exceptions import StreamClosed

from commonweal.node.network.channel.noise import PLAIN_BYTES_MAX, SecureChannel, Stalled
from commonweal.node.network.channel.stream import Flag, Stream, Violation
from commonweal.node.token_bucket import TokenBucket

HEADER: Final = struct.Struct("!BBHII")
FLAGS: Final = Flag.SYN | Flag.ACK | Flag.FIN | Flag.RST
"""All known flags; Python would cache every other value of an IntFlag for ever."""
DATA_BYTES_MAX: Final = PLAIN_BYTES_MAX - HEADER.size
"""65,507: with its header one data frame fills one Noise message."""
BURST_MESSAGES_MAX: Final = 4
"""Noise messages in one write to the socket."""
CONTROL_BYTES_MAX: Final = 16 * 1024
"""Answers (acks, pongs, resets) that may wait for a peer that does not read."""
WORK_PER_S: Final = 10_000
WORK_BURST: Final = 40_000
"""Work that a peer may cause by frames: data costs 1, frames without data cost more, and a Noise
message in which no frame begins costs 1, for it is decrypted, too."""
CONTROL_WORK: Final = 10
OPENING_WORK: Final = 200
"""A stream is a task and a negotiation: 50 a second, after 200 at once."""
FLUSH_S: Final = 0.5
"""Longest time that `finish` goes on writing."""


class FrameType(IntEnum):
    """The type of a yamux frame."""

    DATA = 0
    WINDOW = 1
    PING = 2
    GO_AWAY = 3


class Mux:
    """The streams of one secure channel. `run` moves bytes until the channel ends.

    opened: takes each stream that the other end opens. peer_id: what libp2p's pubsub reads from
    a stream's `muxed_conn`.
    """

    def __init__(
        self,
        channel: SecureChannel,
        *,
        outbound: bool,
        peer_id: object,
        opened: Callable[[Stream], None],
        streams_max: int,
    ) -> None:
        self.peer_id = peer_id
        self.is_closed = False
        self.streams: dict[int, Stream] = {}
        self.streams_max = streams_max
        self.reason = "closed by the peer"
        self.by_us = False
        """Whether it ended because the peer broke a limit."""
        self.ended = trio.Event()
        self.burst_messages_max = BURST_MESSAGES_MAX
        self._work = TokenBucket(WORK_PER_S, WORK_BURST)
        self._channel = channel
        self._opened = opened
        self._next_id = 1 if outbound else 2
        self._control = bytearray()
        self._ready: deque[Stream] = deque()
        self._idle = trio.lowlevel.ParkingLot()
        self._finishing = False
        self._reading = trio.CancelScope()
        self._body: tuple[int, Stream | None, Flag] | None = None
        self._partial = b""

    async def run(self) -> None:
        """Read and write until the channel ends; `reason` then says why. The caller closes."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_loop, nursery.cancel_scope)
            with self._reading:
                await self._read_loop()
            if self._finishing:
                await trio.sleep(FLUSH_S)
            nursery.cancel_scope.cancel()

    def open(self) -> Stream:
        """Return a new stream of ours. Raises StreamClosed when the channel has ended."""
        if self.is_closed or self._finishing:
            raise StreamClosed("the connection is closed")
        stream = Stream(self, self._next_id)
        self._next_id += 2
        self.streams[stream.id] = stream
        self._put(FrameType.WINDOW, Flag.SYN, stream.id, 0)
        return stream

    def close(self, reason: str, *, by_us: bool = False) -> None:
        """Close the socket now, and wake every waiting task. Idempotent."""
        if self.is_closed:
            return
        self.is_closed = True
        self.reason, self.by_us = reason, by_us
        self.ended.set()
        self._channel.close()
        for stream in list(self.streams.values()):
            stream.abandon()
        self.streams.clear()
        self._ready.clear()
        self._idle.unpark_all()
        self._reading.cancel()

    def finish(self, reason: str) -> None:
        """Read no more, write what is queued for at most FLUSH_S, then close. Never waits."""
        if self._finishing or self.is_closed:
            return
        self._finishing = True
        self.reason = reason
        self._reading.cancel()
        self._idle.unpark_all()

    def wake(self, stream: Stream) -> None:
        """Note that a stream has something to send, or window again."""
        if not stream.waiting:
            stream.waiting = True
            self._ready.append(stream)
            self._idle.unpark_all()

    def forget(self, stream: Stream) -> None:
        """Forget a stream of which both directions have ended."""
        self.streams.pop(stream.id, None)

    def put_window(self, stream: Stream, size: int) -> None:
        """Let the other end send `size` bytes more on the stream."""
        self._put(FrameType.WINDOW, Flag.NONE, stream.id, size)

    def put_end(self, stream: Stream, flag: Flag) -> None:
        """Tell the other end that the stream is finished (FIN) or reset (RST)."""
        self._put(FrameType.WINDOW, flag, stream.id, 0)

    def _put(self, kind: FrameType, flag: Flag, stream_id: int, value: int) -> None:
        if self.is_closed:
            return
        self._control += HEADER.pack(0, kind, flag, stream_id, value)
        self._idle.unpark_all()

    async def _write_loop(self, scope: trio.CancelScope) -> None:
        try:
            while not self.is_closed:
                plains = self._gather()
                if plains:
                    await self._channel.send(plains)
                elif self._finishing:
                    break
                else:
                    await self._idle.park()
        except Stalled:
            self.close("takes no more bytes", by_us=True)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            self.close("the connection broke")
        scope.cancel()

    def _gather(self) -> list[bytes]:
        """Return what goes out next: control frames first, then each waiting stream in turn."""
        plains: list[bytes] = []
        if self._control:
            plains.append(bytes(self._control[:PLAIN_BYTES_MAX]))
            del self._control[:PLAIN_BYTES_MAX]
        while self._ready and len(plains) < self.burst_messages_max:
            stream = self._ready.popleft()
            stream.waiting = False
            size = min(stream.queued_bytes, stream.send_window, DATA_BYTES_MAX)
            if size:
                head = HEADER.pack(0, FrameType.DATA, Flag.NONE, stream.id, size)
                plains.append(stream.take(head, size))
            if stream.queued_bytes and stream.send_window:
                self.wake(stream)
            else:
                stream.sent()
        return plains

    async def _read_loop(self) -> None:
        try:
            while not self.is_closed:
                packets = await self._channel.receive()
                if packets is None:
                    self.close(self.reason)
                    return
                for plain in packets:
                    self._take(plain)
                    if self._is_ending():
                        return
                if len(self._control) > CONTROL_BYTES_MAX:
                    raise Violation("asks for more answers than it reads")
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            self.close("the connection broke")
        except Violation as wrong:
            self.close(f"broke the protocol: {wrong}", by_us=True)

    def _is_ending(self) -> bool:
        return self.is_closed or self._finishing

    def _take(self, plain: bytes) -> None:
        """Act on one plaintext, which costs something whatever it holds."""
        if not self._take_frames(plain):
            self._spend(1)

    def _take_frames(self, plain: bytes) -> int:
        """Act on the frames of one plaintext; return how many began. They may start anywhere."""
        if self._partial:
            plain = self._partial + plain
            self._partial = b""
        at, end, begun = 0, len(plain), 0
        while (at < end or self._body is not None) and not self.is_closed:
            if self._body is not None:
                left, stream, flags = self._body
                piece = plain[at : at + left]
                at += len(piece)
                left -= len(piece)
                self._body = (left, stream, flags) if left else None
                if stream is not None and piece:
                    stream.arrive(piece)
                if left:
                    return begun
                self._flags(stream, flags)
            elif end - at < HEADER.size:
                self._partial = plain[at:]
                return begun
            else:
                self._head(*HEADER.unpack_from(plain, at))
                at, begun = at + HEADER.size, begun + 1
        return begun

    def _head(self, version: int, kind: int, flags: int, stream_id: int, value: int) -> None:
        if version != 0:
            raise Violation("unknown version")
        self._spend(1 if kind == FrameType.DATA else CONTROL_WORK)
        flag = Flag(flags & FLAGS)
        match kind:
            case FrameType.DATA:
                stream = self._stream(stream_id, flag)
                if stream is not None:
                    stream.expect(value)
                else:
                    self._spend(CONTROL_WORK)
                self._body = (value, stream, flag)
            case FrameType.WINDOW:
                stream = self._stream(stream_id, flag)
                if stream is not None and value:
                    stream.widen_send(value)
                self._flags(stream, flag)
            case FrameType.PING:
                if flags & Flag.SYN:
                    self._put(FrameType.PING, Flag.ACK, 0, value)
            case FrameType.GO_AWAY:
                self.close(self.reason)
            case _:
                raise Violation("unknown kind of frame")

    def _spend(self, work: float) -> None:
        if not self._work.spend(work):
            raise Violation("makes more work than it may")

    def _stream(self, stream_id: int, flags: Flag) -> Stream | None:
        stream = self.streams.get(stream_id)
        if not flags & Flag.SYN:
            return stream
        if stream is not None or stream_id % 2 == self._next_id % 2 or stream_id == 0:
            raise Violation("opens a stream that is not its to open")
        if len(self.streams) >= self.streams_max:
            self._put(FrameType.WINDOW, Flag.RST, stream_id, 0)
            return None
        self._spend(OPENING_WORK)
        stream = self.streams[stream_id] = Stream(self, stream_id)
        self._put(FrameType.WINDOW, Flag.ACK, stream_id, 0)
        self._opened(stream)
        return stream

    def _flags(self, stream: Stream | None, flags: Flag) -> None:
        if stream is None:
            return
        if flags & Flag.RST:
            self.forget(stream)
            stream.abandon()
        elif flags & Flag.FIN:
            stream.end()
