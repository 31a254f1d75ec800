"""One stream of a yamux connection: its queue, its windows, and libp2p's stream interface.

What it holds is bounded on both sides: a peer cannot send beyond the window that it was granted,
and `write` waits while much is queued. It never touches the socket, which is the Mux's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import IntFlag
from typing import TYPE_CHECKING, Any, Final, cast

import trio
from libp2p.abc import IMuxedConn, INetStream
from libp2p.custom_types import TProtocol
from libp2p.network.stream.exceptions import StreamClosed, StreamEOF, StreamReset

if TYPE_CHECKING:
    from commonweal.node.network.channel.yamux import Mux

WINDOW_BYTES: Final = 256 * 1024
"""Bytes that either side may send on a new stream; fixed by the specification."""
WINDOW_BYTES_MAX: Final = 1 << 30
WRITE_BYTES_MAX: Final = 256 * 1024
"""`write` waits while more than this is queued on its stream."""


class Flag(IntFlag):
    """The flags of a yamux frame."""

    NONE = 0
    SYN = 1
    ACK = 2
    FIN = 4
    RST = 8


class Violation(Exception):
    """The other end broke the rules of yamux."""


class Stream(INetStream):
    """One stream of a Mux: libp2p's stream interface, and calls that never wait.

    `push` queues without waiting. With a `sink`, what arrives is handed over at once and the window
    reopens only by `grant`; without one it waits for `read`, which grants as many bytes as it took.
    """

    def __init__(self, mux: Mux, stream_id: int) -> None:
        self.id = stream_id
        self.mux = mux
        self.muxed_conn = cast(IMuxedConn, mux)
        self.metric_send_channel: trio.MemorySendChannel[Any] | None = None
        self.queued_bytes = 0
        self.queued = deque[bytes | memoryview]()
        self.send_window = WINDOW_BYTES
        self.waiting = False
        self.is_reset = False
        self.is_ended = False
        self.sink: Callable[[bytes], None] | None = None
        self.on_end: Callable[[], None] | None = None
        self.on_sent: Callable[[int], None] | None = None
        """Takes how many queued bytes went out."""
        self._protocol: TProtocol | None = None
        self._window = WINDOW_BYTES
        self._recv_window = WINDOW_BYTES
        self._ungranted = 0
        self._buffer = bytearray()
        self._finished = False
        self._readable = trio.lowlevel.ParkingLot()
        self._writable = trio.lowlevel.ParkingLot()

    def push(self, data: bytes) -> None:
        """Queue data to be sent, without waiting; does nothing on a stream that has ended."""
        if self.is_reset or self._finished or not data:
            return
        self.queued.append(data)
        self.queued_bytes += len(data)
        if self.send_window:
            self.mux.wake(self)

    async def write(self, data: bytes) -> None:
        """Queue all of data, then wait until the queue is short. Raises StreamClosed."""
        if self.is_reset or self._finished:
            raise StreamClosed("the stream is closed")
        self.push(data)
        await trio.lowlevel.checkpoint()
        while self.queued_bytes > WRITE_BYTES_MAX and not self.is_reset:
            await self._writable.park()
        if self.is_reset:
            raise StreamReset("the stream was reset")

    async def read(self, n: int | None = None) -> bytes:
        """Return 1 to n bytes. Raises StreamEOF, StreamReset."""
        while not self._buffer:
            if self.is_reset:
                raise StreamReset("the stream was reset")
            if self.is_ended:
                raise StreamEOF("the stream has ended")
            await self._readable.park()
        taken = bytes(self._buffer if n is None or n < 0 else self._buffer[:n])
        del self._buffer[: len(taken)]
        self.grant(len(taken))
        return taken

    async def read_into(self, view: memoryview) -> int:
        """Write 1 to len(view) bytes into `view`; return how many, 0 at the end.

        Raises StreamReset.
        """
        while not self._buffer:
            if self.is_reset:
                raise StreamReset("the stream was reset")
            if self.is_ended:
                return 0
            await self._readable.park()
        size = min(len(view), len(self._buffer))
        view[:size] = self._buffer[:size]
        del self._buffer[:size]
        self.grant(size)
        return size

    async def room(self) -> None:
        """Wait until at most WRITE_BYTES_MAX are queued. Raises StreamClosed, StreamReset."""
        await trio.lowlevel.checkpoint()
        while self.queued_bytes > WRITE_BYTES_MAX and not self.is_reset:
            await self._writable.park()
        if self.is_reset:
            raise StreamReset("the stream was reset")
        if self._finished:
            raise StreamClosed("the stream is closed")

    async def close(self) -> None:
        """Send what is queued, then nothing more; the other end may still send."""
        self.finish()

    def finish(self) -> None:
        """Send what is queued, then nothing more. Never waits."""
        if self._finished or self.is_reset:
            return
        self._finished = True
        if not self.queued_bytes:
            self.sent()

    def join_queue(self) -> None:
        """Hold what is queued as one piece, when its pieces are many and small."""
        joined = b"".join(self.queued)
        self.queued.clear()
        self.queued.append(joined)

    async def reset(self) -> None:
        """End both directions now."""
        self.cut()

    def cut(self) -> None:
        """End both directions now. Never waits."""
        if self.is_reset:
            return
        self.mux.put_end(self, Flag.RST)
        self.mux.forget(self)
        self.abandon()

    def pour(self, sink: Callable[[bytes], None]) -> None:
        """From now on hand over what arrives, beginning with what is already here."""
        self.sink = sink
        if self._buffer:
            held = bytes(self._buffer)
            self._buffer.clear()
            sink(held)

    def grant(self, size: int) -> None:
        """Let the other end send `size` bytes more; told in steps of half a window."""
        self._ungranted += size
        if self._ungranted >= self._window // 2 and not self.is_ended and not self.is_reset:
            self._recv_window += self._ungranted
            self.mux.put_window(self, self._ungranted)
            self._ungranted = 0

    def widen(self, window: int) -> None:
        """Let the other end have `window` bytes under way from now on."""
        self._ungranted += max(0, window - self._window)
        self._window = max(window, self._window)
        self.grant(0)

    def get_protocol(self) -> TProtocol | None:
        """The protocol agreed on for this stream."""
        return self._protocol

    def set_protocol(self, protocol_id: TProtocol) -> None:
        """Remember the protocol agreed on."""
        self._protocol = protocol_id

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return None: what this node observed of a peer is not shown to handlers."""
        return None

    # What follows is called by the Mux.

    def expect(self, size: int) -> None:
        """Count `size` announced bytes. Raises Violation beyond the window."""
        if size > self._recv_window:
            raise Violation("overruns the window")
        self._recv_window -= size

    def arrive(self, data: bytes) -> None:
        """Take bytes of the other end."""
        if self.is_reset:
            return
        if self.sink is not None:
            self.sink(data)
        else:
            self._buffer += data
            self._readable.unpark_all()

    def widen_send(self, size: int) -> None:
        """Let this end send `size` bytes more. Raises Violation for an impossible window."""
        if self.send_window + size > WINDOW_BYTES_MAX:
            raise Violation("grants an impossible window")
        self.send_window += size
        if self.queued_bytes:
            self.mux.wake(self)

    def take(self, head: bytes, size: int) -> bytes:
        """Return the next `size` queued bytes after `head`, as one message."""
        pieces: list[bytes | memoryview] = [head]
        left = size
        while left:
            piece = self.queued.popleft()
            if len(piece) > left:
                view = memoryview(piece)
                self.queued.appendleft(view[left:])
                piece = view[:left]
            pieces.append(piece)
            left -= len(piece)
        self.queued_bytes -= size
        self.send_window -= size
        if self.on_sent is not None:
            self.on_sent(size)
        return b"".join(pieces)

    def sent(self) -> None:
        """Note that the queue was sent as far as the window allows."""
        if self.queued_bytes <= WRITE_BYTES_MAX:
            self._writable.unpark_all()
        if self._finished and not self.queued_bytes and not self.is_reset:
            self.mux.put_end(self, Flag.FIN)
            if self.is_ended:
                self.mux.forget(self)

    def end(self) -> None:
        """Note that the other end sends no more."""
        self.is_ended = True
        if self._finished and not self.queued_bytes:
            self.mux.forget(self)
        self._over()

    def abandon(self) -> None:
        """Drop everything: the stream was reset, or its connection has ended."""
        self.is_reset = True
        self.queued.clear()
        self.queued_bytes = 0
        self._buffer.clear()
        self._over()

    def _over(self) -> None:
        self._readable.unpark_all()
        self._writable.unpark_all()
        if self.on_end is not None:
            ended, self.on_end = self.on_end, None
            ended()
