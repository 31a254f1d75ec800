"""Two streams joined by a relay: what comes on one goes out on the other, bounded and paced.

The bytes are not looked at. What is held of a circuit is at most the window of its two streams:
a sender's window reopens only by what the receiver took, and when the pace allows it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

import trio

from commonweal.node.network.channel.stream import WINDOW_BYTES, Stream
from commonweal.node.network.relay.relay_limits import LINGER_S
from commonweal.node.token_bucket import TokenBucket

PIECES_MAX: Final = 64
"""Queued pieces of one direction before they are joined: many small ones take much memory."""
TIGHT_BYTES: Final = WINDOW_BYTES // 4
"""What a circuit may hold and get new window when all together hold much."""
PACE_S: Final = 0.02
"""How often windows that the pace kept shut are looked at."""


class Pace:
    """What all circuits of a relay together may move in a second, and hold.

    crowded: called when they hold more than `held_bytes_max`; it ends one of them.
    """

    def __init__(self, bytes_per_s: int, held_bytes_max: int, crowded: Callable[[], None]) -> None:
        self.held_bytes = 0
        self._held_bytes_max, self._crowded = held_bytes_max, crowded
        self._bucket = TokenBucket(bytes_per_s, max(bytes_per_s // 4, WINDOW_BYTES))
        self._waiting: deque[Splice] = deque()
        self._wakes = trio.Event()

    async def run(self) -> None:
        """Reopen windows as the pace allows, in turn, until cancelled."""
        while True:
            while self._waiting:
                for _ in range(len(self._waiting)):
                    splice = self._waiting.popleft()
                    if splice.is_over or splice.reopen():
                        continue
                    self._waiting.append(splice)
                await trio.sleep(PACE_S)
            self._wakes = trio.Event()
            await self._wakes.wait()

    def wait(self, splice: Splice) -> None:
        """Let this circuit reopen its windows when there is room again."""
        self._waiting.append(splice)
        self._wakes.set()

    def hold(self, size: int) -> None:
        """Add `size` to what waits for its readers; negative when they took it."""
        self.held_bytes += size
        if size > 0 and self.held_bytes > self._held_bytes_max:
            self._crowded()

    @property
    def is_tight(self) -> bool:
        """Whether more than half of what may be held is held."""
        return 2 * self.held_bytes > self._held_bytes_max

    def spend(self, size: int) -> bool:
        """Whether `size` bytes more may move now."""
        return self._bucket.spend(size)


class Splice:
    """One circuit. ended: called once, when both directions are over or one broke."""

    def __init__(
        self, near: Stream, far: Stream, pace: Pace, bytes_per_s: int, ended: Callable[[], None]
    ) -> None:
        self.moved_bytes = self.held_bytes = 0
        self.moved_at = self.taken_at = trio.current_time()
        """When something last came in, and when a reader last took something."""
        self.half_over_at = math.inf
        self.is_over = False
        self._near, self._far, self._pace, self._ended = near, far, pace, ended
        self._bucket = TokenBucket(bytes_per_s, max(bytes_per_s // 4, WINDOW_BYTES))
        self._owed: dict[Stream, int] = {near: 0, far: 0}
        self._is_waiting = False

    def start(self) -> None:
        """Move bytes from now on; what came already goes first."""
        ways = ((self._near, self._far), (self._far, self._near))
        for source, target in ways:
            source.on_end = partial(self._end_of, source, target)
            target.on_sent = partial(self._sent, source)
        for source, target in ways:
            source.pour(partial(self._move, target))
            if source.is_ended or source.is_reset:
                self._end_of(source, target)

    def cut(self) -> None:
        """End both directions now. Idempotent."""
        if self.is_over:
            return
        self.is_over = True
        self._pace.hold(-self.held_bytes)
        self.held_bytes = 0
        for stream in (self._near, self._far):
            stream.on_end = stream.on_sent = None
            stream.cut()
        self._ended()

    def look(self, idle_s: float) -> None:
        """End the circuit when nothing moves any more, or one end does not follow the other."""
        now = trio.current_time()
        streams = (self._near, self._far)
        is_through = all(stream.is_ended and not stream.queued_bytes for stream in streams)
        if is_through or now - self.half_over_at > LINGER_S or now - self.moved_at > idle_s:
            self.cut()

    def reopen(self) -> bool:
        """Reopen the windows that wait, as far as the pace allows; whether none waits any more."""
        if self._pace.is_tight and self.held_bytes > TIGHT_BYTES:
            return False
        for stream, size in self._owed.items():
            if size and not (self._bucket.has(size) and self._pace.spend(size)):
                return False
            self._bucket.spend(size)
            self._owed[stream] = 0
            stream.grant(size)
        self._is_waiting = False
        return True

    def _move(self, target: Stream, data: bytes) -> None:
        self.moved_bytes += len(data)
        self.moved_at = trio.current_time()
        before = target.queued_bytes
        target.push(data)
        if len(target.queued) > PIECES_MAX:
            target.join_queue()
        self.held_bytes += target.queued_bytes - before
        self._pace.hold(target.queued_bytes - before)

    def _sent(self, source: Stream, size: int) -> None:
        self.taken_at = trio.current_time()
        self.held_bytes -= size
        self._pace.hold(-size)
        self._owed[source] += size
        if not self._is_waiting and not self.reopen():
            self._is_waiting = True
            self._pace.wait(self)

    def _end_of(self, source: Stream, target: Stream) -> None:
        """One end sends no more, or is gone: the other is told."""
        if self.is_over:
            return
        if source.is_reset or target.is_reset:
            self.cut()
            return
        target.finish()
        self.half_over_at = min(self.half_over_at, trio.current_time())
        if target.is_ended:
            self.look(math.inf)
