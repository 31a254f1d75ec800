"""One connection to one peer: its standing, its sync stream, its two budgets.

Frames go out through a bounded outbox and come in against a budget of bytes handed over but
not yet `done`. Beyond the budget nothing is thrown away: the window of the stream stays shut
until the node has caught up. What a peer may send depends on its standing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, assert_never

import trio

from commonweal.node.network.stream import Stream
from commonweal.node.network.yamux import Mux
from commonweal.node.token_bucket import TokenBucket
from commonweal.node.transport import (
    FRAME_BYTES_MAX,
    FRAME_PROGRESS_MS,
    GUEST_FRAME_BYTES_MAX,
    HELLO_BYTES_MAX,
    PeerKey,
    TrustLevel,
)

LENGTH_BYTES: Final = 4
OUTBOX_BYTES_MAX: Final = 8 * 1024 * 1024
OUTBOX_FRAMES_MAX: Final = 16_384
INBOUND_BYTES_MAX: Final = 4 * 1024 * 1024
INBOUND_FRAMES_MAX: Final = 4_096
FRAMES_PER_S: Final = 2_000
FRAMES_BURST: Final = 10_000
"""What a peer may send, however fast it is taken in: a node that works makes a few hundred."""
SYNC_WINDOW_BYTES: Final = 1 << 20
"""What an admitted peer may have under way on its sync stream."""
STRANGER_STREAMS_MAX: Final = 2
MEMBER_STREAMS_MAX: Final = 32


class Connection:
    """The state of one connection. Every method is a plain call; none waits.

    received: called with each whole frame. coming: called now and then with how much has come
    of one that is not whole yet. failed: called with a reason when the peer
    breaks a limit; the caller then closes the connection.
    """

    def __init__(
        self,
        peer: PeerKey,
        address: str,
        *,
        outbound: bool,
        received: Callable[[bytes], None],
        coming: Callable[[int], None],
        failed: Callable[[Connection, str], None],
    ) -> None:
        self.peer = peer
        self.address = address
        self.outbound = outbound
        self.standing = TrustLevel.STRANGER
        self.since = trio.current_time()
        self.mux: Mux | None = None
        self.sync: Stream | None = None
        self.is_over = False
        self.held_bytes = 0
        self._held_frames = 0
        self._frames = TokenBucket(FRAMES_PER_S, FRAMES_BURST)
        self._received, self._coming = received, coming
        self._told_coming = 0.0
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
        if self.standing is TrustLevel.MEMBER:
            sync.widen(SYNC_WINDOW_BYTES)
        sync.pour(self._take)

    def rise(self, standing: TrustLevel) -> None:
        """Give the peer another standing."""
        self.standing = standing
        if standing is TrustLevel.MEMBER:
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
        """A frame of this size was taken; its bytes go back to the budget.

        It may have come over an earlier connection of this peer, whose budget is gone.
        """
        self._held_frames = max(0, self._held_frames - 1)
        self.held_bytes = max(0, self.held_bytes - size)
        self._deliver()

    def _take(self, data: bytes) -> None:
        self._buffer += data
        self._ungranted += len(data)
        self._deliver()
        now = trio.current_time()
        is_due = now - self._told_coming >= FRAME_PROGRESS_MS / 1_000
        if self._buffer and is_due and self.standing is TrustLevel.MEMBER and not self.is_over:
            self._told_coming = now
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
        """A peer that is not admitted has at most one frame waiting for the node."""
        if self.standing is TrustLevel.STRANGER:
            return self._held_frames >= 1
        return self._held_frames >= INBOUND_FRAMES_MAX

    def _frame_bytes_max(self) -> int:
        match self.standing:
            case TrustLevel.STRANGER:
                return HELLO_BYTES_MAX
            case TrustLevel.GUEST:
                return GUEST_FRAME_BYTES_MAX
            case TrustLevel.MEMBER:
                return FRAME_BYTES_MAX
            case _:
                assert_never(self.standing)
