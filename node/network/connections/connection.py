"""One connection to one peer: its trust level, its sync stream, and what it may send.

A frame is a length of 4 bytes (big-endian) and that many bytes; `Connection` cuts the stream
into frames and checks their size. Frames go out through a bounded outbox and come in against a
budget of bytes handed over but not yet `done`. Beyond the budget nothing is thrown away: the
window of the stream stays shut until the node has caught up. How large a frame and how many
streams are allowed depends on the trust level. It never opens or closes a socket.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, assert_never

import trio

from commonweal.node.network.channel.noise import SecureChannel
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.connections.accept_limit import PendingConnection
from commonweal.node.token_bucket import TokenBucket
from commonweal.node.transport import (
    FRAME_BYTES_MAX,
    FRAME_PROGRESS_MS,
    GUEST_FRAME_BYTES_MAX,
    HELLO_BYTES_MAX,
    PeerKey,
    TrustLevel,
)
from commonweal.protocol.identity.invite import CIRCUIT

LENGTH_BYTES: Final = 4
OUTBOX_BYTES_MAX: Final = 8 * 1024 * 1024
OUTBOX_FRAMES_MAX: Final = 16_384
INBOUND_BYTES_MAX: Final = 4 * 1024 * 1024
INBOUND_FRAMES_MAX: Final = 4_096
FRAMES_PER_S: Final = 2_000
FRAMES_BURST: Final = 10_000
"""Frames that a peer may send, however fast they are taken; a busy node makes a few hundred."""
SYNC_WINDOW_BYTES: Final = 1 << 20
"""Bytes that an admitted peer may have in flight on its sync stream."""
STRANGER_STREAMS_MAX: Final = 2
MEMBER_STREAMS_MAX: Final = 32


class ServeConnection(Protocol):
    """Moves the bytes of a secured connection until it ends."""

    async def __call__(
        self,
        peer: PeerKey,
        channel: SecureChannel,
        address: str,
        scope: trio.CancelScope,
        *,
        pending: PendingConnection | None = None,
        agreed: Callable[[], None] | None = None,
    ) -> None:
        """Serve until the other end, a broken limit or `scope` ends it.

        address: the multiaddr of the other end. pending: the place of an inbound connection.
        agreed: given where this end is the client, and called once the peer took the sync stream.
        """


class Connection:
    """The state of one connection. Every method is a plain call; none waits.

    scope: ends the connection when it is cancelled or its deadline passes. received: takes each
    whole frame. coming: takes, now and then, how many bytes have come of a frame that is not
    whole yet. failed: takes a reason when the peer breaks a limit; the caller then closes the
    connection.
    """

    def __init__(
        self,
        peer: PeerKey,
        address: str,
        scope: trio.CancelScope,
        *,
        outbound: bool,
        received: Callable[[bytes], None],
        coming: Callable[[int], None],
        failed: Callable[[Connection, str], None],
    ) -> None:
        self.peer = peer
        self.address = address
        self.scope = scope
        self.pending: PendingConnection | None = None
        """The place of an inbound connection before its peer is admitted."""
        self.outbound = outbound
        self.relayed = CIRCUIT in address
        """Whether another node passes its bytes on."""
        self.trust = TrustLevel.STRANGER
        self.since = trio.current_time()
        self.mux: Mux | None = None
        self.sync: Stream | None = None
        self.is_over = False
        self.held_bytes = 0
        self._held_frames = 0
        self._frames = TokenBucket(FRAMES_PER_S, FRAMES_BURST)
        self._received, self._coming = received, coming
        self._progress_at = 0.0
        self._failed = failed
        self._buffer = bytearray()
        self._ungranted = 0
        self._delivering = False

    @property
    def outbox_bytes(self) -> int:
        """Bytes queued for the peer and not yet written."""
        return self.sync.queued_bytes if self.sync is not None else 0

    def start(self, sync: Stream) -> None:
        """The sync stream is agreed on: hand over its frames from now on."""
        self.sync = sync
        if self.trust is TrustLevel.MEMBER:
            sync.widen(SYNC_WINDOW_BYTES)
        sync.pour(self._take)

    def set_trust(self, trust: TrustLevel) -> None:
        """Apply the limits of another trust level from now on."""
        self.trust = trust
        if trust is TrustLevel.MEMBER:
            if self.mux is not None:
                self.mux.streams_max = MEMBER_STREAMS_MAX
            if self.sync is not None:
                self.sync.widen(SYNC_WINDOW_BYTES)
        self._deliver()

    def send(self, frame: bytes) -> bool:
        """Queue one frame; False when the outbox is full."""
        assert len(frame) <= FRAME_BYTES_MAX, "the service keeps frames within the limit"
        sync = self.sync
        if sync is None or self.is_over:
            return True
        if (
            sync.queued_bytes + len(frame) > OUTBOX_BYTES_MAX
            or len(sync.queued) >= OUTBOX_FRAMES_MAX
        ):
            return False
        sync.push(len(frame).to_bytes(LENGTH_BYTES, "big") + frame)
        return True

    def done(self, size: int) -> None:
        """The service took a frame of this size; its bytes return to the budget.

        The frame may have come over an earlier connection of this peer, whose budget is gone.
        """
        self._held_frames = max(0, self._held_frames - 1)
        self.held_bytes = max(0, self.held_bytes - size)
        self._deliver()

    def _take(self, data: bytes) -> None:
        self._buffer += data
        self._ungranted += len(data)
        self._deliver()
        now = trio.current_time()
        is_due = now - self._progress_at >= FRAME_PROGRESS_MS / 1_000
        if self._buffer and is_due and self.trust is TrustLevel.MEMBER and not self.is_over:
            self._progress_at = now
            self._coming(len(self._buffer))

    def _deliver(self) -> None:
        """Hand over whole frames while the budget allows, then reopen the window."""
        if self._delivering:
            return
        self._delivering = True
        buffer, at, shut = self._buffer, 0, False
        while not self.is_over and len(buffer) - at >= LENGTH_BYTES:
            if shut := self._is_full():
                break
            size = int.from_bytes(buffer[at : at + LENGTH_BYTES], "big")
            if size > self._frame_bytes_max():
                self._failed(self, "sent a frame that is too large")
                break
            if shut := self.held_bytes + size > INBOUND_BYTES_MAX:
                break
            if len(buffer) - at - LENGTH_BYTES < size:
                break
            if not self._frames.spend(1):
                self._failed(self, "sends more frames than there is to say")
                break
            at += LENGTH_BYTES
            frame = bytes(memoryview(buffer)[at : at + size])
            at += size
            self.held_bytes += size
            self._held_frames += 1
            self._received(frame)
        del buffer[:at]
        self._delivering = False
        if not shut and self.sync is not None and self._ungranted:
            self.sync.grant(self._ungranted)
            self._ungranted = 0

    def _is_full(self) -> bool:
        """A peer that is not admitted has at most one frame waiting for the service."""
        if self.trust is TrustLevel.STRANGER:
            return self._held_frames >= 1
        return self._held_frames >= INBOUND_FRAMES_MAX

    def _frame_bytes_max(self) -> int:
        match self.trust:
            case TrustLevel.STRANGER:
                return HELLO_BYTES_MAX
            case TrustLevel.GUEST:
                return GUEST_FRAME_BYTES_MAX
            case TrustLevel.MEMBER:
                return FRAME_BYTES_MAX
            case _:
                assert_never(self.trust)
